"""Price clauses are read strictly, and what they come to is one figure for everybody."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import connector_id, contract, contract_tariff
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.slots import Meter
from yanmen.model.contract import Grant
from yanmen.model.revenue import Takings
from yanmen.model.tariff import Free, FreeFor, Metered, Part, Split, SplitBy, Tariff, metered, price_fen

from tests.vectors import price_cases
from tests.vectors.specimen import TERMS

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "prices.json").read_text(encoding="utf-8"))
PUBLIC = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "A1B2C3D4")

PRICES = st.integers(0, 10**6)
TARIFFS = st.builds(
    Tariff,
    most_fen=PRICES,
    per_cell=PRICES,
    per_row_bucket=PRICES,
    per_cpu_unit=PRICES,
    per_milli_rho=PRICES,
    free=st.builds(Free, st.sampled_from(FreeFor), st.integers(1, 99)) | st.just(Free()),
)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 400)).map(
    lambda rows: tuple(sorted(rows.items()))
)


@given(TARIFFS)
def test_a_tariff_is_what_was_written(tariff: Tariff) -> None:
    assert contract_tariff.read_tariff(contract_tariff.write_tariff(tariff)) == tariff


@given(TARIFFS, st.integers(0, 1_000), st.integers(0, 1_000), ROWS, PRICES, PRICES)
def test_a_price_is_never_above_what_was_agreed_and_published(
    tariff: Tariff, per_use: int, cells: int, rows: tuple[tuple[str, int], ...], micro_rho: int, ceiling: int
) -> None:
    fen = price_fen(per_use, tariff, Metered(cells, len(rows), rows), micro_rho, ceiling)
    assert 0 <= fen <= min(tariff.most_fen, ceiling)
    more = price_fen(per_use, tariff, Metered(cells + 1, len(rows), rows), micro_rho, ceiling)
    assert fen <= more


@given(
    st.sampled_from(SplitBy),
    st.lists(st.integers(1, 1_000), min_size=3, max_size=3),
    st.lists(st.tuples(ROWS, st.integers(0, 5_000)), max_size=40),
)
def test_shares_sum_to_the_whole_and_none_is_off_by_a_fen(
    by: SplitBy, weights: list[int], uses: list[tuple[tuple[tuple[str, int], ...], int]]
) -> None:
    parts = tuple(
        Part(f"部门{name}", "" if by is SplitBy.SHARES else name, each)
        for name, each in zip("abc", weights, strict=True)
    )
    takings, reverse = Takings(), Takings()
    for rows, fen in uses:
        takings.add(rows, fen)
    for rows, fen in reversed(uses):
        reverse.add(rows, fen)
    shares = takings.shares(Split(by, parts))
    assert shares == reverse.shares(Split(by, parts))
    assert sum(share.fen for share in shares) == sum(fen for _, fen in uses)
    for share, part in zip(shares, parts, strict=True):
        exact = sum(
            fen * _weight(by, part, rows) / sum(_weight(by, each, rows) for each in parts) for rows, fen in uses
        )
        assert share.fen == pytest.approx(exact, abs=1.001)


def _weight(by: SplitBy, part: Part, rows: tuple[tuple[str, int], ...]) -> int:
    read = dict(rows)
    nothing = by is not SplitBy.SHARES and not read
    if by is SplitBy.SHARES or nothing:
        return part.weight
    return part.weight * (read.get(part.dataset, 0) if by is SplitBy.ROWS else int(part.dataset in read))


@pytest.mark.parametrize("case", VECTORS["prices"], ids=lambda case: case["name"])
def test_price_vectors(case: dict[str, Any]) -> None:
    tariff = None if case["tariff"] is None else contract_tariff.read_tariff(case["tariff"])
    used = Meter.read(case["meter"]).used
    assert price_fen(case["per_use_fen"], tariff, used, case["micro_rho"], case["ceiling_fen"]) == case["fen"]


@pytest.mark.parametrize("case", VECTORS["splits"], ids=lambda case: case["name"])
def test_split_vectors(case: dict[str, Any]) -> None:
    takings = Takings()
    for use in case["uses"]:
        takings.add(tuple(sorted(use["rows"].items())), use["fen"])
    shares = takings.shares(contract_tariff.read_split(case["split"]))
    assert {share.department: share.fen for share in shares} == case["shares"]


def test_units_follow_from_what_is_declared() -> None:
    assert metered(3, []) == Metered(3, 0, ())
    assert metered(0, [("a", 0)]).rows == (("a", 1),)
    assert metered(0, [("b", 10_000), ("a", 10_001), ("b", 10_000)]) == Metered(0, 3, (("a", 2), ("b", 2)))
    assert metered(0, [("a", 1_000_001), ("b", 1)]).cpu_units == 4


# Strictness ------------------------------------------------------------------------------------------

TARIFF: Json = contract_tariff.write_tariff(price_cases.TARIFF)
SPLIT: Json = contract_tariff.write_split(price_cases.BY_ROWS)


@pytest.mark.parametrize(
    "change",
    [
        {"mostFen": -1},
        {"mostFen": "900"},
        {"mostFen": True},
        {"mostFen": 1.5},
        {"milliFenPerCell": None},
        {"milliFenPerMinute": 1},
        {"free": None},
        {"free": {"condition": "friends", "uses": 1}},
        {"free": {"condition": "public-body", "uses": 0}},
        {"free": {"condition": "first-uses", "uses": -1}},
        {"free": {"condition": "first-uses"}},
    ],
)
def test_another_tariff_is_refused(change: dict[str, Json]) -> None:
    assert isinstance(TARIFF, dict)
    with pytest.raises(Malformed):
        contract_tariff.read_tariff({**TARIFF, **change})


@pytest.mark.parametrize(
    "split",
    [
        {"by": "rows", "parts": []},
        {"by": "favour", "parts": [{"dataset": "a", "department": "甲", "weight": 1}]},
        {"by": "rows", "parts": [{"dataset": "", "department": "甲", "weight": 1}]},
        {"by": "shares", "parts": [{"dataset": "a", "department": "甲", "weight": 1}]},
        {"by": "rows", "parts": [{"dataset": "a", "department": "甲", "weight": 0}]},
        {"by": "rows", "parts": [{"dataset": "a", "department": " 甲", "weight": 1}]},
        {"by": "rows", "parts": [{"dataset": "a", "department": "甲\u202e", "weight": 1}]},
        {"by": "rows", "parts": [{"dataset": "A", "department": "甲", "weight": 1}]},
        {"by": "rows", "parts": [{"dataset": "a", "department": "甲", "weight": 1}] * 2},
        {"by": "shares", "parts": [{"dataset": "", "department": name, "weight": 1} for name in ("乙", "丙")]},
        {"by": "shares", "parts": [{"dataset": "", "department": "甲", "weight": 1, "note": ""}]},
    ],
)
def test_another_split_is_refused(split: Json) -> None:
    with pytest.raises(Malformed):
        contract_tariff.read_split(split)


def test_clauses_are_in_the_offer_and_come_back() -> None:
    grants = (*TERMS.grants, Grant("claims", ("drug",)))
    made = replace(TERMS, tariff=price_cases.TARIFF, grants=grants, split=price_cases.BY_ROWS, paper_sha256="ab" * 32)
    document = contract.encode(made)
    assert contract.decode(document) == made
    assert made.price_most_fen == 900
    shown: Any = json.loads(json.dumps(document))
    constraints = shown["permission"][0]["constraint"]
    assert [each["leftOperand"] for each in constraints[-5:]] == [
        "yanmen:tariff",
        "yanmen:split",
        "yanmen:retentionDays",
        "yanmen:regulatorDiscloses",
        "yanmen:paperSha256",
    ]
    constraints.insert(0, constraints.pop(-5))
    with pytest.raises(Malformed, match="order"):
        contract.decode(shown)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"tariff": Tariff(119)}, "below the price of a use"),
        ({"tariff": Tariff(120)}, "says nothing"),
        ({"tariff": Tariff(120, free=Free(FreeFor.PUBLIC_BODY, 5))}, "public bodies"),
        ({"split": Split(SplitBy.ROWS, (Part("甲", "claims", 1),))}, "exactly the datasets"),
        ({"split": Split(SplitBy.USES, (Part("甲", "claims", 1), Part("乙", "persons", 1)))}, "exactly the datasets"),
    ],
)
def test_terms_that_contradict_themselves_are_not_signed(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(Malformed, match=rule):
        contract.encode(replace(TERMS, **change))


def test_a_public_body_may_be_offered_free_use() -> None:
    made = replace(TERMS, consumer=PUBLIC, tariff=Tariff(120, free=Free(FreeFor.PUBLIC_BODY, 5)))
    assert contract.decode(contract.encode(made)) == made
