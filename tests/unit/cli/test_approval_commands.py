"""`yanmen approval`: listed, signed by the officer's own key, recorded and carried out, from the command line."""

from pathlib import Path

import pytest
from yanmen import contracting
from yanmen.client.identity import Identity
from yanmen.contracting import Office
from yanmen.crypto import documents
from yanmen.model.contract import Grant
from yanmen.model.party import PartyRole
from yanmen.node.holder import open_holder

from tests.system.town import SUBJECT, Town, done, run
from tests.unit.ledger.scene import terms_of

ID = "ab" * 16
REASONS = ("--necessity", "无其他来源", "--legality", "依职责", "--security", "仅输出汇总结果")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Return a town with officers, and one offer that waits."""
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    made.configure(approve_general=False)
    for role in (PartyRole.STEWARD, PartyRole.CHIEF_DATA_OFFICER, PartyRole.SECURITY_OFFICER):
        folder = made.root / role.value
        who = (
            "--name",
            role.value,
            "--alias",
            role.value.replace("-", "_"),
            "--subject",
            SUBJECT + "1",
            "--region",
            "1401",
        )
        done("member", "init", folder, *who, "--role", role.value)
        made.admit(folder, "member")
    with open_holder(made.node) as holder:
        alice = Identity.load(made.root / "alice")
        terms = terms_of(
            ID,
            holder=holder.config.id,
            consumer=alice.id,
            grants=(Grant("visits", ("ward",)),),
            price_per_query_fen=1,
            delta_e12=0,
            not_before_ms=holder.clock.now_ms(),
            not_after_ms=holder.clock.now_ms() + 86_400_000,
        )
        peer = holder.register.current().find(alice.id)
        assert peer is not None
        contracting.request(documents.sign_offer(terms, alice.signer), peer, Office.of(holder))
    return made


def act(town: Town, verb: str, role: PartyRole, target: Path, *words: str) -> tuple[int, dict[str, object]]:
    (waiting,) = done("approval", "list", town.node)["waiting"] or ({"offer_sha256": digest(town)},)
    about = ("--at", "clinic", "--contract", ID, "--offer-sha256", waiting["offer_sha256"])
    code, said = run("approval", verb, "--as", town.root / role.value, *about, *words, target)
    return (code, said) if code else run("approval", "record", town.node, target)


def digest(town: Town) -> str:
    with open_holder(town.node) as holder:
        return contracting.show(ID, Office.of(holder)).digest


def test_officers_decide_stop_and_resume_from_the_command_line(town: Town, tmp_path: Path) -> None:
    (waiting,) = done("approval", "list", town.node)["waiting"]
    assert (waiting["turn"], waiting["role"], waiting["overdue"]) == ("decide", "chief-data-officer", False)
    chief, security = PartyRole.CHIEF_DATA_OFFICER, PartyRole.SECURITY_OFFICER
    assert act(town, "decide", chief, tmp_path / "1.jws")[0] == 2  # no reasons
    code, said = act(town, "decide", PartyRole.STEWARD, tmp_path / "2.jws", *REASONS)
    assert (code, said["reason"]) == (1, "ROLE_NOT_ALLOWED")
    assert act(town, "decide", chief, tmp_path / "3.jws", *REASONS)[1]["status"] == "active"
    assert done("approval", "list", town.node)["waiting"] == []
    assert act(town, "stop", security, tmp_path / "4.jws", "--security", "异常")[1]["status"] == "suspended"
    assert act(town, "resume", security, tmp_path / "5.jws", "--security", "已查明")[1]["status"] == "active"
    assert act(town, "stop", security, tmp_path / "5.jws", "--security", "异常")[0] == 2  # the file exists
    assert town.verify("bundle")["ok"]
