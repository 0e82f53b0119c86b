"""Findings run 检查→问题→整改期限→复查→销号 as leaves, in their turn, signed by whose step it is, and late is seen."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import inspecting
from yanmen.cli.main import main
from yanmen.crypto import documents
from yanmen.crypto.keys import FileSigner
from yanmen.formats import connector_id, inspection, note
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.ledger import inspections as recorded
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.ledger import Ledger
from yanmen.model.inspection import Act, IssueState, OutOfTurn, Step, after
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Reason, Refused
from yanmen.verify import Code, Report, verify_bundle
from yanmen.verify.docket import standing

from tests.unit.ledger.scene import (
    CONSUMER,
    NODE,
    RECEIPT_KEY,
    SPACE,
    SPACE_KEY,
    START_MS,
    Scene,
    party,
    signer,
)

INSPECTOR = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "N1P2Q3R4")
OTHER = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "N1P2Q3R5")
KEYS = {INSPECTOR: signer("inspector"), OTHER: signer("other inspector"), NODE: RECEIPT_KEY}
NOW_S = START_MS // 1000
DAY_S = 86_400
FINDING = "ab" * 16


def members(role: PartyRole = PartyRole.REGULATOR, status: PartyStatus = PartyStatus.ACTIVE) -> Register:
    """Return the register: the node, a consumer and two inspectors."""
    inspectors = (
        Party(each, f"r{number}", "", role, status, KEYS[each].public, b"", "2" * 64)
        for number, each in enumerate((INSPECTOR, OTHER))
    )
    parties = (party(NODE, PartyRole.NODE), party(CONSUMER), *inspectors)
    return Register(SPACE, 2, START_MS, START_MS + 2**40, tuple(sorted(parties, key=lambda each: each.id)))


@dataclass
class Config:
    id: str = NODE


@dataclass
class Holder:
    """A node as the module `inspecting` sees it."""

    scene: Scene
    ledger: Ledger
    listed: Register
    config: Any = None
    receipt_signer: FileSigner = RECEIPT_KEY

    def __post_init__(self) -> None:
        self.config = Config()

    @property
    def clock(self) -> Any:
        return self.scene.clock

    @property
    def register(self) -> Any:
        return self

    def current(self) -> Register:
        return self.listed

    def report(self, folder: Path) -> Report:
        """Export the log and verify it."""
        vkey = note.encode_key(VerifierKey(SPACE, SPACE_KEY.public))
        papers = SpacePapers(SPACE, vkey, documents.sign_register(self.listed, SPACE_KEY))
        path = folder / f"bundle-{self.ledger.size()}"
        if not path.exists():
            self.ledger.export(path, papers)
        return verify_bundle(path, SPACE_KEY.public)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        yield Holder(scene, ledger, members())


def opened(**other: Any) -> Step:
    step = Step(FINDING, Act.OPENED, INSPECTOR, NODE, "", NOW_S, "第 17 号叶未披露查询", deadline_s=NOW_S + 7 * DAY_S)
    return replace(step, **other)


def signed(step: Step) -> bytes:
    return documents.sign_step(step, KEYS[step.by])


def follows(token: bytes, act: Act, **other: Any) -> Step:
    before = documents.peek_step(token)
    step = Step(before.finding, act, INSPECTOR, NODE, documents.digest(token), NOW_S + 60, "复查")
    return replace(step, **other)


def until_rectified(holder: Holder) -> bytes:
    """Open and rectify a finding and return the newest step."""
    inspecting.record(signed(opened()), holder)
    return inspecting.rectify(FINDING, "已补充披露", holder)[2]


def codes(report: Report) -> list[tuple[Code, str]]:
    return [(each.code, each.subject) for each in report.findings]


def test_a_finding_runs_from_opening_to_closing(holder: Holder, tmp_path: Path) -> None:
    first = signed(opened())
    receipt, issue = inspecting.record(first, holder)
    assert (issue.state, issue.deadline_s) == (IssueState.OPEN, NOW_S + 7 * DAY_S)
    assert inspecting.record(first, holder)[0] == receipt
    token = inspecting.rectify(FINDING, "已补充披露", holder)[2]
    failed = signed(follows(token, Act.RECHECKED, deadline_s=NOW_S + 9 * DAY_S))
    assert inspecting.record(failed, holder)[1].state is IssueState.OPEN
    again = inspecting.rectify(FINDING, "再次补充", holder)[2]
    passed = signed(follows(again, Act.RECHECKED, passed=True))
    assert inspecting.record(passed, holder)[1].state is IssueState.PASSED
    issue = inspecting.record(signed(follows(passed, Act.CLOSED)), holder)[1]
    assert issue.state is IssueState.CLOSED
    assert holder.ledger.issues() == (issue,)
    report = holder.report(tmp_path)
    assert codes(report) == []
    assert report.inspections == (issue,)
    assert [stage.value for stage, count in report.stages if count == 6] == ["inspection"]
    holder.ledger.check()


@pytest.mark.parametrize(
    ("late_ms", "expected"),
    [(0, []), (7 * DAY_S * 1000 + 60_000, [(Code.RECTIFICATION_OVERDUE, FINDING)])],
)
def test_a_deadline_missed_is_seen(
    holder: Holder, tmp_path: Path, late_ms: int, expected: list[tuple[Code, str]]
) -> None:
    inspecting.record(signed(opened()), holder)
    holder.scene.clock.ms += late_ms
    holder.scene.furnish(holder.ledger)
    report = holder.report(tmp_path)
    assert (codes(report), report.ok) == (expected, True)


def test_what_is_rectified_too_late_stays_so(holder: Holder, tmp_path: Path) -> None:
    inspecting.record(signed(opened()), holder)
    holder.scene.clock.ms += 8 * DAY_S * 1000
    inspecting.rectify(FINDING, "已补充披露", holder)
    assert codes(holder.report(tmp_path)) == [(Code.RECTIFIED_LATE, FINDING)]


# What the node does not record ------------------------------------------------------------------------


def test_only_inspectors_in_the_register_inspect(holder: Holder) -> None:
    for listed in (members(PartyRole.DEVELOPER), members(status=PartyStatus.REVOKED), members(PartyRole.OPERATOR)):
        holder.listed = listed
        with pytest.raises(Refused) as refusal:
            inspecting.record(signed(opened()), holder)
        assert refusal.value.reason is Reason.ROLE_NOT_ALLOWED
    holder.listed = members(PartyRole.AUDITOR)
    inspecting.record(signed(opened()), holder)


def test_a_step_is_signed_by_whose_it_is(holder: Holder) -> None:
    forged = documents.sign_step(opened(), KEYS[OTHER])
    with pytest.raises(Refused) as refusal:
        inspecting.record(forged, holder)
    assert refusal.value.reason is Reason.SIGNATURE_INVALID
    with pytest.raises(Refused) as refusal:
        inspecting.record(b"nonsense", holder)
    assert refusal.value.reason is Reason.REQUEST_MALFORMED
    elsewhere = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D9")
    with pytest.raises(Refused) as refusal:
        inspecting.record(signed(opened(node=elsewhere)), holder)
    assert refusal.value.reason is Reason.REQUEST_FOR_ANOTHER_NODE
    assert holder.ledger.issues() == ()


@pytest.mark.parametrize(
    "step",
    [
        lambda token: follows(token, Act.CLOSED),
        lambda token: follows(token, Act.RECHECKED, passed=True, by=OTHER),
        lambda token: follows(token, Act.RECHECKED, passed=True, previous="0" * 64),
        lambda _: opened(text="again"),
    ],
    ids=["closed before it passed", "another inspector", "another history", "opened twice"],
)
def test_a_step_out_of_turn_is_not_recorded(holder: Holder, step: Any) -> None:
    token, size = until_rectified(holder), 0
    size = holder.ledger.size()
    with pytest.raises(Refused):
        inspecting.record(signed(step(token)), holder)
    assert holder.ledger.size() == size


def test_a_holder_cannot_close_its_own_finding(holder: Holder) -> None:
    token = until_rectified(holder)
    with pytest.raises(Malformed):
        documents.sign_step(follows(token, Act.CLOSED, by=NODE), RECEIPT_KEY)
    with pytest.raises(Refused):
        inspecting.rectify(FINDING, "twice", holder)
    with pytest.raises(Refused):
        inspecting.rectify("cd" * 16, "unknown", holder)


# What a dishonest node writes all the same -------------------------------------------------------------


def closes_by_itself(holder: Holder, token: bytes) -> bytes:
    """A closing that its own key signed in the inspector's name."""
    passed = follows(token, Act.RECHECKED, passed=True)
    return documents.sign_step(passed, RECEIPT_KEY)


