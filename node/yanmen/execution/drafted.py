"""Reads the columns an inspect job drafted; they come from a hostile file and are shown to its holder."""

import re
from decimal import Decimal

from yanmen.execution import reply
from yanmen.model.catalogue import Cell, Column, ColumnType, Role
from yanmen.model.refusal import JobCode, JobFailed

COLUMNS_MAX = 512
NAME_MAX = 63
SOURCE_NAME_MAX = 256
SCALE_MAX = 9
DOMAIN_MAX = 64


def columns(data: bytes) -> tuple[Column, ...]:
    """Return the drafted columns of the reply `data`."""
    drafted: list[Column] = []
    taken: set[str] = set()
    for value in reply.array(data, "columns", COLUMNS_MAX):
        column = _column(value, taken)
        taken.add(column.name.lower())
        drafted.append(column)
    return tuple(drafted)


def _column(value: object, taken: set[str]) -> Column:
    match value:
        case [str(source), str(kind), str(role), scale, domain, lower, upper]:
            pass
        case _:
            raise JobFailed(JobCode.BAD_REPLY)
    places = reply.cell(scale, ColumnType.INTEGER)
    if not isinstance(places, int) or not 0 <= places <= SCALE_MAX:
        raise JobFailed(JobCode.BAD_REPLY)
    try:
        column_type, column_role = ColumnType(kind), Role(role)
    except ValueError:
        raise JobFailed(JobCode.BAD_REPLY) from None
    if not 1 <= len(source) <= SOURCE_NAME_MAX:
        raise JobFailed(JobCode.BAD_REPLY)
    return Column(
        name=_name(source, taken),
        type=column_type,
        role=column_role,
        domain=_domain(domain, column_type),
        lower=_bound(lower),
        upper=_bound(upper),
        scale=places,
        source_name=source,
    )


def _name(source: str, taken: set[str]) -> str:
    """Make an SQL name of the source's, and a different one for each column."""
    stem = re.sub(r"\W", "_", source)
    stem = (stem if stem[0].isalpha() or stem[0] == "_" else f"c_{stem}")[: NAME_MAX - 4]
    name, number = stem, 2
    while name.lower() in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def _domain(value: object, kind: ColumnType) -> tuple[Cell, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > DOMAIN_MAX:
        raise JobFailed(JobCode.BAD_REPLY)
    cells = reply.row(value, (kind,) * len(value))
    if None in cells:
        raise JobFailed(JobCode.BAD_REPLY)
    return tuple(cell for cell in cells if not isinstance(cell, float))


def _bound(value: object) -> Decimal | None:
    cell = None if value is None else reply.cell(value, ColumnType.DECIMAL)
    return cell if isinstance(cell, Decimal) else None
