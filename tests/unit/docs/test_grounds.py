"""The benchmarks' questions: all are there, mean what they say, and are refused on grounds that the page lists."""

import importlib
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import duckdb
import pytest

from tests.unit.docs.markdown import ROOT, table

Modules = dict[str, ModuleType]
FIRST_DAY = date(2000, 1, 1)
CUSTOMERS, LINES, DAYS = 60, 900, 366
COLUMNS = {
    "date_dim": "d_date_sk BIGINT, d_date DATE",
    "time_dim": "t_time_sk BIGINT, t_hour BIGINT, t_minute BIGINT, t_meal_time VARCHAR",
    "customer_demographics": "cd_demo_sk BIGINT, cd_gender VARCHAR, cd_marital_status VARCHAR,"
    " cd_education_status VARCHAR",
    "household_demographics": "hd_demo_sk BIGINT, hd_dep_count BIGINT, hd_vehicle_count BIGINT,"
    " hd_buy_potential VARCHAR",
    "customer_address": "ca_address_sk BIGINT, ca_state VARCHAR, ca_county VARCHAR, ca_zip VARCHAR, ca_city VARCHAR,"
    " ca_gmt_offset DECIMAL(5,2)",
    "item": "i_item_sk BIGINT, i_item_id VARCHAR, i_item_desc VARCHAR, i_category VARCHAR, i_class VARCHAR,"
    " i_current_price DECIMAL(7,2)",
    "store": "s_store_sk BIGINT, s_store_id VARCHAR, s_store_name VARCHAR, s_gmt_offset DECIMAL(5,2)",
    "store_returns": "sr_item_sk BIGINT, sr_ticket_number BIGINT, sr_return_quantity BIGINT, sr_return_amt"
    " DECIMAL(7,2), sr_net_loss DECIMAL(7,2), sr_reason_sk BIGINT, sr_returned_date_sk BIGINT",
    "store_sales": "ss_sold_date_sk BIGINT, ss_sold_time_sk BIGINT, ss_item_sk BIGINT, ss_customer_sk BIGINT,"
    " ss_cdemo_sk BIGINT, ss_hdemo_sk BIGINT, ss_addr_sk BIGINT, ss_store_sk BIGINT, ss_ticket_number BIGINT,"
    " ss_quantity BIGINT, ss_sales_price DECIMAL(7,2), ss_ext_sales_price DECIMAL(7,2), ss_ext_discount_amt"
    " DECIMAL(7,2), ss_net_paid DECIMAL(7,2)",
}


@pytest.fixture(scope="module")
def modules() -> Modules:
    sys.path.insert(0, str(ROOT / "scripts"))
    names = ("tpc", "tpch_questions", "tpcds_bars", "tpcds_lists", "tpcds_tables", "tpcds_totals")
    return {name: importlib.import_module(f"bench_files.{name}") for name in names}


def test_all_questions_are_asked(modules: Modules) -> None:
    totals, lists = modules["tpcds_totals"].TOTALS, modules["tpcds_lists"].LISTS
    assert sorted([*totals, *lists]) == list(range(1, 100))
    assert sorted(modules["tpch_questions"].QUESTIONS) == list(range(1, 23))


def test_the_grounds_are_those_of_the_page(modules: Modules) -> None:
    rows = table("docs/DISCLOSURE.md", "ground", "a question of TPC-H or TPC-DS that")
    assert {reason.strip("`"): ground for reason, ground in rows} == modules["tpc"].GROUNDS


