"""Values planted in the source are looked for in every answer, error, log and file outside source and jail."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.system.town import CANARY, Town

HONEST = (
    "SELECT count(*) AS n FROM visits",
    "SELECT count(DISTINCT id) AS n, avg(cost) AS mean FROM visits",
    "SELECT ward, sum(cost) AS total FROM visits GROUP BY ward ORDER BY total DESC",
)
HOSTILE = (
    "SELECT * FROM visits",
    "SELECT id FROM visits",
    "SELECT id, count(*) FROM visits GROUP BY id",
    "SELECT max(id) FROM visits",
    "SELECT min(ward) FROM visits",
    "SELECT note FROM visits",
    "SELECT count(*) FROM visits WHERE note = 'x'",
    "SELECT count(*) FROM visits WHERE id::INTEGER > 0",
    "SELECT sum(ward::INTEGER) FROM visits",
    "SELECT error(ward) FROM visits",
    "SELECT count(*) FROM visits WHERE error(id) IS NULL",
    "SELECT string_agg(id, ',') FROM visits",
    "SELECT list(ward) FROM visits",
    "SELECT histogram(ward) FROM visits",
    "SELECT avg(cost ORDER BY id) export_state FROM visits",
    "SELECT any_value(id) FROM visits",
    "SELECT strptime(ward, '%Y') FROM visits",
    "SELECT count(*) FROM visits GROUP BY ward::DATE",
    "SELECT DISTINCT ward FROM visits",
    "SELECT v FROM visits v",
    "SELECT COLUMNS(*) FROM visits",
    "SUMMARIZE visits",
    "DESCRIBE visits",
    "EXPLAIN ANALYZE SELECT count(*) FROM visits",
    "COPY visits TO '/tmp/leak.csv'",
    "WITH visits AS (SELECT * FROM visits) SELECT * FROM visits",
    "SELECT * FROM duckdb_columns()",
    "SELECT * FROM read_csv('visits.csv')",
    "SELECT count(*) FROM visits WHERE cost > (SELECT max(cost) FROM visits)",
    "SELECT row_number() OVER (ORDER BY id), count(*) FROM visits GROUP BY ward",
    "SELECT sum(cost) FROM visits HAVING max(id) > 'a'",
    "SELECT count(*) FROM visits ORDER BY id",
    "SELECT CASE WHEN ward = 'north' THEN id END AS k, count(*) FROM visits GROUP BY k",
)


@pytest.fixture(scope="module")
def said(town: Town) -> dict[str, tuple[int, dict[str, Any]]]:
    """Ask everything once."""
    return {sql: town.ask(sql) for sql in (*HONEST, *HOSTILE)}


@pytest.mark.parametrize("sql", HONEST)
def test_honest_questions_are_answered(said: dict[str, tuple[int, dict[str, Any]]], sql: str) -> None:
    code, document = said[sql]
    assert code == 0, document
    assert document["rows"]
    assert CANARY not in json.dumps(document)


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_questions_are_refused_with_a_receipt(said: dict[str, tuple[int, dict[str, Any]]], sql: str) -> None:
    code, document = said[sql]
    assert code == 1, document
    assert document["receipt"] is not None, document
    assert CANARY not in json.dumps(document)


def test_no_file_outside_the_source_holds_a_canary(town: Town, said: dict[str, tuple[int, dict[str, Any]]]) -> None:
    assert said
    assert town.verify("after-canaries")["ok"]
    places = [town.root, Path("/dev/shm"), Path.cwd()]
    found = [path for path in files(places) if path != town.root / "visits.csv" and holds_a_canary(path)]
    assert [str(path) for path in found if "tests" not in path.parts] == []
    assert CANARY in (town.root / "visits.csv").read_text()


def holds_a_canary(path: Path) -> bool:
    """Look into a file; others work on this machine, so what is gone again is no matter."""
    with suppress(OSError):
        return CANARY.encode() in path.read_bytes()
    return False


def files(places: list[Path]) -> Iterator[Path]:
    """Return the readable files under `places`, leaving out what is no file of a run."""
    for place in places:
        for path in place.rglob("*"):
            with suppress(OSError):
                if path.is_file() and not {".git", ".venv"} & set(path.parts) and path.stat().st_size < 2**27:
                    yield path


def test_no_core_file_is_left(town: Town, said: dict[str, tuple[int, dict[str, Any]]]) -> None:
    assert said
    assert not [path for place in (town.root, Path.cwd()) for path in place.glob("core*")]
