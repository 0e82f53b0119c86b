"""Which clauses of signed terms other terms would weaken: what both sides agreed on, loosened, shortened or left out.

Every field of `Terms` has a comparison here, and one that has none counts as weakened as soon as it differs: what is
not shown to hold as before is for a person to look at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum

from yanmen.formats import control_rules
from yanmen.formats.contract import RULE
from yanmen.formats.contract_constraints import kind_named
from yanmen.formats.malformed import Malformed
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import Bounds, Grant, LeftToPerson, Terms
from yanmen.model.usage_control import Constraint, Control

SHOWN = 60
"""Characters of a clause's value that are shown."""
_Holds = Callable[[Terms, Terms], bool]
"""Whether a clause of the first terms holds in the second at least as much."""
_PROCEDURE = frozenset({"amends", "round"})
"""What says which version and round it is, and binds nobody."""
_NAMED = {"grants": "target", "id": "@id", "holder": "assigner", "consumer": "assignee"}


def weakened(former: Terms, terms: Terms) -> tuple[LeftToPerson, ...]:
    """Return every clause of `former` that is not shown to hold in `terms` at least as much, in the order of terms."""
    return (*_clauses(former, terms), *_bounds(former, terms), *_rules(former, terms))


def lengthened(former: Terms, terms: Terms) -> tuple[LeftToPerson, ...]:
    """Return the clause of the proof of deletion when it is due later, or never."""
    return () if _deletion(former, terms) else (_told("deletion_days", former.deletion_days, terms.deletion_days),)


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """Terms that were signed for the holder, and by whom; "" = a person, or who cannot be made out."""

    terms: Terms
    by: str


def shed(terms: Terms, history: Sequence[SignedVersion], by: str) -> tuple[LeftToPerson, ...]:
    """Return every clause that `by`, who is no person, may not sign away: of what a person signed last, and a deletion.

    `history` has the versions that `terms` follow, the one in force first. Where no person signed any, what signed them
    may sign them away, but never puts off the proof of deletion. To the owner's rule what an operator endorsed counts
    as a person's; to the grant of operation what the rule signed is its own.
    """
    if not history:
        return ()
    alone = frozenset({RULE, by})
    in_force, first = history[0], history[-1]
    agreed = next((each for each in history if each.by not in alone), None)
    if agreed is None and first.terms.amends:
        agreed = in_force  # versions before the first one known may have been a person's
    if agreed is None:
        return lengthened(in_force.terms, terms)
    found = weakened(agreed.terms, terms)
    more = () if agreed is in_force else lengthened(in_force.terms, terms)
    return (*found, *(each for each in more if each.clause not in {known.clause for known in found}))


def _clauses(former: Terms, terms: Terms) -> Iterator[LeftToPerson]:
    for each in fields(Terms):
        if each.name in _PROCEDURE | {"bounds", "rules"}:
            continue
        holds = _HOLDS.get(each.name)
        was, now = getattr(former, each.name), getattr(terms, each.name)
        if was != now and (holds is None or not holds(former, terms)):
            yield _told(each.name, was, now)


def _bounds(former: Terms, terms: Terms) -> Iterator[LeftToPerson]:
    """Yield each bound of one question that is gone, or wider."""
    for each in fields(Bounds):
        was, now = getattr(former.bounds, each.name), getattr(terms.bounds, each.name)
        if was is not None and (now is None or now > was):
            yield _told(each.name, was, now)


def _told(field: str, was: object, now: object) -> LeftToPerson:
    name = _NAMED.get(field) or kind_named(field).left
    return _changed(name, _written(field, was), _written(field, now))


def _changed(name: str, was: str, now: str) -> LeftToPerson:
    en = f"it was {was} and would be {now}: only a person may loosen what was agreed"
    return LeftToPerson(name, en, f"原为 {was}，变更后为 {now}：放宽已约定的条款须由人工决定")


