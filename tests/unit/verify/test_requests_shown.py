"""What refusals, quotes and answers given again show of a request is held to its consumer's signature."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.request import Operation
from yanmen.formats.slots import Decision, SignedRequest, Verdict
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.verify import Code

from tests.unit.verify.altered_files import given_again
from tests.unit.verify.terms_scene import DAY_S, FIRST, found, started
from tests.vectors import specimen
from tests.vectors.specimen import CONSUMER, CONTRACT, NODE, OTHER, Log, confirmation, signer

STRANGER = signer("a stranger to the space")
FORGED = SignedRequest(Binding.PER_REQUEST, "eyJ.eyJ.AAAA")


@pytest.fixture
def log() -> Log:
    return started()


def refused(log: Log, request: SignedRequest, contract: str = CONTRACT, **slots: Json) -> None:
    """Append a refusal as a node writes it where the signature verified."""
    said: dict[Slot, Json] = {
        Slot.CONSUMER: CONSUMER,
        Slot.CNF: confirmation(specimen.MEMBER_KEY.public),
        Slot.QUERY: log.question(request)[Slot.QUERY],
        Slot.REQUEST: request.json(),
        Slot.DECISION: Decision(Verdict.REFUSED, "ROWS_WOULD_LEAVE").json(),
    }
    if contract:
        said[Slot.CONTRACT] = contract
    log.append(Stage.REFUSED, said | {Slot(name): value for name, value in slots.items()})


def explained(log: Log, request: SignedRequest, verdict: Verdict = Verdict.ALLOWED) -> None:
    """Append a quote as a node writes it."""
    said = {**log.question(request), **log.spent(0, 0, 0), Slot.DECISION: Decision(verdict).json()}
    log.append(Stage.EXPLAINED, {**said, Slot.SUBJECT: {"micro_rho": 2_500, "price_fen": 120}})


def again(log: Log, **slots: Json) -> None:
    """Append a use, and its answer given again."""
    said = given_again(specimen, log)
    log.append(Stage.OUTCOME, {**said, **{Slot(name): value for name, value in slots.items()}})


def test_honest_refusals_quotes_and_repeats_are(log: Log, tmp_path: Path) -> None:
    refused(log, log.request())
    refused(log, log.request(operation=Operation.EXPLAIN))
    refused(log, log.request(contract_id="ee" * 16), "")
    refused(log, log.session(5_000))
    explained(log, log.request(operation=Operation.EXPLAIN))
    again(log)
    assert found(log, tmp_path) == []


def test_what_was_refused_may_be_asked_anew_with_the_same_request(log: Log, tmp_path: Path) -> None:
    request = log.request()
    refused(log, request)
    refused(log, request)
    _, slots = log.intent(request)
    log.append(Stage.ABORTED, {**slots, Slot.DECISION: Decision(Verdict.ABORTED, "X").json()}, _)
    refused(log, request)
    assert found(log, tmp_path) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "of another node": ({"audience": CONSUMER}, "node"),
    "by another member": ({"issuer": NODE}, "consumer"),
    "under another contract": ({"contract_id": OTHER}, "contract"),
    "of another question": ({"query_sha256": "0" * 64}, "question"),
    "of another day": ({"issued_s": specimen.START_S - DAY_S, "expires_s": specimen.START_S - DAY_S + 300}, "time"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_request_for_something_else_is_found(name: str, tmp_path: Path) -> None:
    changed, subject = WRONG[name]
    for number, (stage, operation) in enumerate(
        ((Stage.REFUSED, Operation.SUBMIT), (Stage.EXPLAINED, Operation.EXPLAIN), (Stage.OUTCOME, Operation.SUBMIT))
    ):
        log = started()
        request = log.request(**{"operation": operation, **changed})
        match stage:
            case Stage.REFUSED:
                refused(log, request)
            case Stage.EXPLAINED:
                explained(log, request)
            case _:
                again(log, request=request.json())
        index = len(log.leaves) - 1
        assert found(log, tmp_path / str(number)) == [(index, Code.REQUEST_DIFFERS, subject)]


def test_a_request_nobody_signed_is_found(tmp_path: Path) -> None:
    appending: tuple[Callable[[Log, SignedRequest], None], ...] = (refused, explained)
    for number, append in enumerate(appending):
        log = started()
        append(log, FORGED)
        assert [(index, code) for index, code, _ in found(log, tmp_path / str(number))] == [
            (FIRST, Code.REQUEST_SIGNATURE)
        ]
    log = started()
    again(log, request=FORGED.json())
    assert [code for _, code, _ in found(log, tmp_path / "again")] == [Code.REQUEST_SIGNATURE]


def test_a_key_of_the_operators_own_is_found(log: Log, tmp_path: Path) -> None:
    refused(log, log.request(), cnf=confirmation(STRANGER.public))
    assert found(log, tmp_path) == [(FIRST, Code.REQUEST_SIGNATURE, "signature does not verify")]


def test_a_quote_is_no_question_and_a_question_no_quote(tmp_path: Path) -> None:
    log = started()
    explained(log, log.request())
    assert found(log, tmp_path / "quote") == [(FIRST, Code.REQUEST_DIFFERS, "operation")]
    log = started()
    again(log, request=log.request(operation=Operation.EXPLAIN).json())
    assert found(log, tmp_path / "question") == [(FIRST + 2, Code.REQUEST_DIFFERS, "operation")]


def test_an_answer_given_again_uses_its_request_up(log: Log, tmp_path: Path) -> None:
    said = given_again(specimen, log)
    log.append(Stage.OUTCOME, said)
    log.append(Stage.OUTCOME, said)
    assert found(log, tmp_path) == [(FIRST + 3, Code.REQUEST_REUSED, "maximum")]


def test_an_answer_given_again_for_another_scenario_is_found(log: Log, tmp_path: Path) -> None:
    again(log, request=log.request(scenario_id="S2").json())
    assert found(log, tmp_path) == [(FIRST + 2, Code.TERMS_BROKEN, "scenario of the request")]


@pytest.mark.parametrize("verdict", [each for each in Verdict if each is not Verdict.ALLOWED])
def test_a_quote_decides_nothing_else(verdict: Verdict, log: Log, tmp_path: Path) -> None:
    explained(log, log.request(operation=Operation.EXPLAIN), verdict)
    assert found(log, tmp_path) == [(FIRST, Code.DECISION_WRONG, "")]


def test_an_intent_decides_nothing_else(log: Log, tmp_path: Path) -> None:
    said = {**log.question(log.request()), **log.charge(2_500, 0, 120)}
    reference = log.append(Stage.INTENT, {**said, Slot.DECISION: Decision(Verdict.REFUSED, "X").json()})
    outcome = {**said, Slot.DECISION: Decision(Verdict.ALLOWED).json(), Slot.OUTPUT: specimen.output(2_500).json()}
    log.append(Stage.OUTCOME, outcome, reference)
    assert found(log, tmp_path) == [(FIRST, Code.DECISION_WRONG, "")]


def test_what_was_withheld_of_a_refusal_is_not_made_up(log: Log, tmp_path: Path) -> None:
    log.append(Stage.REFUSED, {Slot.DECISION: Decision(Verdict.REFUSED, "X").json(), Slot.REQUEST: FORGED.json()})
    log.terms[CONTRACT] = replace(log.terms[CONTRACT])
    assert found(log, tmp_path) == []
