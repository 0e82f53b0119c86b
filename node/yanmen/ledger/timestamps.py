"""Time stamps over this log's heads, and what an auditor is given of them."""

from collections.abc import Iterator

from yanmen.ledger.connection import Connection
from yanmen.ledger.log import head
from yanmen.model.refusal import Fault, FaultCode


def keep(db: Connection, size: int, token: bytes, at_s: int) -> None:
    """Keep a verified time stamp over the head of `size` leaves; the first one of a head stays."""
    db.execute("INSERT OR IGNORE INTO timestamp (size, token, at_s) VALUES (?, ?, ?)", (size, token, at_s))


def newest(db: Connection) -> tuple[int, int]:
    """Return size and time of the newest stamped head, (0, 0) when there is none."""
    row = db.execute("SELECT size, at_s FROM timestamp ORDER BY size DESC LIMIT 1").fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def listed(db: Connection) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield size, head and token of every stamped head."""
    rows = db.execute("SELECT size, note, token FROM timestamp JOIN checkpoint USING (size) ORDER BY size")
    for size, text, token in rows.fetchall():
        yield int(size), text.encode(), bytes(token)


def head_of(db: Connection, size: int) -> bytes:
    """Return the head of `size` leaves as it is stamped: with the log's own signature alone."""
    if not size:
        return head(db).encode()
    row = db.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
    if row is None:
        raise Fault(FaultCode.STORAGE, "ledger: no checkpoint of that size")
    return str(row[0]).encode()
