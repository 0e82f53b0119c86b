"""Holds the first leaf of a log to the log it says it continues: the head it names, and the sums it begins with."""

from collections.abc import Iterator

from yanmen.formats import merkle, opening
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.opening import Opening
from yanmen.verify.procedure import Examined
from yanmen.verify.report import Code, Finding, finding


def follows(later: Examined, earlier: Examined) -> tuple[Finding, ...]:
    """Return what is wrong with `later` as the continuation of `earlier`, whose bundle must hold by itself."""
    told = _opening(later)
    if told is None:
        return (_differs("it continues no log"),)
    if not earlier.report.ok or earlier.trust is None:
        return (_differs("the log before does not hold"),)
    return tuple(_differs(why) for why in (*_head(told, earlier, earlier.trust.head), *_sums(told, earlier)))


def _opening(later: Examined) -> Opening | None:
    try:
        return opening.read(later.uses[0].subject) if later.uses else None
    except Malformed:
        return None  # a finding of the log's own


def _head(told: Opening, earlier: Examined, head: Checkpoint) -> Iterator[str]:
    if told.previous.origin != head.origin:
        yield f"it continues {told.previous.origin}, not {head.origin}"
        return
    known = [use.hash for use in earlier.uses[: told.held]]
    if told.gap:
        if len(known) < told.held:
            yield "leaves are missing that it says are still there"
    elif told.previous.size != head.size or told.previous.root != head.root:
        yield "the head it names is not the last one"
    elif merkle.root(len(known), merkle.full_subtrees(known)) != told.previous.root:
        yield "the head it names is not over these leaves"


def _sums(told: Opening, earlier: Examined) -> Iterator[str]:
    contracts = {total.contract: total for total in earlier.report.contracts}
    for one in told.contracts:
        known = contracts.get(one.contract, ContractTotal(one.contract))
        mine = (one.queries, one.micro_rho, one.delta_e12, one.fen)
        if mine != (known.queries, known.micro_rho, known.delta_e12, known.fen):
            yield f"contract {one.contract} begins with other sums"
    spaces = {total.space: total for total in earlier.report.spaces}
    begun = {total.space: total for total in told.spaces}
    for name, space in spaces.items():
        now = begun.get(name, SpaceTotal(name))
        if now.micro_rho < space.micro_rho or now.delta_e12 < space.delta_e12:
            yield f"subject space {name} begins with less than was spent"


def _differs(why: str) -> Finding:
    return finding(Code.PREVIOUS_DIFFERS, 0, subject=why)
