"""The released table `cells`: public keys, controlled figures, averages made of them, and their ±.

Everything from here on is post-processing: it sees what may leave and nothing else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from yanmen.disclosure.grid import bad_reply, typed
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.refusal import Fault, FaultCode, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Average, Output, Plan

Post = Callable[
    [
        tuple[tuple[str, ColumnType | None], ...],
        tuple[tuple[Cell | float, ...], ...],
        str,
        tuple[ColumnType | None, ...],
    ],
    tuple[tuple[Cell | float, ...], ...],
]
"""`Runner.post`: run emitted SQL over the table `cells` in a job that holds nothing else."""

AVERAGE_PLACES = 6
"""Decimal places an average carries beyond its sum's own."""

Rows = tuple[tuple[Cell, ...], ...]
Widths = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A released integer in units of 10^-scale, or None when withheld, with half-widths of 95 % and 97.5 %."""

    value: int | None
    width: int = 0
    width_of_two: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Controlled figures per cell, parallel to the keys; `noisy` figures carry a ±, exact ones do not."""

    keys: list[tuple[Cell, ...]]
    estimates: list[tuple[Estimate, ...]]
    noisy: bool


def columns(plan: Plan) -> tuple[tuple[str, ColumnType | None], ...]:
    """Return the columns of `cells` in order; a None type is a 64-bit float (the widths)."""
    figures = [(a.name, figure_type(a)) for a in plan.aggregates] + [
        (m.name, ColumnType.DECIMAL) for m in plan.averages
    ]
    return (*((k.name, k.type) for k in plan.keys), *figures, *((f"w_{name}", None) for name, _ in figures))


def figure_type(aggregate: Aggregate) -> ColumnType:
    """Return the type a released aggregate has: whole counts, decimals for fixed-point sums."""
    return ColumnType.DECIMAL if aggregate.kind is AggregateKind.SUM and aggregate.scale else ColumnType.INTEGER


def rows(plan: Plan, figures: Figures) -> tuple[tuple[Cell | float, ...], ...]:
    """Return the rows of `cells`, one per cell of the public grid."""
    return tuple(
        (*key, *_figures(plan, estimates, noisy=figures.noisy))
        for key, estimates in zip(figures.keys, figures.estimates, strict=True)
    )


def width_of(aggregate: Aggregate, units: int) -> float:
    """Return a half-width of `units` in the aggregate's own measure, rounded up."""
    return _float_up(Fraction(units, 10**aggregate.scale))


def outputs(
    plan: Plan,
    held: tuple[tuple[str, ColumnType | None], ...],
    cells: tuple[tuple[Cell | float, ...], ...],
    post: Post,
    usage: Usage,
) -> tuple[Rows, Widths]:
    """Return the answer's rows and widths: `cells` as they stand, or what the plan's post-processing makes of them."""
    carried = [output for output in plan.outputs if output.source]
    if plan.post_sql:
        wanted = (*(output.type for output in plan.outputs), *(None for _ in carried))
        table = post(held, cells, plan.post_sql, wanted)
    else:
        table = _as_they_stand(plan, cells)
    return _split(plan.outputs, table, usage)


def _figures(plan: Plan, estimates: tuple[Estimate, ...], *, noisy: bool) -> tuple[Cell | float, ...]:
    """Return the aggregates and averages of one cell, then a width for each."""
    by_name = {a.name: (a, e) for a, e in zip(plan.aggregates, estimates, strict=True)}
    values: list[Cell] = [_scaled(a, e.value) for a, e in by_name.values()]
    widths = [width_of(a, e.width) if noisy and e.value is not None else None for a, e in by_name.values()]
    for average in plan.averages:
        mean, width = _mean(average, by_name)
        values.append(mean)
        widths.append(width if noisy else None)
    return (*values, *widths)


def _scaled(aggregate: Aggregate, value: int | None) -> int | Decimal | None:
    """Return a released integer in the aggregate's own measure."""
    if value is None or figure_type(aggregate) is ColumnType.INTEGER:
        return value
    return Decimal(value).scaleb(-aggregate.scale)


def _mean(average: Average, by_name: dict[str, tuple[Aggregate, Estimate]]) -> tuple[Decimal | None, float | None]:
    """Return sum over count with the farthest deviation when each lies in its 97.5 % interval (so both: 95 %).

    An average whose count cannot be told from zero has no bounded interval and is not given at all.
    """
    (summed, total), (_, count) = by_name[average.sum], by_name[average.count]
    if total.value is None or count.value is None or count.value - count.width_of_two <= 0:
        return None, None
    unit = 10**summed.scale
    mean = _decimal(Fraction(total.value, count.value * unit), summed.scale + AVERAGE_PLACES)
    corners = [
        Fraction(total.value + s * total.width_of_two, (count.value + c * count.width_of_two) * unit)
        for s in (-1, 1)
        for c in (-1, 1)
    ]
    return mean, _float_up(max(abs(corner - Fraction(mean)) for corner in corners))


def _decimal(value: Fraction, places: int) -> Decimal:
    """Return `value` rounded half to even at `places` decimals."""
    with localcontext(prec=80):
        return Decimal(round(value * 10**places)).scaleb(-places)


def _float_up(value: Fraction) -> float:
    """Return the least double not below `value`."""
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)


def _as_they_stand(plan: Plan, cells: tuple[tuple[Cell | float, ...], ...]) -> tuple[tuple[Cell | float, ...], ...]:
    """Return the outputs of a plan without post-processing: each names its figure, keys come in their order."""
    places = {name: at for at, (name, _) in enumerate(columns(plan))}
    unnamed = iter(range(len(plan.keys)))
    picked: list[int] = []
    carried: list[int] = []
    for output in plan.outputs:
        at = places.get(output.source) if output.source else next(unnamed, None)
        width = places.get(f"w_{output.source}")
        if at is None or (output.source and width is None):
            raise Fault(FaultCode.INTERNAL, "an output of the plan has no source")
        picked.append(at)
        if width is not None:
            carried.append(width)
    return tuple(tuple(row[at] for at in (*picked, *carried)) for row in cells)


def _split(shown: tuple[Output, ...], table: tuple[tuple[Cell | float, ...], ...], usage: Usage) -> tuple[Rows, Widths]:
    """Return values and widths apart, each checked against what was asked for."""
    made: list[tuple[Cell, ...]] = []
    spread: list[tuple[float | None, ...]] = []
    for row in table:
        if len(row) != len(shown) + sum(1 for output in shown if output.source):
            raise bad_reply(usage)
        tail = iter(row[len(shown) :])
        made.append(tuple(typed(cell, output.type, usage) for cell, output in zip(row, shown, strict=False)))
        spread.append(tuple(_width(next(tail), usage) if output.source else None for output in shown))
    return tuple(made), tuple(spread)


def _width(cell: Cell | float, usage: Usage) -> float | None:
    """Return a half-width; one without bound is None, anything but a number from zero up fails the job."""
    if cell is None or (isinstance(cell, float) and cell == math.inf):
        return None
    if isinstance(cell, float) and cell >= 0.0:
        return cell
    raise bad_reply(usage)
