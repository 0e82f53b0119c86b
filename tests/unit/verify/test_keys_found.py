"""The noisy count from which on keys of an open domain are shown: an auditor recomputes that δ covers it."""

import math
from dataclasses import replace
from random import Random

import pytest
from yanmen.disclosure import disclose, found
from yanmen.formats.question_slots import ReleaseRule, Sensitivity
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Usage
from yanmen.model.stages import Plan, Raw
from yanmen.planning.plan import plan
from yanmen.verify import noise

from tests.properties.leave_one_out import STAY
from tests.unit.planning.engine import InProcessRunner, admitted

SQL = "SELECT drug, count(DISTINCT pid) AS n, sum(nights) FROM stay GROUP BY drug"


def planned(micro_rho: int, groups: int) -> Plan:
    item = replace(STAY, groups_per_unit=groups)
    return plan(admitted(SQL, datasets=(item,), micro_rho=micro_rho), InProcessRunner(), NodeLimits())


def rule(made: Plan) -> ReleaseRule:
    stated = tuple(Sensitivity(each.name, each.l2_squared) for each in made.aggregates)
    return ReleaseRule(DatasetClass.PERSONAL, 10, stated)


def mechanism(made: Plan) -> str:
    return disclose(Raw(made, (), Usage()), lambda *_: ()).mechanism


@pytest.mark.parametrize("groups", [1, 3, 6])
@pytest.mark.parametrize("micro_rho", [600, 24_355, 2_000_000])
def test_what_the_node_states_is_what_delta_demands(micro_rho: int, groups: int) -> None:
    made = planned(micro_rho, groups)
    said = mechanism(made)
    _, keyed = noise.read(said)
    assert keyed is not None
    assert noise.differences(rule(made), micro_rho, made.delta_e12, said) == ()
    least = found.calibrate(made, micro_rho // len(made.aggregates)).least
    assert keyed.least == least
    spare = max(2, least // 50)
    lower = said.replace(f"least={least}", f"least={least - spare}")
    assert noise.differences(rule(made), micro_rho, made.delta_e12, lower) == (f"{keyed.aggregate} least",)


def test_keys_are_found_by_a_count_of_this_answer_and_for_delta_only() -> None:
    made = planned(24_355, 3)
    said = mechanism(made)
    assert noise.differences(rule(made), 24_355, 0, said) == ("a0 least",)
    other = f"{said.rpartition('; ')[0]}; a9 least=1000000"
    assert noise.differences(rule(made), 24_355, made.delta_e12, other) == ("a9 least",)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 7.25, 400.0, 600.0])
def test_the_tail_is_that_of_the_discrete_gaussian(sigma: float) -> None:
    far = math.ceil(50 * sigma)
    weights = {step: math.exp(-((step / sigma) ** 2) / 2) for step in range(-far, far + 1)}
    whole = math.fsum(weights.values())
    pick = Random(1)
    for least in {1, 2, *(pick.randrange(1, math.ceil(6 * sigma)) for _ in range(5))}:
        exact = math.fsum(weight for step, weight in weights.items() if step >= least) / whole
        assert noise.tail(sigma, least) == pytest.approx(exact, rel=1e-4)