def test_only_an_error_of_ten_percent_or_a_listed_ground_counts(modules: Modules) -> None:
    asked = modules["tpc"].Asked
    assert asked(10.0, "").met
    assert not asked(10.1, "").met
    assert asked(None, "KEY_WITHOUT_DOMAIN").met
    assert not asked(None, "PLAN_CHANGED").met
    assert not asked(None, "nothing but zeroes").met


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return a small town's shopping: as many lines as a test bears."""
    pick = Random(4)
    sales, returns = [], []
    for number in range(LINES):
        price = Decimal(pick.randrange(100, 10_000)).scaleb(-2)
        count = pick.randrange(1, 101)
        customer = pick.randrange(CUSTOMERS) if pick.random() > 0.05 else None
        total = min(price * count, Decimal(9_000))
        keys = pick.randrange(DAYS), pick.randrange(48), pick.randrange(40), customer
        about = pick.randrange(4), pick.randrange(4), pick.randrange(6), pick.randrange(3), number
        sales.append((*keys, *about, count, price, total, total / 10, total))
        if number % 9 == 0:
            returns.append((keys[2], number, 1, price, price / 2, number % 30, pick.randrange(DAYS)))
    return {
        "date_dim": [(day, FIRST_DAY + timedelta(days=day)) for day in range(DAYS)],
        "time_dim": [(half, half // 2, half % 2 * 30, "lunch") for half in range(48)],
        "customer_demographics": [(n, "MF"[n % 2], "S", "College") for n in range(4)],
        "household_demographics": [(n, n * 2, n, "Unknown") for n in range(4)],
        "customer_address": [(n, f"S{n}", f"C{n}", f"{n}0000", "town", Decimal(-5)) for n in range(6)],
        "item": [(n, f"I{n}", f"item {n}", f"K{n % 4}", f"c{n % 8}", Decimal(n)) for n in range(40)],
        "store": [(n, f"S{n}", ("ese", "able", "bar")[n], Decimal(-5)) for n in range(3)],
        "store_returns": returns,
        "store_sales": sales,
    }


@pytest.fixture(scope="module")
def town(modules: Modules, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("tpcds") / "small.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, found in rows().items():
            connection.execute(f"CREATE TABLE {name} ({COLUMNS[name]})")
            marks = ", ".join("?" for _ in found[0])
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", found)
    chosen = [source for source in modules["tpcds_tables"].SOURCES if source.name in ("store_sales", "item", "store")]
    return modules["tpc"].Published(path, chosen, threads=1)


def test_a_question_asked_without_cuts_means_what_the_original_says(modules: Modules, town: Any) -> None:
    sql = modules["tpcds_bars"].uncut(modules["tpcds_totals"].TOTALS[43])
    found = town.planned(sql, roomy=True)
    ours = {row[:3]: Decimal(row[3]).scaleb(-2) for row in town.rows(found) if row[3]}
    theirs = town.connection.execute(
        "SELECT s_store_name, s_store_id, dayofweek(d_date), sum(ss_sales_price) FROM store_sales, store, date_dim"
        " WHERE ss_store_sk = s_store_sk AND ss_sold_date_sk = d_date_sk AND ss_customer_sk IS NOT NULL"
        " AND s_gmt_offset = -5 GROUP BY ALL"
    ).fetchall()
    assert ours == {row[:3]: row[3] for row in theirs}


@pytest.mark.parametrize("number", [9, 43, 88])
def test_totals_are_answered(modules: Modules, town: Any, number: int) -> None:
    sql = modules["tpcds_totals"].TOTALS[number]
    cut = modules["tpcds_bars"].uncut(sql)
    assert "THEN 14 " not in cut
    assert town.asked(sql, cut).error > 0


@pytest.mark.parametrize(("number", "ground"), [(28, "CLAUSE_NOT_ADMITTED"), (98, "TOO_MANY_CELLS")])
def test_lists_are_refused(modules: Modules, town: Any, number: int, ground: str) -> None:
    sql = modules["tpcds_lists"].LISTS[number].replace("ss_wholesale_cost", "ss_net_paid")
    sql = sql.replace("ss_coupon_amt", "ss_net_paid").replace("ss_list_price", "ss_sales_price")
    asked = town.asked(sql, sql)
    assert (asked.error, asked.ground, asked.met) == (None, ground, True)
