"""Refusals as a member meets them: by name, with the next step, with a receipt, and at no charge."""

from pathlib import Path

import pytest
import yanmen
from yanmen.client.calls import UncheckedRefusal
from yanmen.formats.request import Operation
from yanmen.wire.v1 import query_pb2

from tests.patience import wait_until
from tests.system.town import Town, done, run

COUNT = "SELECT count(DISTINCT id) AS n FROM visits"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT avg(nothing) FROM visits", "UNKNOWN_COLUMN"),
        ("SELECT avg(note) FROM visits", "UNKNOWN_COLUMN"),
        ("SELECT count(*) FROM elsewhere", "UNKNOWN_TABLE"),
        ("SELEC count(*) FROM visits", "SQL_MALFORMED"),
        ("SELECT count(*) FROM visits; SELECT 1", "NOT_ONE_SELECT"),
        ("SELECT * FROM visits", "ROWS_WOULD_LEAVE"),
        ("SELECT count(*) FROM visits -- " + "x" * 20_000, "SQL_TOO_LONG"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM visits", "SQL_MALFORMED"),
    ],
)
def test_bad_questions_say_why_and_cost_nothing(town: Town, sql: str, reason: str) -> None:
    town.contract()
    before = done("contract", "show", town.contract(), "--node", town.node)
    code, document = town.ask(sql)
    assert (code, document["reason"]) == (1, reason), document
    assert document["receipt"] is not None
    assert document["hint_en"]
    assert document["hint_zh"]
    after = done("contract", "show", town.contract(), "--node", town.node)
    assert before["micro_rho_left"] == after["micro_rho_left"]
    assert before["spent_fen"] == after["spent_fen"]


def test_a_hidden_column_and_one_that_does_not_exist_are_the_same(town: Town) -> None:
    _, hidden = town.ask("SELECT avg(note) AS a FROM visits")
    _, absent = town.ask("SELECT avg(nope) AS a FROM visits")
    for document in (hidden, absent):
        document.pop("receipt")
        document.pop("subject")
    assert hidden == absent


def test_a_request_counts_once(town: Town) -> None:
    contract = town.contract()
    sql = "SELECT count(*) AS n FROM visits"
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        binder = node._binder(contract, 0, None, None)
        signed = binder.bind(sql, "ab" * 16, Operation.SUBMIT)
        again = query_pb2.FetchRequest(job_id="ef" * 16, wait_ms=5000)
        first, second = (
            query_pb2.SubmitRequest(job_id=job, authorisation=signed, sql=sql) for job in ("ab" * 16, "ef" * 16)
        )
        node._link.call(node._calls.query.Submit, first)
        assert node.fetch("ab" * 16).rows()
        node._link.call(node._calls.query.Submit, second)
        with pytest.raises(UncheckedRefusal) as caught:
            wait_until(lambda: node._calls.call(node._calls.query.Fetch, again).WhichOneof("outcome") != "pending")
    assert caught.value.refused.reason.value == "REQUEST_REPLAYED"
    assert caught.value.receipt.sdjwt


def test_a_session_grant_answers_until_it_is_spent(town: Town) -> None:
    contract = town.contract()
    with (
        yanmen.connect("clinic", identity=town.root / "alice") as node,
        node.session(contract, max_micro_rho=10_000, max_price_fen=10_000) as session,
    ):
        assert session.query("SELECT count(*) AS n FROM visits WHERE cost > 3").micro_rho == 10_000
        with pytest.raises(yanmen.Refused) as caught:
            session.query("SELECT count(*) AS n FROM visits WHERE cost > 4")
    assert caught.value.reason.value == "SPEND_LIMIT"


def test_a_pending_then_active_then_revoked_member(town: Town) -> None:
    folder = town.member("bob", "--pending")
    words = ("dataset", "list", "--as", folder, "--at", "clinic")
    assert run(*words)[1]["reason"] == "IDENTITY_PENDING"
    town.member("bob")
    assert run(*words)[0] == 0
    done("member", "revoke", town.space, "bob")
    code, document = run(*words)
    assert (code, document["reason"]) == (1, "IDENTITY_REVOKED")
    report = town.verify("turned-away")
    assert report["ok"]
    bundle = town.root / "turned-away"
    last = bundle / "receipts" / f"{report['size'] - 1:08d}.sdjwt"
    assert report["stages"]["refused"] >= 2, "who was turned away is in the log, twice here"
    assert last.exists()


