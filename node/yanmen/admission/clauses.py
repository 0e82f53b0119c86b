"""A contract as Cedar: one permit, and one `forbid … unless` per clause, so that a denial names every clause."""

from collections.abc import Iterable

from yanmen.model.contract import Terms

PREFIX = "contract:"
STATUS = PREFIX + "status"
CONSUMER = PREFIX + "consumer"
NOT_BEFORE = PREFIX + "not-before"
NOT_AFTER = PREFIX + "not-after"
SCENARIO = PREFIX + "scenario"
CHARGE = PREFIX + "charge"
DATASET = PREFIX + "dataset"
COLUMNS = PREFIX + "columns"

_ASK = 'action in [Action::"submit", Action::"explain"]'
_SCAN = 'action == Action::"scan"'


def compile_terms(terms: Terms) -> str:
    """Return the policies of `terms`; every text of theirs stands in a quoted, escaped literal."""
    principal, contract = f"Party::{quote(terms.consumer)}", f"Contract::{quote(terms.id)}"
    policies = [
        f'@id("{PREFIX}permit")\npermit (principal == {principal}, action, resource in {contract});\n',
        _unless(CONSUMER, "action", "resource", f"principal == {principal}"),
        _unless(STATUS, _ASK, "resource", 'resource.status == "active"'),
        _unless(NOT_BEFORE, "action", "resource", f"context.now_ms >= {terms.not_before_ms}"),
        _unless(NOT_AFTER, "action", "resource", f"context.now_ms < {terms.not_after_ms}"),
        _unless(SCENARIO, "action", "resource", f"context.scenario == {quote(terms.scenario.id)}"),
        _unless(CHARGE, _ASK, "resource", f"context.micro_rho <= {terms.micro_rho_per_query_max}"),
        _unless(DATASET, _SCAN, "resource", _is_one_of(grant.dataset for grant in terms.grants)),
    ]
    for grant in terms.grants:
        granted = _set(column.lower() for column in grant.columns)
        resource = f"resource == Dataset::{quote(grant.dataset)}"
        policies.append(_unless(COLUMNS, _SCAN, resource, f"{granted}.containsAll(context.columns)"))
    return "\n".join(policies)


def quote(text: str) -> str:
    """Return `text` as a Cedar string literal; whatever is not plain ASCII is escaped by its code point."""
    plain = (char if " " <= char <= "~" and char not in '"\\' else f"\\u{{{ord(char):x}}}" for char in text)
    return '"' + "".join(plain) + '"'


def _unless(name: str, action: str, resource: str, condition: str) -> str:
    return f'@id("{name}")\nforbid (principal, {action}, {resource})\nunless {{ {condition} }};\n'


def _set(texts: Iterable[str]) -> str:
    return "[" + ", ".join(quote(text) for text in texts) + "]"


def _is_one_of(datasets: Iterable[str]) -> str:
    return " || ".join(f"resource == Dataset::{quote(name)}" for name in datasets)
