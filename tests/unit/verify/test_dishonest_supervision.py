"""A node that writes inspections, acknowledgements or erasures that are none: each way of doing so is found."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats import acknowledgement, connector_id, receipt
from yanmen.formats.acknowledgement import Acknowledged, Acknowledgement
from yanmen.formats.erasure import Erasure
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.model.contract import ContractStatus
from yanmen.model.inspection import Act, Step
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.receipt import Stage
from yanmen.verify import Code

from tests.unit.verify.altered_files import given_again
from tests.unit.verify.terms_scene import DAY_S, FIRST, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import CONSUMER, CONTRACT, MEMBER_KEY, NODE, Log, signer

Found = list[tuple[int | None, Code, str]]
INSPECTOR = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "N1P2Q3R4")
STRANGER = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "N1P2Q3R5")
KEYS = {INSPECTOR: signer("inspector"), STRANGER: signer("stranger"), CONSUMER: MEMBER_KEY}
NAME = "ab" * 16
WEEK_S = 7 * DAY_S


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Return a log with a contract in force, in a space that has a regulator."""
    plain = specimen.register()
    regulator = Party(
        INSPECTOR, "r1", "", PartyRole.REGULATOR, PartyStatus.ACTIVE, KEYS[INSPECTOR].public, b"", "2" * 64
    )
    members = tuple(sorted((*plain.parties, regulator), key=lambda each: each.id))
    monkeypatch.setattr(specimen, "register", lambda: replace(plain, parties=members))
    return started()


def found_but_notes(log: Log, path: Path) -> Found:
    return [(index, code, subject) for index, code, subject in found(log, path) if code is not Code.ERASED]


# Inspections ------------------------------------------------------------------------------------------


def opened(log: Log, by: str = INSPECTOR, **other: Any) -> Step:
    at = log.time_s
    step = Step(NAME, Act.OPENED, by, NODE, "", at, "请补充", deadline_s=at + WEEK_S)
    return replace(step, **other)


def recorded(log: Log, step: Step) -> bytes:
    """Append the leaf of a step that its own party signed."""
    key = specimen.RECEIPT_KEY if step.by == NODE else KEYS[step.by]
    token = documents.sign_step(step, key)
    log.append(Stage.INSPECTION, {Slot.SUBJECT: {"document": token.decode()}})
    return token


def next_step(log: Log, token: bytes, act: Act, by: str, **other: Any) -> Step:
    return replace(Step(NAME, act, by, NODE, documents.digest(token), log.time_s, "已处理"), **other)


def test_an_inspectors_step_is_one(log: Log, tmp_path: Path) -> None:
    recorded(log, opened(log))
    assert found(log, tmp_path) == []


@pytest.mark.parametrize("by", [CONSUMER, STRANGER], ids=["a developer", "nobody in the register"])
def test_only_an_auditor_or_regulator_inspects(log: Log, tmp_path: Path, by: str) -> None:
    """The signature is genuine: it is the role that is wrong."""
    recorded(log, opened(log, by))
    ((index, code, _),) = found(log, tmp_path)
    assert (index, code) == (FIRST, Code.INSPECTION_WRONG)


def test_a_developer_does_not_recheck_or_close_either(log: Log, tmp_path: Path) -> None:
    token = recorded(log, opened(log))
    token = recorded(log, next_step(log, token, Act.RECTIFIED, NODE))
    recorded(log, next_step(log, token, Act.RECHECKED, CONSUMER, passed=True))
    assert [(index, code) for index, code, _ in found(log, tmp_path)] == [(FIRST + 2, Code.INSPECTION_WRONG)]


def test_a_step_about_another_node_is_not_this_ones(log: Log, tmp_path: Path) -> None:
    elsewhere = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D9")
    recorded(log, opened(log, node=elsewhere))
    assert [(index, code) for index, code, _ in found(log, tmp_path)] == [(FIRST, Code.INSPECTION_WRONG)]


def test_a_step_withheld_is_withheld_and_no_more(log: Log, tmp_path: Path) -> None:
    log.append(Stage.INSPECTION, {Slot.ACTOR: "专管员"})
    assert found(log, tmp_path) == [(FIRST, Code.SLOT_WITHHELD, "subject")]


def test_only_rectifying_can_be_late(log: Log, tmp_path: Path) -> None:
    token = recorded(log, opened(log))
    token = recorded(log, next_step(log, token, Act.RECTIFIED, NODE))
    log.time_s += 2 * WEEK_S
    recorded(log, next_step(log, token, Act.RECHECKED, INSPECTOR, passed=True))
    assert found(log, tmp_path) == []


# Acknowledgements -------------------------------------------------------------------------------------


