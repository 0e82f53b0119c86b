"""One question over the tables of two and of three departments, each a node of its own, through three aggregators."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.alliance import Alliance, diagnoses, labs, people
from tests.system.town import done, run

PAIR = (
    "SELECT p.band, count(*) AS n, sum(l.value) AS total FROM persons p JOIN labs l ON p.id = l.id"
    " WHERE l.test = 'hdl' GROUP BY p.band ORDER BY p.band"
)
TRIPLE = (
    "SELECT p.band, count(*) AS n, avg(l.value) AS mean FROM persons p JOIN labs l ON p.id = l.id"
    " JOIN diagnoses d ON d.id = p.id WHERE l.test = 'hdl' AND d.event = 'diabetes' GROUP BY p.band ORDER BY p.band"
)
MICRO_RHO = 300_000


@pytest.fixture(scope="module")
def alliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alliance]:
    """A served alliance."""
    made = Alliance(tmp_path_factory.mktemp("alliance"), ("civil", "insurance", "health"))
    made.build()
    made.serve()
    yield made
    made.stop()


def words(alliance: Alliance, *nodes: str) -> list[object]:
    """Return the command line that asks `nodes`."""
    asked = [word for name in nodes for word in ("--node", f"{name}={alliance.contract(name)}")]
    added = [word for name in alliance.aggregators for word in ("--aggregator", name)]
    return ["--as", alliance.developer, *asked, *added, "--micro-rho", MICRO_RHO]


def counted(*, diabetic: bool) -> dict[str, int]:
    """Return how many rows each band has, by the tables themselves."""
    bands = dict(people())
    with_it = {unit for unit, event in diagnoses() if event == "diabetes"}
    found = {"old": 0, "young": 0}
    for unit, _, _ in labs():
        if unit in bands and (unit in with_it or not diabetic):
            found[bands[unit]] += 1
    return found


def held_to(answer: dict[str, Any], truth: dict[str, int]) -> None:
    """Hold every count to the truth: ten times the 95 % is beyond any luck."""
    assert [row["band"] for row in answer["rows"]] == ["old", "young"]
    for row, width in zip(answer["rows"], answer["width"], strict=True):
        assert abs(row["n"] - truth[row["band"]]) <= 10 * width[1]


def test_two_departments_answer_together_and_each_charges_logs_and_receipts_its_part(
    alliance: Alliance, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    answer = done("join", *words(alliance, "civil", "health"), "--save", saved, PAIR)
    held_to(answer, counted(diabetic=False))
    assert (answer["price_fen"], len(answer["departments"])) == (200, 2)
    check = ("--register", alliance.space / "register.jws", "--space-key", alliance.space / "space.vkey")
    assert done("verify-federation", saved, *check)["mode"] == "joined"
    for path in sorted(saved.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        assert run("verify-federation", saved, *check)[0] == 1, path.name
        path.write_bytes(whole)
    (saved / "shape.json").unlink()
    assert run("verify-federation", saved, *check)[0] == 1
    for name in ("civil", "health", *alliance.aggregators):
        bundle = tmp_path / name
        done("receipts", "export", alliance.root / name, bundle)
        assert done("verify", bundle, "--space-key", alliance.space / "space.vkey")["findings"] == []


def test_three_departments_answer_as_one_join(alliance: Alliance) -> None:
    """The mean of a laboratory value among persons with a diagnosis, by age band."""
    quote = done("join", *words(alliance, *alliance.nodes), "--explain", TRIPLE)
    answer = done("join", *words(alliance, *alliance.nodes), TRIPLE)
    held_to(answer, counted(diabetic=True))
    assert (quote["price_fen"], answer["price_fen"]) == (300, 300)
    assert quote["width"]["n"] == answer["width"][0][1]


def test_what_is_not_asked_of_all_who_hold_it_is_refused_with_the_reason(alliance: Alliance) -> None:
    civil = alliance.contract("civil")
    code, alone = run("query", "--as", alliance.developer, "--at", "civil", "--contract", civil, PAIR)
    assert (code, alone["reason"]) in {(1, "CROSS_NODE_JOIN"), (1, "UNKNOWN_TABLE")}
    code, two = run("join", *words(alliance, "civil", "health"), TRIPLE)
    assert (code, two["reason"]) in {(1, "CROSS_NODE_JOIN"), (1, "UNKNOWN_TABLE")}
    outer = PAIR.replace("JOIN labs", "LEFT JOIN labs")
    code, refused = run("join", *words(alliance, "civil", "health"), outer)
    assert (code, refused["reason"]) == (1, "CROSS_NODE_JOIN")
    assert refused["hint_zh"]


def test_a_contract_that_does_not_open_the_unit_gives_no_join(alliance: Alliance) -> None:
    terms = ("--price", "100", "--scenario", "s-1", "--purpose", "test", "--legal-basis", "test")
    more = ("--micro-rho", "300000", "--queries", "100", "--per-query-max", "500000", "--grant", "labs:test,value")
    closed = done("contract", "request", "--as", alliance.developer, "--at", "health", *terms, *more)["id"]
    asked = [str(word).replace(alliance.contract("health"), str(closed)) for word in words(alliance, "civil", "health")]
    code, refused = run("join", *asked, PAIR)
    assert code == 1
    assert refused["reason"] in {"COLUMN_NOT_IN_CONTRACT", "JOIN_NOT_ON_UNIT", "UNKNOWN_COLUMN"}
