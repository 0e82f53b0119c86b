"""Literals and cast targets: the only parts of the caller's text that reach emitted SQL, as typed values."""

import re
from datetime import date
from decimal import Decimal

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value
from yanmen.planning.places import Place, refused
from yanmen.planning.syntax import CastKind, Literal, LiteralKind
from yanmen.planning.vocabulary import CASTS, INTEGER_BITS

TEXT_MAX = 1000
DIGITS_MAX = 18
"""Before and after the point: what DECIMAL(18,s) and BIGINT hold."""

_INTEGER = re.compile(r"-?[0-9]{1,40}", re.ASCII)
_NUMBER = re.compile(r"-?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TYPE = frozenset(
    {
        "class", "type", "alias", "query_location", "query_location_length",
        "catalog", "schema", "type_name", "children", "qualified_name",
    }
)  # fmt: skip


def constant(reader: Reader, value: Value, at: Place) -> Literal:
    """Return the literal that a serialised constant is."""
    members = reader.exact(value, frozenset({"kind", "text"}), "literal", at)
    text = reader.text(members, "text")
    match members["kind"]:
        case "NULL_LITERAL" if text == "":
            return Literal(LiteralKind.NULL, "", at)
        case "BOOLEAN" if text in ("true", "false"):
            return Literal(LiteralKind.BOOLEAN, text, at)
        case "INTEGER" if _INTEGER.fullmatch(text.replace("_", "")):
            return _number(text.replace("_", ""), at)
        case "NUMERIC" if _NUMBER.fullmatch(text.replace("_", "")):
            return _number(text.replace("_", ""), at)
        case "STRING":
            return _text(text, at)
        case _:
            return reader.refuse("literal", at, hints.LITERAL)


def _number(text: str, at: Place) -> Literal:
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 2 * DIGITS_MAX:
        raise refused(Reason.TYPE_MISMATCH, at, text, hints.LITERAL)
    plain = format(value, "f")
    whole, _, fraction = plain.lstrip("-").partition(".")
    fraction = fraction.rstrip("0")
    if len(whole.lstrip("0")) > DIGITS_MAX or len(fraction) > DIGITS_MAX:
        raise refused(Reason.TYPE_MISMATCH, at, text, hints.LITERAL)
    sign = "-" if plain.startswith("-") else ""
    return Literal(LiteralKind.NUMBER, f"{sign}{whole.lstrip('0') or '0'}{'.' if fraction else ''}{fraction}", at)


def _text(text: str, at: Place) -> Literal:
    if len(text) > TEXT_MAX or "\0" in text or not _encodable(text):
        raise refused(Reason.TYPE_MISMATCH, at, text, hints.LITERAL)
    return Literal(LiteralKind.TEXT, text, at)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def iso_date(text: str) -> date | None:
    """Return the date `text` is, written exactly YYYY-MM-DD, else None."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def cast_target(reader: Reader, value: Value, at: Place) -> tuple[CastKind, int, int]:
    """Return kind, precision (bits of an integer) and scale of a serialised cast target."""
    members = reader.exact(value, _TYPE, "CAST", at)
    name = reader.text(members, "type_name")
    defaults: Object = {"class": "TYPE", "type": "TYPE", "alias": "", "catalog": "", "schema": ""}
    kind = CASTS.get(name.lower())
    if (
        kind is None
        or members["qualified_name"] != {"path": [name]}
        or any(members[n] != d for n, d in defaults.items())
    ):
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, f"CAST {name}", hints.CAST_TARGET)
    parameters = [_parameter(child, at) for child in reader.items(members, "children")]
    if kind is not CastKind.DECIMAL:
        if parameters:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, at, f"CAST {name}", hints.CAST_TARGET)
        return kind, INTEGER_BITS.get(name.lower(), 0), 0
    # DuckDB: DECIMAL is DECIMAL(18,3) and DECIMAL(p) is DECIMAL(p,0).
    precision, scale = (*parameters, 0)[:2] if parameters else (18, 3)
    if len(parameters) > 2 or not 1 <= precision <= DIGITS_MAX or not 0 <= scale <= precision:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, f"CAST {name}", hints.CAST_TARGET)
    return kind, precision, scale


def _parameter(value: Value, at: Place) -> int:
    literal = value.get("literal") if isinstance(value, dict) else None
    if isinstance(value, dict) and value.get("class") == "CONSTANT" and isinstance(literal, dict):
        text = literal.get("text")
        if literal.get("kind") == "INTEGER" and isinstance(text, str) and re.fullmatch(r"[0-9]{1,2}", text, re.ASCII):
            return int(text)
    raise refused(Reason.FUNCTION_NOT_ADMITTED, at, "CAST", hints.CAST_TARGET)
