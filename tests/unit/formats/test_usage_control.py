"""Usage control is read as the standard names it, and the table in FORMATS.md says what the code enforces."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import contract, control_rules, control_values, json_canonical, usage_control
from yanmen.formats.malformed import Malformed
from yanmen.model.usage_control import Action, Constraint, Control, Facts, Operator, Rules

from tests.attacks.offers.scene import terms
from tests.unit.docs.markdown import table
from tests.vectors.usage_rules import RULES

TWICE = {"leftOperand": "tc609:timeWindow", "operator": "isA", "rightOperand": ["1-5 08:00/18:00"]}
NOON_MS = control_values.moment("2026-11-18T12:00:00")  # a Wednesday
GOOD = {
    Constraint.TIME: ("isA", "2026-01-01T00:00:00--2027-01-01T00:00:00"),
    Constraint.TIME_WINDOW: ("isA", "1-5 08:00/18:00"),
    Constraint.REGION: ("isAnyOf", "14"),
    Constraint.NETWORK_ADDRESS: ("isA", "10.1.0.0/16"),
    Constraint.COUNT: ("lteq", "1000 次/天"),
    Constraint.FREQUENCY: ("lteq", "10/PT1M"),
    Constraint.DATA_SIZE: ("lteq", "10M"),
    Constraint.DATA_RECORD: ("lt", "100"),
    Constraint.DATA_FIELD: ("isA", "sex"),
    Constraint.ALGORITHM: ("isAnyOf", "count"),
    Constraint.MODELS: ("isNoneOf", "all"),
    Constraint.EXECUTION_ENV: ("isA", "02：数据沙箱"),
    Constraint.ENCRYPT_MODE: ("eq", "01"),
    Constraint.DELIVERY_METHOD: ("eq", "03"),
    Constraint.PAY_AMOUNT: ("lteq", "100.00 CNY"),
}


def control(name: Constraint, operator: str, *values: str) -> Control:
    return usage_control.control(name.value, operator, values)


def test_the_standard_has_so_many() -> None:
    assert (len(Action), len(Constraint), len(Operator)) == (21, 19, 12)


@given(
    st.lists(st.sampled_from(Action), unique=True),
    st.lists(
        st.builds(Control, st.sampled_from(Constraint), st.sampled_from(Operator), st.just(("x", "y"))), unique=True
    ),
)
def test_every_action_constraint_and_operator_is_read(actions: list[Action], controls: list[Control]) -> None:
    ordered = tuple(action for action in Action if action in actions)
    rules = Rules(ordered, ordered, ordered, tuple(controls))
    agreed = dataclasses.replace(terms(), rules=rules)
    document = contract.encode(agreed)
    assert contract.decode(json_canonical.decode(json_canonical.encode(document))) == agreed


@pytest.mark.parametrize("name", GOOD)
def test_each_of_fifteen_constraints_is_enforced(name: Constraint) -> None:
    assert len(GOOD) == len(control_rules.ENFORCED) == 15
    assert control_rules.unenforceable(control(name, *GOOD[name])) is None


@pytest.mark.parametrize("name", [each for each in Constraint if each not in GOOD])
@pytest.mark.parametrize("operator", Operator)
def test_the_others_are_refused_whatever_the_operator(name: Constraint, operator: Operator) -> None:
    found = Control(name, operator, ("x",))
    assert control_rules.unenforceable(found) is not None
    assert not control_rules.kept(found, Facts())


@pytest.mark.parametrize(
    ("name", "operator", "value"),
    [
        (Constraint.TIME, "isA", "20260101000000"),
        (Constraint.TIME, "lt", "20260230000000"),
        (Constraint.TIME, "lt", "2026-01-01"),
        (Constraint.TIME_WINDOW, "isA", "18:00/08:00"),
        (Constraint.TIME_WINDOW, "isA", "25:00/26:00"),
        (Constraint.TIME_WINDOW, "isA", "5-1 08:00/18:00"),
        (Constraint.TIME_WINDOW, "lteq", "P1Y"),
        (Constraint.REGION, "isA", "140105"),
        (Constraint.REGION, "isA", "山西"),
        (Constraint.NETWORK_ADDRESS, "isA", "10.1.0.1/16"),
        (Constraint.NETWORK_ADDRESS, "isA", "example.org"),
        (Constraint.COUNT, "eq", "10"),
        (Constraint.COUNT, "lteq", "0"),
        (Constraint.COUNT, "lteq", "１０"),
        (Constraint.FREQUENCY, "lteq", "10"),
        (Constraint.DATA_SIZE, "lteq", "10T"),
        (Constraint.DATA_RECORD, "lteq", "10/PT1M"),
        (Constraint.DATA_FIELD, "hasPart", "sex"),
        (Constraint.ALGORITHM, "isA", "median"),
        (Constraint.MODELS, "isA", "xgboost"),
        (Constraint.EXECUTION_ENV, "isA", "05"),
        (Constraint.EXECUTION_ENV, "isNoneOf", "02"),
        (Constraint.ENCRYPT_MODE, "eq", "02"),
        (Constraint.DELIVERY_METHOD, "eq", "01"),
        (Constraint.PAY_AMOUNT, "lteq", "100.5 CNY"),
        (Constraint.PAY_AMOUNT, "lteq", "100 USD"),
    ],
)
def test_a_value_or_operator_that_cannot_be_held_is_refused(name: Constraint, operator: str, value: str) -> None:
    assert control_rules.unenforceable(control(name, operator, value)) is not None


@pytest.mark.parametrize(
    ("name", "operator", "values", "facts", "kept"),
    [
        (Constraint.TIME, "lt", ("20261118120000",), Facts(NOON_MS), False),
        (Constraint.TIME, "lteq", ("20261118120000",), Facts(NOON_MS), True),
        (Constraint.TIME, "gt", ("20261118120000",), Facts(NOON_MS), False),
        (Constraint.TIME, "gteq", ("20261118120000",), Facts(NOON_MS), True),
        (Constraint.TIME, "isNoneOf", ("20261118000000--20261119000000",), Facts(NOON_MS), False),
        (Constraint.TIME_WINDOW, "isA", ("08:00/12:00",), Facts(NOON_MS), False),
        (Constraint.TIME_WINDOW, "isA", ("08:00/12:01",), Facts(NOON_MS), True),
        (Constraint.TIME_WINDOW, "isAnyOf", ("6-7 00:00/24:00", "08:00/09:00"), Facts(NOON_MS), False),
        (Constraint.TIME_WINDOW, "isNoneOf", ("12:00/13:00",), Facts(NOON_MS), False),
        (Constraint.TIME_WINDOW, "lteq", ("P1D",), Facts(NOON_MS, NOON_MS - 86_400_000), False),
        (Constraint.TIME_WINDOW, "lteq", ("P1D",), Facts(NOON_MS, NOON_MS - 86_399_999), True),
        (Constraint.REGION, "isA", ("1401",), Facts(region="1402"), False),
        (Constraint.REGION, "isA", ("140000",), Facts(region="1400"), True),
        (Constraint.REGION, "isNoneOf", ("14",), Facts(region="1402"), False),
        (Constraint.NETWORK_ADDRESS, "isA", ("10.1.0.0/16",), Facts(address="10.2.0.1"), False),
        (Constraint.NETWORK_ADDRESS, "isA", ("10.1.0.0/16",), Facts(address="::ffff:10.1.0.1"), True),
        (Constraint.NETWORK_ADDRESS, "isA", ("10.1.0.0/16",), Facts(address=""), False),
        (Constraint.NETWORK_ADDRESS, "isNoneOf", ("10.1.0.0/16",), Facts(address=""), False),
        (Constraint.DATA_FIELD, "isA", ("Sex", "age"), Facts(fields=frozenset({"sex"})), True),
        (Constraint.DATA_FIELD, "isNoneOf", ("age",), Facts(fields=frozenset({"sex", "age"})), False),
        (Constraint.ALGORITHM, "isA", ("count",), Facts(algorithms=frozenset({"count", "sum"})), False),
        (Constraint.ALGORITHM, "isA", ("count",), Facts(algorithms=frozenset({"rows"})), False),
        (Constraint.PAY_AMOUNT, "lteq", ("1.00 CNY",), Facts(price_fen=101), False),
        (Constraint.PAY_AMOUNT, "lt", ("1.00 CNY",), Facts(price_fen=100), False),
        (Constraint.PAY_AMOUNT, "eq", ("1元",), Facts(price_fen=0), True),
    ],
)
def test_what_keeps_a_control(
    name: Constraint, operator: str, values: tuple[str, ...], facts: Facts, kept: bool
) -> None:
    found = control(name, operator, *values)
    assert control_rules.unenforceable(found) is None
    assert control_rules.kept(found, facts) is kept


def test_what_controls_count_and_bound() -> None:
    found = control_rules.ceilings(
        (
            control(Constraint.COUNT, "lteq", "100"),
            control(Constraint.TIME_WINDOW, "eq", "P7D"),
            control(Constraint.FREQUENCY, "lt", "10 次/小时"),
            control(Constraint.DATA_SIZE, "lteq", "1K"),
            control(Constraint.DATA_SIZE, "lt", "1K"),
            control(Constraint.DATA_RECORD, "lteq", "50"),
        )
    )
    assert [(each.most, each.period_ms) for each in found.uses] == [(100, 7 * 86_400_000), (9, 3_600_000)]
    assert (found.reply_bytes, found.rows) == (1023, 50)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("prohibition", 0, "action"), "download"),
        (("prohibition", 0, "action"), "tc609:fly"),
        (("prohibition", 0, "constraint"), []),
        (("permission", 1, "action"), "compute"),
        (("permission", 0, "constraint", -1, "operator"), "within"),
        (("permission", 0, "constraint", -1, "leftOperand"), "tc609:weather"),
        (("permission", 0, "constraint", -1, "rightOperand"), "10/PT1M"),
        (("permission", 0, "constraint", -1, "rightOperand"), []),
        (("permission", 0, "constraint", -1, "rightOperand"), ["x", "x"]),
        (("permission", 0, "constraint", -1, "rightOperand"), ["a\u202eb"]),
        (("permission", 0, "constraint", -1), TWICE),
        (("@context", 1, "tc609"), "urn:other:"),
        (("obligation",), []),
    ],
)  # fmt: skip
def test_nothing_else_is_read(path: tuple[str | int, ...], value: object) -> None:
    document = json.loads(json_canonical.encode(contract.encode(dataclasses.replace(terms(), rules=RULES))))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(Malformed):
        contract.decode(document)


def test_formats_says_what_is_enforced() -> None:
    rows = table("docs/FORMATS.md", "constraint", "operators", "values", "held")
    *kept, never = [[name.strip(" `") for name in row[0].split(",")] for row in rows]
    assert [name for (name,) in kept] == [each.value for each in Constraint if each in control_rules.ENFORCED]
    assert set(never) == {each.value for each in Constraint if each not in control_rules.ENFORCED}
