"""The pages: each reads one consistent view of the ledger and fills one template."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yanmen.console import charts, disclosed
from yanmen.console.books import Books, Members
from yanmen.console.charts import Series
from yanmen.console.speech import Language
from yanmen.formats import note
from yanmen.formats.receipt import Slot
from yanmen.ledger import anchors, cosigned, datasets, inspections, log, showing, spaces, timestamps, violations
from yanmen.ledger.showing import DaySpent, Look, Said, Use
from yanmen.model.catalogue import SpaceBudget
from yanmen.model.contract import ContractStatus
from yanmen.model.inspection import IssueState
from yanmen.model.receipt import Stage
from yanmen.verify import stepwise
from yanmen.verify.not_proven import NOT_PROVEN

PAGE = 50
"""Rows of a list; what is older is on the next page, or in an export."""
DAYS_SHOWN = 90
RUNNING_MAX = 100
"""A node runs four questions at once and lets few more wait; more than this would be another program's doing."""

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for: a name or index in the address, members of the query, the language."""

    language: Language
    place: str = ""
    query: Mapping[str, str] | None = None

    def member(self, name: str) -> str:
        """Return a member of the query, "" when there is none."""
        return (self.query or {}).get(name, "")

    def say(self, en: str, zh: str) -> str:
        """Return a text in the reader's language."""
        return zh if self.language is Language.CHINESE else en


Page = Callable[[Books, Members, Asked], Values | None]
"""Returns what the template shows, None when there is no such thing."""


