"""A contract template (合约模板) as the payload of a JWS, and what in a contract does not fit the one it names."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from yanmen.formats import connector_id, contract_constraints, json_canonical, ndi_id, usage_control
from yanmen.formats.contract_constraints import kind_of
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object, exact, flag, integer, items, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.formats.operation import ID
from yanmen.formats.spec import NAME as DATASET
from yanmen.formats.spec_columns import NAME as COLUMN
from yanmen.model.contract import Bounds, Filled, Grant, Terms
from yanmen.model.template import Clause, PublishedTemplate, Template
from yanmen.model.usage_control import Action, Rules

TYP = "yanmen-template+jws"
BYTES_MAX = 64 * 1024
TITLE_MAX = 200
CHOICES_MAX = 64
DAYS_MAX = 36_500
DAY_MS = 24 * 60 * 60 * 1000
_TEMPLATE = frozenset(
    {
        *("by", "clauses", "daysMost", "decided_by", "grants", "iat", "id", "product", "rules", "title_en"),
        *("title_zh", "withdrawn"),
    }
)
_GRANT = frozenset({"columns", "dataset"})
_NAMED = frozenset({"leftOperand", "operator"})
_RULE = frozenset({"fixed", "least", "most", "oneOf"})
_RULES = frozenset({"constraint", "obligation", "permission", "prohibition"})
_OWN = frozenset({"amends", "filled", "round"})
"""Clauses that tell where a contract comes from; no template is about them."""
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")


def encode(template: Template) -> dict[str, Json]:
    """Return the payload of `template`; one that `decode` would refuse is refused here."""
    rules = template.rules
    payload: dict[str, Json] = {
        "by": template.by,
        "clauses": [_encode_clause(clause) for clause in template.clauses],
        "daysMost": template.days_most,
        "decided_by": template.decided_by,
        "grants": [{"columns": list(each.columns), "dataset": each.dataset} for each in template.grants],
        "iat": template.issued_s,
        "id": template.id,
        "product": template.product,
        "rules": {
            "constraint": usage_control.encode_controls(rules.controls),
            "obligation": usage_control.encode_actions(rules.obliged),
            "permission": usage_control.encode_actions(rules.permitted),
            "prohibition": usage_control.encode_actions(rules.prohibited),
        },
        "title_en": template.title_en,
        "title_zh": template.title_zh,
        "withdrawn": template.withdrawn,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Template:
    """Return the template in a payload: every clause that the profile demands is there, in the profile's order."""
    members = exact(payload, _TEMPLATE)
    template = Template(
        id=text(members, "id", 32),
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        title_zh=text(members, "title_zh", TITLE_MAX),
        title_en=text(members, "title_en", TITLE_MAX),
        product=text(members, "product", 65),
        grants=tuple(_grant(each) for each in items(members, "grants", 64)),
        clauses=tuple(_clause(each) for each in items(members, "clauses", contract_constraints.COUNT_MAX)),
        days_most=integer(members, "daysMost", 1, DAYS_MAX),
        decided_by=text(members, "decided_by", 200),
        issued_s=integer(members, "iat"),
        rules=_rules(members["rules"]),
        withdrawn=flag(members, "withdrawn"),
    )
    _check(template)
    return template


