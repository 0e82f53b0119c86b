"""A dishonest node, courier or exporter: each thing the verifier can find has the attack that it finds."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from yanmen.crypto import documents, notes, receipts
from yanmen.formats import base64url, bundle, checkpoint, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Head, Slot
from yanmen.formats.request import Operation
from yanmen.formats.slots import Decision, Price, Series, SignedRequest, Verdict
from yanmen.model.party import PartyRole
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.verify import Code, Severity, verify_bundle

Attack = Callable[[Any, Path], Path]
ATTACKS: dict[Code, Attack] = {}
NEW = "0" * 32


def attack(code: Code) -> Callable[[Attack], Attack]:
    """Register what the verifier must answer with `code`."""

    def register(function: Attack) -> Attack:
        ATTACKS[code] = function
        return function

    return register


def honest(made: Any, path: Path) -> Path:
    exported: Path = made.specimen().export(path)
    return exported


def given_again(made: Any, log: Any) -> dict[Slot, Json]:
    """Let a question be answered and return what the honest leaf says that gives the answer again."""
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: made.output(2_500).json()}, reference, "cd" * 16)
    again = {Slot.REQUEST: log.request().json(), Slot.DECISION: Decision(Verdict.REPEATED).json()}
    return {**slots, **log.spent(0, 0, 0), **again, Slot.OUTPUT: replace(made.output(2_500), repeats="cd" * 16).json()}


# Files on their way to the auditor -----------------------------------------------------------------


@attack(Code.FILE_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / "register.jws").unlink()
    return path


@attack(Code.FILE_UNREADABLE)
def _(made: Any, path: Path) -> Path:
    leaf = honest(made, path) / bundle.leaf_name(3)
    leaf.rename(path / "elsewhere")
    leaf.symlink_to(path / "elsewhere")
    return path


@attack(Code.FILE_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / "bundle.json"
    file.write_bytes(file.read_bytes() + b"\n")
    return path


@attack(Code.FILE_UNKNOWN)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.leaf_name(20)).write_bytes(b"one leaf more")
    return path


@attack(Code.SPACE_KEY_DIFFERS)
def _(made: Any, path: Path) -> Path:
    vkey = note.encode_key(VerifierKey(made.SPACE, made.MEMBER_KEY.public))
    (honest(made, path) / "space.vkey").write_text(f"{vkey}\n")
    return path


@attack(Code.REGISTER_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / "register.jws").write_bytes(documents.sign_register(made.register(), made.MEMBER_KEY))
    return path


@attack(Code.REGISTER_OTHER_SPACE)
def _(made: Any, path: Path) -> Path:
    other = replace(made.register(), space="other.example")
    (honest(made, path) / "register.jws").write_bytes(documents.sign_register(other, made.SPACE_KEY))
    return path


@attack(Code.NODE_NOT_REGISTERED)
def _(made: Any, path: Path) -> Path:
    listed = made.register()
    members = tuple(party for party in listed.parties if party.role is not PartyRole.NODE)
    token = documents.sign_register(replace(listed, parties=members), made.SPACE_KEY)
    (honest(made, path) / "register.jws").write_bytes(token)
    return path


@attack(Code.LOG_KEY_DIFFERS)
def _(made: Any, path: Path) -> Path:
    vkey = note.encode_key(VerifierKey(made.ORIGIN, made.MEMBER_KEY.public))
    (honest(made, path) / "log.vkey").write_text(f"{vkey}\n")
    return path


@attack(Code.CHECKPOINT_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    log = made.specimen()
    head = note.decode(note.encode(log.checkpoint()))
    forged = notes.sign_note(head.text, made.ORIGIN, made.MEMBER_KEY)
    (log.export(path) / "checkpoint").write_bytes(note.encode(forged))
    return path


@attack(Code.CHECKPOINT_OTHER_SIZE)
def _(made: Any, path: Path) -> Path:
    """An older, honestly signed head hides the newest leaves."""
    log = made.specimen()
    (log.export(path) / "checkpoint").write_bytes(note.encode(log.checkpoint(18)))
    return path


@attack(Code.ROOT_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The node signs another history under the same origin and exports it under the old head."""
    log, other = made.specimen(), made.specimen("rewritten")
    head = note.encode(log.checkpoint())
    (other.export(path) / "checkpoint").write_bytes(head)
    return path


