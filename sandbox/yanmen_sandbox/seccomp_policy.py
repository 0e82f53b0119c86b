"""Which system calls a job may make, as data: one line and one reason each.

Everything not listed fails with EPERM; the calls of `KILLED` end the process, because nothing in a
job makes them unless someone else's code runs there. The list was read off strace over joins,
sorts, aggregates, errors and snapshot writing on DuckDB 2.0, after the engine had opened its files
and started its threads.
"""

from typing import NamedTuple

PROT_EXEC = 0x4
"""mmap(2), mprotect(2): pages that could run new code are refused."""


class Allowed(NamedTuple):
    """One admitted call; `masked_zero` = (argument, mask) admits it only if those bits are clear."""

    name: str
    reason: str
    masked_zero: tuple[int, int] | None = None
    reply_only: bool = False


COMPUTE = (
    Allowed("read", "the request is already read; waits for the node to close the request pipe"),
    Allowed("write", "the reply frame, and no other descriptor", reply_only=True),
    Allowed("pread64", "DuckDB reads blocks of the attached snapshot"),
    Allowed("lseek", "the import job reads its source"),
    Allowed("close", "descriptors of the engine and of Python"),
    Allowed("fstat", "size of an open file"),
    Allowed("newfstatat", "what fstat is on newer C libraries; by path Landlock and EPERM on open remain"),
    Allowed("mmap", "memory, never executable", masked_zero=(2, PROT_EXEC)),
    Allowed("mprotect", "memory of new arenas, never executable", masked_zero=(2, PROT_EXEC)),
    Allowed("munmap", "gives memory back"),
    Allowed("mremap", "grows large allocations; keeps their protection"),
    Allowed("madvise", "gives memory back"),
    Allowed("brk", "memory"),
    Allowed("futex", "locks and thread wake-ups"),
    Allowed("sched_yield", "DuckDB's task scheduler spins a little before it sleeps"),
    Allowed("sched_getaffinity", "DuckDB counts cores"),
    Allowed("getcpu", "jemalloc picks an arena"),
    Allowed("gettid", "threads name themselves"),
    Allowed("getpid", "DuckDB and Python ask for it; tells nothing"),
    Allowed("clock_gettime", "query timeout, where the vDSO does not serve it"),
    Allowed("clock_nanosleep", "timed waits"),
    Allowed("gettimeofday", "as clock_gettime"),
    Allowed("getrandom", "hash seeds of Python and DuckDB"),
    Allowed("membarrier", "DuckDB's and the C library's fences"),
    Allowed("rseq", "the C library registers threads"),
    Allowed("set_robust_list", "the C library registers threads"),
    Allowed("rt_sigaction", "Python resets handlers at exit"),
    Allowed("rt_sigprocmask", "the C library blocks signals around thread work"),
    Allowed("rt_sigreturn", "return from a signal handler"),
    Allowed("sigaltstack", "Python's fault handler stack"),
    Allowed("restart_syscall", "the kernel resumes an interrupted wait"),
    Allowed("exit", "a thread ends"),
    Allowed("exit_group", "the job ends"),
)
"""Every job, from the moment it may see data or hostile text."""

WRITE_SNAPSHOT = (
    Allowed("pwrite64", "blocks of the snapshot; no other descriptor of the job is open for writing"),
    Allowed("ftruncate", "DuckDB sizes the snapshot"),
    Allowed("fsync", "DuckDB's checkpoint; a no-op on a memory file"),
    Allowed("fdatasync", "as fsync"),
)
"""The import job alone, which writes its snapshot into one memory file."""

ATTACH = (
    Allowed("openat", "opens the snapshot by /proc/self/fd; Landlock already refuses every other file"),
    Allowed("fcntl", "DuckDB locks the database file"),
    Allowed("readlink", "DuckDB resolves /proc/self/fd"),
    Allowed("readlinkat", "as readlink"),
    Allowed("lstat", "DuckDB resolves paths"),
    Allowed("stat", "DuckDB looks for a write-ahead log beside the snapshot"),
    Allowed("statx", "as stat"),
    Allowed("access", "as stat"),
    Allowed("faccessat", "as stat, where access does not exist"),
    Allowed("faccessat2", "as faccessat"),
    Allowed("getcwd", "DuckDB makes the path absolute"),
    Allowed("getuid", "the job drops its privileges"),
    Allowed("geteuid", "as getuid"),
    Allowed("getgid", "as getuid"),
    Allowed("getegid", "as getuid"),
    Allowed("setgroups", "the job drops its groups"),
    Allowed("setresgid", "the job drops its group"),
    Allowed("setresuid", "the job drops its user"),
    Allowed("prctl", "dumpable, parent-death signal, no new privileges"),
    Allowed("seccomp", "the second, narrower filter"),
    Allowed("tgkill", "the C library tells its threads of the new user"),
)
"""Added while the snapshot is attached: Landlock already holds, the narrower filter follows."""

KILLED = (
    ("execve", "another program"),
    ("execveat", "another program"),
    ("fork", "another process"),
    ("vfork", "another process"),
    ("clone", "another process or thread"),
    ("clone3", "another process or thread"),
    ("socket", "network, vsock, netlink, kernel crypto"),
    ("socketpair", "sockets"),
    ("connect", "network"),
    ("bind", "network"),
    ("listen", "network"),
    ("accept", "network"),
    ("accept4", "network"),
    ("sendto", "network"),
    ("sendmsg", "network, passing descriptors"),
    ("ptrace", "other processes' memory"),
    ("process_vm_readv", "other processes' memory"),
    ("process_vm_writev", "other processes' memory"),
    ("pidfd_getfd", "other processes' descriptors"),
    ("bpf", "kernel attack surface"),
    ("perf_event_open", "kernel attack surface"),
    ("userfaultfd", "kernel exploitation aid"),
    ("io_uring_setup", "system calls that no filter sees"),
    ("io_uring_enter", "system calls that no filter sees"),
    ("io_uring_register", "system calls that no filter sees"),
    ("keyctl", "kernel keyrings"),
    ("add_key", "kernel keyrings"),
    ("request_key", "kernel keyrings"),
    ("mount", "file system view"),
    ("umount2", "file system view"),
    ("pivot_root", "file system view"),
    ("move_mount", "file system view"),
    ("open_tree", "file system view"),
    ("unshare", "namespaces"),
    ("setns", "namespaces"),
    ("open_by_handle_at", "files without a path"),
    ("kexec_load", "another kernel"),
    ("init_module", "kernel code"),
    ("finit_module", "kernel code"),
    ("delete_module", "kernel code"),
)
"""Calls that only foreign code in the job would make."""
