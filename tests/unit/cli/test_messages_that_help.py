"""A message names what is wrong, and whose it is; a next step is one that can be taken."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen import closing, contracting, enrolment
from yanmen.cli import contract_template, negotiation
from yanmen.cli.main import main
from yanmen.cli.output import Result, run
from yanmen.client.errors import Unreachable
from yanmen.crypto import jose, keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution import object_storage
from yanmen.formats import config
from yanmen.formats import enrolment as formats
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.negotiation import ActKind
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Fault, FaultCode, Refused

from tests.unit.negotiation.market import Market, market
from tests.unit.negotiation.test_deletions import used
from tests.unit.negotiation.test_rounds import act, word


def said(fault: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    def failing(_: argparse.Namespace) -> Result:
        raise fault

    assert run(failing, argparse.Namespace()) == 3
    return capsys.readouterr().err


def test_a_store_that_does_not_answer_is_not_taken_for_the_node(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Fault) as caught:
        object_storage._read(b'{"trouble":"UNREACHABLE","status":0}', "https://store.example:9000")
    told = said(caught.value, capsys)
    assert "https://store.example:9000: the store does not answer: check endpoint" in told
    assert "yanmen node serve" not in told
    assert "yanmen node serve" not in said(Fault(FaultCode.UNREACHABLE, "w1 cannot be asked"), capsys)
    assert "yanmen node serve" in said(Unreachable("UNAVAILABLE", "connection refused"), capsys)


def test_check_of_a_folder_names_the_command_that_checks_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert f"did you mean yanmen check node {tmp_path}?" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "gone")]) == 2
    assert "choose from" in capsys.readouterr().err


def test_a_new_backup_is_not_said_to_be_sealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (keys.PASSPHRASE, keys.PASSPHRASE_FILE):
        monkeypatch.delenv(name, raising=False)
    into = tmp_path / "copy"
    assert main(["node", "backup", str(tmp_path), str(into), "--with-keys"]) == 3
    told = capsys.readouterr().err
    assert "is sealed" not in told
    assert f"a passphrase is to seal {into}" in told
    for way in (keys.PASSPHRASE_FILE, f"give it in {keys.PASSPHRASE},", "at a terminal"):
        assert way in told
    with pytest.raises(Fault, match="is sealed; the passphrase: name"):
        keys.passphrase(into)


@pytest.mark.parametrize("address", ["localhost", "a b:1", "127.0.0.1", "http://x:1"])
def test_an_address_is_asked_for_by_an_example(address: str) -> None:
    with pytest.raises(Fault) as caught:
        config.decode(f'id = "x"\naddress = "{address}"\n'.encode())
    assert "HOST:PORT, for instance health.example:7443" in caught.value.note
    assert "[A-Za-z0-9.-]" not in caught.value.note


def claims(role: PartyRole, alias: str) -> enrolment.Claims:
    return enrolment.Claims(role, "民政局", alias, "11140000MB0GTTTT0X", "1401")


def test_a_key_in_another_role_takes_no_entry_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space, folder = tmp_path / "space", tmp_path / "me"
    assert main(["space", "init", str(space), "--name", "sx.example"]) == 0
    enrolment.apply(folder, claims(PartyRole.DEVELOPER, "lab"), SystemClock(), SystemRandomness())
    application = folder / enrolment.APPLICATION
    enrol = ["member", "enrol", str(space), str(application)]
    assert main(enrol) == 0
    assert main(enrol) == 0, "the same role renews"
    signer = keys.load(folder / enrolment.SIGNING_KEY)
    made = enrolment.read_application(application.read_bytes())
    application.write_bytes(as_auditor(made, signer))
    capsys.readouterr()
    assert main(enrol) == 1
    told = capsys.readouterr().err
    assert "as developer lab" in told
    assert "--another-role" in told
    assert roles(space) == [PartyRole.DEVELOPER]
    assert main([*enrol, "--another-role"]) == 0
    assert roles(space) == [PartyRole.AUDITOR]


def as_auditor(made: formats.Application, signer: keys.FileSigner) -> bytes:
    payload = formats.application_payload(replace(made, role=PartyRole.AUDITOR))
    return jose.sign_jws({}, payload, signer, keys.thumbprint(signer.public), formats.APPLICATION_TYP)


def roles(space: Path) -> list[PartyRole]:
    return [party.role for party in enrolment.open_space(space).register.parties]


def held(place: Market, name: str) -> Contract:
    return contracting.show(name, place.office)


def test_who_stopped_a_contract_is_said_and_not_who_approved_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with market(tmp_path / "a", rule=True) as place:
        by_holder, by_consumer = used(place), used(place)
        assert negotiation.head(by_holder).endswith("active (FINALIZED) 首席数据官")
        contracting.suspend(by_holder.terms.id, "李某", place.office)
        assert "suspended, by its holder 由数源部门: 李某" in negotiation.head(held(place, by_holder.terms.id))
        contracting.revoke(by_holder.terms.id, "张某", place.office)
        told = negotiation.head(held(place, by_holder.terms.id))
        assert "revoked, by its holder 由数源部门: 张某" in told
        act(place, word(ActKind.END, by_consumer))
        ended = held(place, by_consumer.terms.id)
        assert ended.status is ContractStatus.REVOKED
        assert negotiation.decider(ended) == "by its consumer 由使用方终止"
        for each in (told, negotiation.head(ended)):
            assert "首席数据官" not in each
            assert "FINALIZED" not in each


def test_why_no_deletion_is_to_be_proved_is_one_cause(tmp_path: Path) -> None:
    with market(tmp_path) as place:
        running, silent = used(place), used(place, deletion_days=None)
        told = []
        for each in (running, silent):
            with pytest.raises(Refused) as caught:
                closing.close(each.terms.id, place.office)
            told.append(caught.value.detail.hint_en)
        assert told == ["It is not over yet.", "It asks for no proof of deletion."]


def test_templates_are_listed_in_words(tmp_path: Path) -> None:
    with market(tmp_path) as place:
        made = place.template()
    text = "\n".join(contract_template._lines(made))
    assert "@value" not in text
    assert "xsd:" not in text
    assert "retention_days           30 | 180  one of these" in text
    assert "queries                  1 … 1000  within" in text
    assert "scenario                 free" in text
    assert '"@value"' in str(contract_template._fields(made)["clauses"]), "--json has it as it was signed"
