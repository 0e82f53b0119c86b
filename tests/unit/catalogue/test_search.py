"""Words in 中文 and English find entries; a miss is a miss, and the order is the same every time."""

from dataclasses import replace

import pytest
from yanmen.formats.catalogue_search import search
from yanmen.model.catalogue import Column, ColumnType, Dataset, Description, Role

from tests.unit.catalogue.hall import DESCRIBED
from tests.unit.ledger.scene import dataset

CLAIMS = dataset(name="claims", title_zh="医疗保险费用", title_en="Insurance claims", description=DESCRIBED)
WEATHER = dataset(
    name="weather_days",
    title_zh="气象观测",
    title_en="Weather observations",
    owner="气象局",
    description=Description(topic="C0500", keywords=("降水",)),
    columns=(Column("rain_mm", ColumnType.DECIMAL, Role.MEASURE, "降水量", "Rainfall"),),
)
PEOPLE = dataset(title_en="Residents")
ALL = (WEATHER, PEOPLE, CLAIMS)


def found(query: str, entries: tuple[Dataset, ...] = ALL) -> list[str]:
    return [each.name for each in search(query, ((each, each) for each in entries))]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("医疗费用", ["claims"]),
        ("医", ["claims"]),
        ("降水", ["weather_days"]),
        ("insur", ["claims"]),
        ("INSURANCE claims", ["claims"]),
        ("ｉｎｓｕｒａｎｃｅ", ["claims"]),
        ("weather", ["weather_days"]),
        ("rain", ["weather_days"]),
        ("environment", ["weather_days"]),
        ("生态环境", ["weather_days"]),
        ("医保 insurance", ["claims"]),
        ("医保 rain", []),
        ("surance", []),
        ("医院", []),
        ("", []),
        ("  ,, ", []),
    ],
)
def test_what_is_found(query: str, names: list[str]) -> None:
    assert found(query) == names


def test_a_title_counts_more_than_an_abstract_and_equals_stand_by_name() -> None:
    said = replace(PEOPLE, name="b_people", description=Description(abstract_en="without insurance"))
    assert found("insurance", (said, CLAIMS)) == ["claims", "b_people"]
    assert found("insurance", (CLAIMS, said)) == ["claims", "b_people"]
    twins = (replace(CLAIMS, name="z"), replace(CLAIMS, name="a"))
    assert found("insurance", twins) == ["a", "z"]


def test_a_hidden_column_finds_nothing() -> None:
    secret = replace(CLAIMS, columns=(*CLAIMS.columns, Column("hivstatus", ColumnType.TEXT, Role.HIDDEN, "艾滋状态")))
    assert found("hivstatus", (secret,)) == []
    assert found("艾滋", (secret,)) == []
