"""One question to three departments through three aggregators, each with keys, ledger and log of its own."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yanmen
from yanmen.client.identity import Identity

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


def test_subtotals_and_several_tables_come_from_many_nodes_too(league: League, tmp_path: Path) -> None:
    """ROLLUP and UNION ALL rest on several grids: each with its own noise, all under one charge."""
    question = (
        "SELECT ward, count(*) AS n FROM visits GROUP BY ROLLUP (ward)"
        " UNION ALL SELECT 'persons', count(DISTINCT id) FROM visits ORDER BY n DESC"
    )
    more = ("--micro-rho", 50_000, "--partition", "home", "--save", tmp_path)
    answer = done("federate", *words(league, *league.nodes), *more, question)
    found = {row["ward"]: row["n"] for row in answer["rows"]}
    assert set(found) == {None, "north", "south", "persons"}
    for ward, truth in ((None, 1200), ("north", 900), ("south", 300), ("persons", 1200)):
        assert abs(found[ward] - truth) < 1000  # more than 20 standard deviations
    checked = done("verify-federation", tmp_path, "--register", league.space / "register.jws", "--space-key",
                   league.space / "space.vkey")  # fmt: skip
    assert len(checked["totals"]) == 4
    code, refused = run("federate", *words(league, *league.nodes), "--micro-rho", 50_000, question)
    assert (code, refused["reason"]) == (1, "SHAPE_MISMATCH")


def test_one_node_fewer_is_a_new_question_and_a_new_charge_at_every_node(league: League) -> None:
    spent = []
    for nodes in (league.nodes, league.nodes[:2], league.nodes[:2]):
        contracts = {name: league.contract(name) for name in nodes}
        with yanmen.federation(league.developer, contracts, league.aggregators) as many:
            answer = many.query(QUESTION, micro_rho=20_000, partition="home")
        assert len(answer.contributors) == len(nodes)
        assert answer.price_fen == 100 * len(nodes)
        spent.append({name: one.budget_left for name, one in answer.answers.items()})
        assert all(one.micro_rho == 20_000 and not one.repeated for one in answer.answers.values())
    for before, after in pairwise(spent):
        assert all(before[name] - left == 20_000 for name, left in after.items())


def test_many_nodes_answer_at_a_notebook_as_one_does(league: League) -> None:
    contracts = {name: league.contract(name) for name in league.nodes}
    with yanmen.federation(league.developer, contracts, league.aggregators) as many:
        answer = many.query("SELECT ward, count(*) AS n FROM visits GROUP BY ward", micro_rho=20_000, partition="home")
    frame = answer.to_pandas()
    assert frame["n"].tolist() == [row["n"] for row in answer.rows()]
    assert (frame.attrs["yanmen.notice"], frame.attrs["yanmen.receipt"]) == (answer.notice, answer.receipt.jti)
    assert answer.width["ward"] == [None, None]
    page = answer._repr_html_()
    for said in (answer.notice, "3 of 3 nodes", f"± {answer.width['n'][0]:.6g}", "no. "):
        assert said in page
        assert said in str(answer)


def test_what_cannot_be_is_said_before_anything_is_charged(league: League, tmp_path: Path) -> None:
    (tmp_path / "before").write_text("x")
    ask = words(league, *league.nodes)
    terms = ("--micro-rho", 20_000, "--partition", "home")
    identity = Identity.load(league.developer)
    with yanmen.connect("city1", identity) as node:
        before = node.checkpoint()
        assert run("federate", *ask, *terms, "--save", tmp_path, QUESTION)[0] == 3
        assert run("federate", *ask, *terms, "--save", tmp_path / "before" / "in", QUESTION)[0] == 3
        code, said = run("federate", *ask, *terms, "--at-least", 4, QUESTION)
        assert (code, said["message"]) == (2, "contributors_least: 3 nodes are asked, 4 cannot take part")
        twice = [word if word != league.aggregators[1] else league.aggregators[0] for word in ask]
        code, said = run("federate", *twice, *terms, QUESTION)
        assert code == 2
        assert "three different --aggregator" in said["message"]
        assert node.checkpoint() == before


def test_a_refusal_says_which_node_and_which_clause(league: League) -> None:
    """One contract admits a smaller charge only: the others answer, if the manifest lets them."""
    small = league.agreed("city3", per_query_max=10_000, micro_rho=40_000)
    asked = [str(word).replace(league.contract("city3"), small) for word in words(league, *league.nodes)]
    more = ("--micro-rho", 20_000, "--partition", "home", "--at-least", 2)
    answer = done("federate", *asked, *more, QUESTION)
    city3 = Identity.load(league.developer).node("city3").id
    assert len(answer["contributors"]) == 2
    assert list(answer["refused"]) == [city3]
    assert answer["refused"][city3].startswith("SPEND_LIMIT contract:charge [contract:charge]: ")


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
