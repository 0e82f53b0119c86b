"""What a node signs is held to what else is in the log: claims, keys, proofs, slots."""

import hashlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from yanmen.formats import base64url, bundle, checkpoint, proof
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.request import Operation
from yanmen.formats.slots import Decision, Price, Verdict
from yanmen.model.receipt import Stage
from yanmen.verify import Code, verify_bundle

from tests.unit.verify.altered_files import given_again, honest
from tests.unit.verify.test_verify_dishonest_node import answered, started


def test_a_deleted_refusal_is_named(specimens: ModuleType, tmp_path: Path) -> None:
    path = honest(specimens, tmp_path / "bundle")
    for name in (bundle.leaf_name(17), bundle.receipt_name(17), bundle.proof_name(17)):
        (path / name).unlink()
    report = verify_bundle(path, specimens.SPACE_KEY.public)
    assert "leaf 17 (refused) is missing" in [item.en for item in report.findings]
    assert "第 17 号叶（拒绝）缺失" in [item.zh for item in report.findings]
    assert report.verified == 19


def test_request_claims_are_compared(specimens: ModuleType, tmp_path: Path) -> None:
    """Each claim of a signed request that does not fit the charge is named."""
    made: Any = specimens
    cases = {
        "node": {"audience": made.CONSUMER},
        "consumer": {"issuer": made.NODE},
        "contract": {"contract_id": made.OTHER},
        "operation": {"operation": Operation.EXPLAIN},
        "question": {"query_sha256": "0" * 64},
        "maximum": {"max_micro_rho": 2_499},
        "maximum fen": {"max_price_fen": 119},
    }
    for name, other in cases.items():
        log = started(made)
        reference, slots = log.intent(log.request(**other))
        answered(made, log, slots, reference)
        report = verify_bundle(log.export(tmp_path / name), made.SPACE_KEY.public)
        named = name.removesuffix(" fen")
        assert [(item.code, item.subject) for item in report.findings] == [(Code.REQUEST_DIFFERS, named)]


@pytest.mark.parametrize("late_s", [0, 3600])
def test_nothing_is_charged_on_a_grant_that_is_over(specimens: ModuleType, tmp_path: Path, late_s: int) -> None:
    """Who holds all of a node's keys cannot make up uses in a consumer's name once what it signed is over."""
    log = started(specimens)
    grant = log.session(10_000)
    log.time_s += 3600 + late_s + (120 if late_s else 0)
    reference, slots = log.intent(grant)
    answered(specimens, log, slots, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), specimens.SPACE_KEY.public)
    found = [(item.code, item.subject) for item in report.findings]
    assert found == ([(Code.REQUEST_DIFFERS, "time")] if late_s else [])


def test_nothing_is_charged_on_a_request_that_was_signed_afterwards(specimens: ModuleType, tmp_path: Path) -> None:
    log = started(specimens)
    log.time_s += 36_000
    request = log.request()
    log.time_s -= 36_000
    reference, slots = log.intent(request)
    answered(specimens, log, slots, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), specimens.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.REQUEST_DIFFERS, "time")]


def test_a_key_the_register_does_not_list_signs_nothing(specimens: ModuleType, tmp_path: Path) -> None:
    """The node makes a key of its own, signs a request with it and calls it the consumer's."""
    made: Any = specimens
    log = started(made)
    digest = log.question(log.request())[Slot.CONTRACT_DIGEST]
    stolen, made.MEMBER_KEY = made.MEMBER_KEY, made.signer("invented")
    try:
        asked = {**log.question(log.request()), Slot.CONTRACT_DIGEST: digest}
    finally:
        made.MEMBER_KEY = stolen
    slots = {**asked, **log.charge(2_500, 0, 120), Slot.DECISION: Decision(Verdict.ALLOWED).json()}
    answered(made, log, slots, log.append(Stage.INTENT, slots))
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.REQUEST_DIFFERS, "member key")]


def test_a_question_has_the_digest_it_states(specimens: ModuleType, tmp_path: Path) -> None:
    """The node discloses another text than the one it charged for."""
    made: Any = specimens
    log = started(made)
    _, slots = log.intent(log.request())
    other = {**slots, Slot.REQUEST: log.request().json(), **log.charge(2_500, 0, 120)}
    digest = hashlib.sha256(made.SQL.encode()).hexdigest()
    log.append(Stage.INTENT, {**other, Slot.QUERY: {"sha256": digest, "sql": "SELECT 1"}})
    log.append(Stage.INTENT, {**other, Slot.REQUEST: log.request().json(), **log.charge(2_500, 0, 120)})
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    malformed = [(item.index, item.subject) for item in report.findings if item.code is Code.SLOT_MALFORMED]
    assert malformed == [(6, "query")]


