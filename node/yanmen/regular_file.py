"""Reads files that a person names or that others may write: regular ones only, of bounded size, without waiting.

A pipe keeps its reader until somebody writes, a device never ends, and a file may be larger than the memory there is.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotRegular(OSError):
    """A pipe, a device, a socket or a folder stands where a file should."""


class TooLong(OSError):
    """The file is longer than it may be."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the regular file `path` for reading; who reads bounds how much."""
    fd = os.open(path, _FLAGS)
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        os.close(fd)
        raise
    if not regular:
        os.close(fd)
        raise NotRegular(errno.EINVAL, "no regular file（不是普通文件）", str(path))
    with os.fdopen(fd, "rb") as file:
        yield file


def read(path: Path, max_bytes: int) -> bytes:
    """Return the content of the regular file `path`, which has at most `max_bytes`."""
    with opened(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLong(errno.EFBIG, f"longer than {max_bytes:,} bytes（文件过大）", str(path))
    return data
