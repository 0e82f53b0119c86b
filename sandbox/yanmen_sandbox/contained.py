"""The first process of a container: waits for the node on a socket that only the container holds, then is its zygote.

`python -I -B -m yanmen_sandbox.contained`. The node, on the same kernel, reaches the socket through
/proc/<this process>/root: no file of the host's is shared with the container, and none is left of it.
"""

import os
import socket
from collections.abc import Mapping

from yanmen_sandbox import zygote
from yanmen_sandbox.job import Job
from yanmen_sandbox.jobs.table import JOBS

CONTROL = f"{zygote.SCRATCH}/control"
WAIT_SECONDS = 30
"""A node that was killed before it came leaves no container behind for longer."""


def main(jobs: Mapping[str, Job]) -> None:
    """Serve the first that connects until it hangs up; the container ends with this process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(CONTROL)
        listener.listen(1)
        listener.settimeout(WAIT_SECONDS)
        control, _ = listener.accept()
    os.unlink(CONTROL)  # noqa: PTH108
    control.settimeout(None)
    zygote.main([str(control.detach()), "contained", "-"], jobs)


if __name__ == "__main__":
    main(JOBS)
    os._exit(0)
