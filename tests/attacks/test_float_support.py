"""The last bits of a released figure tell nothing: every value is possible under every input."""

from decimal import Decimal
from random import Random
from threading import Event

from yanmen.disclosure import disclose
from yanmen.execution.run import run
from yanmen.model.config import NodeLimits
from yanmen.model.stages import Reserved
from yanmen.planning.plan import plan

from tests.attacks.float_support import decided, from_integers, from_textbook, textbook_laplace
from tests.unit.planning.engine import PERSON, InProcessRunner, admitted

TRIALS = 400


def test_textbook_noise_is_decided_by_its_last_bits() -> None:
    generator = Random(1)
    values = [textbook_laplace(1.0, 1.0, generator) for _ in range(TRIALS)]
    outcomes = [(from_textbook(value, 0.0, 1.0), from_textbook(value, 1.0, 1.0)) for value in values]
    assert all(outcome[1] for outcome in outcomes)
    assert decided(outcomes) > 0.4


def test_released_sums_are_possible_under_both_inputs() -> None:
    kinds = {"pid": "BIGINT", "income": "BIGINT"}
    rows = [(number, 12345) for number in range(50)]
    runner = InProcessRunner({"v-person": (tuple(kinds.items()), rows)})
    found = plan(admitted("SELECT sum(income) AS s FROM person", datasets=(PERSON,)), runner, NodeLimits())
    raw = run(Reserved(found, 0, ""), runner, NodeLimits(), Event())
    true = Decimal("123.45") * 50
    outcomes = []
    for _ in range(TRIALS):
        ((released,),) = disclose(raw, runner.post).rows
        outcomes.append((from_integers(released, true, 2), from_integers(released, true - Decimal("99999.99"), 2)))
    assert decided(outcomes) == 0.0
    assert all(one and other for one, other in outcomes)
