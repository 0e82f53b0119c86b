"""Signed documents in the log: the newest of each kind about a subject counts, and none ever changes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from yanmen.formats import json_canonical, jws
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log
from yanmen.model.governance import DocumentKind
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode

T = TypeVar("T")
BYTES_MAX = 128 * 1024
"""Longest document recorded: a leaf discloses all of it."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document whose signature was verified; `subject` is what it is about."""

    kind: DocumentKind
    subject: str
    token: bytes
    actor: str = ""


def record(db: Connection, log: Log, paper: Paper, follows: Callable[[bytes | None], None]) -> int:
    """Record `paper` and return its leaf; the same again is the same leaf.

    `follows` is given the newest of this kind and subject, None if there is none, and refuses what may not follow it.
    """
    digest = hashlib.sha256(paper.token).hexdigest()
    known = db.execute("SELECT position FROM document WHERE digest = ?", (digest,)).fetchone()
    if known is not None:
        return int(known[0])
    follows(newest(db, paper.kind, paper.subject))
    said = {Slot.SUBJECT: {"document": paper.token.decode("ascii")}}
    position = log.append(db, Stage.DOCUMENT, {**said, **({Slot.ACTOR: paper.actor} if paper.actor else {})}, About())
    db.execute(
        "INSERT INTO document (position, kind, subject, digest, token) VALUES (?, ?, ?, ?, ?)",
        (position.position, paper.kind.value, paper.subject, digest, paper.token),
    )
    return position.position


def newest(db: Connection, kind: DocumentKind, subject: str) -> bytes | None:
    """Return the newest document of this kind about `subject`."""
    row = db.execute(
        "SELECT token FROM document WHERE kind = ? AND subject = ? ORDER BY position DESC LIMIT 1",
        (kind.value, subject),
    ).fetchone()
    return None if row is None else bytes(row[0])


def about(db: Connection, kind: DocumentKind, subject: str) -> tuple[tuple[int, bytes], ...]:
    """Return every document of this kind about `subject` with its place in the log, the newest first."""
    rows = db.execute(
        "SELECT position, token FROM document WHERE kind = ? AND subject = ? ORDER BY position DESC",
        (kind.value, subject),
    ).fetchall()
    return tuple((int(position), bytes(token)) for position, token in rows)


def in_force(db: Connection, kind: DocumentKind) -> tuple[Paper, ...]:
    """Return the newest document about each subject, in the order they were recorded."""
    rows = db.execute(
        "SELECT subject, token FROM document AS this WHERE kind = ? AND position ="
        " (SELECT max(position) FROM document WHERE kind = this.kind AND subject = this.subject) ORDER BY position",
        (kind.value,),
    ).fetchall()
    return tuple(Paper(kind, subject, bytes(token)) for subject, token in rows)


def carried(db: Connection, kind: DocumentKind, about_what: Callable[[bytes], str]) -> tuple[Paper, ...]:
    """Return the newest document about each subject and what else it is about, in the order they were recorded."""
    rows = db.execute("SELECT subject, token FROM document WHERE kind = ? ORDER BY position", (kind.value,)).fetchall()
    found: dict[tuple[str, str], Paper] = {}
    for subject, token in rows:
        key = (subject, about_what(bytes(token)))
        found.pop(key, None)
        found[key] = Paper(kind, subject, bytes(token))
    return tuple(found.values())


def read(token: bytes, decode: Callable[[Json], T]) -> T:
    """Return a document that was verified before it was recorded."""
    try:
        return decode(json_canonical.decode_object(jws.split(token, BYTES_MAX).payload, BYTES_MAX))
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: a document is not readable") from error