def skips_the_recheck(holder: Holder, token: bytes) -> bytes:
    """A genuine closing, of a finding that never passed."""
    return signed(follows(token, Act.CLOSED))


def lets_another_recheck(holder: Holder, token: bytes) -> bytes:
    return signed(follows(token, Act.RECHECKED, passed=True, by=OTHER))


def writes_no_document(holder: Holder, token: bytes) -> bytes:
    return b"rechecked: fine"


@pytest.mark.parametrize("trick", [closes_by_itself, skips_the_recheck, lets_another_recheck, writes_no_document])
def test_it_is_found(holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trick: Any) -> None:
    token = until_rectified(holder)
    false = trick(holder, token)
    issue = holder.ledger.issue(FINDING)
    assert issue is not None
    monkeypatch.setattr(recorded, "after", lambda *_: replace(issue, state=IssueState.CLOSED, last="1" * 64))
    holder.ledger.record_step(opened(), false)
    report = holder.report(tmp_path)
    assert [each.code for each in report.findings] == [Code.INSPECTION_WRONG]
    assert not report.ok
    assert [each.state for each in report.inspections] == [IssueState.RECTIFIED]
    assert all(each.en and each.zh and "{" not in each.en + each.zh for each in report.findings)


def test_a_step_the_node_does_not_record_is_missed(holder: Holder, tmp_path: Path) -> None:
    first, second = signed(opened()), signed(opened(finding="cd" * 16))
    inspecting.record(first, holder)
    holder.report(tmp_path)
    (path,) = tmp_path.glob("bundle-*")
    report, missing = standing(path, SPACE_KEY.public, [first, second])
    assert (report.ok, missing) == (True, (1,))
    files = [tmp_path / "first.jws", tmp_path / "second.jws"]
    for file, token in zip(files, (first, second), strict=True):
        file.write_bytes(token)
    (tmp_path / "space.vkey").write_text(note.encode_key(VerifierKey(SPACE, SPACE_KEY.public)) + "\n")
    line = ["inspection", "list", str(path), "--space-key", str(tmp_path / "space.vkey")]
    assert main([*line, "--given", str(files[0])]) == 0
    assert main([*line, "--given", str(files[0]), "--given", str(files[1])]) == 1


