"""What witnesses cosigned of this log's heads."""

from collections import Counter
from collections.abc import Iterable

from yanmen.crypto import cosigning
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import note
from yanmen.formats.note import Note, NoteSignature, VerifierKey
from yanmen.ledger.connection import Connection
from yanmen.model.refusal import Fault, FaultCode

HEADS_MAX = 1000
"""Newest heads of each witness looked at: a quorum that is further apart is found at the next common head."""


def keep(db: Connection, size: int, witness: VerifierKey, signature: NoteSignature) -> int:
    """Keep the cosignature over the head of `size` leaves and return its time; one that does not verify is a fault."""
    head = _head(db, size)
    try:
        at_s = cosigning.verify(Note(head.text, (signature,)), witness)
    except BadSignature as error:
        raise Fault(FaultCode.REPLY_MALFORMED, f"{witness.name} did not cosign this head: {error}") from error
    db.execute(
        "INSERT INTO cosignature (size, name, key, line) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (size, name, key) DO UPDATE SET line = excluded.line",
        (size, witness.name, witness.public, note.encode_signatures([signature])),
    )
    return at_s


def newest(db: Connection, witness: VerifierKey) -> int:
    """Return the size of the newest head that `witness` cosigned, 0 when there is none."""
    (found,) = db.execute(
        "SELECT coalesce(max(size), 0) FROM cosignature WHERE name = ? AND key = ?", (witness.name, witness.public)
    ).fetchone()
    return int(found)


def size(db: Connection, witnesses: int = 1) -> int:
    """Return the size of the newest head that so many witnesses cosigned, 0 when there is none."""
    (found,) = db.execute(
        "SELECT coalesce(max(size), 0) FROM (SELECT size FROM cosignature GROUP BY size HAVING count(*) >= ?) AS seen",
        (witnesses,),
    ).fetchone()
    return int(found)


def quorum(db: Connection, witnesses: Iterable[VerifierKey], least: int) -> int:
    """Return the size of the newest head that at least `least` of `witnesses` cosigned, 0 when there is none."""
    counted: Counter[int] = Counter()
    for witness in witnesses:
        rows = db.execute(
            "SELECT size FROM cosignature WHERE name = ? AND key = ? ORDER BY size DESC LIMIT ?",
            (witness.name, witness.public, HEADS_MAX),
        )
        counted.update(covered for (covered,) in rows.fetchall())
    return max((covered for covered, count in counted.items() if count >= least), default=0)


def with_cosignatures(db: Connection, covered: int) -> str:
    """Return the signed head of `covered` leaves with the cosignatures there are."""
    head = _head(db, covered)
    rows = db.execute("SELECT line FROM cosignature WHERE size = ? ORDER BY name, key", (covered,)).fetchall()
    lines = tuple(item for (line,) in rows for item in note.decode_signatures(line))
    signatures = (head.signatures + lines)[: note.SIGNATURES_MAX]
    return note.encode(Note(head.text, signatures)).decode()


def _head(db: Connection, covered: int) -> Note:
    row = db.execute("SELECT note FROM checkpoint WHERE size = ?", (covered,)).fetchone()
    if row is None:
        raise Fault(FaultCode.STORAGE, "ledger: no checkpoint of that size")
    return note.decode(row[0].encode())
