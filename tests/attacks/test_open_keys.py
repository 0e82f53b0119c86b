"""Keys that are not public: what one person alone has is never shown, and nobody counts in more keys than declared."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from threading import Event
from typing import Any

import pytest
from typing_extensions import override
from yanmen.disclosure import disclose, found, mechanism, noise, quote
from yanmen.disclosure.accounting import rho_at_most
from yanmen.execution.run import run
from yanmen.model.catalogue import Column, ColumnType, DatasetClass, Role
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Fault, JobFailed, Reason, Refused, Usage
from yanmen.model.stages import Plan, Raw, Released, Reserved
from yanmen.planning.plan import plan

from tests.unit.planning.engine import InProcessRunner, admitted, connect, create, dataset, key, measure, planned, unit

GROUPS = 2
VISIT = dataset(
    "visit",
    DatasetClass.PERSONAL,
    unit("pid"),
    Column("drug", ColumnType.TEXT, Role.KEY, domain=()),
    Column("code", ColumnType.INTEGER, Role.KEY, domain=()),
    key("sex", "f", "m"),
    measure("cost", "0", "100"),
    rows=3,
    groups=GROUPS,
    upto=100_000,
)
COMMON = [(person, f"common{turn}", turn, "f", 5) for person in range(900) for turn in range(3)]
OWN = [(10_000 + person, f"own{person}", 1_000 + person, "m", 100) for person in range(800)]
SQL = "SELECT drug, count(*) AS n, sum(cost) AS s FROM visit GROUP BY drug"


class Loaded(InProcessRunner):
    """Holds the one table."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = connect()
        self.engine.execute("ATTACH ':memory:' AS \"s0\"")
        kinds = (("pid", "BIGINT"), ("drug", "VARCHAR"), ("code", "BIGINT"), ("sex", "VARCHAR"), ("cost", "BIGINT"))
        create(self.engine, '"s0"."data"', kinds, [*COMMON, *OWN])

    @override
    def rows(self, scans: Any, sql: str) -> Any:
        return self.engine.execute(sql).fetchall()


RUNNER = Loaded()


def raw(sql: str = SQL) -> Raw:
    made = plan(admitted(sql, datasets=(VISIT,), micro_rho=24_355), RUNNER, NodeLimits())
    return run(Reserved(made, 0, ""), RUNNER, NodeLimits(), Event())


def release(reply: Raw) -> Released:
    return disclose(reply, RUNNER.post)


@pytest.mark.parametrize("column", ["drug", "code"])
def test_what_many_have_is_found_and_what_one_has_is_not(column: str) -> None:
    """Each of 800 own keys is shown with probability 1e-6 at most, so all of them once in a thousand runs."""
    shown = release(raw(f"SELECT {column}, count(*) AS n FROM visit GROUP BY {column}"))
    expected = {"drug": {"common0", "common1", "common2"}, "code": {0, 1, 2}}[column]
    assert {row[0] for row in shown.rows} == expected
    assert [row[0] for row in shown.rows] == sorted(expected, key=str)
    assert "noisy count of" in shown.notice


def test_nobody_counts_in_more_keys_than_declared() -> None:
    counted: Counter[str] = Counter()
    for row in raw().rows:
        counted[str(row[0])[:3]] += int(str(row[-1]))
    assert counted["com"] == 900 * GROUPS
    assert counted["own"] == 800


def test_the_charge_holds_delta_and_a_contract_without_it_is_told() -> None:
    made = raw().plan
    assert (made.delta_e12, made.rows_max) == (NodeLimits().open_key_delta_e12, 100_000)
    assert planned("SELECT sex, count(*) FROM visit GROUP BY sex", datasets=(VISIT,)).delta_e12 == 0


