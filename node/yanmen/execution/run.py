"""From a durable intent to the engine's reply: the one place that makes a `Raw`."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from threading import Event

from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner
from yanmen.model.refusal import Usage
from yanmen.model.stages import Aggregate, AggregateKind, Plan, Raw, Reserved, Scan

NO_OTHERS: Mapping[str, str] = {}
RUN_PERCENT = 70
"""Share of a personal answer's deadline that is the engine's: the rest is for releasing, which starts at one moment."""


def run(
    reserved: Reserved, runner: Runner, limits: NodeLimits, cancel: Event, instead: Mapping[str, str] = NO_OTHERS
) -> Raw:
    """Run the plan of `reserved` in a jail and return its rows; raises `JobFailed` with a closed code.

    `instead` names the snapshots to read in place of a version's own. What exact data are cut by is their whole
    version all the same: cut anew without somebody, they would tell that one's figures by what changed.
    """
    plan = reserved.plan
    allowed = Limits(
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        wall_ms=plan.deadline_ms * RUN_PERCENT // 100 if plan.release is DatasetClass.PERSONAL else plan.deadline_ms,
        reply_bytes=limits.reply_bytes,
        rows=plan.rows_max if plan.part is None else plan.part.link.sides[plan.part.place].rows_upto,
        spill_bytes=limits.spill_bytes,
    )
    rows, usage = runner.query(_attached(plan.scans, instead), plan.sql, reply_types(plan), allowed, cancel)
    if plan.frame is None:
        return Raw(plan=plan, rows=rows, usage=usage)
    frame = plan.frame
    finest = replace(allowed, rows=prod(len(key.domain) for key in frame.keys))
    types = _counted([key.type for key in frame.keys], frame.aggregates)
    found, more = runner.query(_attached(frame.scans, NO_OTHERS), frame.sql, types, finest, cancel)
    usage = _together(usage, more)
    if _attached(frame.scans, instead) == _attached(frame.scans, NO_OTHERS):
        return Raw(plan=plan, rows=rows, usage=usage, frame=found)
    left, more = runner.query(_attached(frame.scans, instead), frame.sql, types, finest, cancel)
    return Raw(plan=plan, rows=rows, usage=_together(usage, more), frame=found, left=left)


def _attached(scans: tuple[Scan, ...], instead: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((scan.schema, instead.get(scan.version.version, scan.version.version)) for scan in scans)


def _together(one: Usage, two: Usage) -> Usage:
    """Return what two jobs of one question used."""
    return Usage(
        cpu_ms=one.cpu_ms + two.cpu_ms,
        peak_bytes=max(one.peak_bytes, two.peak_bytes),
        reply_bytes=one.reply_bytes + two.reply_bytes,
    )


def reply_types(plan: Plan) -> tuple[ColumnType, ...]:
    """Return the types of the reply's columns, in the order `Plan` documents."""
    if plan.release is DatasetClass.OPEN:
        return tuple(output.type for output in plan.outputs)
    if plan.part is not None:
        given = sum(not column.counts_rows for column in plan.part.columns)
        return (plan.part.unit, *[ColumnType.INTEGER] * (bool(plan.part.keys) + given))
    types = [ColumnType.INTEGER] if plan.blocks else []
    types += [key.type for key in plan.keys]
    if plan.release is DatasetClass.EXACT:
        return _counted(types, plan.aggregates)
    return (*types, *[ColumnType.INTEGER] * len(plan.aggregates))


def _counted(keys: list[ColumnType], aggregates: tuple[Aggregate, ...]) -> tuple[ColumnType, ...]:
    """Return the types of an exact reply: keys, aggregates, units, those with a value, two tops for each sum."""
    sums = sum(aggregate.kind is AggregateKind.SUM for aggregate in aggregates)
    valued = sum(aggregate.valued for aggregate in aggregates)
    return (*keys, *[ColumnType.INTEGER] * (len(aggregates) + 1 + valued + 2 * sums))
