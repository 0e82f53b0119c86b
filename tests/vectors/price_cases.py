"""Prices and splits to test another implementation with: what goes in, and what comes out to the fen."""

from dataclasses import replace

from yanmen.formats import contract_tariff
from yanmen.formats.json_canonical import Json
from yanmen.formats.slots import Meter
from yanmen.model.revenue import Takings
from yanmen.model.tariff import Free, FreeFor, Metered, Part, Split, SplitBy, Tariff, metered, price_fen

TARIFF = Tariff(
    most_fen=900,
    per_cell=1_500,
    per_row_bucket=2_000,
    per_cpu_unit=0,
    per_milli_rho=10_000,
    free=Free(FreeFor.PUBLIC_BENEFIT, 3),
)
BY_ROWS = Split(SplitBy.ROWS, (Part("省医保局", "claims", 1), Part("省卫健委", "persons", 2)))
BY_SHARES = Split(SplitBy.SHARES, (Part("丙部门", "", 1), Part("乙部门", "", 1), Part("甲部门", "", 1)))
USED = metered(40, [("claims", 250_000), ("persons", 1_000_001)])


def cases() -> Json:
    """Return prices, then splits."""
    return {"prices": [_price(*case) for case in _PRICES], "splits": [_split(*case) for case in _SPLITS]}


def _price(name: str, per_use: int, tariff: Tariff | None, used: Metered, micro_rho: int, ceiling: int) -> Json:
    return {
        "ceiling_fen": ceiling,
        "fen": price_fen(per_use, tariff, used, micro_rho, ceiling),
        "meter": Meter(used, free=False).json(),
        "micro_rho": micro_rho,
        "name": name,
        "per_use_fen": per_use,
        "tariff": None if tariff is None else contract_tariff.write_tariff(tariff),
    }


def _split(name: str, split: Split, uses: tuple[tuple[Metered, int], ...]) -> Json:
    takings = Takings()
    for used, fen in uses:
        takings.add(used.rows, fen)
    return {
        "name": name,
        "shares": {share.department: share.fen for share in takings.shares(split)},
        "split": contract_tariff.write_split(split),
        "uses": [{"fen": fen, "rows": dict(used.rows)} for used, fen in uses],
    }


_PRICES: tuple[tuple[str, int, Tariff | None, Metered, int, int], ...] = (
    ("flat", 120, None, USED, 2_500, 1_000),
    ("flat_above_a_ceiling_lowered_since", 120, None, USED, 2_500, 100),
    ("units", 120, TARIFF, USED, 2_500, 1_000),
    ("one_more_micro_rho_starts_a_thousand", 120, TARIFF, USED, 3_001, 1_000),
    ("rounded_down_once", 0, replace(TARIFF, per_cell=333), metered(2, [("persons", 1)]), 0, 1_000),
    ("most", 120, TARIFF, metered(10_000, [("persons", 1)]), 0, 10_000),
    ("most_above_the_ceiling", 120, TARIFF, metered(10_000, [("persons", 1)]), 0, 800),
    ("cpu_units", 0, replace(TARIFF, per_cell=0, per_row_bucket=0, per_cpu_unit=1_000), USED, 0, 1_000),
    ("a_table_joined_with_itself", 0, TARIFF, metered(1, [("persons", 20_000), ("persons", 20_000)]), 0, 1_000),
)
_SPLITS: tuple[tuple[str, Split, tuple[tuple[Metered, int], ...]], ...] = (
    ("three_equal_shares_of_100", BY_SHARES, ((USED, 100),)),
    ("three_equal_shares_of_two_uses", BY_SHARES, ((USED, 50), (metered(1, [("persons", 1)]), 51))),
    ("by_rows_read", BY_ROWS, ((USED, 333), (metered(1, [("claims", 250_000)]), 7))),
    ("by_uses", replace(BY_ROWS, by=SplitBy.USES), ((USED, 100), (metered(1, [("persons", 9)]), 1))),
    ("nothing", BY_SHARES, ((USED, 0),)),
)
