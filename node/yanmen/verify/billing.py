"""Holds a statement of account (账单) against the receipts: every figure is counted again, to the fen."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bill, former_keys, merkle
from yanmen.formats.bill import FIGURES, Bill, Line, Period
from yanmen.formats.malformed import Malformed
from yanmen.formats.slots import Budget, Meter, Price, Verdict
from yanmen.model.contract import Terms
from yanmen.model.party import KeyUse
from yanmen.model.receipt import Stage
from yanmen.model.revenue import Takings
from yanmen.model.tariff import Metered
from yanmen.verify.bill_finding import BillCode, BillFinding, bill_finding
from yanmen.verify.following import Trust
from yanmen.verify.procedure import Examined, examine
from yanmen.verify.report import Report
from yanmen.verify.uses import Use


@dataclass(frozen=True, slots=True)
class BillReport:
    """What came of holding `stated` against the receipts; `stated` is None when it is not the node's statement."""

    report: Report
    stated: Bill | None
    counted: tuple[Line, ...]
    findings: tuple[BillFinding, ...]

    @property
    def ok(self) -> bool:
        """Whether the log holds and the statement is what its receipts come to."""
        return self.report.ok and self.stated is not None and all(each.note for each in self.findings)


def audit_bill(path: Path, statement: bytes, space_key: bytes | None = None) -> BillReport:
    """Recompute the statement from the receipts of the bundle in `path` alone.

    1. The bundle holds (`verify_bundle`): nothing is counted from a log that does not.
    2. The node's receipt key signed the statement, for this log and this node.
    3. It is over the log's first leaves: their tree has the root it states, and the leaf after them, which is not
       of an earlier time than the end of the period, records its digest.
    4. Every figure of every contract is what the receipts of the period come to.
    """
    return hold_statement(examine(path, space_key), statement)


def hold_statement(examined: Examined, statement: bytes) -> BillReport:
    """Take steps 2 to 4 of `audit_bill`."""
    if examined.trust is None:
        return BillReport(examined.report, None, (), ())
    try:
        stated = _opened(statement, examined.trust)
    except Malformed as error:
        return _without(examined, BillCode.STATEMENT_MALFORMED, error)
    except BadSignature as error:
        return _without(examined, BillCode.STATEMENT_SIGNATURE, error)
    findings = [*_place(stated, statement, examined.trust, examined.uses)]
    lines, unread = count(examined.uses, stated.period, stated.contract, examined.terms)
    findings += [bill_finding(BillCode.OUTPUT_UNREADABLE, contract, str(index)) for index, contract in unread]
    priced = [line.contract for line in lines if line.queries and line.contract not in examined.terms]
    findings += [bill_finding(BillCode.TERMS_WITHHELD, contract) for contract in priced]
    findings += _compare(stated.lines, lines)
    findings += _others(stated, statement, examined.uses)
    return BillReport(examined.report, stated, lines, tuple(findings))


def _opened(statement: bytes, trust: Trust) -> Bill:
    """Return the statement, signed with the receipt key that counts at the leaf that records it."""
    origin = trust.head.origin
    keys = former_keys.every(trust.party, KeyUse.RECEIPT)
    stated = documents.open_with(documents.open_statement, statement, keys)
    return documents.open_statement(statement, former_keys.key_at(trust.party, KeyUse.RECEIPT, origin, stated.size))


def count(
    uses: Iterable[Use], period: Period, contract: str = "", terms: Mapping[str, Terms] | None = None
) -> tuple[tuple[Line, ...], tuple[tuple[int, str], ...]]:
    """Return what each contract used in `period`, and the (leaf, contract) whose output does not say its shape.

    Only those of `contract` count, if it is given; a line is split by the rule in `terms`.
    """
    lines: dict[str, Line] = {}
    takings: dict[str, Takings] = {}
    unread: list[tuple[int, str]] = []
    for use in uses:
        if (contract and use.contract != contract) or not period.holds(use.head.iat_s):
            continue
        try:
            counted = _counted(use)
        except Malformed:
            unread.append((use.index, use.contract))
            continue
        if counted is not None:
            lines[use.contract] = bill.total(lines, counted)
            rows = () if use.meter is None else use.meter.used.rows
            takings.setdefault(use.contract, Takings()).add(rows, counted.fen)
    rules = {name: agreed.split for name, agreed in (terms or {}).items()}
    split = (replace(lines[name], shares=takings[name].shares(rules.get(name))) for name in sorted(lines))
    return tuple(split), tuple(unread)


