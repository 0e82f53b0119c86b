"""What the signed terms of a contract say of one use; each function names the clauses that it breaks."""

from collections.abc import Iterator, Mapping, Sequence, Set

from yanmen.formats import control_rules
from yanmen.formats.receipt import MINUTE_S
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import Terms
from yanmen.model.usage_control import Facts
from yanmen.verify.agreeing import Agreement
from yanmen.verify.requests import Claims
from yanmen.verify.standing import Published
from yanmen.verify.uses import Use

SECOND_MS = 1000
_BY_STRICTNESS = (DatasetClass.OPEN, DatasetClass.EXACT, DatasetClass.PERSONAL)


def parties(use: Use, agreement: Agreement) -> Iterator[str]:
    """Name consumer, digest or scenario where the leaf has another than the contract."""
    if use.consumer is not None and use.consumer != agreement.terms.consumer:
        yield "consumer"
    if use.contract_digest is not None and use.contract_digest != agreement.digest:
        yield "contract_digest"
    if use.scenario is not None and use.scenario != agreement.terms.scenario:
        yield "scenario"


def time(use: Use, terms: Terms) -> Sequence[str]:
    """Name the date when the leaf lies outside the contract's time; leaves tell the minute, no more."""
    begin_ms, end_ms = use.head.iat_s * SECOND_MS, (use.head.iat_s + MINUTE_S) * SECOND_MS
    early = ["not before"] if end_ms <= terms.not_before_ms else []
    return [*early, "not after"] if begin_ms >= terms.not_after_ms else early


def charge(use: Use, terms: Terms, claims: Claims | None) -> Iterator[str]:
    """Name the charge where it is not the one the consumer asked for under these terms; verify/prices has the price."""
    if claims is not None and claims.scenario_id != terms.scenario.id:
        yield "scenario of the request"
    if use.budget is None or use.rule is None or claims is None:
        return
    asked = claims.micro_rho or terms.micro_rho_per_query
    if use.budget.micro_rho != (asked if use.rule.cls is DatasetClass.PERSONAL else 0):
        yield "charge"
    if use.budget.micro_rho > terms.micro_rho_per_query_max:
        yield "highest charge"


def reading(use: Use, terms: Terms, published: Mapping[str, Published]) -> Iterator[str]:
    """Name the datasets and columns that were read and are not granted."""
    for each in use.readings or ():
        granted = terms.columns(each.name)
        if granted is None:
            yield f"dataset {each.name}"
            continue
        allowed = {column.lower() for column in granted}
        if each.name in published:
            # Contribution bounds need the unit column whatever is asked; it is never released.
            allowed.add(published[each.name].publication.unit.lower())
        yield from (f"column {each.name}.{name}" for name in each.columns if name.lower() not in allowed)


def stale(use: Use, published: Mapping[str, Published], retracted: Set[str]) -> Iterator[str]:
    """Name the datasets of which another version was read than the one published last, or one that was retracted."""
    for each in use.readings or ():
        newest = published.get(each.name)
        current = newest is not None and newest.publication.reading.version == each.version
        if not current or each.version in retracted:
            yield each.name


def release(use: Use, terms: Terms, published: Mapping[str, Published]) -> Iterator[str]:
    """Name what was laxer than the strictest dataset read, its subject space, or the contract's least group."""
    if use.rule is None or use.budget is None:
        return
    listed = [published[each.name] for each in use.readings or () if each.name in published]
    strictest = max((_BY_STRICTNESS.index(each.cls) for each in listed), default=0)
    if _BY_STRICTNESS.index(use.rule.cls) < strictest:
        yield "class"
    if use.rule.min_group < terms.min_group:
        yield "least group"
    spaces = {each.space for each in listed if each.cls is DatasetClass.PERSONAL}
    if spaces - {use.budget.space}:
        yield "subject space"


def controls(use: Use, terms: Terms) -> Sequence[str]:
    """Name the constraints of usage control that the leaf shows broken: its times and the price."""
    said = terms.rules.controls
    if not said:
        return ()
    begun_ms = terms.not_before_ms
    moments = (use.head.iat_s * SECOND_MS, (use.head.iat_s + MINUTE_S) * SECOND_MS - 1)
    # Leaves tell the minute: only what no end of it keeps is broken for sure.
    found = set.intersection(*(set(control_rules.broken(said, Facts(at, begun_ms))) for at in moments))
    if use.price is not None:
        found |= set(control_rules.broken(said, Facts(price_fen=use.price.fen)))
    return [f"control {name}" for name in sorted(found)]
