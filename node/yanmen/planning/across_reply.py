"""What one department's engine replies in a join across nodes: per row a digest, a number of a place, and figures.

The engine maps the values of a row's keys to its place in the grid, and a text that is a unit to its digest: else a
literal repeated in every row, or a long identifier, would let the size of a reply, and so whether the run fails, hang
on one more row. How long the reply can be is public, and too long a one is refused before anything runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from yanmen.model.catalogue import Cell, Column, ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.joining import Part
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.bound_expressions import DIGEST
from yanmen.planning.figures import GroupKey
from yanmen.planning.places import NOWHERE, Place, refused
from yanmen.planning.row_source import Rows, column, source
from yanmen.planning.sql_terms import literal, quoted, select, units, value, whole
from yanmen.planning.syntax import ColumnOf
from yanmen.planning.terms import Term

DIGEST_BYTES = 66
"""SHA-256 in hexadecimal digits, and its quotation marks."""
INTEGER_BYTES = 20
"""-2^63 in decimal digits."""
NULL_BYTES = 4
ROW_BYTES = 3
"""The brackets around a row, and the comma after it."""
FRAME_BYTES = 32
"""What stands around all rows."""
COPIES = 4
"""A reply in memory: in the engine, as rows, in pieces, in one piece."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A key of this department: what its values are, of which `term`, and how far a step moves the place."""

    key: GroupKey
    term: Term
    stride: int


def emit(read: Rows, unit: Column, keys: Sequence[Placed], arguments: Iterable[tuple[str, str]]) -> str:
    """Return SQL for the rows of `read`: whose each is, its place by all `keys`, and the named `arguments`."""
    given = list(arguments)
    inner = [f"{column(ColumnOf(0, unit.name, NOWHERE))} AS {quoted('u')}"]
    inner += [f"{_compared(one.term)} AS {quoted(one.key.name)}" for one in keys]
    inner += [f"{sql} AS {quoted(name)}" for name, sql in given]
    outer = [f"{DIGEST}({quoted('u')}) AS {quoted('u')}" if unit.type is ColumnType.TEXT else quoted("u")]
    if keys:
        outer.append(f"CAST({' + '.join(map(_steps, keys))} AS BIGINT) AS {quoted('p')}")
    outer += [quoted(name) for name, _ in given]
    return select(outer, f"FROM ({select(inner, source(read))}) AS {quoted('r')}")


def _compared(term: Term) -> str:
    """Return SQL for `term` as it is compared with the values of its domain: numbers as integers in its units."""
    return units(term) if term.facts.numeric else value(term)


def _steps(one: Placed) -> str:
    """Return SQL for what a key adds to the place: NULL where its value is none of its domain."""
    name, branches = quoted(one.key.name), list[str]()
    for number, cell in enumerate(one.key.domain):
        condition = f"{name} IS NULL" if cell is None else _is(name, cell, one.term)
        branches.append(f"WHEN {condition} THEN {number * one.stride}")
    return f"CASE {' '.join(branches)} END"


def _is(name: str, cell: Cell, term: Term) -> str:
    if term.facts.numeric and isinstance(cell, int | Decimal):
        scaled = Fraction(cell) * 10**term.facts.scale  # a whole number: a domain has no more places than its term
        return f"{name} = {whole(scaled.numerator, wide=term.facts.wide)}"
    return f"{name} = {literal(cell)}"


def reply_bytes_upto(part: Part) -> int:
    """Return how many bytes this department's reply can have, whatever its rows are: JSON, without spare space."""
    side = part.link.sides[part.place]
    cells = [DIGEST_BYTES if part.unit is ColumnType.TEXT else INTEGER_BYTES]
    if part.keys:
        cells.append(max(NULL_BYTES, len(str(max(part.places())))))
    cells += [max(len(str(one.lower)), len(str(one.upper))) for one in part.columns if not one.counts_rows]
    return FRAME_BYTES + side.rows_upto * (ROW_BYTES + sum(cells) + len(cells) - 1)


def check_reply(part: Part, at: Place, limits: NodeLimits) -> None:
    """Refuse when the rows there may be would not fit into a reply: no run may fail by how many there are."""
    if reply_bytes_upto(part) > min(limits.reply_bytes, limits.memory_bytes // COPIES):
        raise refused(Reason.CROSS_NODE_JOIN, at, "reply_bytes", hints.ACROSS_REPLY)
