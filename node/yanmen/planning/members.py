"""Reads DuckDB's JSON strictly: exact member sets, exact types, bounded depth; anything else is refused."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from yanmen.formats import json_foreign
from yanmen.formats.json_foreign import Foreign
from yanmen.model.refusal import Fault, FaultCode, Reason
from yanmen.planning import hints
from yanmen.planning.places import NOWHERE, CallerText, Hint, Place, refused

Value = Foreign
Object = Mapping[str, Value]
Members = dict[str, Value]
"""An object as it was parsed."""


def parse(text: str, max_bytes: int) -> Value:
    """Return the JSON value of `text`; a duplicate member or a non-number is the engine's fault."""
    if len(text.encode("utf-8", errors="replace")) > max_bytes:
        raise refused(Reason.SQL_TOO_LONG, NOWHERE, "", hints.TOO_DEEP)
    try:
        return json_foreign.decode(text)
    except RecursionError as error:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, NOWHERE, "", hints.TOO_DEEP) from error
    except (ValueError, ArithmeticError) as error:
        raise Fault(FaultCode.SANDBOX, "the engine's reply is not JSON") from error


class Reader:
    """Takes members out of one kind of reply, refusing with one reason whatever is unexpected."""

    def __init__(self, reason: Reason, hint: Hint) -> None:
        """Refuse with `reason` and `hint`."""
        self._reason = reason
        self._hint = hint

    def refuse(self, subject: str, at: Place = NOWHERE, hint: Hint | None = None) -> NoReturn:
        """Refuse what `subject` names."""
        raise refused(self._reason, at, subject, hint if hint is not None else self._hint)

    def exact(self, value: Value, names: frozenset[str], subject: str, at: Place = NOWHERE) -> Object:
        """Return `value` as an object with exactly the members `names`."""
        if not isinstance(value, dict) or value.keys() != names:
            self.refuse(subject, at)
        return value

    def same(self, members: Object, defaults: Object, subject: str, at: Place = NOWHERE) -> None:
        """Refuse unless every member named in `defaults` has exactly that value and type."""
        for name, expected in defaults.items():
            found = members.get(name)
            if type(found) is not type(expected) or found != expected:
                self.refuse(subject or name, at)

    def text(self, members: Object, name: str) -> str:
        """Return the text member `name`."""
        value = members.get(name)
        if not isinstance(value, str):
            self.refuse(name)
        return value

    def flag(self, members: Object, name: str) -> bool:
        """Return the boolean member `name`."""
        value = members.get(name)
        if not isinstance(value, bool):
            self.refuse(name)
        return value

    def integer(self, members: Object, name: str) -> int:
        """Return the non-negative integer member `name`."""
        value = members.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.refuse(name)
        return value

    def items(self, members: Object, name: str) -> Sequence[Value]:
        """Return the array member `name`."""
        value = members.get(name)
        if not isinstance(value, list):
            self.refuse(name)
        return value

    def texts(self, members: Object, name: str) -> tuple[str, ...]:
        """Return the array member `name`, whose elements must be text."""
        found: list[str] = []
        for value in self.items(members, name):
            if not isinstance(value, str):
                self.refuse(name)
            found.append(value)
        return tuple(found)


def first_place(value: Value, text: CallerText) -> Place:
    """Return the first place named anywhere in `value`, for a clause that has none of its own."""
    if isinstance(value, dict):
        offset = value.get("query_location")
        found = text.place(offset) if isinstance(offset, int) else NOWHERE
        return found if found != NOWHERE else first_place(list(value.values()), text)
    if isinstance(value, list):
        places = (first_place(part, text) for part in value)
        return next((place for place in places if place != NOWHERE), NOWHERE)
    return NOWHERE