def test_an_auditor_may_look_but_not_ask(town: Town) -> None:
    folder = town.root / "audra"
    who = ("--name", "audra", "--alias", "audra", "--subject", "11140000MB0GTTTT09", "--region", "1401")
    done("member", "init", folder, *who, "--role", "auditor")
    town.admit(folder, "member")
    assert run("dataset", "list", "--as", folder, "--at", "clinic")[0] == 0
    with yanmen.connect("clinic", identity=folder) as node:
        assert node.receipt(0).stage.value == "genesis"
        request = query_pb2.SubmitRequest(job_id="ab" * 16, sql=COUNT)
        with pytest.raises(UncheckedRefusal) as caught:
            node._calls.call(node._calls.query.Submit, request)
    assert caught.value.refused.reason.value == "ROLE_NOT_ALLOWED"


def test_anothers_contract_is_unknown(town: Town) -> None:
    town.member("carol")
    code, document = run("query", "--as", town.root / "carol", "--at", "clinic", "--contract", town.contract(), COUNT)
    assert (code, document["reason"]) == (1, "CONTRACT_UNKNOWN")


def test_a_member_of_another_space_is_no_member(town: Town, tmp_path: Path) -> None:
    other = Town(tmp_path)
    done("space", "init", other.space, "--name", "test.example")
    folder = other.member("mallory")
    for name in ("ca.crt", "identity.json"):
        (folder / name).write_bytes((town.root / "alice" / name).read_bytes())
    code, document = run("dataset", "list", "--as", folder, "--at", "clinic")
    assert code == 3, document
    assert document["code"] == "UNREACHABLE"


def test_a_retracted_dataset_is_refused(raw_town: object) -> None:
    town = raw_town()  # type: ignore[operator]
    town.serve()
    town.contract()
    done("dataset", "retract", town.node, "visits")
    code, document = town.ask(COUNT)
    assert (code, document["reason"]) == (1, "DATASET_RETRACTED")


def test_a_spec_that_does_not_fit_its_file_or_itself(town: Town, tmp_path: Path) -> None:
    spec = (town.root / "visits.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(spec.replace("[columns.cost]", "[columns.costs]"))
    code, document = run("dataset", "publish", town.node, wrong, town.root / "visits.csv")
    assert (code, document["reason"]) == (1, "SOURCE_MISMATCH")
    wrong.write_text(spec.replace('grade = "general"', 'grade = "core"'))
    assert run("dataset", "publish", town.node, wrong, town.root / "visits.csv")[1]["reason"] == "GRADE_CORE"
    wrong.write_text(spec + "\nsurprise = 1\n")
    code, document = run("dataset", "publish", town.node, wrong, town.root / "visits.csv")
    assert (code, document["reason"]) == (1, "SPEC_INVALID")
    assert document["line"] > 0
    wrong.write_text("name = [")
    assert run("dataset", "publish", town.node, wrong, town.root / "visits.csv")[1]["reason"] == "SPEC_INVALID"
    assert town.ask(COUNT)[0] == 0, "the published dataset is untouched"


def test_the_holder_is_told_what_is_enforced_and_what_it_says_now(town: Town) -> None:
    """`policy explain` on a real contract: while it is active, and once it is suspended."""
    contract = town.contract("explained")
    document = done("policy", "explain", town.node, contract)
    sources = {rule["source"] for rule in document["rules"]}
    assert sources == {"guard.cedar", "contract"}
    assert {"contract:columns", "contract:not-after", "policy:cross-border"} <= {
        rule["id"] for rule in document["rules"]
    }
    assert document["now"] == [
        {"use": "submit", "allowed": True, "denied_by": []},
        {"use": "scan visits", "allowed": True, "denied_by": []},
    ]
    assert done("policy", "test", town.node)["ok"], "node accept brought the expected verdicts along"
    done("contract", "suspend", town.node, contract, "--by", "holder")
    stopped, _ = done("policy", "explain", town.node, contract)["now"]
    assert stopped == {"use": "submit", "allowed": False, "denied_by": ["contract:status"]}
