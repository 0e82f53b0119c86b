"""What may leave, by class of data, and what can be said of it before asking.

    Raw -> (full public grid) -> noise | thresholds -> cells -> post-processing -> Released

`quote` walks the same path without data, so the ± it states for counts and sums is the ± of the answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.disclosure import accounting, blocks, found, grid, mechanism, noise, table, threshold
from yanmen.disclosure.table import Estimate, Figures, Post
from yanmen.model.catalogue import Cell, DatasetClass
from yanmen.model.refusal import Usage
from yanmen.model.stages import Aggregate, ColumnQuote, Plan, Raw, Released

PERSONAL_NOTICE = "差分隐私估计值，不作为法定统计数据 · differentially private estimate, not an official statistic"
OPEN_NOTICE = "开放数据，未作披露控制 · open data, no disclosure control applied"

Cells = tuple[tuple[Cell | float, ...], ...]

_ALPHA = 0.05
_ALPHA_OF_TWO = 0.025
"""Sum and count of an average each miss with this probability, so together with at most `_ALPHA`."""


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """One aggregate with its noise and half-widths, all known before data is touched."""

    aggregate: Aggregate
    noise: noise.Gaussian
    width: int
    width_of_two: int


def disclose(raw: Raw, post: Post) -> Released:
    """Return what may leave of `raw`; `post` (Runner.post) runs the plan's post-processing on released cells.

    Raises `JobFailed` when the reply is not exactly what the plan allows.
    """
    plan = raw.plan
    grid.check_plan(plan)
    match plan.release:
        case DatasetClass.OPEN:
            return _open(raw)
        case DatasetClass.EXACT:
            cells, suppressed = _whole_cells(raw)
            rule = f"threshold k={threshold.contributors(plan)} p={threshold.DOMINANCE_PERCENT}% whole-blocks"
            return _released(plan, cells, post, _Terms(suppressed, rule, exact_notice(plan), raw.usage))
        case DatasetClass.PERSONAL:
            calibrated = _calibrate(plan)
            cells = _noisy_cells(raw, calibrated)
            described = _described(calibrated) + _keys_found_by(plan)
            return _released(plan, cells, post, _Terms(0, described, _personal_notice(plan), raw.usage))


def _whole_cells(raw: Raw) -> tuple[Cells, int]:
    """Return the released table, every grid cut alike, and in how many cells something was withheld."""
    wholes, cells, suppressed = threshold.wholes(raw), list[tuple[Cell | float, ...]](), 0
    for part in blocks.parts(raw):
        figures, withheld = threshold.control(part.raw, wholes)
        cells += blocks.placed(raw.plan, part, table.rows(part.raw.plan, figures))
        suppressed += withheld
    return tuple(cells), suppressed


def finish(plan: Plan, totals: Sequence[int], sigma_squared: Sequence[int], parties: int, post: Post) -> Released:
    """Return the table of a federated question, whose opened `totals` carry `parties` times the noise.

    `totals` go grid by grid, cell by cell, within a cell aggregate by aggregate. The sum of discrete Gaussians is
    as wide as one of their summed variance, but for 10^-12 (Kairouz, Liu, Steinke 2021, for variance >= 1).
    """
    grid.check_plan(plan)
    widths = {
        aggregate.name: [
            noise.half_width(noise.Gaussian(math.sqrt(parties * variance), 0), alpha)
            for alpha in (_ALPHA, _ALPHA_OF_TWO)
        ]
        for aggregate, variance in zip(plan.aggregates, sigma_squared, strict=True)
    }
    cells: list[tuple[Cell | float, ...]] = []
    left = iter(totals)
    for number, own in enumerate(blocks.plans(plan)):
        keys = grid.keys(own)
        rows = [tuple(Estimate(next(left), *widths[a.name]) for a in own.aggregates) for _ in keys]
        cells += blocks.placed_at(plan, number, own, table.rows(own, Figures(keys, rows, noisy=True)))
    described = f"federated discrete-gaussian: {parties} x sigma_squared={','.join(map(str, sigma_squared))}"
    return _released(plan, tuple(cells), post, _Terms(0, described, PERSONAL_NOTICE, Usage()))


def exact_notice(plan: Plan) -> str:
    """Return the sentence that goes with exact figures: which rule leaves cells blank, and what would fill them."""
    k, percent = threshold.contributors(plan), threshold.DOMINANCE_PERCENT
    return (
        f"空白处不予公布：少于 {k} 个单元、前两大单元之外不足最大单元的 {percent}%，会拆分此类小组，"
        "或其中有主体撤回授权；减少分组维度或放宽筛选后可公布更多；不作为法定统计数据 · "
        f"blank cells are withheld: fewer than {k} units, less than {percent} % of the largest beside the two largest, "
        "part of such a group, or somebody in it withdrew consent; fewer dimensions or a wider filter leave fewer "
        "blank; not an official statistic"
    )


def quote(plan: Plan) -> tuple[ColumnQuote, ...]:
    """Return what each column's half-width will be; None for exact figures and for what depends on data.

    Raises `Refused` when the charge is too small to be split over the aggregates.
    """
    grid.check_plan(plan)
    widths: dict[str, float] = {}
    if plan.release is DatasetClass.PERSONAL:
        accounting.refuse_too_little(plan.micro_rho, len(plan.aggregates))
        widths = {c.aggregate.name: table.width_of(c.aggregate, c.width) for c in _calibrate(plan)}
    return tuple(ColumnQuote(o.label, o.type, widths.get(o.source)) for o in plan.outputs)


def _open(raw: Raw) -> Released:
    """Return open rows as asked, each cell of the declared type."""
    plan = raw.plan
    if len(raw.rows) > plan.rows_max or any(len(row) != len(plan.outputs) for row in raw.rows):
        raise grid.bad_reply(raw.usage)
    types = [output.type for output in plan.outputs]
    rows = tuple(
        tuple(grid.typed(cell, type_, raw.usage) for cell, type_ in zip(row, types, strict=True)) for row in raw.rows
    )
    widths = tuple((None,) * len(types) for _ in rows)
    return _answer(plan, rows, widths, _Terms(0, "none", OPEN_NOTICE, raw.usage))


def _calibrate(plan: Plan) -> tuple[_Calibrated, ...]:
    """Return the noise of each aggregate under an even share of the charge."""
    micro_rho = accounting.share(plan.micro_rho, len(plan.aggregates))
    made = []
    by = _threshold(plan) if found.is_open(plan) else None
    for aggregate in plan.aggregates:
        keyed = by is not None and by.aggregate == aggregate
        gaussian = by.noise if by is not None and keyed else noise.calibrate(aggregate, micro_rho)
        widths = noise.half_width(gaussian, _ALPHA), noise.half_width(gaussian, _ALPHA_OF_TWO)
        made.append(_Calibrated(aggregate, gaussian, *widths))
    return tuple(made)


def _noisy_cells(raw: Raw, calibrated: tuple[_Calibrated, ...]) -> Cells:
    """Return the released table: every grid of the plan with noise in every cell."""
    if found.is_open(raw.plan):
        return table.rows(raw.plan, _found(raw, calibrated))
    cells: list[tuple[Cell | float, ...]] = []
    for part in blocks.parts(raw):
        names = {aggregate.name for aggregate in part.raw.plan.aggregates}
        own = tuple(each for each in calibrated if each.aggregate.name in names)
        cells += blocks.placed(raw.plan, part, table.rows(part.raw.plan, _noisy(part.raw, own)))
    return tuple(cells)


def _noisy(raw: Raw, calibrated: tuple[_Calibrated, ...]) -> Figures:
    """Return the full grid with noise in every cell, the empty ones included."""
    by_column = list(zip(*grid.cells(raw, ()), strict=True)) or [()] * len(calibrated)
    released = [
        [Estimate(value, c.width, c.width_of_two) for value in noise.add(c.noise, c.aggregate, list(column))]
        for c, column in zip(calibrated, by_column, strict=True)
    ]
    return Figures(grid.keys(raw.plan), list(zip(*released, strict=True)), noisy=True)


def _found(raw: Raw, calibrated: tuple[_Calibrated, ...]) -> Figures:
    """Return the keys that enough units have, with noise on every figure."""
    plan = raw.plan
    read = found.rows(raw)
    by = _threshold(plan)
    at = plan.aggregates.index(by.aggregate)
    shown = found.found(by, plan, {key: values[at] for key, values in read.items()})
    columns: list[list[Estimate]] = []
    for place, each in enumerate(calibrated):
        values = [read[key][place] for key in shown]
        noisy = list(shown.values()) if place == at else noise.add(each.noise, each.aggregate, values)
        columns.append([Estimate(value, each.width, each.width_of_two) for value in noisy])
    return Figures([(key,) for key in shown], list(zip(*columns, strict=True)), noisy=True)


def _personal_notice(plan: Plan) -> str:
    """Return the sentence that goes with noisy figures, and from how many units on keys were found."""
    if not found.is_open(plan):
        return PERSONAL_NOTICE
    least = _threshold(plan).least
    zh = f"仅列出加噪单元数不低于 {least} 的取值"
    return f"{PERSONAL_NOTICE}；{zh} · only values with a noisy count of {least} units or more"


def _keys_found_by(plan: Plan) -> str:
    """Return by which count, and from which noisy count on, keys of an open domain were found: for the auditor."""
    if not found.is_open(plan):
        return ""
    by = _threshold(plan)
    return f"; {by.aggregate.name} least={by.least}"


def _threshold(plan: Plan) -> found.Threshold:
    return found.calibrate(plan, accounting.share(plan.micro_rho, len(plan.aggregates)))


def _described(calibrated: tuple[_Calibrated, ...]) -> str:
    """Return what was done, so that an auditor can recompute every scale and cost from the receipt."""
    parts = (f"{c.aggregate.name} sigma={c.noise.scale!r} micro_rho={c.noise.micro_rho}" for c in calibrated)
    return f"discrete-gaussian {mechanism.engine()}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class _Terms:
    """What accompanies the figures."""

    suppressed: int
    mechanism: str
    notice: str
    usage: Usage


def _released(plan: Plan, cells: Cells, post: Post, terms: _Terms) -> Released:
    """Return controlled cells as the outputs the question asked for."""
    rows, widths = table.outputs(plan, blocks.columns(plan), cells, post, terms.usage)
    return _answer(plan, rows, widths, terms)


def _answer(plan: Plan, rows: table.Rows, widths: table.Widths, terms: _Terms) -> Released:
    """Return the released value: the one place it is made."""
    return Released(
        plan=plan,
        labels=tuple(output.label for output in plan.outputs),
        types=tuple(output.type for output in plan.outputs),
        rows=rows,
        widths=widths,
        suppressed=terms.suppressed,
        mechanism=terms.mechanism,
        notice=terms.notice,
        usage=terms.usage,
    )
