"""What a connection knows without asking: hashes of the tree, and what its own transaction has appended so far."""

from typing import NamedTuple

from yanmen.ledger.connection import Connection


class Row(NamedTuple):
    """A leaf as its row and that of its disclosures hold it."""

    jti: str
    stage: str
    jws: str
    shown: str
    withheld: str


class Remembered:
    """Belongs to one connection; nothing but `hashes` outlives a transaction.

    A full subtree never changes once it is committed. `leaves` are those of the transaction that is open; `size`,
    `at_ms` and `keys` how long the log is with them, until when, and who signs receipts and heads; `series` length and
    last leaf of the contracts they belong to. `head` is the head over them, once it is signed.
    """

    __slots__ = ("at_ms", "hashes", "head", "keys", "leaves", "series", "size")

    def __init__(self) -> None:
        """Know nothing."""
        self.hashes: dict[tuple[int, int], bytes] = {}
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to a transaction."""
        self.leaves: dict[int, Row] = {}
        self.size = self.at_ms = 0
        self.keys: tuple[bytes, bytes] = b"", b""
        self.series: dict[str, tuple[int, str]] = {}
        self.head: tuple[int, str] | None = None

    def forget(self) -> None:
        """Forget everything: a transaction, or a part of it, is being undone."""
        self.hashes.clear()
        self.begin()

    def appended(self, position: int, row: Row, at_ms: int, keys: tuple[bytes, bytes]) -> None:
        """Remember the leaf that was just appended."""
        self.leaves[position] = row
        self.size, self.at_ms, self.keys = position + 1, at_ms, keys


def of(db: Connection) -> Remembered | None:
    """Return what a connection of ours remembers, None of another's."""
    found = getattr(db, "remembered", None)
    return found if isinstance(found, Remembered) else None


def forget(db: Connection) -> None:
    """Forget what was read or written in a transaction that is being undone, or whose keys are exchanged."""
    known = of(db)
    if known is not None:
        known.forget()
