"""The one file an import job may read, as a file system with a single entry: the jail itself opens nothing.

DuckDB reads foreign files through an object it calls an fsspec file system; this is one, over the
descriptor the node opened. So the hostile file is parsed only after the jail has closed, when no
path can be opened any more.
"""

import os
import sys
from datetime import UTC, datetime
from types import ModuleType, TracebackType

from _duckdb import DuckDBPyConnection

PROTOCOL = "jail"
URL = f"{PROTOCOL}://source"


class AbstractFileSystem:
    """What DuckDB checks a file system's class against."""


class SourceHandle:
    """A reader with a position of its own: DuckDB opens the source more than once."""

    def __init__(self, fd: int, size: int) -> None:
        """Read the `size` bytes of descriptor `fd` from their start."""
        self._fd = fd
        self._size = size
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        data = os.pread(self._fd, size, self._position)
        self._position += len(data)
        return data

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Move to `position`."""
        if whence == os.SEEK_END:
            position += self._size
        elif whence == os.SEEK_CUR:
            position += self._position
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def close(self) -> None:
        """Leave the descriptor open: other handles read it too."""

    def __enter__(self) -> "SourceHandle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SourceFile(AbstractFileSystem):
    """A file system whose only file is the source, and which cannot write."""

    protocol = PROTOCOL

    def __init__(self, fd: int) -> None:
        """Serve the descriptor `fd` at the length it has now."""
        self._fd = fd
        self._size = os.fstat(fd).st_size

    def unstrip_protocol(self, path: str) -> str:
        """Return the URL of `path`."""
        return f"{PROTOCOL}://{path.removeprefix(PROTOCOL + '://')}"

    def glob(self, path: str) -> list[str]:
        """Return the source, whatever was asked."""
        return ["source"] if self.exists(path) else []

    def exists(self, path: str) -> bool:
        """Tell whether `path` is the source."""
        return self.unstrip_protocol(path) == URL

    def open(self, path: str, mode: str = "rb") -> SourceHandle:
        """Open the source for reading."""
        if mode != "rb" or not self.exists(path):
            raise PermissionError(path)
        return SourceHandle(self._fd, self._size)

    def size(self, path: str) -> int:
        """Return the length of the source."""
        if not self.exists(path):
            raise PermissionError(path)
        return self._size

    def modified(self, _: str) -> datetime:
        """Return one and the same moment: the source does not change while it is read."""
        return datetime(1970, 1, 1, tzinfo=UTC)


def register(connection: DuckDBPyConnection, fd: int) -> None:
    """Make the source readable as `URL`, and nothing else once external access is off."""
    module = ModuleType("fsspec")
    module.__dict__["AbstractFileSystem"] = AbstractFileSystem
    sys.modules["fsspec"] = module
    connection.register_filesystem(SourceFile(fd))
    connection.execute(f"SET allowed_paths = ['{URL}']")
