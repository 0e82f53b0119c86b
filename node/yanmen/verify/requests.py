"""Holds every charge to the consumer's own signature: signed for this node and contract, and used once."""

from typing import NamedTuple

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.formats.slots import Budget, Price, SignedRequest
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
        """Return what the consumer `signed` for the intent `use`, and what is wrong with it."""
        if signed is None or use.cnf is None or use.consumer is None or use.budget is None or use.price is None:
            return None, ()
        if isinstance(signed, str):
            return None, (finding(Code.REQUEST_SIGNATURE, use.index, use.head.stage, signed),)
        claims = signed
        subjects = self._differences(use, claims, use.consumer, use.cnf)
        code = self._spend(claims, use.budget, use.price)
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
            "contract": claims.contract_id != use.contract,
            "member key": party is None or self._keys.of_member(party) != key,
            "time": not _in_time(use.head.iat_s, claims),
            "operation": isinstance(claims, RequestClaims) and claims.operation is not Operation.SUBMIT,
            "question": isinstance(claims, RequestClaims) and claims.query_sha256 != use.query_sha256,
        }
        return tuple(name for name, differs in wrong.items() if differs) if any(wrong.values()) else ()

    def _spend(self, claims: Claims, budget: Budget, price: Price) -> Code | None:
        """Charge `claims`; a request is good for one use, a grant until its maxima are spent."""
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
    """Return what the consumer signed for the intent `use`, whatever came before it."""
    if use.head.stage is not Stage.INTENT or use.cnf is None or use.request is None:
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
