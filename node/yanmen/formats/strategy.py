"""A signed contract as TC609-6-2025-14 spells it: subject, nodes, actions and constraints (tables B.4, C.5, C.6).

It is derived from what both signed and from nothing else, so a caller's strategy is compared with it, never believed.
"""

from datetime import UTC, datetime

from yanmen.formats import json_canonical
from yanmen.formats.control_values import CIVIL
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, Terms
from yanmen.model.usage_control import Action, Constraint, Control, Operator

CODES = {operator: f"{number:02}" for number, operator in enumerate(Operator, 1)}
"""约束运算符, 01 to 12."""


def moment(ms: int) -> str:
    """Return a time as the interfaces write it: ISO 8601, whole seconds of UTC+8."""
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(CIVIL).isoformat()


def encode(contract: Contract, dataset: str, product: str) -> dict[str, Json]:
    """Return the strategy of `contract` for one dataset, which is called `product` in the catalogue."""
    terms = contract.terms
    return {
        "subjectInfo": {"dataProductId": product},
        "executionNodeInfo": {"providerNodeId": terms.holder, "consumerNodeId": terms.consumer},
        "actions": actions(terms),
        "constraints": [_constraint(control) for control in (*_own(terms, dataset), *terms.rules.controls)],
        "policyExpansion": _expansion(contract),
    }


def actions(terms: Terms) -> list[Json]:
    """Return 操作行为: to compute, and what else the contract permits."""
    return [action.value for action in (Action.COMPUTE, *terms.rules.permitted)]


def _own(terms: Terms, dataset: str) -> tuple[Control, ...]:
    """Return the clauses of our own profile that the standard has words for."""
    yuan, fen = divmod(terms.price_most_fen, 100)
    return (
        Control(Constraint.TIME, Operator.GTEQ, (moment(terms.not_before_ms),)),
        Control(Constraint.TIME, Operator.LT, (moment(terms.not_after_ms),)),
        Control(Constraint.COUNT, Operator.LTEQ, (str(terms.queries),)),
        Control(Constraint.FREQUENCY, Operator.LTEQ, (f"{terms.queries_per_day} 次/天",)),
        Control(Constraint.DATA_FIELD, Operator.IS_A, terms.columns(dataset) or ()),
        Control(Constraint.PAY_AMOUNT, Operator.LTEQ, (f"{yuan}.{fen:02} CNY",)),
    )


def _constraint(control: Control) -> Json:
    values = control.values
    return {
        "constraintName": control.constraint.value,
        "constraintOperator": CODES[control.operator],
        "constraintValue": values[0] if len(values) == 1 else "[" + ",".join(values) + "]",
    }


def _expansion(contract: Contract) -> str:
    """Return what else was signed, and the digest of the very bytes."""
    rules = contract.terms.rules
    return json_canonical.encode(
        {
            "obligation": [action.value for action in rules.obliged],
            "offerSha256": contract.digest,
            "prohibition": [action.value for action in rules.prohibited],
        }
    ).decode("utf-8")
