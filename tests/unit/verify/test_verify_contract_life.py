"""A contract is what both sides signed, and in force only between its leaves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Stage
from yanmen.verify import Code

from tests.unit.verify.terms_scene import Use, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import CONTRACT, Log, Pinned, output

# The contract itself ------------------------------------------------------------------------------------


def unsigned(log: Log) -> None:
    log.stands(specimen.OTHER, ContractStatus.PENDING, documents.sign_offer(specimen.OTHER_TERMS, specimen.RECEIPT_KEY))


def signed_by(log: Log, key: str, status: ContractStatus = ContractStatus.ACTIVE, **other: Any) -> None:
    """Append the offer of the other contract and a decision on it, signed by `key`."""
    log.stands(specimen.OTHER, ContractStatus.PENDING, specimen.offer(specimen.OTHER_TERMS))
    decision = replace(specimen.acceptance(specimen.OTHER_TERMS), **other)
    token = documents.sign_acceptance(decision, specimen.signer(key))
    log.stands(specimen.OTHER, status, token, Stage.APPROVAL)


def offered(log: Log, **other: Json) -> None:
    offer = specimen.offer(specimen.OTHER_TERMS)
    log.stands(specimen.OTHER, ContractStatus.PENDING, offer, Stage.CONTRACT, **other)


def as_another(log: Log) -> None:
    """Record the first contract's offer under the second's id."""
    log.terms[specimen.OTHER] = specimen.TERMS
    log.stands(specimen.OTHER, ContractStatus.PENDING, specimen.offer(specimen.TERMS))


def brought_back(log: Log) -> None:
    log.stands(CONTRACT, ContractStatus.REVOKED)
    log.stands(CONTRACT, ContractStatus.ACTIVE)


def undecided(log: Log) -> None:
    offered(log)
    log.stands(specimen.OTHER, ContractStatus.ACTIVE)


LIFE: dict[str, tuple[Use, Code, str]] = {
    "an offer the consumer did not sign": (unsigned, Code.CONTRACT_UNSIGNED, "signature does not verify"),
    "a consumer nobody registered": (
        lambda log: offered(log, consumer=connector_id.build("5", "91140100MA0GWWWW3X", "1401", "A1B2C3D4")),
        Code.CONTRACT_UNSIGNED,
        "the register lists no such consumer",
    ),
    "a decision the node did not sign": (
        lambda log: signed_by(log, "member"),
        Code.CONTRACT_UNSIGNED,
        "signature does not verify",
    ),
    "an offer of another contract": (
        as_another,
        Code.CONTRACT_DIFFERS,
        "the offer is of another contract, consumer or holder",
    ),
    "an offer under another digest": (
        lambda log: offered(log, contract_digest="0" * 64),
        Code.CONTRACT_DIFFERS,
        "the offer has another digest",
    ),
    "an offer recorded twice": (
        lambda log: log.stands(CONTRACT, ContractStatus.PENDING, specimen.offer(log.terms[CONTRACT])),
        Code.CONTRACT_DIFFERS,
        "offered twice",
    ),
    "a decision about another offer": (
        lambda log: signed_by(log, "receipt", offer_sha256="0" * 64),
        Code.CONTRACT_DIFFERS,
        "the decision is about another offer, or not the one recorded",
    ),
    "a denial recorded as approval": (
        lambda log: signed_by(log, "receipt", decision=ContractStatus.DENIED),
        Code.CONTRACT_DIFFERS,
        "the decision is about another offer, or not the one recorded",
    ),
    "a decision without an offer": (
        lambda log: log.stands(specimen.OTHER, ContractStatus.REVOKED),
        Code.CONTRACT_DIFFERS,
        "nobody offered it",
    ),
    "a decision under another digest": (
        lambda log: log.stands(CONTRACT, ContractStatus.SUSPENDED, contract_digest="0" * 64),
        Code.CONTRACT_DIFFERS,
        "another offer or consumer than before",
    ),
    "a contract brought back": (
        brought_back,
        Code.CONTRACT_DIFFERS,
        "cannot become active from revoked",
    ),
    "a status without a document that needs one": (
        undecided,
        Code.CONTRACT_DIFFERS,
        "cannot become active from pending",
    ),
}


@pytest.mark.parametrize("name", LIFE)
def test_a_contract_is_what_both_signed(tmp_path: Path, name: str) -> None:
    append, code, subject = LIFE[name]
    log = started()
    append(log)
    assert (code, subject) in [(item[1], item[2]) for item in found(log, tmp_path)]


@pytest.mark.parametrize("status", [ContractStatus.SUSPENDED, ContractStatus.REVOKED])
def test_nothing_is_used_or_answered_after_it_was_stopped(tmp_path: Path, status: ContractStatus) -> None:
    log = started()
    reference, slots = log.intent(log.request())
    log.stands(CONTRACT, status)
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: output(2_500).json()}, reference)
    used(log)
    assert found(log, tmp_path) == [(index, Code.CONTRACT_NOT_IN_FORCE, "") for index in (7, 8, 9)]


def test_what_was_stopped_is_ended_without_an_answer(tmp_path: Path) -> None:
    log = started()
    reference, slots = log.intent(log.request())
    log.stands(CONTRACT, ContractStatus.REVOKED)
    ended = Decision(Verdict.ABORTED, "CONTRACT_SUSPENDED").json()
    log.append(Stage.ABORTED, {**slots, Slot.DECISION: ended}, reference)
    assert found(log, tmp_path) == []


def test_a_resumed_contract_is_in_force(tmp_path: Path) -> None:
    log = started()
    for status in (ContractStatus.SUSPENDED, ContractStatus.ACTIVE):
        log.stands(CONTRACT, status)
    used(log)
    assert found(log, tmp_path) == []


def test_a_use_without_a_contract_is_found(tmp_path: Path) -> None:
    log = Log(Pinned("none"))
    log.begin()
    used(log)
    assert found(log, tmp_path) == [(index, Code.CONTRACT_NOT_IN_FORCE, "") for index in (3, 4)]
