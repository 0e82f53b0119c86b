"""Which system calls a job may make, as data: one line and one reason each.

Everything not listed fails with EPERM; the calls of `KILLED` end the process, because nothing in a
job makes them unless someone else's code runs there. The list was read off strace over parsing,
joins, sorts, windows, aggregates, errors and snapshot writing on DuckDB 2.0 and Python 3.11, after
the engine had started its threads.
"""

from typing import NamedTuple


class Allowed(NamedTuple):
    """One admitted call: its numbers on x86_64 and aarch64 (None: the call does not exist there), and why.

    `never_executable` admits it only without PROT_EXEC in argument 2, `never_shared` only without
    MAP_SHARED in argument 3 (with it a snapshot could be mapped to be written), `only_to_reply` only with the
    reply's descriptor as argument 0.
    """

    name: str
    numbers: tuple[int | None, int | None]
    reason: str
    never_executable: bool = False
    never_shared: bool = False
    only_to_reply: bool = False


class Killed(NamedTuple):
    """One call that ends the process, its numbers as above, and what it would reach."""

    name: str
    numbers: tuple[int | None, int | None]
    reason: str


COMPUTE = (
    Allowed("read", (0, 63), "the request is already read; waits for the node to close the request pipe"),
    Allowed("write", (1, 64), "the reply frame, and no other descriptor", only_to_reply=True),
    Allowed("pread64", (17, 67), "DuckDB reads blocks of the attached snapshot"),
    Allowed("close", (3, 57), "descriptors of the engine and of Python"),
    Allowed("fstat", (5, 80), "size of an open file"),
    Allowed("mmap", (9, 222), "memory of its own, never executable", never_executable=True, never_shared=True),
    Allowed("mprotect", (10, 226), "memory of new arenas, never executable", never_executable=True),
    Allowed("munmap", (11, 215), "gives memory back"),
    Allowed("mremap", (25, 216), "grows large allocations; keeps their protection"),
    Allowed("madvise", (28, 233), "gives memory back"),
    Allowed("brk", (12, 214), "memory"),
    Allowed("futex", (202, 98), "locks and thread wake-ups"),
    Allowed("sched_yield", (24, 124), "DuckDB's task scheduler spins a little before it sleeps"),
    Allowed("sched_getaffinity", (204, 123), "DuckDB counts cores"),
    Allowed("getcpu", (309, 168), "jemalloc picks an arena"),
    Allowed("gettid", (186, 178), "threads name themselves"),
    Allowed("getpid", (39, 172), "DuckDB and Python ask for it; tells nothing"),
    Allowed("clock_gettime", (228, 113), "query timeout, where the vDSO does not serve it"),
    Allowed("clock_nanosleep", (230, 115), "timed waits"),
    Allowed("getrandom", (318, 278), "hash seeds of Python and DuckDB"),
    Allowed("rt_sigprocmask", (14, 135), "the C library blocks signals around thread work"),
    Allowed("rt_sigreturn", (15, 139), "return from a signal handler"),
    Allowed("restart_syscall", (219, 128), "the kernel resumes an interrupted wait"),
    Allowed("set_robust_list", (273, 99), "the C library registers a thread when it first runs, maybe only now"),
    Allowed("rseq", (334, 293), "as set_robust_list, and it aborts when refused"),
    Allowed("exit", (60, 93), "a thread ends"),
    Allowed("exit_group", (231, 94), "the job ends"),
)
"""Every job, from the moment it may see data or hostile text."""

WRITE_SNAPSHOT = (
    Allowed("newfstatat", (262, 79), "what fstat is in some C libraries: size of the snapshot"),
    Allowed("pwrite64", (18, 68), "blocks of the snapshot; no other descriptor of the job is open for writing"),
    Allowed("ftruncate", (77, 46), "DuckDB sizes the snapshot"),
    Allowed("fsync", (74, 82), "DuckDB's checkpoint; a no-op on a memory file"),
    Allowed("fdatasync", (75, 83), "as fsync"),
)
"""The import job alone, which writes its snapshot into one memory file."""

