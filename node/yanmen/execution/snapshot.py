"""Sealed snapshot files: written atomically, and opened only into nameless files that nobody can write any more."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from yanmen.crypto.sealing import Readable, Writable, open_stream, plain_size, seal_stream
from yanmen.execution.clear_files import FULL, ClearFile, ClearFiles
from yanmen.model.config import AtRest
from yanmen.model.ports import Randomness, Snapshot
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

FOLDER = "snapshots"

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


class SnapshotStore:
    """The sealed snapshots of one node, in `<directory>/snapshots/<version>.sealed`."""

    def __init__(self, directory: Path, key: bytes, randomness: Randomness, clear: ClearFiles | None = None) -> None:
        """Keep snapshots below `directory`, sealed with `key`; those opened lie in files of `clear`."""
        self.at_rest = AtRest.AES
        self.clear = clear if clear is not None else ClearFiles()
        self._directory = directory
        self._key = key
        self._randomness = randomness

    def seal(self, fd: int) -> Snapshot:
        """Seal the file `fd` to disk; its version is the digest of the ciphertext."""
        try:
            return self._seal(fd)
        except OSError as error:
            code = FaultCode.STORAGE_FULL if error.errno in FULL else FaultCode.STORAGE
            raise Fault(code, f"writing a snapshot: {os.strerror(error.errno or 0)}") from error

    def _seal(self, fd: int) -> Snapshot:
        folder = self._directory / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f"{self._randomness.token(16).hex()}.part"
        try:
            with os.fdopen(_create(temporary), "wb") as target, os.fdopen(os.dup(fd), "rb") as source:
                source.seek(0)
                writer = _HashingWriter(target)
                seal_stream(self._key, source, writer, self._randomness, self.at_rest)
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

    def sealed_bytes(self, version: str) -> int:
        """Return how many bytes the sealed file holds, by its length; -1 when there is none."""
        mark = self.mark(version)
        try:
            return -1 if mark is None else plain_size(mark[2])
        except ValueError:
            return -1

    @contextmanager
    def open(self, version: str, cancel: Event) -> Iterator[int]:
        """Unseal `version` into a nameless file that is authentic, complete and closed to every writer.

        Raises Fault(SNAPSHOT_ALTERED) before yielding when the file is not the one that was sealed.
        """
        with ExitStack() as held:
            try:
                file = self._unsealed(version, held, cancel)
            except (ValueError, FileNotFoundError) as error:
                note = "no such file" if isinstance(error, FileNotFoundError) else str(error)
                raise Fault(FaultCode.SNAPSHOT_ALTERED, f"{version}: {note}") from error
            except OSError as error:
                code = FaultCode.STORAGE_FULL if error.errno in FULL else FaultCode.STORAGE
                raise Fault(code, f"reading a snapshot: {os.strerror(error.errno or 0)}") from error
            yield file.fd

    def _path(self, version: str) -> Path:
        if _VERSION.fullmatch(version) is None:
            raise ValueError("not a version")
        return self._directory / FOLDER / f"{version}.sealed"

    def _unsealed(self, version: str, held: ExitStack, cancel: Event) -> ClearFile:
        with self._path(version).open("rb") as source:
            size = plain_size(os.fstat(source.fileno()).st_size)
            if size > self.clear.largest_bytes:
                raise ValueError("longer than any snapshot")
            file = held.enter_context(self.clear.empty(size))
            file.reserve(size)
            reader = _HashingReader(source, cancel)
            with os.fdopen(os.dup(file.fd), "wb") as target:
                open_stream(self._key, reader, target)
        if f"v1-{reader.sha256.hexdigest()}" != version:
            raise ValueError("another snapshot stands in its place")
        file.close_to_writers()
        return file


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
