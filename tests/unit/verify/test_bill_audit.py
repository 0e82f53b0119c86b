"""A statement of account is held to the receipts: whatever a node could write otherwise is found and named."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.crypto import documents
from yanmen.formats import bill, bundle, receipt
from yanmen.formats.bill import FIGURES, Line, Period
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import billing
from yanmen.ledger.ledger import Ledger
from yanmen.model.contract import Contract
from yanmen.model.party import Party, PartyRole
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.verify import BillCode, BillReport, Code, audit_bill, audit_revenue

from tests.unit.ledger import scene
from tests.unit.ledger.scene import (
    CONSUMER,
    LOG_KEY,
    NODE,
    RECEIPT_KEY,
    RIVAL,
    SPACE_KEY,
    START_MS,
    Scene,
    papers,
    released,
    reserved,
)

DAY_S = 86_400
START_S = START_MS // 60_000 * 60
PERIOD = Period(START_S - DAY_S, START_S + DAY_S)
AFTER_MS = (START_S + 2 * DAY_S) * 1000


@dataclass
class Account:
    """A node with two contracts that were used for a day."""

    scene: Scene
    ledger: Ledger
    own: Contract
    rival: Contract
    folder: Path

    def state(self, period: Period = PERIOD, contract: str = "") -> tuple[Receipt, bytes]:
        """Issue a statement."""
        return self.ledger.state_account(period, contract)

    def export(self, name: str = "bundle") -> Path:
        """Export the log."""
        self.ledger.export(self.folder / name, papers())
        return self.folder / name

    def audited(self, token: bytes) -> BillReport:
        """Export and audit."""
        return audit_bill(self.export(), token, SPACE_KEY.public)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    stage = Scene(tmp_path / "ledger.db")
    with stage.open() as ledger:
        made = Account(stage, ledger, stage.furnish(ledger), stage.furnish(ledger, consumer=RIVAL), tmp_path)
        for contract in (made.own, made.rival, made.own):
            stage.ask(ledger, contract, micro_rho=150, delta_e12=2)
        first, again = stage.plan(made.own), stage.plan(made.own)
        object.__setattr__(again, "canonical", first.canonical)
        ledger.settle(reserved(ledger.reserve(first)), released(first), "ab" * 32)
        ledger.reserve(again)
        ledger.abort(reserved(ledger.reserve(stage.plan(made.own))), Reason.RUN_FAILED, JobCode.MEMORY, Usage())
        stage.clock.ms = AFTER_MS
        yield made


def test_the_auditor_counts_what_the_node_states(account: Account) -> None:
    stated = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    (own,) = (line for line in stated.lines if line.contract == account.own.terms.id)
    assert (own.queries, own.answers, own.repeated) == (4, 3, 1)
    assert (own.rows, own.cells, own.fen) == (6, 12, 4 * 120)
    assert (own.micro_rho, own.delta_e12) == (150 + 150 + 100 + 100, 4)
    assert own.fen == account.ledger.balance(account.own.terms.id).spent_fen
    report = account.audited(account.state()[1])
    assert report.counted == stated.lines
    assert [each.code for each in report.findings] == [BillCode.PERIOD_STATED_AGAIN]
    assert report.ok


def test_one_contract_s_statement_is_in_its_series(account: Account) -> None:
    entry, token = account.state(contract=account.own.terms.id)
    assert account.ledger.receipt_for(entry.index, CONSUMER) == entry
    assert receipt.decode(entry.sdjwt).slots[Slot.CONTRACT] == account.own.terms.id
    report = account.audited(token)
    assert report.ok
    assert [line.contract for line in report.counted] == [account.own.terms.id]
    with pytest.raises(Refused):
        account.state(contract="0" * 32)


def test_a_leaf_shows_nothing_of_it_in_clear(account: Account) -> None:
    entry, token = account.state()
    leaf = entry.sdjwt.partition("~")[0]
    assert len(leaf) == receipt.LEAF_BYTES
    other = account.state()[0].sdjwt.partition("~")[0]
    shared = receipt.decode(f"{leaf}~").leaf.digests & receipt.decode(f"{other}~").leaf.digests
    assert shared == frozenset()
    assert documents.digest(token) not in leaf


def test_a_period_that_is_not_over_is_not_stated(account: Account) -> None:
    size = account.ledger.size()
    with pytest.raises(billing.PeriodOpen):
        account.state(Period(START_S, account.scene.clock.ms // 60_000 * 60 + 60))
    assert account.ledger.size() == size
    account.state(Period(START_S, account.scene.clock.ms // 60_000 * 60))


def test_a_use_across_midnight_is_charged_in_one_period_and_answered_in_the_next(account: Account) -> None:
    stage, ledger = account.scene, account.ledger
    midnight = START_S + 3 * DAY_S
    stage.clock.ms = midnight * 1000 - 1
    held = reserved(ledger.reserve(stage.plan(account.own)))
    stage.clock.ms = midnight * 1000
    ledger.settle(held, released(held.plan), "ab" * 32)
    stage.clock.ms += DAY_S * 1000
    tokens = [
        account.state(Period(midnight - DAY_S, midnight))[1],
        account.state(Period(midnight, midnight + DAY_S))[1],
    ]
    path = account.export()
    before, after = (audit_bill(path, token, SPACE_KEY.public) for token in tokens)
    assert before.ok
    assert after.ok
    assert [(line.queries, line.answers) for line in before.counted] == [(1, 0)]
    assert [(line.queries, line.answers, line.fen) for line in after.counted] == [(0, 1, 0)]


@pytest.mark.parametrize(("figure", "by"), [*((name, 1) for name in FIGURES), ("micro_rho", -1), ("fen", -1)])
def test_one_unit_more_or_less_is_found_and_named(
    account: Account, monkeypatch: pytest.MonkeyPatch, figure: str, by: int
) -> None:
    """The node signs and records a statement in which one figure of one contract is off by one."""
    honest = billing._lines

    def false(*arguments: object) -> tuple[Line, ...]:
        first, *rest = honest(*arguments)  # type: ignore[arg-type]
        return (replace(first, **{figure: getattr(first, figure) + by}), *rest)

    monkeypatch.setattr(billing, "_lines", false)
    entry, token = account.state()
    report = account.audited(token)
    assert report.report.ok
    assert not report.ok
    (found,) = report.findings
    contract = min(account.own.terms.id, account.rival.terms.id)
    assert (found.code, found.contract, found.subject) == (BillCode.FIGURE_DIFFERS, contract, figure)
    assert found.stated is not None
    assert found.counted == found.stated - by
    assert str(found.stated) in found.en
    assert str(found.counted) in found.zh
    assert entry.index == account.ledger.size() - 1


def test_books_changed_by_one_fen_are_found(account: Account) -> None:
    """Who can write the file, but not sign receipts, raises one charge by one fen."""
    with sqlite3.connect(account.scene.path) as books:
        books.execute("DROP TRIGGER intent_ends_once")
        books.execute("UPDATE intent SET price_fen = price_fen + 1 WHERE position = (SELECT min(position) FROM intent)")
    found = account.audited(account.state()[1])
    assert not found.ok
    assert [(each.code, each.subject) for each in found.findings] == [(BillCode.FIGURE_DIFFERS, "fen")]
    assert Code.CONTRACT_TOTAL_DIFFERS in [each.code for each in found.report.findings]


def test_a_contract_left_out_or_made_up_is_found(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = billing._lines
    made_up = Line("f" * 32, 1, 2, queries=1, fen=1)
    monkeypatch.setattr(billing, "_lines", lambda *arguments: (honest(*arguments)[0], made_up))
    report = account.audited(account.state()[1])
    named = {each.contract for each in report.findings if each.code is BillCode.FIGURE_DIFFERS}
    assert named == {max(account.own.terms.id, account.rival.terms.id), "f" * 32}


Forged = Callable[[Account], bytes]


def other_key(account: Account) -> bytes:
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    return documents.sign_statement(value, LOG_KEY)


def other_type(account: Account) -> bytes:
    return account.own.acceptance


def unrecorded(account: Account) -> bytes:
    """Signed by the node, but this log never recorded it."""
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    return documents.sign_statement(replace(value, issued_s=value.issued_s + 60), RECEIPT_KEY)


def of_another_node(account: Account) -> bytes:
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    return documents.sign_statement(replace(value, node=CONSUMER), RECEIPT_KEY)


def over_another_history(account: Account) -> bytes:
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    return documents.sign_statement(replace(value, root=bytes(32)), RECEIPT_KEY)


def of_the_future(account: Account) -> bytes:
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    return documents.sign_statement(replace(value, period=Period(START_S, AFTER_MS // 1000 * 2)), RECEIPT_KEY)


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (other_key, BillCode.STATEMENT_SIGNATURE),
        (other_type, BillCode.STATEMENT_SIGNATURE),
        (lambda _: b"no statement", BillCode.STATEMENT_MALFORMED),
        (unrecorded, BillCode.STATEMENT_NOT_RECORDED),
        (of_another_node, BillCode.STATEMENT_OTHER_LOG),
        (over_another_history, BillCode.STATEMENT_ROOT),
        (of_the_future, BillCode.PERIOD_NOT_OVER),
    ],
)
def test_what_is_not_the_node_s_statement_is_found(account: Account, forge: Forged, code: BillCode) -> None:
    report = account.audited(forge(account))
    assert code in [each.code for each in report.findings]
    assert not report.ok
    assert all(each.en and each.zh and "{" not in each.en + each.zh for each in report.findings)


def test_a_bundle_from_before_the_statement_does_not_hold_it(account: Account) -> None:
    path = account.export()
    report = audit_bill(path, account.state()[1], SPACE_KEY.public)
    assert [each.code for each in report.findings] == [BillCode.STATEMENT_NOT_RECORDED]


def test_a_receipt_changed_on_its_way_spoils_the_bill_and_is_named(account: Account) -> None:
    token = account.state()[1]
    path = account.export()
    index = next(use for use in range(20) if "intent" in (path / "leaves.txt").read_text().splitlines()[use])
    file = path / bundle.receipt_name(index)
    leaf, *disclosures = file.read_text()[:-1].split("~")
    file.write_text("".join(f"{part}~" for part in (leaf, *disclosures[:-1])))
    report = audit_bill(path, token, SPACE_KEY.public)
    assert not report.ok
    assert index in [each.index for each in report.report.findings]


@pytest.mark.parametrize(
    "change",
    [
        {"from_s": START_S + 1},
        {"to_s": START_S - DAY_S},
        {"size": 0},
        {"fen": 1},
        {"contracts": [{"contract": "a"}]},
        {"contract": "another"},
    ],
)
def test_a_statement_is_read_strictly(account: Account, change: dict[str, object]) -> None:
    value = documents.open_statement(account.state()[1], RECEIPT_KEY.public)
    payload = bill.encode(value)
    assert bill.decode(payload) == value
    with pytest.raises(Malformed):
        bill.decode({**payload, **change})  # type: ignore[dict-item]


def test_a_statement_of_the_days_next_to_it_is_none_over_them(account: Account) -> None:
    first = account.state(Period(PERIOD.from_s, START_S))[1]
    second = account.state(Period(START_S, PERIOD.to_s))[1]
    path = account.export()
    for token in (first, second):
        assert BillCode.PERIOD_STATED_AGAIN not in {
            each.code for each in audit_bill(path, token, SPACE_KEY.public).findings
        }


# The maximum permitted revenue ---------------------------------------------------------------------


def test_one_fen_above_the_maximum_is_found(account: Account) -> None:
    path, fen = account.export(), 120 + 480
    assert audit_revenue([path], fen, SPACE_KEY.public).ok
    report = audit_revenue([path], fen - 1, SPACE_KEY.public)
    assert not report.ok
    (found,) = report.findings
    assert (found.code, found.subject, found.stated, found.counted) == (
        BillCode.REVENUE_ABOVE_MAXIMUM, "1", fen - 1, fen,
    )  # fmt: skip


def test_the_sum_is_that_of_one_consumer_or_one_period(account: Account) -> None:
    path = account.export()
    assert audit_revenue([path], 0, SPACE_KEY.public, consumer=RIVAL).fen == 120
    assert audit_revenue([path], 0, SPACE_KEY.public, period=PERIOD).fen == 600
    later = Period(PERIOD.to_s, PERIOD.to_s + 60)
    assert audit_revenue([path], 0, SPACE_KEY.public, period=later).fen == 0


def test_a_log_given_twice_and_a_log_that_does_not_hold_make_no_sum(account: Account) -> None:
    path = account.export()
    report = audit_revenue([path, path], 10_000, SPACE_KEY.public)
    assert [each.code for each in report.findings] == [BillCode.LOG_TWICE]
    assert not report.ok
    (path / bundle.receipt_name(8)).unlink()
    assert not audit_revenue([path], 10_000, SPACE_KEY.public).ok


def test_a_node_without_a_bundle_is_named(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = scene.party

    def party(party_id: str, role: PartyRole = PartyRole.DEVELOPER) -> Party:
        made = honest(party_id, role)
        return replace(made, role=PartyRole.NODE, log_key=made.signing_key[::-1]) if party_id == RIVAL else made

    monkeypatch.setattr(scene, "party", party)
    report = audit_revenue([account.export()], 10_000, SPACE_KEY.public)
    assert [(each.code, each.subject) for each in report.findings] == [(BillCode.NODE_ABSENT, f"rival {RIVAL}")]
    assert report.ok


# The commands ----------------------------------------------------------------------------------------


def test_the_commands_say_what_was_found(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    token = account.state()[1]
    path, file = account.export(), account.folder / "statement.jws"
    file.write_bytes(token)
    assert main(["audit", "bill", str(path), str(file)]) == 0
    said = capsys.readouterr().out
    assert "600 fen 分 (6.00 元)" in said
    assert "without a rule" in said
    assert main(["audit", "bill", str(path), str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statement"]["node"] == NODE
    file.write_bytes(token[:-4] + b"AAAA")
    assert main(["audit", "bill", str(path), str(file)]) == 1
    assert "STATEMENT_SIGNATURE" in capsys.readouterr().out
    assert main(["audit", "revenue", str(path), "--maximum", "600"]) == 0
    assert main(["audit", "revenue", str(path), "--maximum", "599"]) == 1
    assert "1 fen above" in capsys.readouterr().out
    for wrong in (["--maximum", "4.87"], ["--maximum", "1", "--from", "2026-01-01"]):
        assert main(["audit", "revenue", str(path), *wrong]) == 2


@pytest.mark.parametrize("text", ["20260101", "2026-1-1", "2026-02-30", "1969-01-01", "9999-12-31", "2026-W01-1"])
def test_a_day_is_written_one_way(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bill", "statement", "health", "--from", text, "--to", "2026-01-01"]) == 2
    assert "written like" in capsys.readouterr().err
