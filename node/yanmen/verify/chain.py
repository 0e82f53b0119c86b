"""Holds a log to the log it says it continues: the head it names, the sums it begins with, and all that stays in force.

What a node had to keep in one log it could otherwise shed in the next: a contract's sums, a clause, a request that was
used, a finding that was due.
"""

from collections.abc import Iterable, Iterator, Mapping

from yanmen.formats import merkle, opening
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.opening import Opening
from yanmen.formats.request import RequestClaims, SessionClaims
from yanmen.formats.slots import Verdict
from yanmen.model.contract import ContractStatus
from yanmen.model.inspection import IssueState
from yanmen.model.receipt import Stage
from yanmen.verify.following import Following
from yanmen.verify.procedure import Examined
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.requests import opened
from yanmen.verify.uses import Use

_OVER = frozenset({ContractStatus.REVOKED, ContractStatus.DENIED})
_STANDS = frozenset({ContractStatus.ACTIVE, ContractStatus.SUSPENDED})


def follows(later: Examined, earlier: Examined) -> tuple[Finding, ...]:
    """Return what is wrong with `later` as the continuation of `earlier`, whose bundle must hold by itself."""
    told = _opening(later)
    if told is None:
        return (_differs("it continues no log"),)
    if not earlier.report.ok or earlier.trust is None or earlier.following is None:
        return (_differs("the log before does not hold"),)
    wrong = [*_head(told, earlier, earlier.trust.head), *_times(told, later.uses, earlier.uses)]
    wrong += _sums(told, later.uses, earlier)
    wrong += _requests(later.uses, earlier.uses)
    if later.following is not None:
        wrong += _contracts(later, later.following, earlier.following)
        wrong += _data(later, later.following, earlier.following)
        if not told.gap:
            wrong += _findings(later.following, earlier.following)
    return tuple(_differs(why) for why in wrong)


def _opening(later: Examined) -> Opening | None:
    try:
        return opening.read(later.uses[0].subject) if later.uses else None
    except Malformed:
        return None  # a finding of the log's own


def _head(told: Opening, earlier: Examined, head: Checkpoint) -> Iterator[str]:
    if told.previous.origin != head.origin:
        yield f"it continues {told.previous.origin}, not {head.origin}"
        return
    known = [use.hash for use in earlier.uses]
    if told.gap:
        if len(known) < told.held:
            yield "leaves are missing that it says are still there"
        elif len(known) >= told.previous.size and _root(known[: told.previous.size]) != told.previous.root:
            yield "the head it names is of another history"
    elif told.previous.size != head.size or told.previous.root != head.root:
        yield "the head it names is not the last one"
    elif _root(known) != told.previous.root:
        yield "the head it names is not over these leaves"


def _root(hashes: list[bytes]) -> bytes:
    return merkle.root(len(hashes), merkle.full_subtrees(hashes))


def _times(told: Opening, later: tuple[Use, ...], earlier: tuple[Use, ...]) -> Iterator[str]:
    """Hold the new log to beginning after the old one ended: times do not go back from one to the next."""
    ended_s = max((use.head.iat_s for use in earlier[: told.held]), default=0)
    if later[0].head.iat_s < ended_s:
        yield "it begins before the log before it ended"


def _sums(told: Opening, later: tuple[Use, ...], earlier: Examined) -> Iterator[str]:
    """Hold what it begins with to what was used up: of every contract that it names, or lets be used."""
    known = {total.contract: total for total in earlier.report.contracts}
    begun = {total.contract: total for total in told.contracts}
    used = {use.contract for use in later if use.head.stage is Stage.INTENT}
    for name in sorted(begun.keys() | (set() if told.gap else used & known.keys())):
        one, other = (totals.get(name, ContractTotal(name)) for totals in (begun, known))
        if _figures(one) != _figures(other):
            yield f"contract {name} begins with other sums"
    spent = {total.space: total for total in told.spaces}
    for space in earlier.report.spaces:
        now = spent.get(space.space, SpaceTotal(space.space))
        if now.micro_rho < space.micro_rho or now.delta_e12 < space.delta_e12:
            yield f"subject space {space.space} begins with less than was spent"


def _figures(total: ContractTotal) -> tuple[int, int, int, int]:
    return (total.queries, total.micro_rho, total.delta_e12, total.fen)


def _requests(later: tuple[Use, ...], earlier: tuple[Use, ...]) -> Iterator[str]:
    """Hold what a consumer signed to one use, and a session grant to its maxima, over both logs together."""
    before, after = _signed(earlier), _signed(later)
    for jws in sorted(before.keys() & after.keys()):
        uses = [*before[jws], *after[jws]]
        claims = opened(uses[0])
        if isinstance(claims, RequestClaims):
            yield f"request {claims.jti} was used in both"
        elif isinstance(claims, SessionClaims):
            micro_rho = sum(use.budget.micro_rho for use in uses if use.budget is not None)
            fen = sum(use.price.fen for use in uses if use.price is not None)
            if micro_rho > claims.max_micro_rho or fen > claims.max_price_fen:
                yield f"session grant {claims.jti} is charged beyond its maxima in both together"


def _signed(uses: Iterable[Use]) -> Mapping[str, list[Use]]:
    """Return the uses by what their consumer signed for each: an outcome repeats what its intent shows."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        repeated = use.decision is not None and use.decision.verdict is Verdict.REPEATED
        if use.request is not None and (use.head.stage is Stage.INTENT or repeated):
            found.setdefault(use.request.jws, []).append(use)
    return found


def _contracts(later: Examined, now: Following, before: Following) -> Iterator[str]:
    """Hold contracts to how the log before left them: what was over is over, what stood is said again as it stood."""
    known = before.standing.agreements
    first: dict[str, Use] = {}
    for use in later.uses:
        if use.head.stage is Stage.CONTRACT and use.contract in known:
            first.setdefault(use.contract, use)
    for name, use in first.items():
        if known[name].status in _OVER and now.standing.agreements[name].status not in _OVER:
            yield f"contract {name} was over and came back"
        elif known[name].status in _STANDS and use.contract_digest != known[name].digest:
            yield f"contract {name} is not said again as it stood"


def _data(later: Examined, now: Following, before: Following) -> Iterator[str]:
    """Hold lifetime budgets and withdrawn data to the same."""
    for name, lifetime in now.standing.registered.items():
        had = before.standing.spaces.get(name, lifetime)
        if lifetime.micro_rho > had.micro_rho or lifetime.delta_e12 > had.delta_e12:
            yield f"subject space {name} begins with more than its lifetime budget"
    gone = before.standing.retracted
    if any(reading.version in gone for use in later.uses for reading in use.readings or ()):
        yield "data is read that was withdrawn before"


def _findings(now: Following, before: Following) -> Iterator[str]:
    """Hold findings of inspections that are not closed to going on as they stood, with no step more or less."""
    for issue in before.inspections:
        if issue.state is not IssueState.CLOSED and now.carried.get(issue.finding) != issue.last:
            yield f"finding {issue.finding} does not go on as it stood"


def _differs(why: str) -> Finding:
    return finding(Code.PREVIOUS_DIFFERS, 0, subject=why)
