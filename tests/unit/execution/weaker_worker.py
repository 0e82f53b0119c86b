"""The real worker on a weaker host or with a layer missing: `weaker_worker.py WEAKNESS REPLY_FD NODE_PID ACCOUNT`.

`weaker_worker.py WEAKNESS CONTROL_FD open|closed ACCOUNT` is a zygote of such workers, and
`weaker_worker.py WEAKNESS contained` one in a container.

`no-landlock` and `no-seccomp` take the calls away in the kernel, as a host without them would; the
others leave one of our own steps out.
"""

import errno
import os
import sys
from unittest.mock import patch

from yanmen_sandbox import apart, contained, kernel, lockdown, zygote
from yanmen_sandbox.jobs.table import JOBS
from yanmen_sandbox.lockdown import Surroundings
from yanmen_sandbox.worker import serve

LANDLOCK_CALLS = (444, 445, 446)


def nothing(_: bytes) -> None:
    return


def refuse(calls: tuple[int, ...]) -> None:
    import seccompy  # not in the workers' image

    host = seccompy.Filter(seccompy.Action.ALLOW)
    for call in calls:
        host.errno(call, errno.ENOSYS)
    host.load()


def only_the_first_filter() -> None:
    """Leave out the filter that follows the attachment."""
    install = kernel.filter_by_seccomp
    calls = iter((install, nothing))
    patch.object(kernel, "filter_by_seccomp", lambda program: next(calls)(program)).start()


libc = apart._libc
LEFT_OUT: dict[str, tuple[tuple[object, str], ...]] = {
    "landlock-left-out": ((kernel, "refuse_by_landlock"),),
    "seccomp-left-out": ((kernel, "filter_by_seccomp"),),
    "confinement-left-out": ((kernel, "refuse_by_landlock"), (kernel, "filter_by_seccomp")),
    "namespaces-left-out": ((libc, "unshare"), (libc, "mount")),
    "account-left-out": ((os, "setresuid"),),
    "everything-left-out": (
        (kernel, "refuse_by_landlock"),
        (kernel, "filter_by_seccomp"),
        (kernel, "prctl"),
        (lockdown, "_limit"),
        (apart, "give_up"),
    ),
}


def weaken(weakness: str) -> None:
    match weakness:
        case "no-landlock":
            refuse(LANDLOCK_CALLS)
        case "no-seccomp":
            machine = kernel.architecture()
            refuse(() if machine is None else (machine.seccomp,))
        case "landlock-abi-2":
            patch.object(kernel, "landlock_abi", lambda: 2).start()
        case "second-filter-left-out":
            only_the_first_filter()
        case _:
            for module, step in LEFT_OUT[weakness]:
                patch.object(module, step, return_value=0).start()


if __name__ == "__main__":
    try:
        weaken(sys.argv[1])
        if sys.argv[2] == "contained":
            contained.main(JOBS, *sys.argv[3:])
        elif sys.argv[3] in {"open", "closed"}:
            zygote.main(sys.argv[2:], JOBS)
        else:
            serve(int(sys.argv[2]), Surroundings(int(sys.argv[3]), account=apart.account(sys.argv[4])), JOBS)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)