def _counted(use: Use) -> Line | None:
    """Return the line of one leaf, None when it does not count."""
    here = (use.contract, use.index, use.index)
    match use.head.stage:
        case Stage.INTENT if use.budget is not None and use.price is not None:
            return _charged(use, use.budget, use.price)
        case Stage.OUTCOME if use.decision is not None and use.decision.verdict is Verdict.REPEATED:
            return Line(*here, repeated=1)
        case Stage.OUTCOME:
            if use.output is None:
                raise Malformed("an answer that does not say what left")
            shown = use.output
            return Line(*here, answers=1, rows=shown.rows, cells=shown.rows * shown.columns)
        case Stage.ABORTED:
            return Line(*here)
        case _:
            return None


def _charged(use: Use, budget: Budget, price: Price) -> Line:
    """Return the line of one intent; one without units is not metered."""
    units = use.meter or Meter(Metered(), free=False)
    return Line(
        use.contract,
        use.index,
        use.index,
        queries=1,
        free=int(units.free),
        row_buckets=units.used.row_buckets,
        cpu_units=units.used.cpu_units,
        micro_rho=budget.micro_rho,
        delta_e12=budget.delta_e12,
        fen=price.fen,
    )


def _place(stated: Bill, statement: bytes, trust: Trust, uses: Sequence[Use]) -> Iterator[BillFinding]:
    """Hold the statement to its node, its log and the leaf that records it."""
    if (stated.node, stated.origin) != (trust.party.id, trust.head.origin):
        yield bill_finding(BillCode.STATEMENT_OTHER_LOG)
        return
    if len(uses) < trust.head.size:
        return  # leaves are missing, which the report says
    if stated.size >= len(uses):
        yield bill_finding(BillCode.STATEMENT_NOT_RECORDED)
        return
    if merkle.root(stated.size, merkle.full_subtrees(use.hash for use in uses[: stated.size])) != stated.root:
        yield bill_finding(BillCode.STATEMENT_ROOT)
    recorded = uses[stated.size]
    if recorded.head.stage is not Stage.STATEMENT or _digest(recorded) != hashlib.sha256(statement).hexdigest():
        yield bill_finding(BillCode.STATEMENT_NOT_RECORDED)
    if recorded.head.iat_s < stated.period.to_s or stated.issued_s != recorded.head.iat_s:
        yield bill_finding(BillCode.PERIOD_NOT_OVER)


def _compare(stated: Sequence[Line], counted: Sequence[Line]) -> Iterator[BillFinding]:
    """Name every figure that differs; a contract that is not there has none."""
    left: Mapping[str, Line] = {line.contract: line for line in stated}
    right: Mapping[str, Line] = {line.contract: line for line in counted}
    for name in sorted(left.keys() | right.keys()):
        for figure in FIGURES:
            says = getattr(left.get(name), figure, None)
            comes_to = getattr(right.get(name), figure, None)
            if says != comes_to:
                yield bill_finding(BillCode.FIGURE_DIFFERS, name, figure, says, comes_to)
        yield from _compare_shares(name, left.get(name), right.get(name))


def _compare_shares(contract: str, stated: Line | None, counted: Line | None) -> Iterator[BillFinding]:
    says, comes_to = (
        {} if line is None else {each.department: each.fen for each in line.shares} for line in (stated, counted)
    )
    for department in sorted(says.keys() | comes_to.keys()):
        if says.get(department) != comes_to.get(department):
            yield bill_finding(
                BillCode.SHARE_DIFFERS, contract, department, says.get(department), comes_to.get(department)
            )


def _others(stated: Bill, statement: bytes, uses: Iterable[Use]) -> Iterator[BillFinding]:
    """Note the other statements recorded over part of this period, which must not be paid twice."""
    own = hashlib.sha256(statement).hexdigest()
    for use in uses:
        if use.head.stage is not Stage.STATEMENT or _digest(use) == own or not isinstance(use.subject, Mapping):
            continue
        from_s, to_s = use.subject.get("from_s"), use.subject.get("to_s")
        same = use.contract in {"", stated.contract} or not stated.contract
        if not same or not isinstance(from_s, int) or not isinstance(to_s, int):
            continue
        if from_s < stated.period.to_s and stated.period.from_s < to_s:
            yield bill_finding(BillCode.PERIOD_STATED_AGAIN, use.contract, str(use.index))


def _digest(use: Use) -> object:
    return use.subject.get("statement_sha256") if isinstance(use.subject, Mapping) else None


def _without(examined: Examined, code: BillCode, error: Exception) -> BillReport:
    return BillReport(examined.report, None, (), (bill_finding(code, subject=str(error)),))
