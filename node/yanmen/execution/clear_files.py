"""Where a snapshot lies in the clear: in memory, or, when it is large, on a volume that was verified.

Either way it is a file that no path ever led to and of which nothing is left when the last process that holds
it is dead; once it is complete nobody can write it. Memory is sealed. A file on a volume is from then on held
by descriptors open for reading only, belongs to the node, and lets nobody write.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from typing_extensions import override

from yanmen.execution.volumes import Host, Volume
from yanmen.model.refusal import Fault, FaultCode

SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
MEMORY_BYTES = 4 << 30
"""Largest snapshot where there is memory only to hold it."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ClearFile:
    """A file without a name, open for writing until it is closed to writers; a context, after which it is closed."""

    def __init__(self, fd: int) -> None:
        """Own the descriptor `fd`."""
        self.fd = fd

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        os.close(self.fd)

    def reserve(self, size: int) -> None:
        """Make sure of room for `size` bytes, where it may run out."""

    def close_to_writers(self) -> None:
        """Let nobody write, lengthen or cut it any more, this process included."""
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)


class VolumeFile(ClearFile):
    """One on a volume: `fd` becomes another descriptor, for reading, when it is closed to writers."""

    def __init__(self, fd: int, folder: Path) -> None:
        """Own the descriptor `fd` of a file on the volume of `folder`."""
        super().__init__(fd)
        self._folder = folder

    @override
    def reserve(self, size: int) -> None:
        """Take the room now; raises Fault(STORAGE_FULL)."""
        if size > 0:
            with _named(self._folder):
                os.posix_fallocate(self.fd, 0, size)

    @override
    def close_to_writers(self) -> None:
        """Keep a descriptor for reading only, and nothing that could be written by."""
        os.ftruncate(self.fd, os.lseek(self.fd, 0, os.SEEK_CUR))  # room that was not needed
        os.fsync(self.fd)  # what could not be written is told now, not when it is read
        os.fchmod(self.fd, 0o444)  # the account of jobs reads it too, where it is handed a descriptor
        reading = os.open(f"/proc/self/fd/{self.fd}", os.O_RDONLY | os.O_CLOEXEC)
        os.close(self.fd)
        self.fd = reading


def memory_file(name: str) -> ClearFile:
    """Open an empty memory file that can be sealed later."""
    return ClearFile(os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))


@dataclass(frozen=True, slots=True)
class ClearFiles:
    """Gives files for snapshots in the clear: above `above_bytes` in `folder`, if there is one."""

    folder: Path | None = None
    above_bytes: int = MEMORY_BYTES
    largest_bytes: int = MEMORY_BYTES
    host: Host = field(default_factory=Host)

    def check(self) -> Volume | None:
        """Return what the folder lies on; raises Fault(STORAGE) when others may enter it or a disk would tell."""
        if self.folder is None:
            return None
        with _named(self.folder):
            found = self.folder.stat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            note = f"volume.folder: {self.folder} is not a folder of this user alone: chown and chmod 700"
            raise Fault(FaultCode.STORAGE, note)
        with self._nameless(self.folder) as file:
            return self.host.volume_of(file.fd)

    def empty(self, size: int) -> ClearFile:
        """Open a file for writing about `size` bytes."""
        if self.folder is None or size <= self.above_bytes:
            return memory_file("snapshot")
        self.check()
        return self._nameless(self.folder)

    def _nameless(self, folder: Path) -> VolumeFile:
        """Open a file that no path ever led to; it must not lie where anybody who takes the disk can read it."""
        with _named(folder):
            file = VolumeFile(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_EXCL | os.O_CLOEXEC, 0o600), folder)
        # Of this very file: a volume may come and go under its folder.
        if self.host.volume_of(file.fd) is Volume.PLAIN:
            os.close(file.fd)
            note = f"volume.folder: {folder} does not lie on an encrypted volume; nothing was written there"
            raise Fault(FaultCode.STORAGE, note)
        return file


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Make an error of the system a fault that names the folder."""
    try:
        yield
    except OSError as error:
        code = FaultCode.STORAGE_FULL if error.errno in FULL else FaultCode.STORAGE
        raise Fault(code, f"volume.folder: {folder}: {os.strerror(error.errno or 0)}") from error
