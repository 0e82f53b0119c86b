"""Incidents: what is named is frozen with the leaf or not at all, notices are handed on, a drill stops nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats import config as config_format
from yanmen.formats.notice import Notice, Occasion
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import NotifyRules, Witness
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.incident import Freeze, Frozen
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.node import incidents
from yanmen.node.holder import Holder, open_holder

from tests.system.town import Town, done, run
from tests.unit.ledger.scene import CONSUMER, Scene, reserved
from tests.unit.node.test_anchoring import hook

WHO = ("--by", "李某", "--text", "疑似重识别")


def status(ledger: Ledger, contract: Contract) -> ContractStatus:
    found = ledger.contract(contract.terms.id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("frozen", [Frozen(Freeze.CONTRACT, "ID"), Frozen(Freeze.DATASET, "persons")])
def test_what_is_named_is_frozen_and_what_runs_ends(
    scene: Scene, ledger: Ledger, contract: Contract, frozen: Frozen
) -> None:
    held = reserved(ledger.reserve(scene.plan(contract)))
    named = replace(frozen, name=contract.terms.id) if frozen.name == "ID" else frozen
    receipt = ledger.open_incident("异常", "李某", [named], drill=False)
    assert receipt.stage is Stage.INCIDENT
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, contract)
    assert refused.value.reason in {Reason.CONTRACT_SUSPENDED, Reason.DATASET_SUSPENDED}
    assert ledger.stops().jobs == ((CONSUMER, held.plan.admitted.submission.job_id),)


def test_member_and_node_are_frozen(ledger: Ledger, contract: Contract) -> None:
    frozen = [Frozen(Freeze.MEMBER, CONSUMER), Frozen(Freeze.NODE)]
    ledger.open_incident("异常", "李某", frozen, drill=False)
    assert (ledger.stops().members, ledger.stops().disconnected) == (frozenset({CONSUMER}), True)
    ledger.open_incident("再次", "李某", frozen, drill=False)  # stopped already: recorded all the same
    assert status(ledger, contract) is ContractStatus.ACTIVE


def test_a_frozen_dataset_is_used_under_no_contract_made_later_either(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    frozen = [Frozen(Freeze.DATASET, "persons")]
    case = ledger.open_incident("异常", "李某", frozen, drill=False).jti
    ledger.open_incident("再次", "李某", frozen, drill=False)  # suspended already: recorded all the same
    later = scene.furnish(ledger)
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, later)
    assert refused.value.reason is Reason.DATASET_SUSPENDED
    ledger.close_case(Stage.INCIDENT, case, "已处置", "张某")
    with pytest.raises(Refused) as refused:
        scene.ask(ledger, later)
    assert refused.value.reason is Reason.DATASET_SUSPENDED
    ledger.resume_dataset("persons", "已处置", "张某")
    scene.ask(ledger, later)
    scene.ask(ledger, contract)


def test_all_is_frozen_or_nothing_is_recorded(ledger: Ledger, contract: Contract) -> None:
    size = ledger.size()
    frozen = [Frozen(Freeze.CONTRACT, contract.terms.id), Frozen(Freeze.CONTRACT, "f" * 32)]
    with pytest.raises(Refused) as refused:
        ledger.open_incident("异常", "李某", frozen, drill=False)
    assert refused.value.reason is Reason.CONTRACT_UNKNOWN
    assert (ledger.size(), status(ledger, contract)) == (size, ContractStatus.ACTIVE)


def test_a_drill_says_so_and_stops_nothing(ledger: Ledger, contract: Contract) -> None:
    ledger.open_incident("演习", "李某", [Frozen(Freeze.CONTRACT, contract.terms.id), Frozen(Freeze.NODE)], drill=True)
    assert status(ledger, contract) is ContractStatus.ACTIVE
    assert not ledger.stops().disconnected
    (case,) = ledger.cases(Stage.INCIDENT)
    assert case.text.startswith("DRILL 演练: 演习")
    assert "node" in case.text


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Town(tmp_path_factory.mktemp("town"))
    made.build()
    made.configure(witnesses=(Witness("http://127.0.0.1:9", "witness.example", b"\x01" * 32),))
    return made


def notice(holder: Holder, told: incidents.Told) -> Notice:
    return documents.open_notice(told.path.read_bytes().removesuffix(b"\n"), holder.receipt_signer.public)


def test_the_authority_is_told_all_and_witnesses_the_head(town: Town) -> None:
    with open_holder(town.node) as holder:
        frozen = [Frozen(Freeze.DATASET, "visits")]
        receipt, told = incidents.opened(holder, "疑似重识别", "李某", frozen, drill=False)
        authority, witness = (notice(holder, each) for each in told)
        assert (authority.to, authority.kind, authority.case) == ("authority", Occasion.OPENED, receipt.jti)
        assert (authority.text, authority.frozen) == ("疑似重识别", ("dataset visits",))
        assert (witness.to, witness.text, witness.frozen) == ("witness.example", "", ())
        assert witness.checkpoint == holder.ledger.checkpoint()
        assert {each.answer for each in told} == {""}
        _, after = incidents.closed(holder, receipt.jti, "已处置", "张某")
        assert notice(holder, after[0]).kind is Occasion.CLOSED


def test_a_hook_takes_notices_and_what_it_did_not_take_is_tried_again(town: Town, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    failing, working = hook(tmp_path / "no", "exit 1"), hook(tmp_path / "yes", f"cat >> {taken}; echo id-1")
    town.configure(notify=NotifyRules((failing,), 20))
    opened = done("incident", "open", town.node, *WHO)
    assert all(each["failure"] and not each["answer"] for each in opened["notices"])
    town.configure(notify=NotifyRules((working,), 20))
    handed = done("incident", "notify", town.node)["notices"]
    assert {each["answer"] for each in handed} == {"id-1"}
    assert {each["file"] for each in opened["notices"]} <= {each["file"] for each in handed}
    assert len(taken.read_bytes().splitlines()) == len(handed)
    assert done("incident", "notify", town.node)["notices"] == []
    town.configure(notify=NotifyRules())


def test_the_evidence_is_a_bundle_that_verifies(town: Town, tmp_path: Path) -> None:
    said = done("incident", "drill", town.node, *WHO, "--freeze", "node", "--evidence", tmp_path / "evidence")
    assert said["evidence"] > 0
    assert not done("control", "status", town.node)["suspended"]
    key = tmp_path / "evidence"
    report = run("verify", key, "--space-key", town.space / "space.vkey")[1]
    assert report["ok"]


@pytest.mark.parametrize("freeze", ["weather:x", "node:x", "contract:", "member:nobody", "dataset:nothing"])
def test_what_cannot_be_frozen_is_no_command(town: Town, freeze: str) -> None:
    before = len(done("incident", "list", town.node)["cases"])
    assert run("incident", "open", town.node, *WHO, "--freeze", freeze)[0] == 2
    assert len(done("incident", "list", town.node)["cases"]) == before


@pytest.mark.parametrize("command", ["notify", "/bin/a\0b"])
def test_a_hook_is_named_whole(town: Town, command: str) -> None:
    path = town.node / "node.toml"
    config: Any = config_format.decode(path.read_bytes())
    text = config_format.encode(replace(config, notify=NotifyRules(("/bin/true",), 5)))
    assert config_format.decode(text.encode()).notify == NotifyRules(("/bin/true",), 5)
    with pytest.raises(Exception, match="command"):
        config_format.decode(text.replace('"/bin/true"', json.dumps(command)).encode())