def unfit(template: Template, terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yield each clause of `terms` outside the template, with what is wrong in English and Chinese."""
    yield from _ungranted(template, terms)
    if terms.not_after_ms - terms.not_before_ms > template.days_most * DAY_MS:
        yield "dateTime", f"is longer than {template.days_most} days", f"超过 {template.days_most} 天"
    if terms.rules != template.rules:
        yield "rules", "are not those of the template", "使用控制规则与模板不同"
    said = contract_constraints.operands(terms)
    for clause in template.clauses:
        wrong = _wrong(clause, said.pop((clause.left, clause.operator), None))
        if wrong is not None:
            yield f"{clause.left} {clause.operator}", *wrong
    for left, operator in said:
        if kind_of(left, operator).field not in _OWN:
            yield f"{left} {operator}", "is not in the template", "模板中没有此项"


def _ungranted(template: Template, terms: Terms) -> Iterator[tuple[str, str, str]]:
    granted = {grant.dataset: set(grant.columns) for grant in template.grants}
    for grant in terms.grants:
        beyond = [f".{column}" for column in grant.columns if column not in granted.get(grant.dataset, ())]
        for name in beyond if grant.dataset in granted else [""]:
            yield f"target:{grant.dataset}{name}", "is not in the template", "不在模板范围内"


def fill(published: PublishedTemplate, terms: Terms) -> Terms:
    """Return `terms` as the template has them where it leaves no choice; what is open stays as it was filled in."""
    template = published.template
    bounds: dict[str, Any] = {}
    changed: dict[str, Any] = {"filled": Filled(template.id, published.digest), "rules": template.rules}
    for clause in template.clauses:
        if len(clause.allowed) == 1:
            kind = kind_of(clause.left, clause.operator)
            value = kind.read(json_canonical.decode(clause.allowed[0].encode()))
            (bounds if kind.field in Bounds.__slots__ else changed)[kind.field] = value
    return replace(terms, bounds=replace(terms.bounds, **bounds), **changed)


def _wrong(clause: Clause, operand: Json) -> tuple[str, str] | None:
    """Return why an operand is not one that the clause allows; None stands for a clause left out."""
    if operand is None:
        return None if clause.free else ("is missing", "缺少此项")
    if clause.allowed and json_canonical.encode(operand).decode() not in clause.allowed:
        shown = ", ".join(clause.allowed)[:200]
        return f"must be {shown}", f"须为 {shown}"
    if clause.least is not None and clause.most is not None:
        number = kind_of(clause.left, clause.operator).read(operand)
        if not isinstance(number, int) or not clause.least <= number <= clause.most:
            span = f"{clause.least}…{clause.most}"
            return f"{number} is outside {span}", f"{number} 不在 {span} 之内"
    return None


def _encode_clause(clause: Clause) -> dict[str, Json]:
    made: dict[str, Json] = {"leftOperand": clause.left, "operator": clause.operator}
    allowed = [json_canonical.decode(each.encode()) for each in clause.allowed]
    if len(allowed) == 1:
        made["fixed"] = allowed[0]
    elif allowed:
        made["oneOf"] = list(allowed)
    if clause.least is not None and clause.most is not None:
        made |= {"least": clause.least, "most": clause.most}
    return made


def _clause(value: Json) -> Clause:
    members = exact(value, _NAMED, _RULE)
    left, operator = text(members, "leftOperand", 64), text(members, "operator", 64)
    said = set(members) & _RULE
    if said == {"least", "most"}:
        least = integer(members, "least")
        clause = Clause(left, operator, (), least, integer(members, "most", least))
        if not kind_of(left, operator).numeric:
            raise Malformed(f"template: {left} is no number")
        return clause
    if said == {"fixed"}:
        return Clause(left, operator, (_operand(left, operator, members["fixed"]),))
    if said == {"oneOf"}:
        choices = tuple(_operand(left, operator, each) for each in items(members, "oneOf", CHOICES_MAX))
        if len(choices) < 2 or len(set(choices)) < len(choices):
            raise Malformed(f"template: {left} is no choice")
        return Clause(left, operator, choices)
    if said:
        raise Malformed(f"template: {left} is fixed, a choice, or between least and most")
    kind_of(left, operator)
    return Clause(left, operator)


def _operand(left: str, operator: str, value: Json) -> str:
    """Return an operand that the profile reads, as canonical JSON."""
    kind = kind_of(left, operator)
    if kind.write(kind.read(value)) != value:
        raise Malformed(f"template: {left} is not written as a contract writes it")
    return json_canonical.encode(value).decode()


def _grant(value: Json) -> Grant:
    members = exact(value, _GRANT)
    grant = Grant(text(members, "dataset", 64), texts(members, "columns", 512, 64))
    if DATASET.fullmatch(grant.dataset) is None or not grant.columns or not all(map(COLUMN.fullmatch, grant.columns)):
        raise Malformed("template: a dataset and its columns")
    return grant


def _rules(value: Json) -> Rules:
    members = exact(value, _RULES)
    found = items(members, "constraint", usage_control.CONTROLS_MAX)
    controls = tuple(usage_control.decode_control(f"rules/constraint/{at}", each) for at, each in enumerate(found))
    actions = {name: _actions(members, name) for name in ("permission", "prohibition", "obligation")}
    return Rules(actions["permission"], actions["prohibition"], actions["obligation"], controls)


def _actions(members: Object, name: str) -> tuple[Action, ...]:
    rules = items(members, name, len(Action))
    return usage_control.decode_actions(name, rules) if rules else ()


def _check(template: Template) -> None:
    if ID.fullmatch(template.id) is None or not template.decided_by.strip():
        raise Malformed("template: 32 hex digits, and who decided")
    titles = (template.title_zh, template.title_en)
    if not all(title.strip() and _ONE_LINE.fullmatch(title) for title in titles):
        raise Malformed("template: a title of one line in Chinese and in English")
    if template.product and not ndi_id.is_valid(template.product, "6"):
        raise Malformed("template: not an NDI product id")
    names = [grant.dataset for grant in template.grants]
    if not names or names != sorted(set(names)):
        raise Malformed("template: datasets in order, each once")
    _check_clauses(template)


def _check_clauses(template: Template) -> None:
    listed = [(clause.left, clause.operator) for clause in template.clauses]
    known = [names for names in contract_constraints.names() if kind_of(*names).field not in _OWN]
    if listed != [each for each in known if each in listed]:
        raise Malformed("template: clauses in the profile's order, each once")
    for each in known:
        if each not in listed and not kind_of(*each).optional:
            raise Malformed(f"template: {' '.join(each)} is missing: fix it, bound it, or leave it free")
