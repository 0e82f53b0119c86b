"""What is new since the last time, and the proof that nothing else is: a digest of all rows behind the mark.

A column that grows says which rows came. That no older row was changed, removed, or committed late with an older
value, it does not say; so the server digests the rows behind the mark, and unless they are the very rows of the last
time, everything is read.
"""

from typing import NamedTuple

from yanmen_reader.columns import Selected
from yanmen_reader.order import Ended, Mark, Order, Refresh, Trouble
from yanmen_reader.server import Server, identifier, literal

MARK = '"mark of yanmen"'
"""A name that no column of the holder's is likely to have; one that has it makes the query fail."""


class Part(NamedTuple):
    """Which rows to read, whether that is all of them, and how far the source is read then."""

    condition: str
    whole: bool
    mark: Mark | None


def part(server: Server, order: Order, chosen: Selected) -> Part:
    """Decide what to read."""
    if order.refresh is None:
        return Part("", whole=True, mark=None)
    column = identifier(order.refresh.column)
    rows = f"SELECT {chosen.sql}, {column} AS {MARK} FROM {order.relation} AS source"  # noqa: S608 - quoted names
    endless = "" if chosen.growing == "int8" else f" OR NOT isfinite({MARK})"
    missing, newest = server.one(
        f"SELECT count(*) FILTER (WHERE {MARK} IS NULL{endless}), max({MARK})::text FROM ({rows}) AS held"  # noqa: S608
    )
    if missing:
        raise Ended(Trouble.REFRESH_NULL)
    if not isinstance(newest, str):
        return Part("", whole=True, mark=None)  # no row at all
    seen = _same_as_before(server, order.refresh, rows, chosen.growing)
    condition = "" if seen is None else f"WHERE {column} > {literal(seen.value)}::{chosen.growing}"
    came = _digest(server, f"{rows} {condition}", newest)
    if seen is None:
        return Part("", whole=True, mark=came)
    total = Mark(newest, seen.rows + came.rows, str(int(seen.digest) + int(came.digest)))
    return Part(condition, whole=False, mark=total)


def _same_as_before(server: Server, refresh: Refresh, rows: str, growing: str) -> Mark | None:
    """Return the last mark when the rows behind it are those of then."""
    before = refresh.before
    if before is None:
        return None
    behind = f"{rows} WHERE {identifier(refresh.column)} <= {literal(before.value)}::{growing}"
    return before if _digest(server, behind, before.value) == before else None


def _digest(server: Server, rows: str, mark: str) -> Mark:
    """Return how many `rows` there are and the sum of their 64-bit digests, in which their order does not matter."""
    count, total = server.one(
        "SELECT count(*), coalesce(sum(hashtextextended(held::text, 0)::numeric), 0)::text"  # noqa: S608
        f" FROM ({rows}) AS held"
    )
    return Mark(mark, int(str(count)), str(total))
