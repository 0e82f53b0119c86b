"""The first process of a container: meets the node on a socket, then is its zygote.

`python -I -B -m yanmen_sandbox.contained [PATH]`. Without a path it waits on a socket in the container's own
memory, which the node, on the same kernel, reaches through /proc/<this process>/root: no file of the host's is
shared with the container, and none is left of it. A runtime with a kernel of its own hides that, so there the
container connects to the node's socket at PATH, shown to it for this.
"""

import os
import socket
import sys
from collections.abc import Mapping

from yanmen_sandbox import zygote
from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs.table import JOBS

CONTROL = f"{zygote.SCRATCH}/control"
WAIT_SECONDS = 8
"""A node that was killed before it came leaves no container behind for longer."""


def main(jobs: Mapping[str, Job], path: str | None = None) -> None:
    """Serve the node, and nobody else, until it hangs up; the container ends with this process."""
    control = _awaited() if path is None else _reached(path)
    control.settimeout(None)
    zygote.main([str(control.detach()), "contained", "-"], jobs)


def _reached(path: str) -> socket.socket:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.settimeout(WAIT_SECONDS)
    control.connect(path)
    return control


def _awaited() -> socket.socket:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(CONTROL)
        listener.listen(1)
        listener.settimeout(WAIT_SECONDS)
        control, _ = listener.accept()
    os.unlink(CONTROL)  # noqa: PTH108
    return control


if __name__ == "__main__":
    main(JOBS, *sys.argv[1:])
    os._exit(0)
