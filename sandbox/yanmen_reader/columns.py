"""How each column is asked for: numbers that Arrow holds exactly as they are, everything else as PostgreSQL's own text.

`numeric` of any size, dates before Christ and infinities have no exact Arrow value; their text is exact, and the import
job holds it to what the specification declares.
"""

from typing import NamedTuple

import pyarrow

from yanmen_reader.order import Ended, Order, Trouble
from yanmen_reader.server import Server, identifier

AS_IT_IS = frozenset({"bool", "int2", "int4", "int8", "float4", "float8"})
AS_TEXT = frozenset({"text", "varchar", "bpchar", "name", "char", "numeric", "date", "timestamp", "uuid"})
ZONED = "timestamptz"
REFUSED = frozenset({"bytea", "json", "jsonb", "time", "timetz", "interval", "money", "inet", "xml", "oid"})
"""Kinds that are told by name when they are refused; all others are told as `array` or `other`."""
GROWING = {
    "int2": "int8",
    "int4": "int8",
    "int8": "int8",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
}
"""Types whose values have one order that everybody means, and how a mark of them is read back."""


class Selected(NamedTuple):
    """The select list, and the type of the refresh column if there is one."""

    sql: str
    growing: str


def selected(server: Server, order: Order) -> Selected:
    """Hold the order's columns to those of the relation and write the select list."""
    found = server.schema(f"SELECT * FROM {order.relation} AS source LIMIT 0")  # noqa: S608 - the holder's own text
    kinds: dict[str, str] = {}
    for field in found:
        if field.name in kinds:
            raise Ended(Trouble.COLUMN_TWICE)
        kinds[field.name] = kind_of(field)
    wanted = tuple(kinds) if order.columns is None else order.columns
    for place, name in enumerate((*wanted, *order.hidden)):
        if name not in kinds:
            raise Ended(Trouble.COLUMN_MISSING, place)
    items = [_item(name, kinds[name], place, drafting=order.columns is None) for place, name in enumerate(wanted)]
    return Selected(", ".join(items), _growing(order, kinds))


def kind_of(field: "pyarrow.Field[pyarrow.DataType]") -> str:
    """Return the server's name of a column's type; what is text to Arrow and unknown to us is an enumeration."""
    told = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode("utf-8", errors="replace")
    if told in AS_IT_IS | AS_TEXT | REFUSED | {ZONED}:
        return str(told)
    if pyarrow.types.is_list(field.type):
        return "array"
    return "text" if pyarrow.types.is_string(field.type) else "other"


def _item(name: str, kind: str, place: int, *, drafting: bool) -> str:
    quoted = identifier(name)
    if kind in AS_IT_IS:
        return quoted
    if kind in AS_TEXT:
        return f"{quoted}::text AS {quoted}"
    if kind == ZONED:  # without its zone it is the time on the clocks of the session's zone
        return f"{quoted}::timestamp::text AS {quoted}"
    if drafting:  # it can be hidden, and nothing else
        return f"NULL::text AS {quoted}"
    raise Ended(Trouble.COLUMN_TYPE, place, kind)


def _growing(order: Order, kinds: dict[str, str]) -> str:
    if order.refresh is None:
        return ""
    kind = kinds.get(order.refresh.column, "")
    if kind not in GROWING:
        raise Ended(Trouble.REFRESH_TYPE)
    return GROWING[kind]
