"""From a durable intent to the engine's reply: the one place that makes a `Raw`."""

from threading import Event

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner
from yanmen.model.stages import AggregateKind, Plan, Raw, Reserved

RUN_PERCENT = 70
"""Share of a personal answer's deadline that is the engine's: the rest is for releasing, which starts at one moment."""


def run(reserved: Reserved, runner: Runner, limits: NodeLimits, cancel: Event) -> Raw:
    """Run the plan of `reserved` in a jail and return its rows; raises `JobFailed` with a closed code."""
    plan = reserved.plan
    allowed = Limits(
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        wall_ms=plan.deadline_ms * RUN_PERCENT // 100 if plan.release is DatasetClass.PERSONAL else plan.deadline_ms,
        reply_bytes=limits.reply_bytes,
        rows=plan.rows_max,
    )
    scans = tuple((scan.schema, scan.version.version) for scan in plan.scans)
    rows, usage = runner.query(scans, plan.sql, reply_types(plan), allowed, cancel)
    return Raw(plan=plan, rows=rows, usage=usage)


def reply_types(plan: Plan) -> tuple[ColumnType, ...]:
    """Return the types of the reply's columns, in the order `Plan` documents."""
    if plan.release is DatasetClass.OPEN:
        return tuple(output.type for output in plan.outputs)
    types = [key.type for key in plan.keys]
    types += [ColumnType.INTEGER] * len(plan.aggregates)
    if plan.release is DatasetClass.EXACT:
        sums = sum(aggregate.kind is AggregateKind.SUM for aggregate in plan.aggregates)
        types += [ColumnType.INTEGER] * (1 + 2 * sums)
    return tuple(types)
