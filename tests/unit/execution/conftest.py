"""A runner over a directory of its own, and datasets that say no more than a test needs."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Grade, Role, Sharing
from yanmen.model.config import NodeLimits

Declare = Callable[..., Dataset]

COLUMNS = (
    Column("person", ColumnType.INTEGER, Role.UNIT, source_name="id"),
    Column("sex", ColumnType.TEXT, Role.KEY, domain=("F", "M"), source_name="sex"),
    Column(
        "amount",
        ColumnType.DECIMAL,
        Role.MEASURE,
        lower=Decimal("0.0"),
        upper=Decimal("100.0"),
        scale=1,
        source_name="amount",
    ),
    Column("note", ColumnType.TEXT, Role.HIDDEN, source_name="note"),
)


@pytest.fixture
def runner(tmp_path: Path) -> JailRunner:
    folder = tmp_path / "node"
    folder.mkdir()
    return JailRunner(folder, b"k" * 32, SystemRandomness(), NodeLimits())


@pytest.fixture
def declare() -> Declare:
    def declared(
        columns: tuple[Column, ...] = COLUMNS,
        cls: DatasetClass = DatasetClass.PERSONAL,
        rows_per_unit: int = 100,
        rows_upto: int = 10_000,
        groups_per_unit: int = 100,
    ) -> Dataset:
        return Dataset(
            name="visits",
            title_zh="就诊",
            title_en="visits",
            owner="health",
            region="330100",
            registration="",
            ndi_id="",
            source_system="",
            authority="",
            update_cycle="",
            quality="A",
            rights=(),
            cls=cls,
            grade=Grade.GENERAL,
            sharing=Sharing.UNCONDITIONAL,
            sharing_reason="",
            legal_basis="",
            channels=(),
            subject_space="residents",
            rows_per_unit=rows_per_unit,
            groups_per_unit=groups_per_unit,
            rows_upto=rows_upto,
            price_ceiling_fen=0,
            columns=columns,
        )

    return declared
