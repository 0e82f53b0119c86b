"""Typed cells as protobuf and back: one text for each value, everything else refused."""

import re
from datetime import date
from decimal import Decimal

from google.protobuf.struct_pb2 import NULL_VALUE

from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell
from yanmen.wire.v1 import catalogue_pb2 as c

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,77})(?:\.[0-9]{1,77})?", re.ASCII)
_INTEGER = re.compile(r"-?[1-9][0-9]{18,77}", re.ASCII)
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def encode_decimal(value: Decimal) -> str:
    """Return `value` in digits, without an exponent."""
    return format(value, "f")


def decode_decimal(text: str) -> Decimal:
    """Return the decimal that `text` spells in digits."""
    if _DECIMAL.fullmatch(text) is None:
        raise Malformed("decimal: not plain digits")
    return Decimal(text)


def encode(cell: Cell) -> c.Cell:
    """Return `cell` as a message."""
    match cell:
        case None:
            return c.Cell(null=NULL_VALUE)
        case bool():
            return c.Cell(boolean=cell)
        case int() if _INT64_MIN <= cell <= _INT64_MAX:
            return c.Cell(integer=cell)
        case int():
            return c.Cell(big_integer=str(cell))
        case Decimal():
            return c.Cell(decimal=encode_decimal(cell))
        case str():
            return c.Cell(text=cell)
        case date():
            return c.Cell(date=cell.isoformat())


def decode(message: c.Cell) -> Cell:
    """Return the value of `message`; one that is unset or not in the one form `encode` writes is malformed."""
    match message.WhichOneof("value"):
        case "null" if message.null == NULL_VALUE:
            return None
        case "boolean":
            return message.boolean
        case "integer":
            return message.integer
        case "big_integer":
            return _big_integer(message.big_integer)
        case "decimal":
            return decode_decimal(message.decimal)
        case "text":
            return message.text
        case "date":
            return _date(message.date)
        case _:
            raise Malformed("cell: no value")


def _big_integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise Malformed("cell: not a large integer in digits")
    value = int(text)
    if _INT64_MIN <= value <= _INT64_MAX:
        raise Malformed("cell: a small integer written as a large one")
    return value


def _date(text: str) -> date:
    try:
        value = date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("cell: not a date") from error
    if value.isoformat() != text:
        raise Malformed("cell: date not written YYYY-MM-DD")
    return value
