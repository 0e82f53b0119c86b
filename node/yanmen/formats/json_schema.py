"""A JSON Schema (draft 2020-12) held against a value: the part of the language that our own schemas use.

The schemas are what others write their programs by, so the node reads messages by the very same files. A keyword
that is not known here stops the program that loads it: nothing is taken for a rule that nobody holds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed

Schema = Mapping[str, Json]

_TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: isinstance(value, bool),
}
_SAID = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description"})
"""Keywords that tell a reader something and hold nothing."""
_PARTS = frozenset({"$ref", "properties", "additionalProperties", "items"})
"""Keywords that lead to other schemas, or close an object."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """Schemas by their file names, which their `$id`s end with; a `$ref` leads within one, or to another's `$id`."""

    by_name: Mapping[str, Schema]

    def __post_init__(self) -> None:
        """Refuse a schema that says something nobody here holds."""
        for name, schema in self.by_name.items():
            self._check_known(name, schema)

    def check(self, name: str, value: Json) -> None:
        """Return when `value` is what the schema `name` describes; the error names the place, never the value."""
        self._hold(self.by_name[name], name, value, "")

    def _hold(self, schema: Schema, name: str, value: Json, path: str) -> None:
        for keyword in schema.keys() & _RULES.keys():
            if not _RULES[keyword](schema[keyword], value):
                raise Malformed(f"{path or '/'}: breaks the rule {keyword!r}")
        if "$ref" in schema:
            target, inner = self._resolve(str(schema["$ref"]), name)
            self._hold(inner, target, value, path)
        if isinstance(value, list) and "items" in schema:
            for index, each in enumerate(value):
                self._hold(_schema(schema["items"]), name, each, f"{path}/{index}")
        if isinstance(value, dict):
            self._hold_members(schema, name, value, path)

    def _hold_members(self, schema: Schema, name: str, value: Mapping[str, Json], path: str) -> None:
        known = _schema(schema.get("properties", {}))
        if "additionalProperties" in schema and not value.keys() <= known.keys():
            raise Malformed(f"{path or '/'}: unknown member")
        for member in known.keys() & value.keys():
            self._hold(_schema(known[member]), name, value[member], f"{path}/{member}")

    def _resolve(self, reference: str, name: str) -> tuple[str, Schema]:
        identifier, _, pointer = reference.partition("#")
        target = identifier.rpartition(":")[2] or name
        found: Json = self.by_name[target]
        for step in pointer.split("/")[1:]:
            found = _schema(found)[step]
        return target, _schema(found)

    def _check_known(self, name: str, schema: Schema) -> None:
        if schema.keys() - _SAID - _PARTS - _RULES.keys() or schema.get("additionalProperties", False) is not False:
            raise ValueError(f"{name}: says something that is not held here")
        if "$ref" in schema:
            self._resolve(str(schema["$ref"]), name)
        if "pattern" in schema:
            _compiled(str(schema["pattern"]))
        for group in ("properties", "$defs"):
            for inner in _schema(schema.get(group, {})).values():
                self._check_known(name, _schema(inner))
        if "items" in schema:
            self._check_known(name, _schema(schema["items"]))


def _schema(value: Json) -> Schema:
    if not isinstance(value, Mapping):
        raise TypeError("a schema is an object")
    return value


def _is_type(rule: Json, value: Json) -> bool:
    return _TYPES[str(rule)](value)


def _same(one: Json, other: Json) -> bool:
    """Say whether two values are the same JSON: true is no 1."""
    return type(one) is type(other) and one == other


def _required(rule: Json, value: Json) -> bool:
    return not isinstance(value, dict) or all(str(name) in value for name in _list(rule))


def _contains(rule: Json, value: Json) -> bool:
    return not isinstance(value, list) or any(_same(_schema(rule)["const"], each) for each in value)


def _matches(rule: Json, value: Json) -> bool:
    return not isinstance(value, str) or _compiled(str(rule)).fullmatch(value) is not None


def _unique(_: Json, value: Json) -> bool:
    return not isinstance(value, list) or all(
        not _same(one, other) for at, one in enumerate(value) for other in value[:at]
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern that our schemas anchor at both ends, where Python's `$` would let a line end through."""
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise ValueError(f"pattern {pattern!r} is not anchored")
    return re.compile(pattern[1:-1], re.ASCII)


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list")
    return value


def _number(value: Json) -> int:
    if type(value) is not int:
        raise TypeError("an integer")
    return value


_RULES: Mapping[str, Callable[[Json, Json], bool]] = {
    "type": _is_type,
    "const": _same,
    "enum": lambda rule, value: any(_same(each, value) for each in _list(rule)),
    "required": _required,
    "contains": _contains,
    "pattern": _matches,
    "uniqueItems": _unique,
    "minLength": lambda rule, value: not isinstance(value, str) or len(value) >= _number(rule),
    "maxLength": lambda rule, value: not isinstance(value, str) or len(value) <= _number(rule),
    "minItems": lambda rule, value: not isinstance(value, list) or len(value) >= _number(rule),
    "maxItems": lambda rule, value: not isinstance(value, list) or len(value) <= _number(rule),
    "minimum": lambda rule, value: type(value) is not int or value >= _number(rule),
    "maximum": lambda rule, value: type(value) is not int or value <= _number(rule),
}
