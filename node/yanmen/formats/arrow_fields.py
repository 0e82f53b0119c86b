"""The types of Arrow's columnar format that a node writes, and nothing of how."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, unique

Value = None | bool | int | float | Decimal | str | bytes | date | list["Value"] | tuple["Value", "Value"]
"""One value of a column: of a union a pair of type id and value, of a map a list of pairs."""


@unique
class Kind(Enum):
    """What a column holds."""

    NULL = "null"
    BOOLEAN = "boolean"
    UINT8 = "uint8"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    FLOAT64 = "float64"
    DECIMAL = "decimal"
    DATE = "date"
    UTF8 = "utf8"
    BINARY = "binary"
    LIST = "list"
    STRUCT = "struct"
    MAP = "map"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name, what it holds, and what is said beside it.

    A decimal has `digits` (up to 38 in 128 bits, up to 76 in 256) and a `scale`; lists, structs, maps and
    dense unions have `children`.
    """

    name: str
    kind: Kind
    nullable: bool = True
    digits: int = 0
    scale: int = 0
    children: tuple["Field", ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()


DIGITS_128 = 38
"""Decimal digits that 128 bits hold; wider decimals have 256."""
DIGITS_256 = 76
