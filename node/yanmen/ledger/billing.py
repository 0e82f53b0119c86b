"""The statement of account (账单) of a period, from the node's own books: intents, answers and jobs.

The auditor counts the same from receipts alone (verify/billing), so that one can be held against the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from yanmen.crypto import documents
from yanmen.formats import bill, json_canonical, receipt
from yanmen.formats.bill import Bill, Line, Period
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Meter
from yanmen.ledger import answers, contracts, leaves, log
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log, Slots
from yanmen.model.ports import Signer
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.model.revenue import Rows, Takings

METER_BYTES_MAX = 64 * 1024
_INTENTS = """
SELECT intent.contract, intent.position, intent.micro_rho, intent.delta_e12, intent.price_fen, intent.meter
FROM intent JOIN leaf USING (position)
WHERE leaf.at_ms >= :from_ms AND leaf.at_ms < :to_ms AND (:contract = '' OR intent.contract = :contract)
"""
_ENDED = """
SELECT intent.contract, leaf.position, answer.released
FROM intent JOIN leaf ON leaf.position = intent.ended LEFT JOIN answer ON answer.position = intent.ended
WHERE leaf.at_ms >= :from_ms AND leaf.at_ms < :to_ms AND (:contract = '' OR intent.contract = :contract)
"""
_REPEATED = """
SELECT intent.contract, leaf.position
FROM job JOIN leaf ON leaf.position = job.position JOIN intent ON intent.ended = job.answer
WHERE job.answer <> job.position
AND leaf.at_ms >= :from_ms AND leaf.at_ms < :to_ms AND (:contract = '' OR intent.contract = :contract)
"""


class PeriodOpen(Exception):
    """The period is not over: a leaf of it could still come."""


def state(db: Connection, log_: Log, signer: Signer, period: Period, about: About) -> tuple[int, bytes]:
    """Sign and record the statement of `period`; return its leaf and token.

    Time in the log never goes back, so that every leaf after this one is of a later time than the period.
    """
    now_ms = log_.now_ms(db)
    if now_ms < period.check().to_s * 1000:
        raise PeriodOpen
    size = log.size(db)
    stated = Bill(
        node=log_.identity.node_id,
        origin=log_.identity.origin,
        size=size,
        root=log.root(db, size),
        period=period,
        contract=about.contract,
        issued_s=receipt.whole_minute(now_ms),
        lines=_lines(db, period, about.contract),
    )
    token = documents.sign_statement(stated, signer)
    slots: Slots = leaves.statement(stated, token)
    if about.contract:
        slots = {**slots, Slot.CONTRACT: about.contract, Slot.CONSUMER: about.party}
    return log_.append(db, Stage.STATEMENT, slots, about).position, token


def _lines(db: Connection, period: Period, contract: str) -> tuple[Line, ...]:
    lines: dict[str, Line] = {}
    takings: dict[str, Takings] = {}
    for line, rows in _uses(db, period, contract):
        lines[line.contract] = bill.total(lines, line)
        takings.setdefault(line.contract, Takings()).add(rows, line.fen)
    return tuple(
        replace(lines[name], shares=takings[name].shares(contracts.require(db, name).terms.split))
        for name in sorted(lines)
    )


def _uses(db: Connection, period: Period, contract: str) -> Iterator[tuple[Line, Rows]]:
    """Yield one line for each leaf that counts, and the rows that its charge was for."""
    bounds: dict[str, int | str] = {"from_ms": period.from_s * 1000, "to_ms": period.to_s * 1000, "contract": contract}
    for name, position, micro_rho, delta_e12, fen, meter in db.execute(_INTENTS, bounds):
        line = Line(name, position, position, queries=1, micro_rho=micro_rho, delta_e12=delta_e12, fen=fen)
        if not meter:  # debited before uses were measured
            yield line, ()
            continue
        units = Meter.read(json_canonical.decode(meter, METER_BYTES_MAX))
        used = units.used
        yield (
            replace(line, free=int(units.free), row_buckets=used.row_buckets, cpu_units=used.cpu_units),
            used.rows,
        )
    for line in _endings(db, bounds):
        yield line, ()


def _endings(db: Connection, bounds: Mapping[str, int | str]) -> Iterator[Line]:
    for name, position, released in db.execute(_ENDED, bounds):
        if released is None:
            yield Line(name, position, position)
            continue
        if not released:
            raise Fault(FaultCode.STORAGE, "answers of this period were destroyed; its account was to be closed before")
        shown = answers.table(released)
        rows = len(shown.rows)
        yield Line(name, position, position, answers=1, rows=rows, cells=rows * len(shown.types))
    for name, position in db.execute(_REPEATED, bounds):
        yield Line(name, position, position, repeated=1)
