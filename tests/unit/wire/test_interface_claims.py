"""What a message says beside the signed bytes decides nothing: where it differs, the message is refused."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from yanmen.crypto import agreements, documents
from yanmen.formats import dataspace, dataspace_offer
from yanmen.formats.acknowledgement import Acknowledgement
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario
from yanmen.model.deletion import DeletionProof
from yanmen.model.negotiation import ActKind
from yanmen.model.ports import Signer
from yanmen.model.usage_control import Action, Rules

from tests.unit.wire.conftest import IDS, RECEIPT, TERMS
from tests.vectors import specimen as made
from tests.vectors.interface_messages import Message, Talk

if TYPE_CHECKING:
    from tests.unit.wire.https_caller import Interfaces

DAY_MS = 86_400_000
AGREED = replace(
    TERMS,
    scenario=Scenario("s1", "慢病管理", "基本医疗卫生与健康促进法"),
    not_before_ms=1_700_000_000_000,
    not_after_ms=1_700_000_000_000 + 30 * DAY_MS,
    rules=Rules(permitted=(Action.READ,), prohibited=(Action.DOWNLOAD,), obliged=(Action.LOG_RECORD_SEND,)),
)
OFFER = made.offer(AGREED)
TALK = Talk(AGREED, OFFER, "nafld1")
DECIDED_MS = 1_700_000_100_000
ACCEPTANCE = documents.sign_acceptance(
    Acceptance(
        AGREED.id, AGREED.holder, documents.digest(OFFER), ContractStatus.ACTIVE, "首席数据官", Reasons(), DECIDED_MS
    ),
    made.RECEIPT_KEY,
)
HELD = Contract(AGREED, OFFER, ACCEPTANCE, documents.digest(OFFER), ContractStatus.ACTIVE)
MEMBER = (IDS["developer"], made.MEMBER_KEY)
ENDS = TALK.act(ActKind.END, *MEMBER, reason="项目结束")
SIGNS = TALK.act(ActKind.SIGN, *MEMBER)


def acknowledgement(jti: str, signer: Signer = made.MEMBER_KEY) -> str:
    """Return the caller's signature under a receipt."""
    return documents.sign_acknowledgement(Acknowledgement(made.ORIGIN, 1_700_000_000, jti, bytes(32)), signer).decode()


GOT, ANOTHER = acknowledgement(RECEIPT.jti), acknowledgement("ab" * 16)
OTHER_UUID = "urn:uuid:00000000-0000-4000-8000-000000000000"
TAKING = ("request_contract", "acknowledge", "cancel", "act")
Change = Callable[[Message], object]