def overview(books: Books, _: Members, __: Asked) -> Values:
    """Show how the node stands, and what waits for somebody."""
    now_ms = books.clock.now_ms()
    with books.look() as db:
        issues = inspections.listed(db)
        standing = showing.contracts_standing(db)
        return {
            "origin": showing.identity(db)[1],
            "last": showing.last(db),
            "waiting": sum(each.status is ContractStatus.PENDING for each in standing),
            "active": sum(each.status is ContractStatus.ACTIVE for each in standing),
            "suspended": sum(each.status is ContractStatus.SUSPENDED for each in standing),
            "running": len(showing.running(db, RUNNING_MAX)),
            "datasets": len(datasets.current(db)),
            "open_issues": sum(each.state is not IssueState.CLOSED for each in issues),
            "overdue": sum(each.overdue(now_ms // 1000) for each in issues),
            "events": len(violations.listed(db)),
            "spaces": spaces.listed(db),
            "witnesses": _witnesses(books, db),
            "now_ms": now_ms,
        }


def catalogue(books: Books, _: Members, __: Asked) -> Values:
    """Show every dataset that can be asked of."""
    with books.look() as db:
        return {"versions": datasets.current(db)}


def dataset(books: Books, _: Members, asked: Asked) -> Values | None:
    """Show one dataset as its owner declared it; hidden columns are not shown."""
    with books.look() as db:
        version = datasets.newest(db, asked.place)
    return None if version is None else {"version": version, "dataset": version.dataset}


def contracts(books: Books, _: Members, __: Asked) -> Values:
    """Show what waits for a decision, then every contract."""
    with books.look() as db:
        standing = showing.contracts_standing(db)
    return {
        "waiting": [each for each in standing if each.status is ContractStatus.PENDING],
        "decided": [each for each in reversed(standing) if each.status is not ContractStatus.PENDING],
        "folder": books.folder,
        "now_ms": books.clock.now_ms(),
    }


def contract(books: Books, _: Members, asked: Asked) -> Values | None:
    """Show one contract: what both signed, and what was used."""
    with books.look() as db:
        found = showing.contract(db, asked.place)
    return None if found is None else {"contract": found, "terms": found.terms, "folder": books.folder}


def uses(books: Books, _: Members, __: Asked) -> Values:
    """Show what runs now and what ended last."""
    with books.look() as db:
        recent = showing.recent(db, PAGE)
        ends = showing.stages(db, (each.ended for each in recent if each.ended is not None))
        running = showing.running(db, RUNNING_MAX)
    return {"running": running, "recent": recent, "ends": ends, "seen": state_of(running, recent)}


def state_of(running: tuple[Use, ...], recent: tuple[Use, ...]) -> str:
    """Return a name for what is shown, so that a page that has it already is told nothing and stays still."""
    state = ([each.index for each in running], [(each.index, each.ended) for each in recent[:PAGE]])
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def budget(books: Books, members: Members, asked: Asked) -> Values:
    """Show what each subject space has spent, over time and by consumer."""
    with books.look() as db:
        days, before, standing = showing.spent_by_day(db), showing.spent_before(db), spaces.listed(db)
    drawn = [(space, _space(space, days, before.get(space.name, 0), members, asked)) for space in standing]
    return {"spaces": drawn, "days_shown": DAYS_SHOWN}


def _space(
    space: SpaceBudget, days: tuple[DaySpent, ...], before: int, members: Members, asked: Asked
) -> dict[str, object]:
    ours = [each for each in days if each.space == space.name]
    by: dict[str, list[int]] = {}
    for each in ours:
        total = by.setdefault(each.consumer, [0, 0, 0])
        for at, figure in enumerate((each.uses, each.micro_rho, each.delta_e12)):
            total[at] += figure
    earlier = Series(asked.say("earlier logs", "此前日志"), (float(before),))
    limit = (space.micro_rho, asked.say("lifetime budget", "终身预算"))
    chart = charts.spent(ours, earlier, limit, members.name)
    return {"chart": chart, "consumers": by, "before": before, "days": ours[: -DAYS_SHOWN - 1 : -1]}


def receipts(books: Books, _: Members, asked: Asked) -> Values | None:
    """Show the log, newest leaf first."""
    with books.look() as db:
        size = log.size(db)
        before = _index(asked.member("before"), size)
        if before is None:
            return None
        lines = showing.leaves(db, before, PAGE)
    return {"lines": lines, "size": size, "older": lines[-1].index if lines and lines[-1].index else 0}


def receipt(books: Books, _: Members, asked: Asked) -> Values | None:
    """Show one receipt with what it discloses."""
    index = _index(asked.place, -1)
    if index is None:
        return None
    with books.look() as db:
        found, size = showing.leaf(db, index), log.size(db)
    if found is None:
        return None
    return {"line": found.line, "fields": disclosed.fields(found.slots), "size": size}


def verification(books: Books, _: Members, asked: Asked) -> Values | None:
    """Check one receipt and show how each step came out, and what no receipt proves."""
    index = _index(asked.place, -1)
    outcomes = None if index is None else books.verify(index)
    if outcomes is None:
        return None
    return {
        "index": index,
        "outcomes": outcomes,
        "holds": stepwise.holds(outcomes),
        "pinned": books.pinned,
        "not_proven": NOT_PROVEN,
        "witness_step": stepwise.Step.WITNESS,
    }


def witnesses(books: Books, _: Members, __: Asked) -> Values:
    """Show how far others have seen this log."""
    with books.look() as db:
        return {
            "origin": showing.identity(db)[1],
            "last": showing.last(db),
            "size": log.size(db),
            "head": log.head(db),
            "witnesses": _witnesses(books, db),
            "release": books.config.release,
            "stamped": timestamps.newest(db),
            "anchored": anchors.newest(db),
            "failing": anchors.failing(db),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What one witness saw: the newest head it cosigned and when; 0 = none yet."""

    name: str
    url: str
    vkey: str
    size: int
    behind: int


def _witnesses(books: Books, db: Look) -> tuple[Seen, ...]:
    size = log.size(db)
    found = []
    for named, key in zip(books.config.witnesses, books.witnesses(), strict=True):
        covered = cosigned.newest(db, key)
        found.append(Seen(named.name, named.url, note.encode_key(key), covered, size - covered))
    return tuple(found)


def findings(books: Books, _: Members, __: Asked) -> Values:
    """Show what inspections found, and security events."""
    with books.look() as db:
        issues = inspections.listed(db)
        events = violations.listed(db)
    return {"issues": issues[::-1], "now_s": books.clock.now_ms() // 1000, "events": events[::-1]}


def incidents(books: Books, _: Members, __: Asked) -> Values:
    """Show incidents and objections, newest leaf first, as their leaves tell them."""
    with books.look() as db:
        listed = {stage: showing.said(db, stage, PAGE) for stage in (Stage.INCIDENT, Stage.OBJECTION)}
    return {"listed": {stage: [_case(each) for each in found] for stage, found in listed.items()}}


def _case(found: Said) -> dict[str, object]:
    """Return what a leaf about a case says: what every such leaf has, and the rest as it is."""
    subject = found.slots.get(Slot.SUBJECT)
    said = dict(subject) if isinstance(subject, dict) else {}
    return {
        "line": found.line,
        "case": said.pop("case", "") or found.line.jti,
        "status": said.pop("status", ""),
        "text": said.pop("text", ""),
        "actor": found.slots.get(Slot.ACTOR, ""),
        "contract": found.slots.get(Slot.CONTRACT, ""),
        "more": [(name, disclosed.text(value)) for name, value in said.items()],
    }


def bills(books: Books, members: Members, __: Asked) -> Values:
    """Show what uses cost by month, and the statements of account that were issued."""
    with books.look() as db:
        months = showing.taken_by_month(db)
        statements = [_statement(each) for each in showing.said(db, Stage.STATEMENT, PAGE)]
    return {"months": months, "chart": charts.taken(months, members.name), "statements": statements}


def _statement(found: Said) -> dict[str, object]:
    subject = found.slots.get(Slot.SUBJECT)
    said = subject if isinstance(subject, dict) else {}
    return {
        "line": found.line,
        "contract": found.slots.get(Slot.CONTRACT, ""),
        "from_s": _whole(said.get("from_s")),
        "to_s": _whole(said.get("to_s")),
        "sha256": said.get("statement_sha256", ""),
    }


def _whole(value: object) -> int:
    return value if isinstance(value, int) else -1


def _index(text: str, otherwise: int) -> int | None:
    """Return the index that `text` is, `otherwise` for "", None for what is none."""
    if not text:
        return otherwise
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
