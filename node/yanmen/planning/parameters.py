"""Placeholders in a question: where DuckDB's own parser found them, and the question with literals in their place.

The parser says where each one stands, so nothing here has to know where a string or a comment ends. The text
with its literals is then a question like any other: parsed anew, hashed and receipted as it was answered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.members import Object, Reader, Value, parse
from yanmen.planning.places import NOWHERE, CallerText, Hint, refused
from yanmen.planning.reading import unparsed

Parameter = None | bool | int | float | Decimal | str | date

PARAMETERS_MAX = 256
DIGITS_MAX = 60
"""Longest literal number written; the planner admits fewer."""
_READER = Reader(Reason.CLAUSE_NOT_ADMITTED, hints.CLAUSE)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Bytes `start` to `end` of the question stand for the value `number`, from 0."""

    start: int
    end: int
    number: int


def find(sql: str, serialised: str, ast_bytes: int) -> tuple[Placeholder, ...]:
    """Return the placeholders of `sql` in their order, read off DuckDB's serialised statement of it."""
    reply = parse(serialised, ast_bytes)
    if not isinstance(reply, dict) or reply.get("error") is not False:
        raise unparsed(CallerText(sql), reply if isinstance(reply, dict) else {})
    data = sql.encode("utf-8")
    found = sorted((_placeholder(data, node) for node in _nodes(reply)), key=lambda one: one.start)
    numbers = {one.number for one in found}
    if len(found) > PARAMETERS_MAX or numbers != set(range(len(numbers))):
        _READER.refuse("parameter", NOWHERE, _NUMBERS)
    if any(before.end > after.start for before, after in pairwise(found)):
        _READER.refuse("parameter", NOWHERE, _NUMBERS)
    return tuple(found)


def bind(sql: str, places: Sequence[Placeholder], values: Sequence[Parameter]) -> str:
    """Return `sql` with a literal for each of `values` where it belongs."""
    needed = len({place.number for place in places})
    if len(values) != needed:
        raise Malformed(f"parameters: {len(values)} bound, and the question has {needed} of ? or $1")
    data, last, parts = sql.encode("utf-8"), 0, []
    for place in places:
        # The spaces keep a literal from running into its neighbours.
        parts += [data[last : place.start], b" ", literal(values[place.number]).encode("utf-8"), b" "]
        last = place.end
    return b"".join([*parts, data[last:]]).decode("utf-8")


def literal(value: Parameter) -> str:
    """Return `value` as SQL; a negative number in parentheses, since two minus signs begin a comment."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Decimal():
            return _number(Decimal(value))
        case float():
            return _number(Decimal(repr(value)))
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return _text(value)


def _number(value: Decimal) -> str:
    text = format(value, "f") if value.is_finite() and abs(value.adjusted()) <= DIGITS_MAX else ""
    if not 0 < len(text) <= 2 * DIGITS_MAX:
        raise refused(Reason.TYPE_MISMATCH, NOWHERE, "parameter", hints.LITERAL)
    return f"({text})" if text.startswith("-") else text


def _text(value: str) -> str:
    if "\0" in value:
        raise refused(Reason.TYPE_MISMATCH, NOWHERE, "parameter", hints.LITERAL)
    return "'" + value.replace("'", "''") + "'"


def _nodes(reply: Object) -> Iterator[Object]:
    """Yield every parameter of a serialised statement."""
    waiting: list[Value] = [*reply.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class") == "PARAMETER":
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _placeholder(data: bytes, node: Object) -> Placeholder:
    """Return the placeholder that `node` is; only `?` and `$1` are known, and the text must say the same."""
    start, size = _READER.integer(node, "query_location"), _READER.integer(node, "query_location_length")
    said, identifier = data[start : start + size], _READER.text(node, "identifier")
    numbered = identifier.isascii() and identifier.isdecimal() and not identifier.startswith("0")
    if not numbered or len(identifier) > len(str(PARAMETERS_MAX)):
        _READER.refuse(f"${identifier}"[:32], CallerText(data.decode()).place(start), _NUMBERS)
    if said not in {b"?", b"$" + identifier.encode(), b"?" + identifier.encode()}:
        _READER.refuse("parameter", NOWHERE, _NUMBERS)
    return Placeholder(start, start + size, int(identifier) - 1)


_NUMBERS = Hint(
    f"Write ? or $1, $2 without a gap, {PARAMETERS_MAX} at most.",
    f"请使用 ? 或连续的 $1、$2，至多 {PARAMETERS_MAX} 个。",
)
