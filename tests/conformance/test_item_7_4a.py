"""7.4a 合约创建: a contract is made from what a node publishes and the template of policy that goes with it."""

from collections.abc import Iterator

import pytest
import yanmen
from yanmen.formats import contract as document

from tests.system.town import Town, done, run

TEMPLATE = """
title_zh = "就诊统计标准合约"
title_en = "Statistics on visits"
days_most = 90
free = ["queries_per_day", "micro_rho_per_query_max"]

[grants]
visits = ["cost", "id", "ward"]

[fixed]
channel = "sharing"
min_group = 10
micro_rho_per_query = 10000
delta_e12 = 0
price_per_query_fen = 100
regulator_discloses = []
retention_days = 180

[between]
queries = [1, 1000]
micro_rho = [1000, 400000]
"""
WANTED = ("--scenario", "s-1", "--purpose", "就诊统计", "--legal-basis", "依申请", "--price", "7")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    (made.root / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    made.serve()
    yield made
    made.stop()


def test_a_contract_is_made_from_a_template(town: Town) -> None:
    """A template goes with the data; a request fills it in, over the wire, and what it fixes is what both signed."""
    made = done("contract", "template", "publish", town.node, town.root / "template.toml", "--by", "张某")
    (offered,) = done("contract", "template", "list", "--as", town.root / "alice", "--at", "clinic")["templates"]
    assert offered["sha256"] == made["sha256"]
    asked = ("contract", "request", "--as", town.root / "alice", "--at", "clinic", "--template", made["template"])
    code, refusal = run(*asked, "--grant", "visits:cost,ward", *WANTED, "--queries", "1001")
    assert (code, refusal["reason"]) == (1, "OUTSIDE_TEMPLATE")
    assert "count lteq" in str(refusal)
    code, refusal = run(*asked, "--grant", "visits:cost,ward", *WANTED, "--days", "91")
    assert (code, refusal["reason"]) == (1, "OUTSIDE_TEMPLATE")

    held = done(*asked, "--grant", "visits:cost,ward", *WANTED, "--queries", "50", "--queries-per-day", "5")
    assert (held["status"], held["price_per_query_fen"]) == ("active", 100)
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        contract = node.contract(held["id"])
        assert contract.terms.filled is not None
        assert contract.terms.filled.template == made["template"]
        odrl = document.encode(contract.terms)
        assert (odrl["@type"], odrl["profile"]) == ("Offer", "urn:yanmen:contract:1")
        answer = node.query("SELECT ward, count(*) AS n FROM visits GROUP BY ward", contract=contract)
        assert {row["ward"] for row in answer.rows()} == {"north", "south"}

    done("contract", "template", "withdraw", town.node, made["template"], "--by", "张某")
    assert run(*asked, "--grant", "visits:cost,ward", *WANTED)[0] == 2
    assert town.verify("bundle")["ok"]
