"""A dishonest node, courier or exporter: each thing the verifier can find has the attack that it finds."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from yanmen.crypto import receipts
from yanmen.formats import base64url, bundle
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Head, Slot
from yanmen.formats.slots import Decision, Price, Series, SignedRequest, Verdict
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.verify import Code, Severity, verify_bundle

from tests.unit.verify.altered_files import ATTACKS, attack, honest

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
    issued = receipts.issue(head, slots, made.RECEIPT_KEY, made.Pinned("x"))
    log.leaves[0], log.sdjwts[0] = issued.leaf, issued.sdjwt
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


ELSEWHERE = (
    "TILE",
    "COSIGNED",
    "NOT_COSIGNED",
    "ACKNOW",
    "ERASED",
    "CONTINUES",
    "DECLARED",
    "PREVIOUS",
    "KEY_",
    "ANCHOR",
    "TIME_STAMP",
    "TIME_AHEAD",
    "NOT_STAMPED",
    "NOT_CHECKED",
)
BESIDE = {code for code in Code if code.value.startswith(ELSEWHERE)}
"""Findings with tests of their own: test_verify_mirror, _cosigned; test_acknowledgements, _erasing, _succession,
_exchanged_keys, _dated."""
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
"""Findings about what a use costs and what the regulator may see: test_verify_prices.py, _granted.py."""


INSPECTED = {Code.INSPECTION_WRONG, Code.RECTIFIED_LATE, Code.RECTIFICATION_OVERDUE}
"""Findings about inspections: test_inspections.py."""


GOVERNED = {Code.DOCUMENT_WRONG, Code.OBJECTION_UNANSWERED}
"""Findings about documents that govern: test_governing.py."""


DELETED = {Code.DELETION_WRONG, Code.DELETION_OVERDUE, Code.DELETION_MISSING}
"""Findings about proofs of deletion: tests/unit/negotiation/test_deletions.py."""


def test_every_finding_has_its_attack() -> None:
    assert set(ATTACKS) == set(Code) - BESIDE - TERMS - PRICED - INSPECTED - GOVERNED - DELETED


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
