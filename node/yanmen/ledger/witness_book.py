"""A witness's only file: its key and, for each log it watches, the newest head it cosigned.

Both are one object on purpose. Whoever restores an older copy of it has a witness that may cosign two
histories; copy it never, and begin a new witness with a new key when it is lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from yanmen.crypto import keys
from yanmen.formats import note
from yanmen.formats.note import VerifierKey
from yanmen.ledger import schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.store import Store
from yanmen.model.ports import Randomness, Signer
from yanmen.model.refusal import Fault, FaultCode


@dataclass(frozen=True, slots=True)
class Watched:
    """A log the witness watches: its key, and the size and signed note of the newest head cosigned (0 and "")."""

    key: VerifierKey
    size: int
    note: str


class Turn:
    """One look at a watched log, in the transaction that may move it forward."""

    __slots__ = ("_db", "watched")

    def __init__(self, db: Connection, watched: Watched) -> None:
        """Hold the open transaction and what it found."""
        self._db = db
        self.watched = watched

    def advance(self, size: int, signed: str) -> None:
        """Make `signed`, of `size` leaves, the newest head; durable when the turn ends."""
        self._db.execute("UPDATE log SET size = ?, note = ? WHERE origin = ?", (size, signed, self.watched.key.name))


class WitnessBook:
    """The open file of one witness."""

    __slots__ = ("_store", "name", "signer")

    def __init__(self, store: Store, name: str, signer: Signer) -> None:
        """Hold what `create` or `open` made."""
        self._store = store
        self.name = name
        self.signer = signer

    @classmethod
    def create(cls, path: Path, name: str, randomness: Randomness) -> "WitnessBook":
        """Make a new witness called `name` in the new file `path`; an existing one is never replaced."""
        if path.exists():
            raise Fault(FaultCode.STORAGE, f"{path.name} exists: a witness is made once")
        note.encode_key(VerifierKey(name, bytes(32), note.COSIGNATURE))  # refuses a name that no note can hold
        store = Store(path, create=True, kind=schema.WITNESS)
        seed = randomness.token(keys.SEED_BYTES)
        try:
            with store.write() as db:
                db.execute("INSERT INTO witness (one, name, seed) VALUES (1, ?, ?)", (name, seed))
        except BaseException:
            store.close()
            raise
        return cls(store, name, keys.from_seed(seed))

    @classmethod
    def open(cls, path: Path) -> "WitnessBook":
        """Open the witness in `path`."""
        store = Store(path, create=False, kind=schema.WITNESS)
        with store.read() as db:
            row = db.execute("SELECT name, seed FROM witness").fetchone()
        if row is None:
            store.close()
            raise Fault(FaultCode.STORAGE, f"{path.name} holds no witness")
        return cls(store, row[0], keys.from_seed(row[1]))

    @property
    def key(self) -> VerifierKey:
        """The key that its cosignatures verify with."""
        return VerifierKey(self.name, self.signer.public, note.COSIGNATURE)

    def watch(self, key: VerifierKey, *, exchanged: bool = False) -> None:
        """Watch the log with `key` from now on; the same log with another key is refused, unless that was `exchanged`.

        What was cosigned stays: the heads of the new key must grow out of those of the old one.
        """
        if key.public == self.signer.public:
            raise Fault(FaultCode.KEYS, "a witness does not watch a log with its own key")
        with self._store.write() as db:
            row = db.execute("SELECT key FROM log WHERE origin = ?", (key.name,)).fetchone()
            if row is not None and row[0] != key.public:
                if not exchanged:
                    raise Fault(FaultCode.KEYS, "this log is watched with another key")
                _exchange(db, key, row[0])
            db.execute("INSERT OR IGNORE INTO log (origin, key) VALUES (?, ?)", (key.name, key.public))

    def watched(self) -> tuple[Watched, ...]:
        """Return every log it watches, by origin."""
        with self._store.read() as db:
            rows = db.execute("SELECT origin, key, size, note FROM log ORDER BY origin").fetchall()
        return tuple(Watched(VerifierKey(origin, key), size, text) for origin, key, size, text in rows)

    @contextmanager
    def turn(self, origin: str) -> Iterator[Turn | None]:
        """Give the log `origin`, None when it is not watched; two turns never overlap, in any process."""
        with self._store.write() as db:
            row = db.execute("SELECT key, size, note FROM log WHERE origin = ?", (origin,)).fetchone()
            yield None if row is None else Turn(db, Watched(VerifierKey(origin, row[0]), row[1], row[2]))

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


def _exchange(db: Connection, key: VerifierKey, old: bytes) -> None:
    db.execute("INSERT INTO former_key (origin, key) VALUES (?, ?)", (key.name, old))
    had = db.execute("SELECT 1 FROM former_key WHERE origin = ? AND key = ?", (key.name, key.public)).fetchone()
    if had is not None:
        raise Fault(FaultCode.KEYS, "this log had that key before: a key that ended does not come back")
    db.execute("UPDATE log SET key = ? WHERE origin = ?", (key.public, key.name))
