"""Findings of inspections (检查→问题→整改期限→复查→销号): every step is a leaf, in its turn."""

from yanmen.crypto import documents
from yanmen.formats import json_members
from yanmen.formats.inspection import BYTES_MAX
from yanmen.formats.receipt import Slot
from yanmen.ledger import log as log_
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log
from yanmen.model.inspection import Issue, IssueState, OutOfTurn, Step, after
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Reason, Refused

_CASE = "SELECT finding, inspector, node, state, deadline_s, text, last FROM inspection"


def record(db: Connection, log: Log, step: Step, token: bytes) -> int:
    """Record a step whose signature was verified and return its leaf; the newest step again gives the same leaf."""
    digest = documents.digest(token)
    known = find(db, step.finding)
    if known is not None and known.last == digest:
        (position,) = db.execute("SELECT position FROM inspection WHERE finding = ?", (step.finding,)).fetchone()
        return int(position)
    try:
        issue = after(known, step, digest)
    except OutOfTurn as error:
        hint = Detail(
            step.finding,
            hint_en=f"Not recorded: {error}.",
            hint_zh="该步骤与问题当前状态不符，未予存证。",
        )
        raise Refused(Reason.REQUEST_MALFORMED, hint) from error
    said = {Slot.SUBJECT: {"document": token.decode("ascii")}}
    position = log.append(db, Stage.INSPECTION, {**said}, About("", issue.inspector)).position
    db.execute(
        "INSERT INTO inspection (finding, inspector, node, state, deadline_s, text, last, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (finding) DO UPDATE SET"
        " state = excluded.state, deadline_s = excluded.deadline_s, last = excluded.last, position = excluded.position",
        (
            issue.finding,
            issue.inspector,
            issue.node,
            issue.state.value,
            issue.deadline_s,
            issue.text,
            issue.last,
            position,
        ),
    )
    return position


def carry(old: Connection, db: Connection, log: Log) -> None:
    """Say again, in the log that continues the one in `old`, every step of the findings that are not closed."""
    going_on = {issue.finding for issue in listed(old) if issue.state is not IssueState.CLOSED}
    rows = old.execute("SELECT position FROM leaf WHERE stage = ? ORDER BY position", (Stage.INSPECTION.value,))
    for (position,) in rows.fetchall() if going_on else ():
        members = log_.read_slots(old, position).get(Slot.SUBJECT)
        token = json_members.text(members if isinstance(members, dict) else {}, "document", BYTES_MAX).encode("ascii")
        step = documents.peek_step(token)
        if step.finding in going_on:
            record(db, log, step, token)


def find(db: Connection, finding: str) -> Issue | None:
    """Return how a finding stands, None when there is none of this id."""
    row = db.execute(f"{_CASE} WHERE finding = ?", (finding,)).fetchone()
    return None if row is None else _case(row)


def listed(db: Connection) -> tuple[Issue, ...]:
    """Return every finding, the one of the newest step last."""
    return tuple(_case(row) for row in db.execute(f"{_CASE} ORDER BY position"))


def _case(row: tuple[str, str, str, str, int, str, str]) -> Issue:
    finding, inspector, node, state, deadline_s, text, last = row
    return Issue(finding, inspector, node, IssueState(state), deadline_s, text, last)