# The format and its machine ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"finding": "ab"},
        {"text": " "},
        {"previous": "0" * 64},
        {"deadline_s": NOW_S},
        {"deadline_s": 0},
        {"passed": True},
        {"by": NODE},
        {"origin": f"{CONSUMER}.yanmen/usage-log/2026"},
        {"origin": "somewhere"},
        {"index": 3},
        {"act": Act.RECTIFIED},
        {"act": Act.RECHECKED},
        {"act": Act.CLOSED},
        {"issued_s": -1},
    ],
)
def test_a_step_says_all_it_must_and_nothing_else(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        inspection.encode(opened(**change))


def test_a_step_is_what_was_written() -> None:
    step = opened(origin=f"{NODE}.yanmen/usage-log/2026", index=17)
    payload = inspection.encode(step)
    assert inspection.decode(payload) == step
    with pytest.raises(Malformed):
        inspection.decode({**payload, "severity": "high"})
    with pytest.raises(Malformed):
        inspection.decode({**payload, "act": "reopened"})


def test_every_other_turn_is_out_of_turn() -> None:
    """Of all pairs of state and step, exactly four go on."""
    start = after(None, opened(), "0" * 64)
    with pytest.raises(OutOfTurn):
        after(None, Step(FINDING, Act.CLOSED, INSPECTOR, NODE, "0" * 64, NOW_S, "x"), "1" * 64)
    went = set()
    for state in IssueState:
        for act in Act:
            for passed in (False, True):
                step = opened(
                    act=act, passed=passed, previous=start.last, by=NODE if act is Act.RECTIFIED else INSPECTOR
                )
                try:
                    went.add((state, act, passed, after(replace(start, state=state), step, "1" * 64).state))
                except OutOfTurn:
                    continue
    assert went == {
        (IssueState.OPEN, Act.RECTIFIED, False, IssueState.RECTIFIED),
        (IssueState.OPEN, Act.RECTIFIED, True, IssueState.RECTIFIED),
        (IssueState.RECTIFIED, Act.RECHECKED, False, IssueState.OPEN),
        (IssueState.RECTIFIED, Act.RECHECKED, True, IssueState.PASSED),
        (IssueState.PASSED, Act.CLOSED, False, IssueState.CLOSED),
        (IssueState.PASSED, Act.CLOSED, True, IssueState.CLOSED),
    }


def test_the_leaf_holds_the_signed_step_and_nothing_in_clear(holder: Holder) -> None:
    token = signed(opened())
    receipt, _ = inspecting.record(token, holder)
    assert documents.digest(token) not in receipt.sdjwt.partition("~")[0]
    from yanmen.formats import receipt as format_

    said = format_.decode(holder.ledger.receipt_for(receipt.index, INSPECTOR).sdjwt).slots
    assert json.dumps(said[Slot.SUBJECT]) == json.dumps({"document": token.decode()})
