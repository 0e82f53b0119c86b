"""A statement of account (账单): what one node says a period's uses come to, line by line and contract by contract.

Everything in it is recomputed from receipts; it is signed so that what was claimed can be proved later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from yanmen.formats import base64url, connector_id, json_members, merkle
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.revenue import Share

TYP = "yanmen-statement+jws"
BYTES_MAX = 64 * 1024 * 1024
"""Lines of some hundred thousand contracts."""
LINES_MAX = 1_000_000
SHARES_MAX = 64
MINUTE_S = 60
"""Leaves tell no finer time, so a period begins and ends on a minute."""

_MEMBERS = frozenset({"contract", "contracts", "from_s", "iat", "node", "origin", "root", "size", "to_s"})


@dataclass(frozen=True, slots=True)
class Period:
    """From one Unix second on and up to, not including, another; both are whole minutes."""

    from_s: int
    to_s: int

    def holds(self, time_s: int) -> bool:
        """Say whether a leaf of this minute is in the period."""
        return self.from_s <= time_s < self.to_s

    def check(self) -> "Period":
        """Return the period itself, or refuse one that is empty or does not begin and end on a minute."""
        if self.from_s % MINUTE_S or self.to_s % MINUTE_S or not 0 <= self.from_s < self.to_s:
            raise Malformed("bill: not a period of whole minutes")
        return self


@dataclass(frozen=True, slots=True)
class Line:
    """What one contract used in the period, counted by the leaf that says so.

    `queries`, `free`, `row_buckets`, `cpu_units`, `micro_rho`, `delta_e12` and `fen` are those of its intents,
    whatever became of them; `answers`, `rows` and `cells` those of its answers and `repeated` the answers given again
    at no charge. `first` and `last` are the indices of the first and the last of these leaves. `shares` split `fen`,
    if the contract has a rule for it.
    """

    contract: str
    first: int
    last: int
    queries: int = 0
    free: int = 0
    answers: int = 0
    repeated: int = 0
    rows: int = 0
    cells: int = 0
    row_buckets: int = 0
    cpu_units: int = 0
    micro_rho: int = 0
    delta_e12: int = 0
    fen: int = 0
    shares: tuple[Share, ...] = ()

    def plus(self, other: "Line") -> "Line":
        """Return both lines of one contract as one, not split; `other` is about later leaves."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        return Line(self.contract, first, last, **sums)


FIGURES = tuple(field.name for field in fields(Line) if field.name not in {"contract", "shares"})
"""Every figure of a line, in order."""
_SUMS = FIGURES[2:]


@dataclass(frozen=True, slots=True)
class Bill:
    """A statement: `contract` is the one it is about, empty for all of the node's.

    It is over the first `size` leaves of the log, whose tree has this `root`; the leaf that records it comes next.
    """

    node: str
    origin: str
    size: int
    root: bytes
    period: Period
    contract: str
    issued_s: int
    lines: tuple[Line, ...]

    @property
    def fen(self) -> int:
        """What all lines come to."""
        return sum(line.fen for line in self.lines)


def encode(bill: Bill) -> dict[str, Json]:
    """Return `bill` as the payload to sign."""
    return {
        "contract": bill.contract,
        "contracts": [_line(line) for line in bill.lines],
        "from_s": bill.period.from_s,
        "iat": bill.issued_s,
        "node": bill.node,
        "origin": bill.origin,
        "root": base64url.encode(bill.root),
        "size": bill.size,
        "to_s": bill.period.to_s,
    }


def decode(payload: Json) -> Bill:
    """Return the statement in a verified payload; raises `Malformed`."""
    members = exact(payload, _MEMBERS)
    bill = Bill(
        node=connector_id.check(text(members, "node", 32)),
        origin=text(members, "origin"),
        size=integer(members, "size", 1),
        root=base64url.decode_sized(text(members, "root", 64), merkle.HASH_BYTES),
        period=Period(integer(members, "from_s"), integer(members, "to_s")).check(),
        contract=text(members, "contract"),
        issued_s=integer(members, "iat"),
        lines=tuple(_decode_line(item) for item in json_members.items(members, "contracts", LINES_MAX)),
    )
    names = [line.contract for line in bill.lines]
    if names != sorted(set(names)):
        raise Malformed("bill: lines are not in order, or one is there twice")
    if bill.contract and set(names) - {bill.contract}:
        raise Malformed("bill: a line of another contract")
    return bill


def total(lines: Mapping[str, Line], line: Line) -> Line:
    """Return `line` added to the one of its contract in `lines`, if there is one."""
    known = lines.get(line.contract)
    return line if known is None else known.plus(line)


def _line(line: Line) -> dict[str, Json]:
    shares: list[Json] = [{"department": share.department, "fen": share.fen} for share in line.shares]
    return {"contract": line.contract, **{name: getattr(line, name) for name in FIGURES}, "shares": shares}


def _decode_line(value: Json) -> Line:
    members = exact(value, frozenset({"contract", "shares", *FIGURES}))
    contract = text(members, "contract")
    if not contract:
        raise Malformed("bill: a line of no contract")
    shares = tuple(_decode_share(item) for item in json_members.items(members, "shares", SHARES_MAX))
    line = Line(contract, **{name: integer(members, name) for name in FIGURES}, shares=shares)
    if line.last < line.first:
        raise Malformed("bill: the last leaf comes before the first")
    names = [share.department for share in shares]
    if names != sorted(set(names)):
        raise Malformed("bill: shares are not in order, or one is there twice")
    if shares and sum(share.fen for share in shares) != line.fen:
        raise Malformed("bill: the shares are not together what was split")
    return line


def _decode_share(value: Json) -> Share:
    members = exact(value, frozenset({"department", "fen"}))
    return Share(text(members, "department"), integer(members, "fen"))