def _written(field: str, value: object) -> str:
    if isinstance(value, tuple) and all(isinstance(each, Grant) for each in value):
        return _shown("; ".join(f"{each.dataset}({', '.join(each.columns)})" for each in value))
    if isinstance(value, Enum):
        return _shown(value.value)
    if field == "not_after_ms" and isinstance(value, int):
        return datetime.fromtimestamp(value // 1000, UTC).isoformat()
    return _shown(value)


def _shown(value: object) -> str:
    text = "none 无" if value is None or value in ("", ()) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


# One comparison for each clause that may change without being weakened ----------------------------------


def _least(name: str) -> _Holds:
    return lambda former, terms: bool(getattr(terms, name) >= getattr(former, name))


def _most(name: str) -> _Holds:
    return lambda former, terms: bool(getattr(terms, name) <= getattr(former, name))


def _deletion(former: Terms, terms: Terms) -> bool:
    if former.deletion_days is None:
        return True
    return terms.deletion_days is not None and terms.deletion_days <= former.deletion_days


def _granted(former: Terms, terms: Terms) -> bool:
    """Say whether only datasets and columns are granted that were."""
    before = {grant.dataset: frozenset(grant.columns) for grant in former.grants}
    return all(frozenset(grant.columns) <= before.get(grant.dataset, frozenset()) for grant in terms.grants)


_HOLDS: Mapping[str, _Holds] = {
    "grants": _granted,
    "min_group": _least("min_group"),
    "micro_rho": _most("micro_rho"),
    "micro_rho_per_query": _most("micro_rho_per_query"),
    "micro_rho_per_query_max": _most("micro_rho_per_query_max"),
    "delta_e12": _most("delta_e12"),
    "queries": _most("queries"),
    "queries_per_day": _most("queries_per_day"),
    "not_after_ms": _most("not_after_ms"),
    "price_per_query_fen": _least("price_per_query_fen"),
    "regulator_discloses": lambda former, terms: set(former.regulator_discloses) <= set(terms.regulator_discloses),
    "deletion_days": _deletion,
    "consent": lambda _, terms: terms.consent is ConsentRule.RECORDED,
}
"""Which way a clause may change; any other (parties, scenario, tariff, retention, sides…) stays exactly as it is."""


# Usage control -------------------------------------------------------------------------------------------


def _rules(former: Terms, terms: Terms) -> Iterator[LeftToPerson]:
    was, now = former.rules, terms.rules
    for action in now.permitted:
        if action not in was.permitted:
            yield _changed(f"permission:{action.value}", _shown(None), action.value)
    for kind, before, after in (
        ("prohibition", was.prohibited, now.prohibited),
        ("obligation", was.obliged, now.obliged),
    ):
        for action in before:
            if action not in after:
                yield _changed(f"{kind}:{action.value}", action.value, _shown(None))
    for control in was.controls:
        if not _controlled(control, was.controls, now.controls):
            about = "; ".join(each.told() for each in now.controls if each.constraint is control.constraint)
            yield _changed(f"control:{control.constraint.value}", _shown(control.told()), _shown(about))


def _controlled(control: Control, was: tuple[Control, ...], now: tuple[Control, ...]) -> bool:
    """Say whether a control is kept: word for word, or as a lower count of the same thing.

    What a count means hangs on what stands beside it (a `timeWindow eq P1D` makes it one of each day), so that counts
    are compared by what they come to.
    """
    try:
        before, after = control_rules.ceilings(was), control_rules.ceilings(now)
        match control.constraint:
            case Constraint.COUNT | Constraint.FREQUENCY:
                (mine,) = control_rules.ceilings((*_periods(was), control)).uses
                return any(each.period_ms == mine.period_ms and each.most <= mine.most for each in after.uses)
            case Constraint.DATA_SIZE:
                return _within(before.reply_bytes, after.reply_bytes)
            case Constraint.DATA_RECORD:
                return _within(before.rows, after.rows)
            case _:
                return control in now
    except (Malformed, ValueError):
        return False


def _periods(controls: tuple[Control, ...]) -> Iterator[Control]:
    return (each for each in controls if each.constraint is Constraint.TIME_WINDOW)


def _within(before: int | None, after: int | None) -> bool:
    return before is None or (after is not None and after <= before)
