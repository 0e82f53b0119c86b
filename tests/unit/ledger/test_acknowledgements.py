"""A consumer's acknowledgement: of what it was given, by its own key, once; due before the next answer where asked."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto import documents
from yanmen.crypto.keys import FileSigner
from yanmen.formats import acknowledgement
from yanmen.formats.acknowledgement import Acknowledgement
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.verify import verify_bundle
from yanmen.verify.report import Code

from tests.unit.ledger.scene import (
    CONSUMER,
    MEMBER_KEYS,
    PROFILE,
    RIVAL,
    SPACE_KEY,
    Scene,
    papers,
    party,
    plan_of,
    released,
    reserved,
)


def said_of(ledger: Ledger, given: Receipt, at_s: int) -> Acknowledgement:
    return Acknowledgement(ledger.origin, at_s, given.jti, acknowledgement.sd_hash(given.sdjwt))


def token_of(said: Acknowledgement, key: FileSigner | None = None) -> bytes:
    return documents.sign_acknowledgement(said, key or MEMBER_KEYS[CONSUMER])


def now_s(scene: Scene) -> int:
    return scene.clock.ms // 1000


def test_an_acknowledgement_is_a_leaf_of_the_contract_and_the_same_leaf_again(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    given = scene.ask(ledger, contract).receipt
    token = token_of(said_of(ledger, given, now_s(scene)))
    first = ledger.acknowledge(party(CONSUMER), given.index, token)
    assert first.stage is Stage.ACKNOWLEDGED
    size = ledger.size()
    again = ledger.acknowledge(party(CONSUMER), given.index, token)
    assert (again.index, ledger.size()) == (first.index, size)
    assert ledger.receipt_for(first.index, CONSUMER).jti == first.jti


def test_a_repeated_answer_is_acknowledged_by_itself(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    first = plan_of(contract, scene.clock.ms, "a" * 32, "a" * 32)
    ledger.settle(reserved(ledger.reserve(first)), released(first), PROFILE)
    again = ledger.reserve(plan_of(contract, scene.clock.ms, "b" * 32, "b" * 32))
    given = ledger.outcome("b" * 32, CONSUMER)
    assert again == given
    receipt = getattr(given, "receipt", None)
    assert isinstance(receipt, Receipt)
    ledger.acknowledge(party(CONSUMER), receipt.index, token_of(said_of(ledger, receipt, now_s(scene))))


def test_what_does_not_fit_is_refused_and_not_recorded(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    given = scene.ask(ledger, contract).receipt
    other = scene.ask(ledger, contract).receipt
    said = said_of(ledger, given, now_s(scene))
    size = ledger.size()
    wrong = {
        "aud": token_of(replace(said, origin=f"{ledger.origin[:-4]}2099")),
        "nonce": token_of(replace(said, jti=other.jti)),
        "sd_hash": token_of(replace(said, sd_hash=acknowledgement.sd_hash(other.sdjwt))),
        "iat": token_of(replace(said, issued_s=said.issued_s + 3600)),
        "signature does not verify": token_of(said, MEMBER_KEYS[RIVAL]),
        "JWS: not three parts": b"nothing",
    }
    dropped = given.sdjwt.split("~")
    fewer = replace(said, sd_hash=acknowledgement.sd_hash("~".join(dropped[:-2]) + "~"))
    for subject, token in [*wrong.items(), ("sd_hash", token_of(fewer))]:
        with pytest.raises(Refused) as refused:
            ledger.acknowledge(party(CONSUMER), given.index, token)
        assert (refused.value.reason, refused.value.detail.subject) == (Reason.SIGNATURE_INVALID, subject)
    assert ledger.size() == size


def test_another_members_answer_or_no_answer_is_unknown(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    given = scene.ask(ledger, contract).receipt
    token = token_of(said_of(ledger, given, now_s(scene)))
    for who, index in ((RIVAL, given.index), (CONSUMER, given.index - 1), (CONSUMER, 10_000)):
        with pytest.raises(Refused) as refused:
            ledger.acknowledge(party(who), index, token)
        assert refused.value.reason is Reason.JOB_UNKNOWN


def test_the_next_question_waits_for_the_acknowledgement_where_that_is_asked(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    def due() -> str:
        with pytest.raises(Refused) as refused:
            ledger.reserve(scene.plan(contract), acknowledged_first=True)
        assert refused.value.reason is Reason.ACKNOWLEDGEMENT_DUE
        assert refused.value.detail.hint_en
        assert refused.value.detail.hint_zh
        return refused.value.detail.subject

    left = ledger.balance(contract.terms.id).micro_rho_left
    held = reserved(ledger.reserve(scene.plan(contract), acknowledged_first=True))
    job = held.plan.admitted.submission.job_id
    assert due() == job, "its answer is still to come"
    given = ledger.settle(held, released(held.plan), PROFILE).receipt
    assert due() == job
    assert ledger.balance(contract.terms.id).micro_rho_left == left - 100, "what is refused is not charged"
    other = scene.activate(ledger, replace(contract.terms, id="c" * 32))
    reserved(ledger.reserve(scene.plan(other), acknowledged_first=True))
    reserved(ledger.reserve(scene.plan(contract)))  # asked of nobody where the node does not ask
    ledger.acknowledge(party(CONSUMER), given.index, token_of(said_of(ledger, given, now_s(scene))))
    assert due() != job


def exported(ledger: Ledger, folder: Path) -> list[tuple[Code, str]]:
    ledger.export(folder, papers())
    return [(found.code, found.en) for found in verify_bundle(folder, SPACE_KEY.public).findings]


def test_an_auditor_verifies_acknowledgements(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that records what no consumer signed is found: each rule of the ledger is the auditor's too."""
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        given, other = scene.ask(ledger, contract).receipt, scene.ask(ledger, contract).receipt
        ledger.acknowledge(party(CONSUMER), given.index, token_of(said_of(ledger, given, now_s(scene))))
        assert exported(ledger, tmp_path / "good") == []
        monkeypatch.setattr("yanmen.ledger.acknowledgements._check", lambda *_: other.jti)
        said = said_of(ledger, other, now_s(scene))
        lies = {
            "another log": token_of(replace(said, origin=f"{ledger.origin[:-4]}2099")),
            "another receipt": token_of(replace(said, jti=given.jti)),
            "another text than was given": token_of(replace(said, sd_hash=bytes(32))),
            "signature does not verify": token_of(said, MEMBER_KEYS[RIVAL]),
        }
        for token in lies.values():
            ledger.acknowledge(party(CONSUMER), other.index, token)
            with sqlite3.connect(scene.path) as db:
                db.execute("DROP TRIGGER IF EXISTS given_is_acknowledged_once")
                db.execute("UPDATE given SET acknowledged = NULL WHERE outcome = ?", (other.index,))
        found = exported(ledger, tmp_path / "bad")
    assert {code for code, _ in found} == {Code.ACKNOWLEDGEMENT}
    for why in (*lies, "twice"):
        assert any(why in text for _, text in found), why