def test_opendp_confirms_rho_and_delta_and_one_less_would_cost_more() -> None:
    made = raw().plan
    by = found.calibrate(made, made.micro_rho // len(made.aggregates))
    assert (by.aggregate.l1, by.aggregate.l2_squared) == (GROUPS, GROUPS)
    costs = [
        mechanism.threshold_cost(
            mechanism.gaussian_threshold(str, by.noise.scale, least), GROUPS, noise.distance(by.aggregate)
        )
        for least in (by.least, by.least - 1)
    ]
    assert costs[0][0] <= rho_at_most(by.noise.micro_rho)
    delta = Fraction(made.delta_e12, 10**12)
    assert Fraction(costs[0][1]) <= delta
    assert delta < max(Fraction(costs[1][1]), GROUPS * Fraction(noise.tail(by.noise.scale, by.least - 2)))
    weak = replace(by, least=by.least - 1)
    with pytest.raises(Fault):
        found.found(weak, made, {})
    with pytest.raises(Fault):
        found.found(replace(by, noise=noise.Gaussian(by.noise.scale * 0.99, by.noise.micro_rho)), made, {})


@pytest.mark.parametrize("micro_rho", [3_000_000, 400_000, 24_355, 3_000])
def test_delta_covers_the_discrete_noise_that_is_drawn(micro_rho: int) -> None:
    """OpenDP's map takes the continuous Gaussian's tail: where the noise is small it promises too little."""
    made = plan(admitted(SQL, datasets=(VISIT,), micro_rho=micro_rho), RUNNER, NodeLimits())
    by = found.calibrate(made, made.micro_rho // len(made.aggregates))
    masses = {step: math.exp(-((step / by.noise.scale) ** 2) / 2) for step in range(-4_000, 4_001)}
    alone = math.fsum(mass for step, mass in masses.items() if 1 + step >= by.least) / math.fsum(masses.values())
    assert GROUPS * alone <= made.delta_e12 / 10**12


def test_a_threshold_that_only_opendp_holds_for_rare_is_not_used() -> None:
    made = replace(raw().plan, delta_e12=150_000_000_000)
    aggregate = replace(found.counting(made), l1=1, l2_squared=1)
    by = found.Threshold(aggregate, noise.Gaussian(1.732, 400_000), 3)
    drawn = mechanism.gaussian_threshold(str, by.noise.scale, by.least)
    assert mechanism.threshold_cost(drawn, 1, 1.0)[1] < 0.15 < noise.tail(by.noise.scale, by.least - 1)
    shown = sum("own" in drawn({"own": 1}) for _ in range(4_000)) / 4_000
    assert shown > 0.15, "by chance below 1e-9: it is 0.19"
    assert not found._within(made, by)
    with pytest.raises(Fault):
        found.found(by, made, {"own": 1})


def test_the_widths_of_a_quote_are_those_of_the_answer() -> None:
    reply = raw()
    quoted = {column.label: column.width for column in quote(reply.plan)}
    shown = release(reply)
    assert {row[1] for row in shown.widths} == {quoted["n"]}
    assert {row[2] for row in shown.widths} == {quoted["s"]}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: (*rows, rows[0]),
        lambda rows: ((None, *rows[0][1:]), *rows[1:]),
        lambda rows: ((7, *rows[0][1:]), *rows[1:]),
        lambda rows: (("a\0b", *rows[0][1:]), *rows[1:]),
        lambda rows: (("\ud800", *rows[0][1:]), *rows[1:]),
        lambda rows: (rows[0][:-1], *rows[1:]),
        lambda rows: ((*rows[0][:-1], -1), *rows[1:]),
        lambda rows: ((*rows[0][:-1], Decimal(1)), *rows[1:]),
    ],
)
def test_a_hostile_reply_fails_the_job(spoil: Any) -> None:
    reply = raw()
    with pytest.raises(JobFailed):
        release(replace(reply, rows=spoil(tuple(reply.rows))))


def test_more_keys_than_agreed_fail_the_job() -> None:
    reply = raw()
    with pytest.raises(JobFailed):
        release(replace(reply, plan=replace(reply.plan, rows_max=1)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT drug, sex, count(*) FROM visit GROUP BY drug, sex",
        "SELECT upper(drug), count(*) FROM visit GROUP BY 1",
        "SELECT coalesce(drug, 'x'), count(*) FROM visit GROUP BY 1",
        "SELECT CASE WHEN cost > 3 THEN drug ELSE 'x' END, count(*) FROM visit GROUP BY 1",
        "SELECT code + 1, count(*) FROM visit GROUP BY 1",
    ],
)
def test_an_open_key_stands_alone_and_unchanged(sql: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql, datasets=(VISIT,))
    assert caught.value.reason is Reason.KEY_WITHOUT_DOMAIN


def test_no_open_key_is_a_dimension_of_exact_data() -> None:
    exact = replace(VISIT, cls=DatasetClass.EXACT, subject_space="")
    with pytest.raises(Refused) as caught:
        planned(SQL, datasets=(exact,))
    assert caught.value.reason is Reason.DIMENSION_NOT_DECLARED


def test_nothing_found_is_an_empty_answer() -> None:
    made: Plan = raw().plan
    assert release(Raw(made, (), Usage())).rows == ()