def acknowledged(log: Log, index: int, contract: str = CONTRACT, **slots: Json) -> None:
    """Append the consumer's genuine acknowledgement of the answer at `index`, but for where it stands."""
    given = receipt.decode(log.sdjwts[index])
    text = acknowledgement.as_given(given)
    said = Acknowledgement(log.origin, log.time_s, given.leaf.head.jti, acknowledgement.sd_hash(text))
    token = documents.sign_acknowledgement(said, MEMBER_KEY).decode()
    subject: dict[Slot, Json] = {Slot.SUBJECT: Acknowledged(said.jti, token).json()}
    subject |= {Slot.CONTRACT: contract, Slot.CONSUMER: CONSUMER}
    subject |= {Slot(name): value for name, value in slots.items()}
    log.append(Stage.ACKNOWLEDGED, {slot: value for slot, value in subject.items() if value is not None})


def test_a_genuine_acknowledgement_is_one(log: Log, tmp_path: Path) -> None:
    used(log)
    acknowledged(log, FIRST + 1)
    assert found(log, tmp_path) == []


def test_one_of_no_answer_before_it_is_found(log: Log, tmp_path: Path) -> None:
    used(log)
    acknowledged(log, FIRST)
    assert found(log, tmp_path) == [(FIRST + 2, Code.ACKNOWLEDGEMENT, "of no answer before it")]


def test_one_in_another_contracts_series_or_anothers_name_is_found(log: Log, tmp_path: Path) -> None:
    used(log)
    used(log)
    log.agree(specimen.OTHER)
    acknowledged(log, FIRST + 1, specimen.OTHER)
    acknowledged(log, FIRST + 3, consumer=INSPECTOR)
    assert [subject for _, _, subject in found(log, tmp_path)] == ["another contract", "another consumer"]


def as_given(log: Log, index: int) -> Acknowledgement:
    """Return what the consumer rightly says of the answer at `index`."""
    given = receipt.decode(log.sdjwts[index])
    given_sha256 = acknowledgement.sd_hash(acknowledgement.as_given(given))
    return Acknowledgement(log.origin, log.time_s, given.leaf.head.jti, given_sha256)


@pytest.mark.parametrize(
    ("changed", "subject"),
    [
        ({"origin": specimen.ORIGIN + "-2"}, "another log"),
        ({"jti": "ab" * 16}, "another receipt"),
        ({"sd_hash": bytes(32)}, "another text than was given"),
    ],
)
def test_one_of_something_else_is_found(log: Log, tmp_path: Path, changed: dict[str, Any], subject: str) -> None:
    """The consumer signed it, but not over this receipt, as it was given, in this log."""
    used(log)
    right = as_given(log, FIRST + 1)
    token = documents.sign_acknowledgement(replace(right, **changed), MEMBER_KEY).decode()
    acknowledged(log, FIRST + 1, subject=Acknowledged(right.jti, token).json())
    assert found(log, tmp_path) == [(FIRST + 2, Code.ACKNOWLEDGEMENT, subject)]


def test_one_that_is_said_twice_is_found(log: Log, tmp_path: Path) -> None:
    used(log)
    acknowledged(log, FIRST + 1)
    acknowledged(log, FIRST + 1)
    assert found(log, tmp_path) == [(FIRST + 3, Code.ACKNOWLEDGEMENT, "twice")]


def test_one_by_another_key_is_found(log: Log, tmp_path: Path) -> None:
    used(log)
    right = as_given(log, FIRST + 1)
    token = documents.sign_acknowledgement(right, specimen.signer("a stranger")).decode()
    acknowledged(log, FIRST + 1, subject=Acknowledged(right.jti, token).json())
    assert [(index, code) for index, code, _ in found(log, tmp_path)] == [(FIRST + 2, Code.ACKNOWLEDGEMENT)]


def test_one_by_a_key_that_only_the_node_calls_its_consumers_is_found(log: Log, tmp_path: Path) -> None:
    """An operator gives an answer "again" to a key of its own, and acknowledges it with that."""
    own = signer("the operator's own")
    again = given_again(specimen, log)
    log.append(Stage.OUTCOME, {**again, Slot.CNF: specimen.confirmation(own.public)}, jti="ef" * 16)
    said = as_given(log, len(log.leaves) - 1)
    token = documents.sign_acknowledgement(said, own).decode()
    acknowledged(log, len(log.leaves) - 1, subject=Acknowledged(said.jti, token).json())
    assert found(log, tmp_path) == [
        (len(log.leaves) - 2, Code.REQUEST_SIGNATURE, "signature does not verify"),
        (len(log.leaves) - 1, Code.ACKNOWLEDGEMENT, "no key of the consumer"),
    ]


