"""A contract template as its holder writes it: a TOML file of what is fixed, chosen, between bounds, or free."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from yanmen.formats import contract_constraints, json_canonical, usage_control
from yanmen.formats.contract_constraints import Kind, kind_named
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Grant
from yanmen.model.template import Clause
from yanmen.model.usage_control import Action, Control, Rules

FREELY = ("scenario", "not_before_ms", "not_after_ms")
"""What is free when nothing is said of it: a scenario is the asker's, and the term is bounded by `days_most`."""
_MEMBERS = frozenset(
    {"between", "choice", "days_most", "fixed", "free", "grants", "product", "rules", "title_en", "title_zh"}
)
_RULES = frozenset({"controls", "obliged", "permitted", "prohibited"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draft:
    """What the file says."""

    title_zh: str
    title_en: str
    product: str
    days_most: int
    grants: tuple[Grant, ...]
    clauses: tuple[Clause, ...]
    rules: Rules


def read(data: bytes) -> Draft:
    """Return the draft in a TOML file; the error names the key that is wrong."""
    try:
        said = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(f"not TOML: {error}") from error
    unknown = sorted(set(said) - _MEMBERS)
    if unknown:
        raise Malformed(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_MEMBERS))}")
    grants = _typed(said, "grants", dict, {})
    return Draft(
        title_zh=_typed(said, "title_zh", str, ""),
        title_en=_typed(said, "title_en", str, ""),
        product=_typed(said, "product", str, ""),
        days_most=_typed(said, "days_most", int, 0),
        grants=tuple(Grant(name, _texts(grants, name)) for name in sorted(grants)),
        clauses=_clauses(said),
        rules=_rules(_typed(said, "rules", dict, {})),
    )


def _clauses(said: Mapping[str, object]) -> tuple[Clause, ...]:
    found: dict[str, Clause] = {}
    for name, value in _typed(said, "fixed", dict, {}).items():
        _put(found, name, _clause(name, (value,)))
    for name, values in _typed(said, "choice", dict, {}).items():
        if not isinstance(values, list) or not values:
            raise Malformed(f"{name}: a list of what may be chosen")
        _put(found, name, _clause(name, values))
    for name, span in _typed(said, "between", dict, {}).items():
        kind = kind_named(name)
        match span:
            case [int(least), int(most)]:
                _put(found, name, Clause(kind.left, kind.operator, (), least, most))
            case _:
                raise Malformed(f"{name}: two whole numbers, the least and the most")
    for name in _texts(said, "free") if "free" in said else ():
        _put(found, name, _clause(name, ()))
    for name in FREELY:
        found.setdefault(name, _clause(name, ()))
    order = contract_constraints.names()
    return tuple(sorted(found.values(), key=lambda clause: order.index((clause.left, clause.operator))))


def _put(found: dict[str, Clause], name: str, clause: Clause) -> None:
    if name in found:
        raise Malformed(f"{name}: said twice")
    found[name] = clause


def _clause(name: str, values: Sequence[object]) -> Clause:
    kind = kind_named(name)
    return Clause(kind.left, kind.operator, tuple(_operand(kind, value) for value in values))


def _operand(kind: Kind, value: object) -> str:
    """Return a value of the file as the operand of its constraint."""
    operand = kind.write(value) if kind.numeric else _json(value)
    return json_canonical.encode(kind.write(kind.read(operand))).decode()


def _json(value: object) -> Json:
    match value:
        case bool() | int() | str():
            return value
        case list():
            return [_json(each) for each in value]
        case dict():
            return {str(name): _json(each) for name, each in value.items()}
        case _:
            raise Malformed("a value that no contract holds")


def _rules(said: Mapping[str, object]) -> Rules:
    unknown = sorted(set(said) - _RULES)
    if unknown:
        raise Malformed(f"rules: unknown key {unknown[0]!r}")
    return Rules(
        permitted=_actions(said, "permitted"),
        prohibited=_actions(said, "prohibited"),
        obliged=_actions(said, "obliged"),
        controls=tuple(_control(each) for each in _typed(said, "controls", list, [])),
    )


def _actions(said: Mapping[str, object], name: str) -> tuple[Action, ...]:
    named = {usage_control.member(Action, each) for each in _texts(said, name)} if name in said else set()
    return tuple(action for action in Action if action in named)


def _control(value: object) -> Control:
    match value:
        case [str(constraint), str(operator), [*values]]:
            return usage_control.control(constraint, operator, [each for each in values if isinstance(each, str)])
        case _:
            raise Malformed('rules: a control is written ["region", "isAnyOf", ["140000"]]')


def _texts(said: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = _typed(said, name, list, [])
    if not all(isinstance(each, str) for each in found):
        raise Malformed(f"{name}: a list of texts")
    return tuple(str(each) for each in found)


def _typed(said: Mapping[str, object], name: str, kind: type[T], otherwise: T) -> T:
    value = said.get(name, otherwise)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Malformed(f"{name}: must be {kind.__name__}")
    return value
