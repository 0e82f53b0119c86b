"""Mock rows fit their specification and follow from it and the seed alone."""

import csv
import io
import sys
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from yanmen.cli.main import main
from yanmen.formats import mocked, spec
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell

from tests.system.town import Town, done, run
from tests.unit.publishing.specification import GOOD

OPENED: list[str] = []
"""Paths opened while WATCHING."""
WATCHING: list[bool] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if WATCHING and event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_watch)  # cannot be taken away again, so it looks at its switch


def rows(count: int, seed: str = "") -> list[tuple[Cell, ...]]:
    return list(mocked.rows(spec.decode(GOOD.encode()), count, seed))


def test_every_row_is_within_what_is_declared() -> None:
    made = rows(2_000)
    dataset = spec.decode(GOOD.encode())
    assert [column.name for column in dataset.visible()] == ["person", "test", "value", "taken"]
    for person, test, value, taken in made:
        assert isinstance(person, int)
        assert test in {"ALT", "AST"}
        assert isinstance(value, Decimal)
        assert Decimal(0) <= value <= Decimal("999.99")
        assert value.as_tuple().exponent == -2
        assert taken in {date(2020, 1, 1), date(2020, 1, 2)}
    assert {row[1] for row in made} == {"ALT", "AST"}


def test_no_unit_gives_more_rows_or_groups_than_it_may() -> None:
    dataset, groups = spec.decode(GOOD.encode()), defaultdict(set)
    made = rows(2_000)
    for person, test, _, taken in made:
        groups[person].add((test, taken))
    counted = Counter(row[0] for row in made)
    assert max(counted.values()) <= dataset.rows_per_unit
    assert max(len(each) for each in groups.values()) <= dataset.groups_per_unit
    assert len(counted) > 10


def test_the_same_seed_makes_the_same_rows() -> None:
    assert rows(50, "a") == rows(50, "a") != rows(50, "b")
    assert rows(50, "a")[:20] == rows(20, "a")


@pytest.mark.parametrize("count", [0, -1, 500_001, 10**9])
def test_more_rows_than_the_declared_bound_are_refused(count: int) -> None:
    with pytest.raises(Malformed):
        rows(count)


def test_the_source_is_never_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source lies beside the specification, as at a holder; of that folder only the one file is opened."""
    (tmp_path / "labs.toml").write_text(GOOD)
    (tmp_path / "labs.csv").write_text("person,test,value,taken,姓名\n7777777,ALT,1,2020-01-01,x\n")
    OPENED.clear()
    WATCHING.append(True)
    try:
        assert main(["mock", str(tmp_path / "labs.toml"), "--rows", "50"]) == 0
    finally:
        WATCHING.clear()
    here = {Path(path).name for path in OPENED if path.startswith(str(tmp_path))}
    assert here == {"labs.toml"}
    printed = capsys.readouterr().out
    assert "7777777" not in printed
    (tmp_path / "labs.csv").unlink()
    assert main(["mock", str(tmp_path / "labs.toml"), "--rows", "50"]) == 0
    assert capsys.readouterr().out == printed, "and an absent source changes nothing"


def test_hidden_columns_are_there_and_empty() -> None:
    dataset = spec.decode(GOOD.encode())
    text = mocked.encode_csv(dataset, mocked.rows(dataset, 5, ""))
    table = list(csv.DictReader(io.StringIO(text)))
    assert list(table[0]) == ["person", "test", "value", "Taken on", "姓名"]
    assert {row["姓名"] for row in table} == {""}


def test_a_file_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "labs.toml").write_text(GOOD)
    words = ("mock", tmp_path / "labs.toml", "--rows", "9", "--to", tmp_path / "out.csv")
    assert done(*words)["rows"] == 9
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 10
    assert run(*words)[0] == 2


def test_mock_rows_can_be_published_with_their_own_specification(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.build()
    done("mock", tmp_path / "visits.toml", "--rows", "200", "--to", tmp_path / "mock.csv")
    published = done("dataset", "publish", town.node, tmp_path / "visits.toml", tmp_path / "mock.csv")
    assert published