def test_one_that_is_not_disclosed_proves_nothing_and_is_no_fault(log: Log, tmp_path: Path) -> None:
    used(log)
    acknowledged(log, FIRST + 1, subject=None)
    assert found(log, tmp_path) == []


# Erasures ---------------------------------------------------------------------------------------------


def erased(log: Log, *ranges: tuple[int, int], **slots: Json) -> None:
    said: dict[Slot, Json] = {Slot.SUBJECT: Erasure(ranges).json(), Slot.ACTOR: "专管员"}
    said |= {Slot(name): value for name, value in slots.items()}
    log.append(Stage.ERASURE, {slot: value for slot, value in said.items() if value is not None})


def withhold(log: Log, index: int, *slots: Slot) -> None:
    log.sdjwts[index] = receipt.present(log.sdjwts[index], frozenset(Slot) - set(slots))


@pytest.fixture
def due(log: Log) -> Log:
    """Return that log with a use whose term is over."""
    log.terms[CONTRACT] = replace(specimen.TERMS, retention_days=1)
    fresh = started(retention_days=1)
    used(fresh)
    fresh.time_s += 3 * DAY_S
    return fresh


def test_what_is_due_is_destroyed(due: Log, tmp_path: Path) -> None:
    erased(due, (FIRST, FIRST + 1))
    for index in (FIRST, FIRST + 1):
        withhold(due, index, Slot.QUERY, Slot.REQUEST, Slot.CNF)
    assert found_but_notes(due, tmp_path) == []


def test_acknowledgements_of_what_was_destroyed_cannot_be_checked_any_more(due: Log, tmp_path: Path) -> None:
    acknowledged(due, FIRST + 1)
    erased(due, (FIRST, FIRST + 1))
    for index in (FIRST, FIRST + 1):
        withhold(due, index, Slot.CNF)
    assert found_but_notes(due, tmp_path) == []


def test_what_accounts_are_made_of_is_never_excused(due: Log, tmp_path: Path) -> None:
    erased(due, (FIRST, FIRST + 1))
    withhold(due, FIRST + 1, Slot.OUTPUT)
    assert (FIRST + 1, Code.SLOT_WITHHELD, "output") in found(due, tmp_path)


def test_what_is_wrong_in_what_is_left_is_not_excused(log: Log, tmp_path: Path) -> None:
    bad = started(retention_days=1)
    used(bad, query={"sha256": "0" * 64, "sql": "SELECT 1"})
    bad.time_s += 3 * DAY_S
    erased(bad, (FIRST, FIRST + 1))
    assert (FIRST, Code.SLOT_MALFORMED, "query") in found(bad, tmp_path)


@pytest.mark.parametrize("index", [0, 3, 4], ids=["genesis", "contract", "approval"])
def test_only_leaves_of_uses_are_destroyed(due: Log, tmp_path: Path, index: int) -> None:
    erased(due, (index, index))
    assert found(due, tmp_path) == [(FIRST + 2, Code.ERASED_EARLY, str(index))]


def test_an_erasure_that_is_not_disclosed_excuses_nothing(due: Log, tmp_path: Path) -> None:
    erased(due, (FIRST, FIRST + 1), subject=None)
    withhold(due, FIRST, Slot.QUERY)
    assert (FIRST, Code.SLOT_WITHHELD, "query") in found(due, tmp_path)
    assert all(code is not Code.SLOT_MALFORMED for _, code, _ in found(due, tmp_path / "again"))


# Contracts --------------------------------------------------------------------------------------------


def test_a_decision_given_once_does_not_bring_a_revoked_contract_back(log: Log, tmp_path: Path) -> None:
    log.stands(CONTRACT, ContractStatus.REVOKED)
    signed = documents.sign_acceptance(specimen.acceptance(log.terms[CONTRACT]), specimen.RECEIPT_KEY)
    log.stands(CONTRACT, ContractStatus.ACTIVE, signed, Stage.APPROVAL)
    assert [(index, code) for index, code, _ in found(log, tmp_path)] == [(FIRST + 1, Code.CONTRACT_DIFFERS)]


@pytest.mark.parametrize(("slot", "value"), [("consumer", STRANGER), ("contract_digest", "0" * 64)])
def test_a_contract_stands_under_the_consumer_and_the_offer_it_began_with(
    log: Log, tmp_path: Path, slot: str, value: str
) -> None:
    other: dict[str, Any] = {slot: value}
    log.stands(CONTRACT, ContractStatus.REVOKED, **other)
    assert [(index, code) for index, code, _ in found(log, tmp_path)] == [(FIRST, Code.CONTRACT_DIFFERS)]
