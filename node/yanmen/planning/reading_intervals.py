"""INTERVAL as DuckDB's parser writes it -> a literal of whole days or months; its number must be written out."""

import re

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.members import Value
from yanmen.planning.places import Place, refused
from yanmen.planning.syntax import Literal, LiteralKind
from yanmen.planning.vocabulary import INTERVALS

_COUNT = re.compile(r"-?[0-9]{1,5}", re.ASCII)
_WORDS = re.compile(r"(-?[0-9]{1,5}) (day|week|month|quarter|year)s?", re.ASCII | re.IGNORECASE)
_WRAPPERS_MAX = 4
"""CAST(trunc(CAST(literal AS DOUBLE)) AS INTEGER)."""


def of_call(name: str, arguments: Value, at: Place) -> Literal:
    """Return the literal that the call of an interval function `name` is, or refuse."""
    text = _literal(arguments)
    if text is None or _COUNT.fullmatch(text) is None:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, "INTERVAL", hints.INTERVAL)
    return _scaled(name, text, at)


def of_text(text: str, at: Place) -> Literal:
    """Return the literal that CAST('3 months' AS INTERVAL) is, or refuse."""
    found = _WORDS.fullmatch(text.strip())
    if found is None:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, at, "INTERVAL", hints.INTERVAL)
    return _scaled(f"to_{found[2].lower()}s", found[1], at)


def _scaled(name: str, count: str, at: Place) -> Literal:
    unit, factor = INTERVALS[name]
    return Literal(LiteralKind.INTERVAL, f"{int(count) * factor}{unit}", at)


def _literal(arguments: Value) -> str | None:
    """Return the text of the one literal inside `arguments`, through the casts the parser adds."""
    value = arguments
    for _ in range(2 * _WRAPPERS_MAX):
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        if not isinstance(value, dict):
            return None
        if value.get("class") == "CONSTANT":
            literal = value.get("literal")
            text = literal.get("text") if isinstance(literal, dict) else None
            return text if isinstance(text, str) else None
        value = _inside(value)
    return None


def _inside(value: dict[str, Value]) -> Value:
    if "expression" in value:
        return value["expression"]
    if value.get("class") == "CAST":
        return value.get("child")
    return value.get("arguments") if value.get("function_name") == "trunc" else None
