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

    A full subtree never changes once it is committed. `leaves` are those of the transaction that is open, `size` and
    `log_key` how long the log is with them and who signs its head, and `head` is that head once it is signed.
    """

    __slots__ = ("hashes", "head", "leaves", "log_key", "size")

    def __init__(self) -> None:
        """Know nothing."""
        self.hashes: dict[tuple[int, int], bytes] = {}
        self.begin()

    def begin(self) -> None:
        """Forget what belongs to a transaction."""
        self.leaves: dict[int, Row] = {}
        self.size = 0
        self.log_key = b""
        self.head: tuple[int, str] | None = None

    def forget(self) -> None:
        """Forget everything: a transaction, or a part of it, is being undone."""
        self.hashes.clear()
        self.begin()

    def appended(self, position: int, row: Row, log_key: bytes) -> None:
        """Remember the leaf that was just appended."""
        self.leaves[position] = row
        self.size, self.log_key = position + 1, log_key


def of(db: Connection) -> Remembered | None:
    """Return what a connection of ours remembers, None of another's."""
    found = getattr(db, "remembered", None)
    return found if isinstance(found, Remembered) else None


def forget(db: Connection) -> None:
    """Forget what was read or written in a transaction that is being undone, or whose keys are exchanged."""
    known = of(db)
    if known is not None:
        known.forget()
