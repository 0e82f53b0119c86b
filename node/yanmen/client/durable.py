"""Small files that are either the old or the new one, whatever happens, and one writer at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yanmen import regular_file
from yanmen.model.refusal import Fault, FaultCode


@contextmanager
def locked(folder: Path, name: str = "lock") -> Iterator[None]:
    """Hold what `name` stands for in `folder`, made if need be, against other threads and processes."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _fault(folder, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def read(folder: Path, name: str, max_bytes: int) -> bytes | None:
    """Return the content of the file `name`, None when there is none."""
    try:
        return regular_file.read(folder / name, max_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _fault(folder / name, error) from error


def write(folder: Path, name: str, data: bytes) -> None:
    """Put `data` in the place of the file `name`, durably, in one step."""
    fresh = folder / f"{name}.new"
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / name)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise _fault(folder / name, error) from error


def _fault(path: Path, error: OSError) -> Fault:
    return Fault(FaultCode.STORAGE, f"{path}: {error.strerror}")
