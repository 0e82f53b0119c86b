"""Holds every charge, quote and refusal to the consumer's own signature: for this node and contract, and used once."""

from typing import NamedTuple

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.formats.slots import Budget, Price, SignedRequest, Verdict
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

Claims = RequestClaims | SessionClaims
"""What the consumer signed: one question, or a short while of them."""
Opened = Claims | str | None
"""Its signature verified; or why it did not, or None where no request is disclosed."""


EARLY_S, LATE_S = 600, 3600
"""How far a leaf may lie before a request was signed, for clocks differ, and after it ended, for a job may wait."""
MINUTE_S = 60
"""Leaves tell the time in whole minutes, rounded down."""


_CHARGED = frozenset({Stage.INTENT, Stage.OUTCOME})
"""Stages of leaves that use a request up: an answer given again without charge does as well."""
_OPERATIONS = {
    Stage.INTENT: frozenset({Operation.SUBMIT}),
    Stage.OUTCOME: frozenset({Operation.SUBMIT}),
    Stage.EXPLAINED: frozenset({Operation.EXPLAIN}),
    Stage.REFUSED: frozenset(Operation),
}
"""Stages of leaves that show a request of their own, and what it may ask for."""


class _Spent(NamedTuple):
    micro_rho: int = 0
    fen: int = 0


class Requests:
    """The requests seen so far, and what was charged on each of them."""

    __slots__ = ("_keys", "_spent", "_used")

    def __init__(self, keys: KeyBook) -> None:
        """Take members' keys from `keys`."""
        self._keys = keys
        self._used: set[tuple[str, str]] = set()
        self._spent: dict[tuple[str, str], _Spent] = {}

    def check(self, use: Use, signed: Opened) -> tuple[Claims | None, tuple[Finding, ...]]:
        """Return what the consumer `signed` for `use`, and what is wrong with it; refusal and quote use nothing up."""
        if signed is None or use.cnf is None or use.consumer is None:
            return None, ()
        charged = use.head.stage in _CHARGED
        if charged and (use.budget is None or use.price is None):
            return None, ()  # withheld, which is a finding of its own
        if isinstance(signed, str):
            return None, (finding(Code.REQUEST_SIGNATURE, use.index, use.head.stage, signed),)
        claims = signed
        subjects = self._differences(use, claims, use.consumer, use.cnf)
        code = self._spend(claims, use.budget, use.price) if charged else None
        if code is None and not subjects:
            return claims, ()
        reused = [] if code is None else [finding(code, use.index, use.head.stage, "maximum")]
        wrong = (finding(Code.REQUEST_DIFFERS, use.index, use.head.stage, name) for name in subjects)
        return claims, (*wrong, *reused)

    def _differences(self, use: Use, claims: Claims, consumer: str, key: bytes) -> tuple[str, ...]:
        party = self._keys.members.find(consumer)
        wrong = {
            "node": claims.audience != use.head.iss,
            "consumer": claims.issuer != consumer,
            # A refusal stands in the series of its contract if that is the consumer's own, and is of no contract else.
            "contract": claims.contract_id != use.contract
            and (use.head.stage is not Stage.REFUSED or use.contract != ""),
            "member key": party is None or self._keys.of_member(party) != key,
            "time": not _in_time(use.head.iat_s, claims),
            "operation": isinstance(claims, RequestClaims) and claims.operation not in _OPERATIONS[use.head.stage],
            "question": isinstance(claims, RequestClaims) and claims.query_sha256 != use.query_sha256,
        }
        return tuple(name for name, differs in wrong.items() if differs) if any(wrong.values()) else ()

    def _spend(self, claims: Claims, budget: Budget | None, price: Price | None) -> Code | None:
        """Charge `claims`; a request is good for one use, a grant until its maxima are spent."""
        if budget is None or price is None:
            return None
        name = (claims.issuer, claims.jti)
        if isinstance(claims, RequestClaims):
            if name in self._used:
                return Code.REQUEST_REUSED
            self._used.add(name)
        before = self._spent.get(name, _Spent())
        spent = _Spent(before.micro_rho + budget.micro_rho, before.fen + price.fen)
        self._spent[name] = spent
        above = spent.micro_rho > claims.max_micro_rho or spent.fen > claims.max_price_fen
        return Code.REQUEST_DIFFERS if above else None


def _in_time(leaf_s: int, claims: Claims) -> bool:
    """Say whether a leaf lies within the life of what its consumer signed: nobody uses it afterwards in its name."""
    return claims.issued_s - EARLY_S < leaf_s + MINUTE_S and leaf_s <= claims.expires_s + LATE_S


def opened(use: Use) -> Opened:
    """Return what the consumer signed for `use`, whatever came before it; an outcome repeats what its intent shows."""
    if use.head.stage not in _OPERATIONS or use.cnf is None or use.request is None:
        return None
    if use.head.stage is Stage.OUTCOME and (use.decision is None or use.decision.verdict is not Verdict.REPEATED):
        return None
    try:
        return _claims(use.request, use.cnf)
    except (Malformed, BadSignature) as error:
        return str(error)


def _claims(signed: SignedRequest, key: bytes) -> Claims:
    token = signed.jws.encode("ascii", "replace")
    match signed.binding:
        case Binding.PER_REQUEST:
            return documents.open_request(token, key)
        case Binding.SESSION:
            return documents.open_session(token, key)
