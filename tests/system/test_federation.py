"""One question to three departments through three aggregators, each with keys, ledger and log of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.league import League
from tests.system.town import done, run

QUESTION = "SELECT ward, count(*) AS n, avg(cost) AS mean FROM visits GROUP BY ward ORDER BY n DESC"


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[League]:
    """A served league."""
    made = League(tmp_path_factory.mktemp("league"), ("city1", "city2", "city3"))
    made.build()
    made.serve()
    yield made
    made.stop()


def words(league: League, *nodes: str) -> list[object]:
    """Return the command line that asks `nodes`."""
    asked = [word for name in nodes for word in ("--node", f"{name}={league.contract(name)}")]
    return ["--as", league.developer, *asked, *(word for name in league.aggregators for word in ("--aggregator", name))]


def test_a_federated_answer_is_noised_verified_and_charged_at_every_node(league: League, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    more = ("--micro-rho", 50_000, "--partition", "home", "--save", saved)
    answer = done("federate", *words(league, *league.nodes), *more, QUESTION)
    assert [row["ward"] for row in answer["rows"]] == ["north", "south"]
    # 3 x 300 and 3 x 100 persons; the ± states 95 %, ten times it is beyond any luck.
    for row, width, truth in zip(answer["rows"], answer["width"], (900, 300), strict=True):
        assert abs(row["n"] - truth) <= 10 * width[1]
    assert len(answer["contributors"]) == 3
    assert answer["refused"] == {}
    assert answer["price_fen"] == 300
    check = ("--register", league.space / "register.jws", "--space-key", league.space / "space.vkey")
    checked = done("verify-federation", saved, *check)
    assert checked["contributors"] == answer["contributors"]
    for path in sorted(saved.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        assert run("verify-federation", saved, *check)[0] == 1, path.name
        path.write_bytes(whole)
    assert run("verify-federation", saved, "--register", league.space / "register.jws")[0] == 1
    for name in league.nodes:
        bundle = tmp_path / name
        done("receipts", "export", league.root / name, bundle)
        report = done("verify", bundle, "--space-key", league.space / "space.vkey")
        assert report["findings"] == []
    for name in league.aggregators:
        bundle = tmp_path / name
        done("receipts", "export", league.root / name, bundle)
        assert done("verify", bundle, "--space-key", league.space / "space.vkey")["findings"] == []


def test_a_node_that_refuses_is_named_and_the_rest_go_on_if_the_manifest_allows(league: League) -> None:
    broken = [str(word).replace(league.contract("city3"), "f" * 32) for word in words(league, *league.nodes)]
    code, refused = run("federate", *broken, "--micro-rho", 20_000, QUESTION)
    assert (code, refused["reason"]) == (1, "CONTRACT_UNKNOWN")
    answer = done("federate", *broken, "--micro-rho", 20_000, "--at-least", 2, QUESTION)
    assert len(answer["contributors"]) == 2
    assert list(answer["refused"].values()) == ["CONTRACT_UNKNOWN"] or "CONTRACT_UNKNOWN" in str(answer["refused"])


def test_without_a_partition_a_person_may_be_everywhere_and_the_noise_says_so(league: League) -> None:
    apart = done("federate", *words(league, *league.nodes), "--micro-rho", 20_000, "--partition", "home", QUESTION)
    together = done("federate", *words(league, *league.nodes), "--micro-rho", 20_000, QUESTION)
    assert together["width"][0][1] == pytest.approx(3 * apart["width"][0][1], rel=0.05)
    code, refused = run(
        "federate", *words(league, *league.nodes), "--micro-rho", 20_000, "--partition", "other", QUESTION
    )
    assert (code, refused["reason"]) == (1, "SHAPE_MISMATCH")


def test_what_is_quoted_is_the_total_s_own_width_and_charges_nothing(league: League) -> None:
    terms = ("--micro-rho", 20_000, "--partition", "home")
    quote = done("federate", *words(league, *league.nodes), *terms, "--explain", QUESTION)
    again = done("federate", *words(league, *league.nodes), *terms, "--explain", QUESTION)
    assert quote == again
    assert (len(quote["nodes"]), quote["price_fen"], quote["micro_rho"]) == (3, 300, 20_000)
    answer = done("federate", *words(league, *league.nodes), *terms, QUESTION)
    assert quote["width"] == {"ward": None, "n": answer["width"][0][1], "mean": None}
    alone = done(
        "explain", "--as", league.developer, "--at", "city1", "--contract", league.contract("city1"),
        "--micro-rho", 20_000, QUESTION,
    )  # fmt: skip
    assert quote["width"]["n"] > alone["width"]["n"]
