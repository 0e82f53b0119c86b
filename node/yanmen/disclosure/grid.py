"""The engine's reply as a full grid over the public domains; the reply is hostile until it has passed here.

Which cells exist is public, so a cell the engine leaves out is a zero like any other. A reply that
is not exactly what the plan allows fails the job without saying why.
"""

import math
from datetime import date
from decimal import Decimal
from itertools import product

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Key, Plan, Raw

INT64 = range(-(2**63), 2**63)
"""What an aggregate of a reply may hold, and OpenDP add noise to."""
SCALE_MAX = 18
"""Decimal places a 64-bit fixed-point number can have."""


def check_plan(plan: Plan) -> None:
    """Fault unless the bounds `plan` claims are ones that noise and range checks can stand on."""
    names = [a.name for a in plan.aggregates]
    known = len(set(names)) == len(names) and all(a.sum in names and a.count in names for a in plan.averages)
    if not known or not all(_sound(a) for a in plan.aggregates):
        raise Fault(FaultCode.INTERNAL, "plan states impossible bounds")


def keys(plan: Plan) -> list[tuple[Cell, ...]]:
    """Return the public keys of every cell, in the order of the declared domains."""
    return list(product(*(key.domain for key in plan.keys)))


def cells(raw: Raw, extra: tuple[range, ...]) -> list[tuple[int, ...]]:
    """Return the numbers of every cell in grid order: the aggregates, then columns within the `extra` ranges."""
    plan = raw.plan
    ranges = (*reach(plan.aggregates), *extra)
    sizes = [len(key.domain) for key in plan.keys]
    found: dict[int, tuple[int, ...]] = {}
    for steps, numbers in filled(plan.keys, ranges, raw.rows, raw.usage).items():
        at = 0
        for size, step in zip(sizes, steps, strict=True):
            at = at * size + step
        found[at] = numbers
    nothing = (0,) * len(ranges)
    return [found.get(at, nothing) for at in range(math.prod(sizes))]


def reach(aggregates: tuple[Aggregate, ...]) -> tuple[range, ...]:
    """Return the public range of each aggregate."""
    return tuple(range(a.lower, a.upper + 1) for a in aggregates)


def filled(
    keys: tuple[Key, ...], ranges: tuple[range, ...], rows: tuple[tuple[Cell, ...], ...], usage: Usage
) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of every cell that has a row, by its place in each key's domain; else fail the job."""
    places = [{(type(cell), cell): at for at, cell in enumerate(key.domain)} for key in keys]
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    for row in rows:
        if len(row) != len(places) + len(ranges):
            raise bad_reply(usage)
        steps = tuple(_step(place, cell, usage) for place, cell in zip(places, row, strict=False))
        if steps in found:
            raise bad_reply(usage)
        found[steps] = tuple(whole(cell, r, usage) for cell, r in zip(row[len(places) :], ranges, strict=True))
    return found


def typed(cell: object, type_: ColumnType, usage: Usage) -> Cell:
    """Return `cell` when it is absent or exactly of `type_`, else fail the job."""
    if cell is None or (_fits(cell, type_) and isinstance(cell, bool | int | Decimal | str | date)):
        return cell
    raise bad_reply(usage)


def bad_reply(usage: Usage) -> JobFailed:
    """Return the one failure every malformed reply ends in."""
    return JobFailed(JobCode.BAD_REPLY, usage)


def _step(place: dict[tuple[type, Cell], int], cell: Cell, usage: Usage) -> int:
    """Return where `cell` stands in a key's domain (True is not 1 here), else fail the job."""
    try:
        return place[type(cell), cell]
    except (KeyError, TypeError):  # TypeError: what cannot be hashed, a signalling NaN for one
        raise bad_reply(usage) from None


def _fits(cell: object, type_: ColumnType) -> bool:
    """Tell whether `cell` is exactly of `type_`: True is no integer, a time of day no date."""
    match type_:
        case ColumnType.INTEGER:
            return type(cell) is int
        case ColumnType.DECIMAL:
            return isinstance(cell, Decimal) and cell.is_finite()
        case ColumnType.TEXT:
            return type(cell) is str
        case ColumnType.BOOLEAN:
            return type(cell) is bool
        case ColumnType.DATE:
            return type(cell) is date


def whole(cell: Cell, allowed: range, usage: Usage) -> int:
    """Return `cell` when it is an integer within `allowed`, else fail the job."""
    if type(cell) is int and cell in allowed:
        return cell
    raise bad_reply(usage)


def _sound(aggregate: Aggregate) -> bool:
    """Tell whether zero and 64 bits hold the range, and the sensitivities can both be true of integers."""
    return (
        INT64[0] <= aggregate.lower <= 0 <= aggregate.upper <= INT64[-1]
        and 0 <= aggregate.l2_squared <= aggregate.l1**2
        and 0 <= aggregate.scale <= (SCALE_MAX if aggregate.kind is AggregateKind.SUM else 0)
    )
