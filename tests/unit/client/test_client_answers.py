"""What an analyst gets: answers, quotes, refusals, contracts, sessions, frames."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yanmen
from yanmen import client
from yanmen.cli.query import _answer
from yanmen.client import text_table
from yanmen.client.errors import ReceiptInvalid
from yanmen.client.released import with_width
from yanmen.crypto import documents
from yanmen.formats.acknowledgement import Acknowledged
from yanmen.formats.receipt import Slot
from yanmen.formats.released import unique
from yanmen.formats.request import Operation
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Answer, Binding
from yanmen.verify import verify_receipt

from tests.unit.client.bench import MEMBER, NODE, SQL, TABLE, TERMS

if TYPE_CHECKING:
    from tests.unit.client.conftest import World


def test_an_answer_has_rows_widths_price_budget_and_a_receipt_anyone_can_verify(world: "World") -> None:
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
    assert answer.labels == ("性别", "n", "mean", "n_1")
    assert answer.rows()[0] == {"性别": "F", "n": 9_012, "mean": Decimal("1.50"), "n_1": 2**70}
    assert answer.width == {"性别": [None] * 3, "n": [39.2] * 3, "mean": [0.5, None, 0.5], "n_1": [None] * 3}
    assert (answer.price, answer.price_fen, answer.budget_left, answer.micro_rho) == (
        Decimal("1.50"),
        150,
        999_000,
        1_000,
    )
    assert answer.notice == TABLE.notice
    party = world.register.parties[0]
    says = verify_receipt(answer.receipt.sdjwt, answer.receipt.proof, party.signing_key, party.log_key)
    assert says["consumer"] == MEMBER
    answer.receipt.save(world.folder)
    assert (world.folder / "00000001.sdjwt").read_text() == answer.receipt.sdjwt
    assert (world.folder / "00000001.tlog-proof").read_text() == answer.receipt.proof


def test_an_answer_is_acknowledged_by_itself(world: "World") -> None:
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
    assert answer.acknowledgement is not None
    said = Acknowledged.read(answer.acknowledgement.says["subject"])
    token = documents.open_acknowledgement(said.token.encode(), world.register.parties[1].signing_key)
    assert (token.jti, token.origin) == (answer.receipt.jti, answer.receipt.origin)
    assert token.sd_hash == hashlib.sha256(answer.receipt.sdjwt.encode()).digest()


@pytest.mark.parametrize("error", [Refused(Reason.RATE_LIMITED), Fault(FaultCode.STORAGE_FULL)])
def test_an_answer_is_there_although_its_acknowledgement_was_not_taken(world: "World", error: Fault | Refused) -> None:
    world.bench.acknowledging = error
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
        assert answer.acknowledgement is None
        world.bench.acknowledging = None
        assert node.fetch(answer.job_id).acknowledgement is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.update({Slot.CONSUMER: NODE}),
        lambda said: said.update({Slot.SUBJECT: {**said[Slot.SUBJECT], "acknowledges": "0" * 32}}),
        lambda said: said.update({Slot.SUBJECT: {**said[Slot.SUBJECT], "kb_jwt": "a.b.c"}}),
        lambda said: said.pop(Slot.SUBJECT),
    ],
)
def test_a_false_receipt_of_an_acknowledgement_is_told(
    world: "World", spoil: Callable[[dict[Slot, Any]], object]
) -> None:
    world.bench.spoil_acknowledgement = spoil  # type: ignore[assignment]
    node = world.connect()
    answer = node.query(SQL, contract=TERMS.id)
    with pytest.raises(ReceiptInvalid):
        _ = answer.acknowledgement
    with pytest.raises(ReceiptInvalid):
        node.fetch(answer.job_id)  # whoever did not look is told at the next call
    node.close()


def test_whoever_never_looks_is_told_when_closing(world: "World") -> None:
    world.bench.spoil_acknowledgement = dict.clear
    node = world.connect()
    node.query(SQL, contract=TERMS.id)
    with pytest.raises(ReceiptInvalid):
        node.close()


def test_an_answer_prints_as_an_aligned_table_with_its_widths_and_what_belongs_to_it(world: "World") -> None:
    with world.connect() as node:
        text = str(node.query(SQL, contract=TERMS.id))
    lines = text.splitlines()
    assert lines[0] == "性别            n          mean                     n_1"
    assert lines[2] == "F     9012 ± 39.2   1.50 ± 0.50  1180591620717411303424"
    assert lines[3] == "男      -3 ± 39.2          NULL                       1"
    for said in (TABLE.notice, "1.50 yuan", "999000 left", "no. 1", "1 cells withheld"):
        assert said in text


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [
        ("26.12345678", 1.23456, "26.1 ± 1.3"),
        ("26.12345678", 0.0123456, "26.123 ± 0.013"),
        ("-41.52368421", 250.4, "-42 ± 251"),
        ("5000000.25", 1386.9, "5000000 ± 1388"),
        ("1.50", 0.001, "1.50 ± 0.01"),
        ("9.99", 0.96, "9.99 ± 0.96"),
        ("9.996", 0.0996, "9.996 ± 0.100"),
        ("0.00000001", 1e-08, "0.00000001 ± 0.00000002"),
        ("1.5", 1e9, "2 ± 1000000001"),
        ("1.5", 0.0, "1.5 ± 0"),
        ("1.5", None, "1.5"),
    ],
)
def test_a_figure_has_the_digits_that_its_width_justifies(value: str, width: float | None, shown: str) -> None:
    """And what is printed covers what was answered: rounding is added to the ±, and the ± rounded up."""
    text = with_width(Decimal(value), width)
    assert text == shown
    if width:
        figure, spread = (Decimal(part) for part in text.split(" ± "))
        assert figure - spread <= Decimal(value) - Decimal(width)
        assert Decimal(value) + Decimal(width) <= figure + spread


def test_json_keeps_every_digit(world: "World") -> None:
    exact = replace(TABLE, rows=((*TABLE.rows[0][:2], Decimal("1.23456789"), 1),), widths=((None, 39.2, 0.5, None),))
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
    fields = _answer(replace(answer, table=exact)).fields
    assert fields["rows"][0]["mean"] == Decimal("1.23456789")
    assert fields["width"]["mean"] == [0.5]
    assert "1.23 ± 0.51" in _answer(replace(answer, table=exact)).text


def test_what_is_printed_cannot_move_the_cursor_or_reorder_text() -> None:
    text = text_table.render(("a",), [["\x1b[2Jx\u202ey\r\n"]], (False,))
    assert not any(character in text for character in "\x1b\u202e\r")
    assert text.count("\n") == 2


def test_the_request_is_signed_for_this_node_contract_and_question(world: "World") -> None:
    with world.connect() as node:
        job = node.submit(SQL, contract=TERMS.id, micro_rho=2_000, max_price_fen=7)
        node.explain(SQL, contract=TERMS.id)
    signed = world.bench.submissions[job.id]
    key = world.register.parties[1].signing_key
    claims = documents.open_request(signed.authorisation, key)
    assert (claims.audience, claims.issuer, claims.jti) == (NODE, MEMBER, job.id)
    assert (claims.contract_id, claims.scenario_id, claims.operation) == (TERMS.id, "s1", Operation.SUBMIT)
    assert (claims.micro_rho, claims.max_micro_rho, claims.max_price_fen) == (2_000, 2_000, 7)
    assert 0 < claims.expires_s - claims.issued_s <= 300
    explained = documents.open_request(world.bench.submissions["explain"].authorisation, key)
    assert explained.operation is Operation.EXPLAIN
    assert explained.jti != claims.jti
    assert (explained.micro_rho, explained.max_micro_rho, explained.max_price_fen) == (0, 1_000, 150)


def test_a_contract_is_fetched_once_for_its_terms(world: "World") -> None:
    with world.connect() as node:
        node.query(SQL, contract=TERMS.id)
        node.query(SQL, contract=TERMS.id)
        node.query(SQL, contract=node.contracts()[0])
    assert [call for call in world.bench.calls if call[0] == "contract"] == [("contract", TERMS.id)]


def test_a_quote_says_width_and_price_and_has_a_receipt(world: "World") -> None:
    with world.connect() as node:
        quote = node.explain(SQL, contract=TERMS.id)
    assert quote.width == {"性别": None, "n": 39.2, "mean": 0.5, "n_1": None}
    assert (quote.price, quote.micro_rho, quote.receipt.says["stage"]) == (Decimal("1.50"), 1_000, "explained")
    assert "± 39.2" in str(quote)


def test_a_session_signs_once_and_its_uses_have_ids_of_their_own(world: "World") -> None:
    with world.connect() as node, node.session(TERMS.id, max_micro_rho=5_000, max_price_fen=900, minutes=5) as session:
        session.explain(SQL)
        first, second = session.query(SQL), session.submit(SQL)
        second.fetch()
    uses = [world.bench.submissions[name] for name in ("explain", first.job_id, second.id)]
    assert {use.binding for use in uses} == {Binding.SESSION}
    assert len({use.authorisation for use in uses}) == 1
    assert len({use.session_request_id for use in uses}) == 3
    grant = documents.open_session(uses[0].authorisation, world.register.parties[1].signing_key)
    assert (grant.audience, grant.contract_id, grant.max_micro_rho, grant.max_price_fen) == (NODE, TERMS.id, 5_000, 900)
    assert grant.expires_s - grant.issued_s == 300


def test_a_job_can_be_fetched_later_cancelled_and_waited_for(world: "World") -> None:
    with world.connect() as node:
        job = node.submit(SQL, contract=TERMS.id)
        world.bench.pending = 3
        assert job.fetch().job_id == job.id
    with world.connect() as node:
        assert node.fetch(job.id).table == TABLE
        world.bench.pending = 10**9
        with pytest.raises(yanmen.StillRunning) as still:
            node.fetch(job.id, timeout=0.05)
        assert still.value.job_id == job.id
        node.cancel(job.id)
    assert ("cancel", job.id) in world.bench.calls


def test_a_lost_reply_to_submit_is_one_job(world: "World") -> None:
    submit, tries = world.bench.submit, []

    def stumble(submission: object) -> str:
        tries.append(submission)
        if len(tries) == 1:
            raise Fault(FaultCode.SANDBOX)
        return submit(submission)  # type: ignore[arg-type]

    world.bench.submit = stumble  # type: ignore[method-assign]
    with world.connect() as node:
        assert node.query(SQL, contract=TERMS.id).table == TABLE
    assert len(tries) == 2
    assert tries[0].job_id == tries[1].job_id  # type: ignore[attr-defined]
    assert tries[0].authorisation == tries[1].authorisation  # type: ignore[attr-defined]


# Refusals.


def test_a_refusal_says_why_where_what_instead_and_carries_its_verified_receipt(world: "World") -> None:
    detail = Detail("bmi", 1, 8, "Ask for sex.", "请改用性别。", ("columns", "hours"), ("SELECT COUNT(*) FROM nafld1",))
    world.bench.refusal = Refused(Reason.COLUMN_NOT_IN_CONTRACT, detail)
    with world.connect() as node, pytest.raises(yanmen.Refused) as raised:
        node.query(SQL, contract=TERMS.id)
    refused = raised.value
    assert refused.reason is Reason.COLUMN_NOT_IN_CONTRACT
    assert refused.detail == detail
    assert refused.message == "The contract does not open this column. Ask for sex."
    assert refused.message_zh == "合约未开放该字段。请改用性别。"
    assert refused.clauses == ("columns", "hours")
    assert refused.instead == ("SELECT COUNT(*) FROM nafld1",)
    assert isinstance(refused.receipt, client.CheckedReceipt)
    assert refused.receipt.says["decision"] == {"verdict": "refused", "reason": "COLUMN_NOT_IN_CONTRACT"}
    assert isinstance(refused, Refused)
    for said in ("COLUMN_NOT_IN_CONTRACT", "bmi", "line 1, column 8", "请改用性别"):
        assert said in str(refused)


def test_a_receipt_too_long_for_an_error_is_fetched_and_verified(world: "World") -> None:
    world.bench.refusal = Refused(Reason.SQL_MALFORMED)
    sql = "SELECT " + ", ".join(f"column_{number}" for number in range(2_000))
    with world.connect() as node, pytest.raises(yanmen.Refused) as raised:
        node.explain(sql, contract=TERMS.id)
    receipt = raised.value.receipt
    assert isinstance(receipt, client.CheckedReceipt)
    assert ("receipt", receipt.index) in world.bench.calls
    assert receipt.says["query"] == {"sql": sql, "sha256": receipt.says["query"]["sha256"]}  # type: ignore[index,call-overload]


def test_a_refusal_of_something_that_is_no_use_has_no_receipt(world: "World") -> None:
    with world.connect() as node:
        with pytest.raises(yanmen.Refused) as raised:
            node.dataset("nothing")
        assert (raised.value.reason, raised.value.receipt) == (Reason.DATASET_UNKNOWN, None)
        with pytest.raises(yanmen.Refused) as raised:
            node.query(SQL, contract="2" * 32)
        assert raised.value.reason is Reason.CONTRACT_UNKNOWN


def test_a_fault_of_the_node_is_not_a_refusal(world: "World") -> None:
    world.bench.spoil_slots = lambda slots: slots.pop("no such slot")  # type: ignore[call-overload]
    with world.connect() as node, pytest.raises(yanmen.NodeFailed) as failed:
        node.query(SQL, contract=TERMS.id)
    assert failed.value.code is FaultCode.INTERNAL
    assert len(failed.value.request_id) == 32


# Catalogue and contracts.


def test_the_catalogue_reads_at_a_prompt(world: "World") -> None:
    with world.connect() as node:
        listed = node.catalogue()
        entry = node.dataset("nafld1")
    assert len(listed) == 1
    assert listed["nafld1"] == entry == next(iter(listed))
    assert "follow-up" in repr(listed)
    assert "F, M" in str(entry)
    assert "10 … 70" in str(entry)
    assert "… 4 more" in str(entry)
    with pytest.raises(KeyError):
        listed["other"]


def test_a_contract_is_offered_decided_and_read_back(world: "World") -> None:
    terms = replace(TERMS, id="2" * 32)
    with world.connect() as node:
        assert node.request_contract(terms).status is ContractStatus.PENDING
        world.bench.decide(ContractStatus.ACTIVE)
        held = node.contract(terms.id)
        assert (held.terms, held.status, held.decided_by) == (terms, ContractStatus.ACTIVE, "officer 7")
        assert node.balance(held).queries_left == 99
        world.bench.held = replace(held, status=ContractStatus.REVOKED)
        assert [(each.status, each.decided_by) for each in node.contracts()] == [(ContractStatus.REVOKED, "")]


# Frames.


def test_arrow_and_pandas_keep_types_and_what_belongs_to_the_figures(world: "World") -> None:
    with world.connect() as node:
        answer = node.query(SQL, contract=TERMS.id)
    arrow = answer.to_arrow()
    assert arrow.column_names == ["性别", "n", "mean", "n_1"]
    assert [str(kind) for kind in arrow.schema.types] == ["string", "int64", "decimal128(38, 2)", "decimal256(76, 0)"]
    assert arrow.to_pylist() == answer.rows()
    assert arrow.schema.metadata[b"yanmen.notice"].decode() == TABLE.notice
    frame = answer.to_pandas()
    assert frame["n"].tolist() == [9_012, -3, 8_537]
    assert frame.attrs["yanmen.receipt"] == answer.receipt.jti
    json.dumps(frame.attrs)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (("a", "a", "a"), ("a", "a_1", "a_2")),
        (("a", "a_1", "a"), ("a", "a_1", "a_2")),
        (("a", "b"), ("a", "b")),
        ((), ()),
    ],
)
def test_every_column_has_a_name_of_its_own(labels: tuple[str, ...], named: tuple[str, ...]) -> None:
    assert unique(labels) == named


def test_one_node_object_serves_many_threads(world: "World") -> None:
    found: list[Answer | client.Answer] = []
    with world.connect() as node:
        node.contract(TERMS.id)
        threads = [threading.Thread(target=lambda: found.append(node.query(SQL, contract=TERMS.id))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(found) == 8
