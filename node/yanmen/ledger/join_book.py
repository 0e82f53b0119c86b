"""A party's file of the joins across nodes it takes part in: secrets of one question, parts made and parts handed in.

Parts are kept in pieces, so that neither a caller nor this party ever needs one whole in a message, and a call that
broke off goes on where it was. What is of a question whose time is up is destroyed when the next one begins.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from yanmen.ledger import schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.store import Store

PIECE = 256 * 1024
"""Bytes of one piece of a part: 8,192 points, half a second to blind again."""


@dataclass(frozen=True, slots=True)
class PartState:
    """How far a part is: `whole` once all of it is there and verified; `word` is what was signed of it."""

    size: int = 0
    whole: bool = False
    word: bytes = b""


class LinkState:
    """One question's parts, in the transaction that may move them forward."""

    __slots__ = ("_db", "manifest_sha256")

    def __init__(self, db: Connection, manifest_sha256: str) -> None:
        """Hold the open transaction."""
        self._db = db
        self.manifest_sha256 = manifest_sha256

    def keep_secret(self, secret: bytes, salt: bytes) -> None:
        """Keep this party's secret, and the salt of its commitment to what went in."""
        self._db.execute(
            "UPDATE link SET secret = ?, salt = ? WHERE manifest = ?", (secret, salt, self.manifest_sha256)
        )

    def secret(self) -> bytes:
        """Return this party's secret, empty when it has none of this question."""
        row = self._db.execute("SELECT secret FROM link WHERE manifest = ?", (self.manifest_sha256,)).fetchone()
        return bytes(row[0])

    def part(self, name: str) -> PartState:
        """Return how far the part `name` is."""
        row = self._db.execute(
            "SELECT size, whole, word FROM part WHERE manifest = ? AND name = ?", (self.manifest_sha256, name)
        ).fetchone()
        return PartState() if row is None else PartState(int(row[0]), bool(row[1]), bytes(row[2]))

    def append(self, name: str, data: bytes) -> None:
        """Add the next piece of a part that is not whole."""
        key = (self.manifest_sha256, name)
        self._db.execute("INSERT OR IGNORE INTO part (manifest, name) VALUES (?, ?)", key)
        at = self.part(name).size
        self._db.execute("INSERT INTO piece (manifest, name, at, data) VALUES (?, ?, ?, ?)", (*key, at, data))
        self._db.execute("UPDATE part SET size = size + ? WHERE manifest = ? AND name = ?", (len(data), *key))

    def finish(self, name: str, word: bytes = b"") -> None:
        """Say that a part is whole and verified."""
        key = (word, self.manifest_sha256, name)
        self._db.execute("UPDATE part SET whole = 1, word = ? WHERE manifest = ? AND name = ?", key)

    def store(self, name: str, content: bytes, word: bytes = b"") -> None:
        """Keep a part that is whole."""
        self.drop(name)
        for at in range(0, max(1, len(content)), PIECE):
            self.append(name, content[at : at + PIECE])
        self.finish(name, word)

    def drop(self, name: str) -> None:
        """Forget a part."""
        for table in ("piece", "part"):
            self._db.execute(f"DELETE FROM {table} WHERE manifest = ? AND name = ?", (self.manifest_sha256, name))  # noqa: S608 - two names of ours

    def read(self, name: str, at: int) -> bytes:
        """Return the piece of a part that begins at or holds the byte `at`, from there on; nothing at its end."""
        row = self._db.execute(
            "SELECT at, data FROM piece WHERE manifest = ? AND name = ? AND at <= ? ORDER BY at DESC LIMIT 1",
            (self.manifest_sha256, name, at),
        ).fetchone()
        return b"" if row is None else bytes(row[1])[at - int(row[0]) :]

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a part piece by piece."""
        rows = self._db.execute(
            "SELECT data FROM piece WHERE manifest = ? AND name = ? ORDER BY at", (self.manifest_sha256, name)
        )
        for (data,) in rows:
            yield bytes(data)


class JoinBook:
    """The open file of one party."""

    __slots__ = ("_store",)

    def __init__(self, path: Path) -> None:
        """Open the book in `path`, making it when it is not there: nothing in it outlives a question's hour."""
        self._store = Store(path, create=True, kind=schema.JOIN)

    @contextmanager
    def turn(self, manifest_sha256: str, expires_s: int) -> Iterator[LinkState]:
        """Give the state of a question; turns never overlap, and are durable when they end."""
        with self._store.write() as db:
            db.execute("INSERT OR IGNORE INTO link (manifest, expires_s) VALUES (?, ?)", (manifest_sha256, expires_s))
            yield LinkState(db, manifest_sha256)

    def sweep(self, now_s: int) -> None:
        """Destroy what is of questions whose time is up, but the salts that open what they committed to."""
        with self._store.write() as db:
            over = "(SELECT manifest FROM link WHERE expires_s <= ?)"
            for table in ("piece", "part"):
                db.execute(f"DELETE FROM {table} WHERE manifest IN {over}", (now_s,))  # noqa: S608 - two names of ours
            db.execute("UPDATE link SET secret = x'' WHERE expires_s <= ?", (now_s,))
            db.execute("DELETE FROM link WHERE expires_s <= ? AND salt = x''", (now_s,))

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return the book itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
