"""7.4b 合约协商: three sides come to terms in signed rounds over the wire, and change them again."""

from collections.abc import Iterator
from typing import Any

import pytest
import yanmen
from yanmen.model.contract import ContractStatus

from tests.system.town import Town, done, run

COUNT = "SELECT ward, count(*) AS n FROM visits GROUP BY ward"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    who = ("--name", "数据局", "--alias", "bureau", "--subject", "11140000MB0GTTTT03", "--region", "1401")
    done("member", "init", made.root / "bureau", *who, "--role", "regulator")
    made.admit(made.root / "bureau", "member")
    made.serve()
    yield made
    made.stop()


def as_(town: Town, who: str, verb: str, *words: object) -> dict[str, Any]:
    """Run a command of `contract` in a member's name."""
    return done("contract", verb, "--as", town.root / who, "--at", "clinic", *words)


def stands(made: dict[str, Any]) -> tuple[object, ...]:
    return made["status"], made["negotiation"]


def test_three_sides_negotiate_sign_and_amend(town: Town) -> None:
    """Rounds from both sides; asked under it only once consumer, holder and bureau signed the same bytes."""
    wanted = ("--scenario", "s-1", "--purpose", "就诊统计", "--legal-basis", "依申请", "--grant", "visits:cost,id,ward")
    counts = ("--queries", 50, "--queries-per-day", 20)
    made = as_(town, "alice", "request", *wanted, "--price", 60, *counts, "--signer", "bureau")
    name = made["id"]
    assert stands(made) == ("pending", "REQUESTED")
    by = ("--by", "张某")
    made = done("contract", "counter", town.node, name, "--set", "price_per_query_fen=100", *by)
    assert stands(made) == ("offered", "OFFERED")
    assert as_(town, "alice", "show", name)["counter"] == ["price_per_query_fen: 60 -> 100"]
    made = as_(town, "alice", "answer", name, "--set", "price_per_query_fen=80")
    assert stands(made) == ("pending", "REQUESTED")
    made = done("contract", "counter", town.node, name, "--set", "price_per_query_fen=90", *by)
    assert (made["round"], made["counter"]) == (3, ["price_per_query_fen: 80 -> 90"])
    assert run("contract", "counter", town.node, name, "--set", "price_per_query_fen=95", *by)[0] == 1

    made = as_(town, "alice", "answer", name)
    assert stands(made) == ("agreed", "AGREED")
    assert len(made["unsigned"]) == 2
    with yanmen.connect("clinic", identity=town.root / "alice") as node, pytest.raises(yanmen.Refused) as early:
        node.query(COUNT, contract=name)
    assert early.value.reason.value == "CONTRACT_UNSIGNED"
    assert stands(as_(town, "alice", "verify", name)) == ("agreed", "VERIFIED")
    assert run("contract", "sign", "--as", town.root / "alice", "--at", "clinic", name)[0] == 1
    assert stands(as_(town, "bureau", "sign", name)) == ("active", "FINALIZED")
    assert run("contract", "end", "--as", town.root / "bureau", "--at", "clinic", name, "--reason", "x")[0] == 1

    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        held = node.contract(name)
        assert (held.status, held.terms.price_per_query_fen) == (ContractStatus.ACTIVE, 90)
        node.query(COUNT, contract=held)
        spent = node.balance(held)
        made = as_(town, "alice", "amend", name, "--set", "queries=60", "--set", "price_per_query_fen=95")
        assert stands(made) == ("pending", "REQUESTED")
        node.query(COUNT.replace("count(*)", "sum(cost)"), contract=held)
        assert stands(done("contract", "approve", town.node, name, *by)) == ("agreed", "AGREED")
        assert as_(town, "bureau", "sign", name)["status"] == "active"
        newer = node.contract(name)
        assert (newer.terms.amends, newer.terms.queries) == (held.digest, 60)
        left = node.balance(newer)
        assert (left.queries_left, left.spent_fen) == (spent.queries_left + 10 - 1, 180)
        answer = node.query(COUNT.replace("count(*)", "count(*) + 1"), contract=newer)
        assert answer.price * 100 == 95
    assert town.verify("bundle")["ok"]