SPILL = (
    Allowed("openat", (257, 56), "opens a file in the scratch folder; Landlock refuses every other path"),
    Allowed("pwrite64", (18, 68), "blocks that do not fit in memory; no descriptor outside the scratch is writable"),
    Allowed("ftruncate", (77, 46), "DuckDB gives back the end of a scratch file"),
    Allowed("fallocate", (285, 47), "DuckDB gives back blocks within a scratch file"),
    Allowed("unlink", (87, None), "DuckDB removes a scratch file; Landlock refuses every other path"),
    Allowed("unlinkat", (263, 35), "as unlink"),
    Allowed("getdents64", (217, 61), "DuckDB looks for scratch files of an earlier engine"),
    Allowed("fcntl", (72, 25), "DuckDB locks its scratch files"),
    Allowed("readlink", (89, None), "DuckDB resolves /proc/self/fd"),
    Allowed("readlinkat", (267, 78), "as readlink"),
    Allowed("lstat", (6, None), "DuckDB resolves paths"),
    Allowed("stat", (4, None), "DuckDB looks whether the scratch folder is there"),
    Allowed("newfstatat", (262, 79), "as stat"),
    Allowed("statx", (332, 291), "as stat"),
    Allowed("access", (21, None), "as stat"),
    Allowed("faccessat", (269, 48), "as stat, where access does not exist"),
    Allowed("faccessat2", (439, 439), "as faccessat"),
    Allowed("statfs", (137, 43), "DuckDB asks how much room the scratch folder has"),
    Allowed("getcwd", (79, 17), "DuckDB makes paths absolute"),
    Allowed("lseek", (8, 62), "DuckDB finds the length of a scratch file"),
)
"""The query job with a scratch folder, and only behind Landlock, which lets it reach that folder and no other path."""

ATTACH = (
    Allowed("openat", (257, 56), "opens the snapshot by /proc/self/fd; Landlock already refuses every other file"),
    Allowed("fcntl", (72, 25), "DuckDB locks the database file"),
    Allowed("readlink", (89, None), "DuckDB resolves /proc/self/fd"),
    Allowed("readlinkat", (267, 78), "as readlink"),
    Allowed("lstat", (6, None), "DuckDB resolves paths"),
    Allowed("stat", (4, None), "DuckDB looks for a write-ahead log beside the snapshot"),
    Allowed("newfstatat", (262, 79), "as stat"),
    Allowed("lseek", (8, 62), "DuckDB finds the length of the snapshot"),
    Allowed("statx", (332, 291), "as stat"),
    Allowed("access", (21, None), "as stat"),
    Allowed("faccessat", (269, 48), "as stat, where access does not exist"),
    Allowed("faccessat2", (439, 439), "as faccessat"),
    Allowed("getcwd", (79, 17), "DuckDB makes the path absolute"),
    Allowed("getppid", (110, 173), "the job checks that its node still lives"),
    Allowed("prctl", (157, 167), "dumpable, parent-death signal, no new privileges"),
    Allowed("seccomp", (317, 277), "the second, narrower filter"),
)
"""Added while the snapshot is attached: Landlock already holds, the narrower filter follows."""

KILLED = (
    Killed("execve", (59, 221), "another program"),
    Killed("execveat", (322, 281), "another program"),
    Killed("fork", (57, None), "another process"),
    Killed("vfork", (58, None), "another process"),
    Killed("clone", (56, 220), "another process or thread"),
    Killed("clone3", (435, 435), "another process or thread"),
    Killed("socket", (41, 198), "network, vsock, netlink, kernel crypto"),
    Killed("socketpair", (53, 199), "sockets"),
    Killed("connect", (42, 203), "network"),
    Killed("bind", (49, 200), "network"),
    Killed("listen", (50, 201), "network"),
    Killed("accept", (43, 202), "network"),
    Killed("accept4", (288, 242), "network"),
    Killed("sendto", (44, 206), "network"),
    Killed("sendmsg", (46, 211), "network, passing descriptors"),
    Killed("ptrace", (101, 117), "other processes' memory"),
    Killed("process_vm_readv", (310, 270), "other processes' memory"),
    Killed("process_vm_writev", (311, 271), "other processes' memory"),
    Killed("pidfd_getfd", (438, 438), "other processes' descriptors"),
    Killed("bpf", (321, 280), "kernel attack surface"),
    Killed("perf_event_open", (298, 241), "kernel attack surface"),
    Killed("userfaultfd", (323, 282), "kernel exploitation aid"),
    Killed("io_uring_setup", (425, 425), "system calls that no filter sees"),
    Killed("io_uring_enter", (426, 426), "system calls that no filter sees"),
    Killed("io_uring_register", (427, 427), "system calls that no filter sees"),
    Killed("keyctl", (250, 219), "kernel keyrings"),
    Killed("add_key", (248, 217), "kernel keyrings"),
    Killed("request_key", (249, 218), "kernel keyrings"),
    Killed("mount", (165, 40), "file system view"),
    Killed("umount2", (166, 39), "file system view"),
    Killed("pivot_root", (155, 41), "file system view"),
    Killed("move_mount", (429, 429), "file system view"),
    Killed("open_tree", (428, 428), "file system view"),
    Killed("unshare", (272, 97), "namespaces"),
    Killed("setns", (308, 268), "namespaces"),
    Killed("open_by_handle_at", (304, 265), "files without a path"),
    Killed("kexec_load", (246, 104), "another kernel"),
    Killed("init_module", (175, 105), "kernel code"),
    Killed("finit_module", (313, 273), "kernel code"),
    Killed("delete_module", (176, 106), "kernel code"),
)
"""Calls that only foreign code in the job would make."""