def test_a_session_grant_is_not_overspent(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    grant = log.session(5_000)
    for _ in range(3):
        reference, slots = log.intent(grant)
        answered(made, log, slots, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [(item.index, item.code, item.subject) for item in report.findings] == [(9, Code.REQUEST_DIFFERS, "maximum")]


def test_an_answer_given_again_is_free(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    log.append(Stage.OUTCOME, {**given_again(made, log), **log.spent(1, 0, 0)})
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [item.code for item in report.findings] == [Code.CHARGE_DIFFERS]


def test_what_an_answer_given_again_says_was_spent_is_compared(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    log.append(Stage.OUTCOME, {**given_again(made, log), Slot.PRICE: Price(0, 121).json()})
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [(Code.SPENT_DIFFERS, "price")]


def test_an_empty_log_has_no_genesis(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = made.Log(made.Pinned("empty"))
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [item.code for item in report.findings] == [Code.GENESIS_WRONG]


def test_a_log_under_another_node_s_name_is_found(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = made.Log(made.Pinned("dishonest"), origin=checkpoint.origin(made.CONSUMER, 2026))
    log.append(Stage.GENESIS, {})
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [(item.code, item.subject) for item in report.findings] == [
        (Code.CHECKPOINT_SIGNATURE, "origin of another node")
    ]


def test_a_proof_of_a_fork_is_found(specimens: ModuleType, tmp_path: Path) -> None:
    """The consumer's proof holds by itself; only against the bundle it shows that there are two logs."""
    made: Any = specimens
    log, fork = made.specimen(), made.specimen()
    fork.leaves[10] = fork.leaves[11]
    path = log.export(tmp_path / "bundle")
    (path / bundle.proof_name(2)).write_text(fork.proof(2))
    report = verify_bundle(path, made.SPACE_KEY.public)
    assert [(item.index, item.code, item.subject) for item in report.findings] == [
        (2, Code.PROOF_WRONG, "checkpoint contradicts the bundle's: the log showed two histories")
    ]


def test_a_proof_newer_than_the_bundle_is_found(specimens: ModuleType, tmp_path: Path) -> None:
    """The bundle was cut off: somebody holds a head over more leaves."""
    made: Any = specimens
    log = made.specimen()
    path = log.export(tmp_path / "bundle")
    log.append(Stage.MEMBER, {})
    (path / bundle.proof_name(2)).write_text(log.proof(2))
    report = verify_bundle(path, made.SPACE_KEY.public)
    assert [(item.index, item.code, item.subject) for item in report.findings] == [
        (2, Code.PROOF_WRONG, "checkpoint is newer than the bundle's")
    ]


def test_a_proof_states_its_own_index(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    path = honest(made, tmp_path / "bundle")
    file = path / bundle.proof_name(2)
    file.write_text(proof.encode(replace(proof.decode(file.read_text()), index=3)))
    report = verify_bundle(path, made.SPACE_KEY.public)
    assert [(item.index, item.subject) for item in report.findings] == [(2, "index of another leaf")]


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        (Slot.CONSUMER, ""),
        (Slot.CONSUMER, 5),
        (Slot.CONSUMER, "5" * 32),
        (Slot.CNF, "x"),
        (Slot.CNF, {"jwk": {"crv": "P-256", "kty": "EC", "x": "x"}}),
        (Slot.CNF, {"jwk": {"crv": "X25519", "kty": "OKP", "x": base64url.encode(bytes(32))}}),
        (Slot.CNF, {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": "AAAA"}}),
        (Slot.QUERY, {"sql": "SELECT 1"}),
    ],
)
def test_slots_are_typed(specimens: ModuleType, tmp_path: Path, slot: Slot, value: Json) -> None:
    made: Any = specimens
    log = started(made)
    _, slots = log.intent(log.request())
    log.append(Stage.INTENT, {**slots, **log.charge(2_500, 0, 120), Slot.REQUEST: log.request().json(), slot: value})
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    malformed = [(item.index, item.subject) for item in report.findings if item.code is Code.SLOT_MALFORMED]
    assert malformed == [(6, slot.value)]


def test_an_intent_cannot_be_closed_as_a_repetition(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    reference, slots = log.intent(log.request())
    said = {**slots, Slot.DECISION: Decision(Verdict.REPEATED).json(), Slot.OUTPUT: made.output(2_500).json()}
    log.append(Stage.OUTCOME, said, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert [item.code for item in report.findings] == [
        Code.DECISION_WRONG,
        Code.METER_DIFFERS,
        Code.REPEAT_DIFFERS,
        Code.REQUEST_REUSED,
    ]


def test_an_outcome_under_another_contract_is_found(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.CONTRACT: made.OTHER}, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert Code.CHARGE_DIFFERS in [item.code for item in report.findings]