@attack(Code.LEAF_LINES_DIFFER)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / "leaves.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], lines[0], *lines[2:]]))
    return path


@attack(Code.LEAF_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.leaf_name(17)).unlink()
    return path


@attack(Code.LEAF_ALTERED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.leaf_name(5)
    file.write_bytes(file.read_bytes()[:-1] + b"A")
    return path


@attack(Code.RECEIPT_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.receipt_name(17)).unlink()
    return path


@attack(Code.RECEIPT_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.receipt_name(9)
    first, *rest = file.read_text().split("~")
    file.write_text("~".join([first, rest[0], *rest]))
    return path


@attack(Code.RECEIPT_OTHER_LEAF)
def _(made: Any, path: Path) -> Path:
    shutil.copy(honest(made, path) / bundle.receipt_name(8), path / bundle.receipt_name(9))
    return path


@attack(Code.PROOF_MISSING)
def _(made: Any, path: Path) -> Path:
    (honest(made, path) / bundle.proof_name(2)).unlink()
    return path


@attack(Code.PROOF_MALFORMED)
def _(made: Any, path: Path) -> Path:
    file = honest(made, path) / bundle.proof_name(2)
    file.write_text(file.read_text().replace("\nindex 2\n", "\nextra QQ==\nindex 2\n"))
    return path


@attack(Code.PROOF_WRONG)
def _(made: Any, path: Path) -> Path:
    """A head of another history, signed by the log itself: the node showed two logs."""
    log = made.specimen()
    fork = notes.sign_checkpoint(Checkpoint(made.ORIGIN, 7, bytes(32)), made.LOG_KEY)
    shown = replace(proof.decode(log.proof(2)), checkpoint=fork)
    (log.export(path) / bundle.proof_name(2)).write_text(proof.encode(shown))
    return path


@attack(Code.SPACE_KEY_NOT_PINNED)
def _(made: Any, path: Path) -> Path:
    return honest(made, path)


# A node that signs what it should not --------------------------------------------------------------


def started(made: Any) -> Any:
    """Return a log with a contract in force: five leaves."""
    log = made.Log(made.Pinned("dishonest"))
    log.begin()
    log.agree()
    return log


def answered(made: Any, log: Any, slots: dict[Slot, Json], reference: str, **other: Any) -> None:
    """Append the honest outcome of an intent, but for what `other` says of the output."""
    shown = replace(made.output(2_500), **other)
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: shown.json()}, reference)


@attack(Code.LEAF_MALFORMED)
def _(made: Any, path: Path) -> Path:
    """A longer leaf, hashed into the tree as it is, would say more than others."""
    log = started(made)
    log.leaves[0] += b"A"
    return Path(log.export(path))


