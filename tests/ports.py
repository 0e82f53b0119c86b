"""Ports for servers whose address must be known before they start, never given twice on one machine."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 20_000, 32_000
"""Below the ports that Linux gives to outgoing connections unless told otherwise, so that none of those takes ours."""
_HELD: list[int] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that is this process's own until it ends, on which nobody listens."""
    folder = Path(tempfile.gettempdir()) / f"yanmen-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(LAST - FIRST):
        port = FIRST + (os.getpid() * 7 + number) % (LAST - FIRST)
        file = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(file)
            continue
        _HELD.append(file)
        return port
    raise RuntimeError("no port is free")
