"""An answer on several grids: the reply taken apart by block, and the released cells put side by side again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from yanmen.disclosure import table
from yanmen.disclosure.grid import bad_reply
from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.stages import AggregateKind, Block, Plan, Raw

NUMBER = "b"
"""The column of reply and cells that says which block a row is of."""


@dataclass(frozen=True, slots=True)
class Part:
    """One block as a reply of its own."""

    number: int
    raw: Raw


def parts(raw: Raw) -> tuple[Part, ...]:
    """Return the blocks of a reply; one whose rows have no block, or values in another's columns, fails the job."""
    plan = raw.plan
    if not plan.blocks:
        return (Part(0, raw),)
    names = [*(key.name for key in plan.keys), *(aggregate.name for aggregate in plan.aggregates), *_beside(plan)]
    rows: list[list[tuple[Cell, ...]]] = [[] for _ in plan.blocks]
    alone = plans(plan)
    owned = [{*block.keys, *block.aggregates, *_beside(own)} for block, own in zip(plan.blocks, alone, strict=True)]
    for row in raw.rows:
        if len(row) != 1 + len(names) or type(row[0]) is not int or not 0 <= row[0] < len(rows):
            raise bad_reply(raw.usage)
        own = owned[row[0]]
        if any(cell is not None and name not in own for name, cell in zip(names, row[1:], strict=True)):
            raise bad_reply(raw.usage)
        rows[row[0]].append(tuple(cell for name, cell in zip(names, row[1:], strict=True) if name in own))
    return tuple(
        Part(number, replace(raw, plan=own, rows=tuple(found)))
        for number, (own, found) in enumerate(zip(alone, rows, strict=True))
    )


def _beside(plan: Plan) -> list[str]:
    """Return the columns of an exact reply after its figures, as `Plan` lists them."""
    if plan.release is not DatasetClass.EXACT:
        return []
    valued = [f"units_{aggregate.name}" for aggregate in plan.aggregates if aggregate.valued]
    sums = [aggregate.name for aggregate in plan.aggregates if aggregate.kind is AggregateKind.SUM]
    return ["units", *valued, *(f"top{rank}_{name}" for name in sums for rank in (1, 2))]


def plans(plan: Plan) -> tuple[Plan, ...]:
    """Return each block of `plan` as a plan of its own."""
    return tuple(_alone(plan, block) for block in plan.blocks) or (plan,)


def _alone(plan: Plan, block: Block) -> Plan:
    frame = plan.frame
    return replace(
        plan,
        keys=tuple(key for key in plan.keys if key.name in block.keys),
        aggregates=tuple(aggregate for aggregate in plan.aggregates if aggregate.name in block.aggregates),
        averages=tuple(average for average in plan.averages if average.name in block.averages),
        blocks=(),
        frame=None if frame is None else replace(frame, chosen=block.chosen, grouped=block.grouped),
    )


def columns(plan: Plan) -> tuple[tuple[str, ColumnType | None], ...]:
    """Return the columns of the released table."""
    own = table.columns(plan)
    return ((NUMBER, ColumnType.INTEGER), *own) if plan.blocks else own


def placed(plan: Plan, part: Part, rows: Iterable[tuple[Cell | float, ...]]) -> tuple[tuple[Cell | float, ...], ...]:
    """Return the released rows of `part` as rows of the whole table, NULL in the columns of other blocks."""
    return placed_at(plan, part.number, part.raw.plan, rows)


def placed_at(
    plan: Plan, number: int, own: Plan, rows: Iterable[tuple[Cell | float, ...]]
) -> tuple[tuple[Cell | float, ...], ...]:
    """Return the released rows of the block `own`, the one with this number, as rows of the whole table."""
    if not plan.blocks:
        return tuple(rows)
    names = [name for name, _ in table.columns(own)]
    wanted = [name for name, _ in columns(plan)]
    found: list[tuple[Cell | float, ...]] = []
    for row in rows:
        cells = dict(zip(names, row, strict=True)) | {NUMBER: number}
        found.append(tuple(cells.get(name) for name in wanted))
    return tuple(found)
