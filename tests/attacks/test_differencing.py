"""T: two questions that differ in one person. The attacker knows everybody else.

One trial is one cell: the first question counts the cell's people with the target, the second
without. The secret is whether the target has the trait. What the two answers tell may not exceed
what the charge of the first one allows: the second does not depend on the target at all.
"""

import math
from random import Random
from typing import cast

import pytest
from yanmen.disclosure import disclose, noise
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.refusal import Usage
from yanmen.model.stages import Admitted, Aggregate, AggregateKind, Key, Output, Plan, Raw

TRIALS = 20_000
OTHERS = 40
PLAN = Plan(
    admitted=cast("Admitted", None),
    release=DatasetClass.PERSONAL,
    subject_space="residents",
    scans=(),
    sql="",
    keys=(Key("k0", ColumnType.INTEGER, tuple(range(TRIALS))),),
    aggregates=(Aggregate("a0", AggregateKind.ROWS, 0, 0, 1_000, 1, 1),),
    averages=(),
    outputs=(Output("n", ColumnType.INTEGER, "a0"),),
    post_sql="",
    canonical="",
    rows_max=TRIALS,
    deadline_ms=1,
    micro_rho=24_360,  # ε = 1 at δ = 1e-6
    delta_e12=1_000_000,
    price_fen=0,
    min_group=10,
)


def counts(plan: Plan, bits: list[int]) -> list[int]:
    """Ask for the cells' counts where the target of cell i adds `bits[i]`."""
    rows = tuple((at, OTHERS + bit) for at, bit in enumerate(bits))
    return [cast("int", row[0]) for row in disclose(Raw(plan, rows, Usage()), lambda *_: ()).rows]


def success(plan: Plan) -> float:
    """Return how often the attacker names the secret bit right."""
    generator = Random(20_261_122)
    secret = [generator.randrange(2) for _ in range(TRIALS)]
    with_target = counts(plan, secret)
    without = counts(plan, [0] * TRIALS)
    guesses = [int(a - b > 0.5) for a, b in zip(with_target, without, strict=True)]
    return sum(g == s for g, s in zip(guesses, secret, strict=True)) / TRIALS


def bound(plan: Plan) -> float:
    """Return the most any attacker can do: 1/2 + TV/2, TV <= sqrt(KL/2) (Pinsker), KL <= ρ (zCDP)."""
    return 0.5 + 0.5 * math.sqrt(plan.micro_rho / 1e6 / 2)


SLACK = 7 * 0.5 / math.sqrt(TRIALS)
"""Seven standard deviations: whoever is at the bound is above it by chance once in 10^12."""


def test_differencing_stays_under_the_bound() -> None:
    assert success(PLAN) <= bound(PLAN) + SLACK


def test_the_attack_would_see_noise_ten_times_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = noise.calibrate(PLAN.aggregates[0], PLAN.micro_rho)
    weak = noise.Gaussian(honest.scale / 10, PLAN.micro_rho)
    monkeypatch.setattr(noise, "calibrate", lambda *_: weak)
    monkeypatch.setattr("yanmen.disclosure.noise.mechanism.cost", lambda *_: 0.0)
    assert success(PLAN) > bound(PLAN) + SLACK


def test_absence_of_a_group_is_not_told() -> None:
    """An empty cell and one with a single person give the same kind of answer, at the same odds."""
    empty = [cast("int", row[0]) for row in disclose(Raw(PLAN, (), Usage()), lambda *_: ()).rows]
    alone = tuple((at, 1) for at in range(TRIALS))
    single = [cast("int", row[0]) for row in disclose(Raw(PLAN, alone, Usage()), lambda *_: ()).rows]
    right = sum(v <= 0 for v in empty) + sum(v > 0 for v in single)
    assert right / (2 * TRIALS) <= bound(PLAN) + SLACK / math.sqrt(2)
