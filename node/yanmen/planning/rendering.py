"""A plan in words, for `explain`: what would be read, how it is bounded, what would leave. No data."""

from yanmen.model.catalogue import DatasetClass
from yanmen.model.stages import Aggregate, AggregateKind, Plan

_RELEASES = {
    DatasetClass.PERSONAL: "personal: differential privacy, noise on every figure",
    DatasetClass.EXACT: "exact: cells below the minimum group or dominated by two units are withheld",
    DatasetClass.OPEN: "open: as asked",
}
_DOMAIN_SHOWN = 8


def render(plan: Plan) -> str:
    """Return a short readable text of `plan`."""
    lines = [f"release  {_RELEASES[plan.release]}"]
    lines += [f"read     {s.version.dataset.name} ({', '.join(s.columns) or 'rows only'})" for s in plan.scans]
    for key in plan.keys:
        if not key.domain:
            lines.append(f"key      {key.name}: values that many units have, found under δ = {plan.delta_e12}e-12")
            continue
        shown = [str(value) if value is not None else "NULL" for value in key.domain[:_DOMAIN_SHOWN]]
        more = f", … {len(key.domain)} in all" if len(key.domain) > _DOMAIN_SHOWN else ""
        lines.append(f"key      {key.name}: {', '.join(shown)}{more}")
    lines += [_figure(plan, aggregate) for aggregate in plan.aggregates]
    lines += [f"average  {average.name} = {average.sum} / {average.count}" for average in plan.averages]
    if plan.groups_kept is not None:
        lines.append(
            f"capped   a unit counts in at most {plan.groups_kept} cells, by lot; what it has in more is left out"
        )
        counted = ", ".join(scan.version.dataset.name for scan in plan.scans if scan.counted)
        ranked = f"only units with more rows in {counted}" if counted else "every unit"
        lines.append(f"ranked   {ranked}, to choose the cells that count")
    if plan.blocks:
        grids = "; ".join(", ".join((*block.keys, *block.aggregates)) for block in plan.blocks)
        shared = "under one charge, split evenly over all figures" if plan.micro_rho else "withheld alike"
        lines.append(f"releases {len(plan.blocks)} {shared}: {grids}")
    if plan.release is DatasetClass.EXACT:
        lines.append(f"minimum  {plan.min_group} units in a cell")
    most = "" if plan.answer_rows is None else f"at most {plan.answer_rows} rows: "
    lines.append(f"answer   {most}{', '.join(output.label for output in plan.outputs)}")
    if plan.post_sql:
        lines.append("after    select list, HAVING, ORDER BY and LIMIT run on released figures")
    return "\n".join(lines)


def _figure(plan: Plan, aggregate: Aggregate) -> str:
    words = {AggregateKind.ROWS: "rows counted", AggregateKind.UNITS: "units counted", AggregateKind.SUM: "sum"}
    text = f"figure   {aggregate.name}: {words[aggregate.kind]}"
    if aggregate.kind is AggregateKind.SUM and aggregate.scale:
        text += f" in units of 10^-{aggregate.scale}"
    if plan.release is DatasetClass.PERSONAL:
        text += f", one unit moves it by at most {aggregate.l1}"
    return text
