"""A plan for these tests: disclosure reads nothing of who asked."""

from typing import cast

import pytest
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.stages import Admitted, Aggregate, AggregateKind, Average, Key, Output, Plan


@pytest.fixture
def personal() -> Plan:
    """Ask for count, sum and average by sex and district."""
    return Plan(
        admitted=cast("Admitted", None),
        release=DatasetClass.PERSONAL,
        subject_space="residents",
        scans=(),
        sql="",
        keys=(
            Key("k0", ColumnType.TEXT, ("f", "m")),
            Key("k1", ColumnType.INTEGER, (1, 2, 3)),
        ),
        aggregates=(
            Aggregate("a0", AggregateKind.ROWS, 0, 0, 10_000_000, 1, 1),
            Aggregate("a1", AggregateKind.SUM, 2, -10_000_000_000, 10_000_000_000, 10_000, 100_000_000),
        ),
        averages=(Average("m0", "a1", "a0"),),
        outputs=(
            Output("sex", ColumnType.TEXT, ""),
            Output("district", ColumnType.INTEGER, ""),
            Output("n", ColumnType.INTEGER, "a0"),
            Output("paid", ColumnType.DECIMAL, "a1"),
            Output("mean", ColumnType.DECIMAL, "m0"),
        ),
        post_sql="",
        canonical="",
        rows_max=6,
        deadline_ms=2_000,
        micro_rho=20_000,
        delta_e12=1_000_000,
        price_fen=0,
        min_group=10,
    )