@pytest.fixture(autouse=True)
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the node hold this one contract."""
    desk = request.getfixturevalue("interfaces").desk
    monkeypatch.setattr(desk, "contracts", lambda _: (HELD,), raising=False)
    monkeypatch.setattr(desk, "contract", lambda *_: HELD, raising=False)
    parties = {digest: replace(party, signing_key=made.MEMBER_KEY.public) for digest, party in desk.parties.items()}
    monkeypatch.setattr(desk, "parties", parties)


def put(*path: Any, to: object) -> Change:
    """Return what puts a value somewhere in a message."""

    def change(message: Message) -> None:
        inner: Any = message
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to

    return change


CREATE: list[tuple[str, Change]] = [
    ("contractName", put("contractName", to="s2")),
    ("contractAbstract", put("contractAbstract", to="别的用途")),
    ("activationTime", put("activationTime", to="2020-01-01T00:00:00+08:00")),
    ("endTime", put("endTime", to="2099-01-01T00:00:00+08:00")),
    ("issuerId", put("issuerId", to=IDS["auditor"])),
    ("issuerEntityId", put("issuerEntityId", to="A" * 18)),
]
STRATEGY: list[tuple[str, Change]] = [
    ("contractName", put("contractName", to="s2")),
    ("strategy/subjectInfo/dataProductId", put("strategy", "subjectInfo", "dataProductId", to="persons")),
    ("strategy/executionNodeInfo", put("strategy", "executionNodeInfo", "consumerNodeId", to=IDS["auditor"])),
    ("strategy/actions", put("strategy", "actions", to=["compute", "read", "download"])),
    ("strategy/actions", put("strategy", "actions", to=["compute"])),
    ("strategy/constraints", put("strategy", "constraints", 2, "constraintValue", to="1000000")),
    ("strategy/constraints", put("strategy", "constraints", 2, "constraintOperator", to="03")),
    ("strategy/policyExpansion", put("strategy", "policyExpansion", to="{}")),
]
SIGNED: list[tuple[str, Change]] = [
    (
        "strategy/constraints",
        put("signatureList", 0, "signature", to=made.offer(replace(AGREED, queries=101)).decode()),
    ),
    ("signatureList", put("signatureList", 0, "signature", to=made.offer(replace(AGREED, id="9" * 32)).decode())),
    ("signatureList", put("signatureList", 0, "entityId", to="A" * 18)),
]
REGISTERED: list[tuple[str, Change]] = [
    ("strategy/subjectInfo", put("strategy", "subjectInfo", "dataProductEntityId", to="A" * 18)),
    ("signatoryEntities", put("signatoryEntities", 0, "signature", to="a.b.c")),
    ("signatoryEntities", put("signatoryEntities", 1, "signatoryEntityId", to="A" * 18)),
    ("signatoryTime", put("signatoryTime", to="2023-11-15T06:15:01+08:00")),
    ("contractExpansionItem", put("contractExpansionItem", to="ab" * 32)),
]
EXECUTED: list[tuple[str, Change]] = [
    ("executedStrategyId", put("executedStrategy", "executedStrategyId", to=OTHER_UUID[9:])),
    ("executedActions", put("executedStrategy", "executedActions", to=["download"])),
    ("executionResult", put("executedStrategy", "executionResult", to="0/100")),
]
CONTROLLED: list[tuple[str, Change]] = [
    ("connectorId", put("connectorId", to=IDS["auditor"])),
    ("strategyId", put("strategyId", to=OTHER_UUID[9:])),
]
TERMINATED: list[tuple[str, Change]] = [
    ("contractName", put("contractName", to="s2")),
    ("activationTime", put("activationTime", to="2020-01-01T00:00:00+08:00")),
    ("scheduledEndTime", put("scheduledEndTime", to="2020-01-01T00:00:00+08:00")),
    ("agreedEndTime", put("agreedEndTime", to="2020-01-01T00:00:00+08:00")),
    ("issueTime", put("issueTime", to="2020-01-01T00:00:00+08:00")),
    ("signature", put("signature", to=SIGNS.decode())),
    ("issuerId", put("issuerId", to=IDS["auditor"])),
]
SENT: list[tuple[str, Change]] = [
    ("strategyId", put("strategyId", to=OTHER_UUID[9:])),
    ("strategyVersion", put("strategyVersion", to="2")),
    ("strategy/actions", put("transactionExecutionStrategy", "actions", to=["compute"])),
    ("issuedAt", put("issuedAt", to="2020-01-01T00:00:00+08:00")),
    ("signature", put("signature", to=ENDS.decode())),
    ("signature", put("signature", to=TALK.act(ActKind.SIGN, *MEMBER, digest="ab" * 32).decode())),
]
PROVEN: list[tuple[str, Change]] = [
    ("log/executionResult", put("log", "executionResult", to="0/100")),
    ("proofId", put("proofId", to=OTHER_UUID[9:])),
    ("signature", put("signature", to=ANOTHER)),
]
CASES: list[tuple[str, Message, list[tuple[str, Change]]]] = [
    ("/contractCreate", TALK.create(), CREATE),
    ("/contractNegotiate", TALK.negotiate(), STRATEGY + SIGNED),
    ("/contractRegistrate", TALK.registrate(ACCEPTANCE.decode(), DECIDED_MS), STRATEGY + REGISTERED),
    ("/contractExecution", TALK.execution(97), STRATEGY + EXECUTED),
    ("/contractTemplate", TALK.template(), CREATE[-2:]),
    ("/executionFeedback", TALK.feedback(9, GOT), [*CONTROLLED, ("result", put("result", to="denied"))]),
    ("/contractTerminate", TALK.terminate(ENDS), TERMINATED),
    ("/strategySend", TALK.send(SIGNS), SENT),
    ("/fulfillmentProof", TALK.proof(9, RECEIPT.jti, 97, GOT), [*CONTROLLED, *PROVEN]),
    (
        "/abnormalTermination",
        TALK.termination("ab" * 16),
        [*CONTROLLED, ("triggeredBy", put("triggeredBy", to="provider"))],
    ),
]
CHANGED = [(path, good, *change) for path, good, changes in CASES for change in changes]


@pytest.mark.parametrize(("path", "good"), [(path, good) for path, good, _ in CASES], ids=lambda each: str(each)[:24])
def test_what_says_what_was_signed_is_taken(interfaces: "Interfaces", path: str, good: Message) -> None:
    status, said = interfaces.call("POST", path, good)
    assert status == 200, said


def test_the_reason_of_a_termination_goes_with_it(interfaces: "Interfaces") -> None:
    message = {**TALK.termination("ab" * 16), "reason": "口径有误"}
    assert interfaces.call("POST", "/abnormalTermination", message)[0] == 200
    (told,) = [call for call in interfaces.desk.calls if call[0] == "cancel"]
    assert told[2:] == ("ab" * 16, "口径有误")


@pytest.mark.parametrize(("contract", "status"), [(AGREED.id, 200), ("cd" * 16, 400)])
def test_a_proof_of_deletion_is_about_the_contract_that_is_named(
    interfaces: "Interfaces", contract: str, status: int
) -> None:
    by, key = MEMBER
    proof = DeletionProof(by, AGREED.holder, contract, "ab" * 32, 0, "cd" * 32, 1, "已清除", 1)
    token = agreements.sign_deletion(proof, key).decode()
    found, said = interfaces.call("POST", "/fulfillmentProof", TALK.proof(9, AGREED.id, 97, token))
    assert found == status, said
    assert [call[0] for call in interfaces.desk.calls if call[0] == "act"] == (["act"] if status == 200 else [])


@pytest.mark.parametrize(
    ("path", "good", "subject", "change"), CHANGED, ids=[f"{each[0]} {each[2]}" for each in CHANGED]
)
def test_what_says_something_else_is_refused(
    interfaces: "Interfaces", path: str, good: Message, subject: str, change: Change
) -> None:
    message = copy.deepcopy(good)
    change(message)
    status, said = interfaces.call("POST", path, message)
    assert status == 400, said
    assert said["error"]["subject"] == subject
    assert {"en", "zh"} == said["error"]["message"].keys()
    assert [call for call in interfaces.desk.calls if call[0] in TAKING] == []


@pytest.mark.parametrize(
    "change",
    [
        put("offer", "target", to=dataspace.dataset_id(IDS["node"], "other")),
        put("offer", "permission", 0, "constraint", 0, "rightOperand", to=["sex", "bmi", "person"]),
        put("offer", "permission", 0, "constraint", 5, "rightOperand", "@value", to="1000000"),
        put("offer", "permission", 0, "action", to="use"),
        put("offer", "prohibition", to=[{"action": "urn:tc609:6-2025-14:sell"}]),
        put("offer", "assigner", to=IDS["auditor"]),
        put("offer", "@id", to=OTHER_UUID),
        put("consumerPid", to=OTHER_UUID),
        put("offer", "permission", 0, "constraint", 0, "rightOperand", 0, to=True),
        put("offer", "urn:yanmen:contract:1:signedOffer", to=made.offer(replace(AGREED, queries=101)).decode()),
    ],
)
def test_an_offer_of_the_dataspace_protocol_is_what_its_signed_bytes_say(
    interfaces: "Interfaces", change: Change
) -> None:
    place, good = f"{dataspace.BASE}/negotiations/request", TALK.dataspace()
    assert interfaces.call("POST", place, good)[0] == 201
    interfaces.desk.calls.clear()
    changed = copy.deepcopy(good)
    change(changed)
    status, said = interfaces.call("POST", place, changed)
    assert (status, said["code"], said["reason"][0]["subject"]) in (
        (400, "CONTRACT_MALFORMED", "offer"),
        (400, "CONTRACT_MALFORMED", "consumerPid"),
    )
    assert interfaces.desk.calls == []


def test_an_acknowledgement_by_another_key_is_none_even_the_second_time(interfaces: "Interfaces") -> None:
    false = acknowledgement(RECEIPT.jti, made.RECEIPT_KEY)
    for path, message in (
        ("/executionFeedback", TALK.feedback(9, false)),
        ("/fulfillmentProof", TALK.proof(9, RECEIPT.jti, 97, false)),
    ):
        status, said = interfaces.call("POST", path, message)
        assert (status, said["error"]["reason"]) == (401, "SIGNATURE_INVALID")
    assert [call for call in interfaces.desk.calls if call[0] in TAKING] == []


def test_an_offer_without_a_signature_is_no_offer(interfaces: "Interfaces") -> None:
    unsigned = TALK.dataspace()
    del unsigned["offer"][dataspace_offer.SIGNED_OFFER]
    assert interfaces.call("POST", f"{dataspace.BASE}/negotiations/request", unsigned)[1]["code"] == "REQUEST_MALFORMED"
    for token in ("", "a.b", "a.b.c", ACCEPTANCE.decode(), OFFER.decode() + "\n"):
        status, said = interfaces.call("POST", "/contractCreate", {**TALK.create(), "signature": token})
        assert (status, said["creationFlag"], said["error"]["reason"]) == (400, "1", "REQUEST_MALFORMED"), token
    assert interfaces.desk.calls == []


def test_the_protocol_negotiates_about_one_dataset_at_a_time(interfaces: "Interfaces") -> None:
    both = replace(AGREED, grants=(*AGREED.grants, Grant("second", ("sex",))))
    message = TALK.dataspace()
    message["offer"][dataspace_offer.SIGNED_OFFER] = made.offer(both).decode()
    status, said = interfaces.call("POST", f"{dataspace.BASE}/negotiations/request", message)
    assert (status, said["code"]) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("status", [ContractStatus.DENIED, ContractStatus.REVOKED, ContractStatus.PENDING])
def test_a_contract_that_is_not_in_force_is_not_confirmed(
    interfaces: "Interfaces", monkeypatch: pytest.MonkeyPatch, status: ContractStatus
) -> None:
    monkeypatch.setattr(interfaces.desk, "contracts", lambda _: (replace(HELD, status=status),), raising=False)
    found, said = interfaces.call("POST", "/contractRegistrate", TALK.registrate(ACCEPTANCE.decode(), DECIDED_MS))
    assert (found, said["error"]["reason"]) == (400, f"CONTRACT_{status.name}")
    found, said = interfaces.call("POST", "/contractNegotiate", TALK.negotiate())
    assert said["negotiationStatus"] == "1"


def test_a_contract_s_number_has_the_standard_s_parts() -> None:
    number = TALK.number
    assert len(number) == 47
    assert number[:2] == "C5"
    assert number[2:24] == AGREED.holder[1:23]
    assert number[24:38] == "20231115061320"
    assert Talk(replace(AGREED, id="2" * 32), OFFER, "").number != number
