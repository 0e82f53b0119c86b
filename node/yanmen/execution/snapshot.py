"""Sealed snapshot files: written atomically, and opened only into memory that nobody can write any more."""

import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from yanmen.crypto.sealing import Readable, Writable, open_stream, seal_stream
from yanmen.model.ports import Randomness, Snapshot
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

FOLDER = "snapshots"
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL

Mark = tuple[int, int, int, int, int]
"""A file's device, number, size and times: root apart, nobody changes a file and keeps its change time."""

_VERSION = re.compile(r"v1-[0-9a-f]{64}", re.ASCII)


class _HashingReader:
    """Hashes what is read, and stops reading when the job is cancelled."""

    def __init__(self, file: Readable, cancel: Event) -> None:
        self._file = file
        self._cancel = cancel
        self.sha256 = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        if self._cancel.is_set():
            raise JobFailed(JobCode.CANCELLED)
        data = self._file.read(size)
        self.sha256.update(data)
        return data


class _HashingWriter:
    """Hashes what is written."""

    def __init__(self, file: Writable) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self.sha256.update(data)
        return self._file.write(data)


@contextmanager
def memory_file(name: str) -> Iterator[int]:
    """Open an empty memory file that can be sealed later; its content is gone when the block ends."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        yield fd
    finally:
        os.close(fd)


class SnapshotStore:
    """The sealed snapshots of one node, in `<directory>/snapshots/<version>.sealed`."""

    def __init__(self, directory: Path, key: bytes, randomness: Randomness) -> None:
        """Keep snapshots below `directory`, sealed with `key`."""
        self._directory = directory
        self._key = key
        self._randomness = randomness

    def seal(self, fd: int) -> Snapshot:
        """Seal the memory file `fd` to disk; its version is the digest of the ciphertext."""
        try:
            return self._seal(fd)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
            code = FaultCode.STORAGE_FULL if full else FaultCode.STORAGE
            raise Fault(code, f"writing a snapshot: {os.strerror(error.errno or 0)}") from error

    def _seal(self, fd: int) -> Snapshot:
        folder = self._directory / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f"{self._randomness.token(16).hex()}.part"
        try:
            with os.fdopen(_create(temporary), "wb") as target, os.fdopen(os.dup(fd), "rb") as source:
                source.seek(0)
                writer = _HashingWriter(target)
                seal_stream(self._key, source, writer, self._randomness)
                target.flush()
                os.fsync(target.fileno())
            version = f"v1-{writer.sha256.hexdigest()}"
            final = f"{FOLDER}/{version}.sealed"
            temporary.rename(self._directory / final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(folder)
        return Snapshot(path=final, version=version, plain_bytes=os.fstat(fd).st_size)

    def mark(self, version: str) -> Mark | None:
        """Return what changes with every write to the sealed file, None when there is none."""
        try:
            found = self._path(version).stat()
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    @contextmanager
    def open(self, version: str, cancel: Event) -> Iterator[int]:
        """Unseal `version` into a memory file that is authentic, complete and closed to every writer.

        Raises Fault(SNAPSHOT_ALTERED) before yielding when the file is not the one that was sealed.
        """
        with memory_file("snapshot") as fd:
            try:
                self._unseal(version, fd, cancel)
            except (ValueError, FileNotFoundError) as error:
                note = "no such file" if isinstance(error, FileNotFoundError) else str(error)
                raise Fault(FaultCode.SNAPSHOT_ALTERED, f"{version}: {note}") from error
            except OSError as error:
                note = f"reading a snapshot: {os.strerror(error.errno or 0)}"
                raise Fault(FaultCode.STORAGE, note) from error
            yield fd

    def _path(self, version: str) -> Path:
        if _VERSION.fullmatch(version) is None:
            raise ValueError("not a version")
        return self._directory / FOLDER / f"{version}.sealed"

    def _unseal(self, version: str, fd: int, cancel: Event) -> None:
        with self._path(version).open("rb") as source, os.fdopen(os.dup(fd), "wb") as target:
            reader = _HashingReader(source, cancel)
            open_stream(self._key, reader, target)
        if f"v1-{reader.sha256.hexdigest()}" != version:
            raise ValueError("another snapshot stands in its place")
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
