"""Stands in for a subverted worker: `hostile_worker.py MODE REPLY_FD NODE_PID`, not confined at all."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable

REPLY = 0


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def read_request() -> None:
    size = int.from_bytes(os.read(0, 4), "big")
    while size > 0:
        size -= len(os.read(0, size))


def good() -> None:
    read_request()
    os.write(REPLY, frame(b'{"ok":true}'))
    os.read(0, 1)


def claims_four_gigabytes() -> None:
    os.write(REPLY, b"\xff\xff\xff\xff" + b"x" * 1000)


def cut_short() -> None:
    os.write(REPLY, b"\x00\x00\x10\x00" + b"x" * 10)


def speaks_after_reply() -> None:
    read_request()
    os.write(REPLY, frame(b'{"ok":true}'))
    os.read(0, 1)
    os.write(REPLY, b"more")


def two_frames() -> None:
    read_request()
    os.write(REPLY, frame(b'{"ok":true}') * 2)
    os.read(0, 1)


def silent() -> None:
    return


def never_reads() -> None:
    time.sleep(300)


def hangs_up_and_lives() -> None:
    read_request()
    os.close(REPLY)
    time.sleep(300)


def replies_and_lives() -> None:
    read_request()
    os.write(REPLY, frame(b'{"ok":true}'))
    time.sleep(300)


def replies_and_fails() -> None:
    read_request()
    os.write(REPLY, frame(b'{"ok":true}'))
    os.read(0, 1)
    sys.exit(3)


def spins() -> None:
    read_request()
    while True:
        pass


def spins_past_cpu() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    spins()


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def bad_call() -> None:
    os.kill(os.getpid(), signal.SIGSYS)


def crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def drips() -> None:
    """Send a byte now and then, so that the reader always has something to read."""
    read_request()
    os.write(REPLY, b"\x00\x00\x10\x00")
    while True:
        os.write(REPLY, b"x")
        time.sleep(0.01)


MODES: dict[str, Callable[[], None]] = {name: value for name, value in globals().items() if callable(value)}

if __name__ == "__main__":
    REPLY = int(sys.argv[2])
    MODES[sys.argv[1]]()
