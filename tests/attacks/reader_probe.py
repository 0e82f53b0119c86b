"""Foreign code in the reader of PostgreSQL: `reader_probe.py STAGE ACTION KEY SOCKET` does what it must not.

Ends with 0 when it was done, 1 when it was refused; the kernel may end it first.
"""

import ctypes
import os
import socket
import sys
import threading
from pathlib import Path

from yanmen_reader import confinement
from yanmen_reader.order import Bounds
from yanmen_sandbox.apart import Account

STAGE, ACTION, KEY, SOCKET = sys.argv[1:5]


def read() -> None:
    Path(KEY).read_bytes()


def write() -> None:
    Path(f"{KEY}.written").write_bytes(b"x")


def connect() -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(SOCKET)


def program() -> None:
    os.execv("/bin/true", ["true"])


def child() -> None:
    if os.fork() == 0:
        os._exit(0)


def trace() -> None:
    done = ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0)  # PTRACE_ATTACH
    if done != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def thread() -> None:
    threading.Thread(target=int).start()


ACTIONS = {action.__name__: action for action in (read, write, connect, program, child, trace, thread)}

if __name__ == "__main__":
    if STAGE != "open":
        confinement.connecting(os.getppid(), Bounds(8 << 30, 60, 1 << 30), confinement.of_postgresql(os.environ))
    if STAGE == "reading":
        confinement.reading(Account(65530, 65530) if os.getuid() == 0 else None, 1)
    try:
        ACTIONS[ACTION]()
    except (OSError, RuntimeError):
        os._exit(1)
    os._exit(0)
