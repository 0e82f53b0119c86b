"""Objections (异议) and incidents (事件): opened by a leaf, closed by one leaf that names it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from yanmen.formats import json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import contracts, log
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log, Slots
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

KINDS = frozenset({Stage.OBJECTION, Stage.INCIDENT})
OPEN, CLOSED = "open", "closed"
OBJECTION, COMPLAINT = "objection", "complaint"
_SUBJECT = frozenset({"case", "status", "text"})
_FILED = frozenset({"by", "document", "due_s", "kind"})
"""What a leaf of an objection or complaint says besides."""


@dataclass(frozen=True, slots=True)
class Filed:
    """An objection that a member `by` signed as `document`, or a complaint that `actor` made; answered by `due_s`."""

    kind: str
    text: str
    due_s: int
    by: str = ""
    contract: str = ""
    actor: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One objection or incident; `id` is the `jti` of the leaf that opened it, `closed` the leaf that closed it.

    `kind`, `by`, `due_s` and `document` are those of `Filed`, empty for what the holder recorded of itself.
    """

    id: str
    stage: Stage
    opened: int
    contract: str
    text: str
    closed: int | None = None
    outcome: str = ""
    kind: str = ""
    by: str = ""
    due_s: int = 0
    document: str = ""

    def overdue(self, now_s: int) -> bool:
        """Say whether it should have been answered by now."""
        return self.closed is None and 0 < self.due_s < now_s


def open_case(db: Connection, log_: Log, stage: Stage, text: str, actor: str, contract: str) -> int:
    """Record what was objected to, or happened, and return the leaf."""
    return _append(db, log_, stage, {"case": "", "status": OPEN, "text": text}, actor, (contract, ""))


def file_case(db: Connection, log_: Log, filed: Filed) -> int:
    """Record an objection or complaint and return the leaf; the same signed objection again is the same leaf."""
    if filed.document:
        for case in listed(db, Stage.OBJECTION):
            if case.document == filed.document:
                return case.opened
    said: dict[str, Json] = {"case": "", "status": OPEN, "text": filed.text}
    said |= {"by": filed.by, "document": filed.document, "due_s": filed.due_s, "kind": filed.kind}
    return _append(db, log_, Stage.OBJECTION, said, filed.actor, (filed.contract, filed.by))


def close_case(db: Connection, log_: Log, stage: Stage, case_id: str, text: str, actor: str) -> int:
    """Record the answer to an open case and return the leaf; a case is closed once."""
    found = {case.id: case for case in listed(db, stage)}.get(case_id)
    if found is None or found.closed is not None:
        hint_en = "There is no such case." if found is None else "It is closed already."
        hint_zh = "没有此事项。" if found is None else "该事项已办结。"
        raise Refused(Reason.REQUEST_MALFORMED, Detail(subject=case_id, hint_en=hint_en, hint_zh=hint_zh))
    said: Json = {"case": case_id, "status": CLOSED, "text": text}
    return _append(db, log_, stage, said, actor, (found.contract, found.by))


def listed(db: Connection, stage: Stage) -> tuple[Case, ...]:
    """Return every case of this kind, oldest first."""
    found: dict[str, Case] = {}
    for position, jti, contract, members in _said(db, stage):
        text = json_members.text(members, "text")
        named = found.get(json_members.text(members, "case"))
        if named is not None:
            found[named.id] = replace(named, closed=position, outcome=text)
        elif "kind" in members:
            kind, by, document = (json_members.text(members, name, 64 * 1024) for name in ("kind", "by", "document"))
            due_s = json_members.integer(members, "due_s")
            found[jti] = Case(jti, stage, position, contract, text, None, "", kind, by, due_s, document)
        else:
            found[jti] = Case(jti, stage, position, contract, text)
    return tuple(found.values())


def _append(db: Connection, log_: Log, stage: Stage, said: Json, actor: str, about: tuple[str, str]) -> int:
    """Append a leaf about a contract, or one that a member may read, or neither."""
    contract, by = about
    if stage not in KINDS:
        raise Fault(FaultCode.INTERNAL, "no stage of a case")
    slots: dict[Slot, Json] = {Slot.SUBJECT: said, **({Slot.ACTOR: actor} if actor else {})}
    place = About("", by)
    if contract:
        place = About(contract, contracts.require(db, contract).terms.consumer)
        slots[Slot.CONTRACT] = contract
    return log_.append(db, stage, slots, place).position


def _said(db: Connection, stage: Stage) -> Iterator[tuple[int, str, str, json_members.Object]]:
    """Yield what each leaf of this stage says, and about which contract."""
    rows = db.execute("SELECT position, jti FROM leaf WHERE stage = ? ORDER BY position", (stage.value,)).fetchall()
    for position, jti in rows:
        slots: Slots = log.read_slots(db, position)
        try:
            members = json_members.exact(slots.get(Slot.SUBJECT), _SUBJECT, _FILED)
        except Malformed as error:
            raise Fault(FaultCode.STORAGE, "ledger: a case is not readable") from error
        yield position, jti, str(slots.get(Slot.CONTRACT, "")), members
