"""Secret bits guessed from answers under a total of ε = 1: the attacks of `scripts/bench guesses`, smaller."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from typing_extensions import override
from yanmen.disclosure import accounting, disclose, mechanism, noise
from yanmen.execution.run import run
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.stages import Aggregate, AggregateKind, Reserved
from yanmen.planning.plan import plan

from tests.attacks import guessing
from tests.attacks.audit import epsilon_seen
from tests.attacks.confidence import bounds
from tests.attacks.guessing import Ask, Score, World
from tests.unit.planning.engine import InProcessRunner, admitted, connect, create, dataset, key, measure, unit

BUDGET = 24_355
NONE = 500_000_000
WIDE = guessing.world(600, 16, 1)
DEEP = guessing.world(20, 40, 2)
ATTACKS: dict[str, tuple[World, Callable[[Ask, World, int], Score]]] = {
    "pointing": (WIDE, guessing.pointing),
    "differencing": (WIDE, guessing.differencing),
    "threshold bit": (WIDE, guessing.threshold_bit),
    "averaging": (WIDE, guessing.averaging),
    "Dinur-Nissim": (DEEP, lambda ask, secret, budget: guessing.dinur_nissim(ask, secret, budget, 3)),
    "marginals": (guessing.world(60, 16, 3), lambda ask, secret, budget: guessing.marginals(ask, secret, budget, 4)),
}


def asking(secret: World) -> Ask:
    """Return what answers as a node does, jail and books left out."""
    columns = [
        unit("id"),
        key("town", *range(secret.towns), type=ColumnType.INTEGER),
        measure("slot", "0", "99"),
        measure("trait", "0", "1"),
    ]
    people = dataset("people", DatasetClass.PERSONAL, *columns)

    class Loaded(InProcessRunner):
        @override
        def rows(self, scans: Any, sql: str) -> Any:
            return engine.execute(sql).fetchall()

    engine = connect()
    engine.execute("ATTACH ':memory:' AS \"s0\"")
    kinds = tuple((name, "BIGINT") for name in ("id", "town", "slot", "trait"))
    create(engine, '"s0"."data"', kinds, secret.rows())
    runner = Loaded()

    def ask(sql: str, micro_rho: int) -> Any:
        found = plan(admitted(sql, datasets=(people,), micro_rho=micro_rho), runner, NodeLimits())
        return disclose(run(Reserved(found, 0, ""), runner, NodeLimits(), Event()), runner.post).rows

    return ask


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_guesses_better_than_its_budget_allows(name: str) -> None:
    secret, attack = ATTACKS[name]
    assert attack(asking(secret), secret, BUDGET).share <= guessing.bound(1.0) + 0.03


@pytest.mark.parametrize("name", ["differencing", "threshold bit", "Dinur-Nissim", "marginals"])
def test_the_attacks_would_succeed_without_a_budget(name: str) -> None:
    secret, attack = ATTACKS[name]
    assert attack(asking(secret), secret, NONE).share > guessing.bound(1.0) + 0.03


@pytest.mark.parametrize(("weakened", "caught"), [(1.0, False), (0.5, True), (1 / 3, True)])
def test_the_audit_catches_half_the_noise_and_noise_for_one_row(weakened: float, caught: bool) -> None:
    heavy = Aggregate("a0", AggregateKind.ROWS, 0, 0, 10**6, 3, 9)
    scale = noise.calibrate(heavy, 500_000).scale * weakened
    measurement = mechanism.gaussian(scale)
    left, right = ([int(value) for value in measurement([at] * 40_000)] for at in (4, 7))
    claimed = float(accounting.epsilon(500_000, 1_000_000_000))
    assert (epsilon_seen(left, right, 1e-3) > claimed) is caught


@pytest.mark.parametrize(
    ("hits", "trials", "alpha", "lower", "upper"),
    [
        (0, 100, 0.05, 0.0, 0.036217),
        (50, 100, 0.05, 0.398321, 0.601679),
        (100, 100, 0.05, 0.963783, 1.0),
        (3, 10, 0.05, 0.066740, 0.652453),
    ],
)
def test_the_bounds_are_those_of_clopper_and_pearson(
    hits: int, trials: int, alpha: float, lower: float, upper: float
) -> None:
    assert bounds(hits, trials, alpha) == pytest.approx((lower, upper), abs=1e-5)