@attack(Code.LEAF_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.leaves[0] = log.leaves[0][:-4] + b"AAAA"
    return Path(log.export(path))


@attack(Code.LEAF_OTHER_NODE)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    head = Head(made.CONSUMER, made.START_S, "ab" * 16, Stage.GENESIS, base64url.encode(bytes(32)))
    slots = {Slot.SERIES: Series(1, "").json()}
    log.leaves[0], log.sdjwts[0] = receipts.issue(head, slots, made.RECEIPT_KEY, made.Pinned("x"))
    return Path(log.export(path))


@attack(Code.LEAF_STAGE_DIFFERS)
def _(made: Any, path: Path) -> Path:
    log = made.specimen()
    log.stages[17] = Stage.EXPLAINED
    return Path(log.export(path))


@attack(Code.GENESIS_WRONG)
def _(made: Any, path: Path) -> Path:
    """A log that begins in the middle has dropped its beginning."""
    log = made.Log(made.Pinned("dishonest"))
    log.append(Stage.MEMBER, {})
    return Path(log.export(path))


@attack(Code.TIME_BACKWARDS)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.time_s -= 3600
    log.append(Stage.MEMBER, {})
    return Path(log.export(path))


@attack(Code.JTI_REPEATED)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.append(Stage.MEMBER, {}, jti="ab" * 16)
    log.append(Stage.MEMBER, {}, jti="ab" * 16)
    return Path(log.export(path))


@attack(Code.SLOT_WITHHELD)
def _(made: Any, path: Path) -> Path:
    """A receipt without its price cannot be added up."""
    file = honest(made, path) / bundle.receipt_name(8)
    leaf, *disclosures = file.read_text()[:-1].split("~")
    kept = [item for item in disclosures if b'"price"' not in base64url.decode(item)]
    file.write_text("".join(f"{part}~" for part in (leaf, *kept)))
    return path


@attack(Code.SLOT_MALFORMED)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.append(Stage.REFUSED, {Slot.DECISION: {"reason": "row 17 said so", "verdict": "refused"}})
    return Path(log.export(path))


@attack(Code.SERIES_BROKEN)
def _(made: Any, path: Path) -> Path:
    """The node leaves a refusal out, numbers the rest anew and signs it all again."""
    log = started(made)
    log.refuse(made.CONTRACT, "BUDGET_SPENT")
    dropped = log.leaves.pop(), log.sdjwts.pop(), log.stages.pop()
    assert dropped[2] is Stage.REFUSED
    log.refuse(made.CONTRACT, "ROWS_WOULD_LEAVE")
    return Path(log.export(path))


@attack(Code.INTENT_OPEN)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.intent(log.request())
    log.time_s += 3600
    log.append(Stage.MEMBER, {})
    return Path(log.export(path))


@attack(Code.INTENT_RUNNING)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.intent(log.request())
    return Path(log.export(path))


@attack(Code.INTENT_CLOSED_TWICE)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    reference, slots = log.intent(log.request())
    answered(made, log, slots, reference)
    answered(made, log, slots, reference)
    return Path(log.export(path))


@attack(Code.OUTCOME_WITHOUT_INTENT)
def _(made: Any, path: Path) -> Path:
    """An answer that was never debited."""
    log = started(made)
    log.contracts[made.CONTRACT] = bundle.ContractTotal(made.CONTRACT)
    said = {Slot.CONTRACT: made.CONTRACT, **log.spent(0, 0, 0), Slot.DECISION: Decision(Verdict.ALLOWED).json()}
    log.append(Stage.OUTCOME, said)
    return Path(log.export(path))


@attack(Code.DECISION_WRONG)
def _(made: Any, path: Path) -> Path:
    log = started(made)
    log.append(Stage.REFUSED, {Slot.DECISION: Decision(Verdict.ALLOWED).json()})
    return Path(log.export(path))


@attack(Code.CHARGE_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The intent debits 120 fen, the receipt the consumer gets says 1."""
    log = started(made)
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.PRICE: Price(1, 1).json()}, reference)
    return Path(log.export(path))


@attack(Code.SPENT_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The running total forgets the first question: its budget could be spent again."""
    log = started(made)
    log.ask()
    total = log.contracts[made.CONTRACT]
    log.contracts[made.CONTRACT] = replace(total, micro_rho=0)
    log.ask()
    log.contracts[made.CONTRACT] = replace(log.contracts[made.CONTRACT], micro_rho=5_000)
    return Path(log.export(path))


@attack(Code.REQUEST_SIGNATURE)
def _(made: Any, path: Path) -> Path:
    """A charge for a question the consumer never signed."""
    log = started(made)
    signed = log.request().jws
    reference, slots = log.intent(SignedRequest(Binding.PER_REQUEST, signed[:-4] + "AAAA"))
    answered(made, log, slots, reference)
    return Path(log.export(path))


@attack(Code.REQUEST_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """A signed question, charged to another contract."""
    log = started(made)
    reference, slots = log.intent(log.request(made.OTHER), made.CONTRACT)
    answered(made, log, slots, reference)
    return Path(log.export(path))


@attack(Code.REQUEST_REUSED)
def _(made: Any, path: Path) -> Path:
    """One signed question, charged twice."""
    log = started(made)
    request = log.request()
    for _ in range(2):
        reference, slots = log.intent(request)
        answered(made, log, slots, reference)
    return Path(log.export(path))


@attack(Code.CONTRACT_TOTAL_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The bill is one fen too high."""
    log = made.specimen()
    stated = log.statement()
    first = replace(stated.contracts[0], fen=stated.contracts[0].fen + 1)
    return Path(log.export(path, replace(stated, contracts=(first, *stated.contracts[1:]))))


@attack(Code.SPACE_TOTAL_DIFFERS)
def _(made: Any, path: Path) -> Path:
    """The budget spent on the residents is stated one micro-rho too low."""
    log = made.specimen()
    stated = log.statement()
    spaces = (replace(stated.spaces[0], micro_rho=stated.spaces[0].micro_rho - 1),)
    return Path(log.export(path, replace(stated, spaces=spaces)))


# The tests -------------------------------------------------------------------------------------------


BESIDE = {code for code in Code if code.value.startswith(("TILE", "COSIGNED", "NOT_COSIGNED", "ACKNOW", "ERASED"))}
"""Findings with tests of their own: test_verify_mirror, test_verify_cosigned, test_acknowledgements, test_erasing."""
TERMS = {
    Code.OUTCOME_DIFFERS,
    Code.REPEAT_DIFFERS,
    Code.CONTRACT_UNSIGNED,
    Code.CONTRACT_DIFFERS,
    Code.CONTRACT_NOT_IN_FORCE,
    Code.TERMS_BROKEN,
    Code.DATASET_NOT_CURRENT,
    Code.RELEASE_TOO_LAX,
    Code.SPACE_OVERSPENT,
    Code.NOISE_DIFFERS,
}
"""Findings about the contract's signed terms: test_verify_terms.py."""
PRICED = {Code.CEILING_EXCEEDED, Code.METER_DIFFERS, Code.PRICE_DIFFERS, Code.GRANT_WITHHELD}
"""Findings about what a use costs and what the regulator may see: test_verify_prices.py."""


INSPECTED = {Code.INSPECTION_WRONG, Code.RECTIFIED_LATE, Code.RECTIFICATION_OVERDUE}
"""Findings about inspections: test_inspections.py."""


def test_every_finding_has_its_attack() -> None:
    assert set(ATTACKS) == set(Code) - BESIDE - TERMS - PRICED - INSPECTED


@pytest.mark.parametrize("code", list(ATTACKS), ids=[code.value for code in ATTACKS])
def test_attack_is_found(specimens: ModuleType, tmp_path: Path, code: Code) -> None:
    path = ATTACKS[code](specimens, tmp_path / "bundle")
    pinned = None if code is Code.SPACE_KEY_NOT_PINNED else specimens.SPACE_KEY.public
    report = verify_bundle(path, pinned)
    found = [item for item in report.findings if item.code is code]
    assert found, [item.en for item in report.findings]
    assert all(item.en and item.zh and "{" not in item.en + item.zh for item in report.findings)
    assert report.ok == all(item.severity is Severity.NOTE for item in report.findings)
    notes_only = {Code.FILE_UNKNOWN, Code.INTENT_RUNNING, Code.SPACE_KEY_NOT_PINNED}
    assert report.ok == (code in notes_only)


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
    }
    for name, other in cases.items():
        log = started(made)
        reference, slots = log.intent(log.request(**other))
        answered(made, log, slots, reference)
        report = verify_bundle(log.export(tmp_path / name), made.SPACE_KEY.public)
        assert [(item.code, item.subject) for item in report.findings] == [(Code.REQUEST_DIFFERS, name)]


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
    assert [item.code for item in report.findings] == [Code.DECISION_WRONG, Code.METER_DIFFERS, Code.REPEAT_DIFFERS]


def test_an_outcome_under_another_contract_is_found(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = started(made)
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.CONTRACT: made.OTHER}, reference)
    report = verify_bundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert Code.CHARGE_DIFFERS in [item.code for item in report.findings]
