"""A node that lies: every lie is found before anything is shown."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yanmen
from yanmen import client
from yanmen.crypto import keys, x509
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget, Decision, Price, Verdict
from yanmen.model.contract import ContractStatus
from yanmen.model.party import PartyStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Answer

from tests.unit.client.bench import CLOCK, NODE, OTHER, RANDOM, SQL, TERMS

if TYPE_CHECKING:
    from tests.unit.client.conftest import World

Slots = dict[Slot, Any]

LIES: dict[str, Callable[[Answer], Answer]] = {
    "a figure": lambda a: replace(a, rows=(("F", 9_013, *a.rows[0][2:]), *a.rows[1:])),
    "a width": lambda a: replace(a, widths=((None, 1.0, 0.5, None), *a.widths[1:])),
    "a label": lambda a: replace(a, labels=("x", *a.labels[1:])),
    "a row less": lambda a: replace(a, rows=a.rows[1:], widths=a.widths[1:]),
    "no notice": lambda a: replace(a, notice=""),
    "the mechanism": lambda a: replace(a, mechanism="none"),
    "the withheld": lambda a: replace(a, suppressed=0),
    "the charge": lambda a: replace(a, micro_rho=999),
    "the price": lambda a: replace(a, price_fen=1),
    "repeated": lambda a: replace(a, repeated=True),
    "receipt bytes": lambda a: replace(a, receipt=replace(a.receipt, sdjwt=a.receipt.sdjwt.replace("e", "f", 1))),
    "a disclosure dropped": lambda a: replace(a, receipt=replace(a.receipt, sdjwt=_without_one(a.receipt.sdjwt))),
    "the index": lambda a: replace(a, receipt=replace(a.receipt, index=0)),
    "the jti": lambda a: replace(a, receipt=replace(a.receipt, jti="0" * 32)),
    "the stage": lambda a: replace(a, receipt=replace(a.receipt, stage=Stage.INTENT)),
    "the proof": lambda a: replace(a, receipt=replace(a.receipt, proof=a.receipt.proof.replace("index 1", "index 0"))),
    "the job": lambda a: replace(a, job_id="0" * 32),
    "no receipt": lambda a: replace(a, receipt=replace(a.receipt, sdjwt="", proof="")),
}


def _without_one(sdjwt: str) -> str:
    leaf, *disclosures, end = sdjwt.split("~")
    return "~".join([leaf, *disclosures[:-1], end])


@pytest.mark.parametrize("lie", sorted(LIES))
def test_an_answer_that_its_receipt_does_not_prove_is_not_shown(world: "World", lie: str) -> None:
    world.bench.spoil_answer = LIES[lie]
    with world.connect() as node, pytest.raises((yanmen.ReceiptInvalid, client.ReplyMalformed)):
        node.query(SQL, contract=TERMS.id)


SLOT_LIES: dict[str, Callable[[Slots], None]] = {
    "another consumer": lambda s: s.update({Slot.CONSUMER: OTHER}),
    "no consumer": lambda s: s.update({Slot.CONSUMER: ""}),
    "another question": lambda s: s.update({Slot.QUERY: {"sha256": hashlib.sha256(b"other").hexdigest()}}),
    "another contract": lambda s: s.update({Slot.CONTRACT: "3" * 32}),
    "another charge": lambda s: s.update({Slot.BUDGET: Budget("persons", 2_000, 0, 2_000, 0).json()}),
    "another price": lambda s: s.update({Slot.PRICE: Price(1, 1).json()}),
    "refused": lambda s: s.update({Slot.DECISION: Decision(Verdict.REFUSED, "BUDGET_SPENT").json()}),
    "no figures": lambda s: s.update({Slot.OUTPUT: {}}),
    "a request nobody signed": lambda s: s.update({Slot.REQUEST: {"binding": "per-request", "jws": "a.b.c"}}),
    "a withheld request": lambda s: s.update({Slot.REQUEST: None}),
}


@pytest.mark.parametrize("lie", sorted(SLOT_LIES))
def test_a_receipt_about_something_else_is_no_receipt_of_this_answer(world: "World", lie: str) -> None:
    world.bench.spoil_slots = SLOT_LIES[lie]
    with world.connect() as node, pytest.raises(yanmen.ReceiptInvalid) as invalid:
        node.query(SQL, contract=TERMS.id)
    assert invalid.value.receipt is not None
    assert invalid.value.code is FaultCode.RECEIPT_INVALID


def test_a_leaf_of_another_stage_is_no_answers_receipt(world: "World") -> None:
    world.bench.outcome = Stage.INTENT
    with world.connect() as node, pytest.raises(yanmen.ReceiptInvalid, match="not the receipt of an answer"):
        node.query(SQL, contract=TERMS.id)


def test_a_receipt_about_another_question_than_was_signed_is_found_by_job_id_alone(world: "World") -> None:
    with world.connect() as node:
        job = node.submit(SQL, contract=TERMS.id)
        world.bench.spoil_slots = SLOT_LIES["another question"]
        with pytest.raises(yanmen.ReceiptInvalid, match="than was signed"):
            node.fetch(job.id)


@pytest.mark.parametrize("lie", ["another question", "another contract", "another consumer", "another charge"])
def test_under_a_session_grant_answers_are_held_to_their_receipts_too(world: "World", lie: str) -> None:
    world.bench.spoil_slots = SLOT_LIES[lie]
    with (
        world.connect() as node,
        node.session(TERMS.id, max_micro_rho=5_000, max_price_fen=900) as session,
        pytest.raises(yanmen.ReceiptInvalid),
    ):
        session.query(SQL)


def test_a_submit_answered_with_another_job_is_malformed(world: "World") -> None:
    world.bench.job_instead = "0" * 32
    with world.connect() as node, pytest.raises(client.ReplyMalformed):
        node.submit(SQL, contract=TERMS.id)


def test_the_receipt_of_another_refusal_does_not_do_for_this_one(world: "World") -> None:
    long = "SELECT " + ", ".join(f"column_{number}" for number in range(2_000))
    world.bench.refusal = Refused(Reason.SQL_MALFORMED)
    with world.connect() as node:
        with pytest.raises(yanmen.Refused):
            node.explain(SQL, contract=TERMS.id)
        world.bench.receipt_instead = world.bench.log.receipt(1)
        with pytest.raises(client.ReplyMalformed):
            node.explain(long, contract=TERMS.id)


def test_the_receipt_of_another_job_with_the_same_figures_does_not_do(world: "World") -> None:
    with world.connect() as node:
        first = node.submit(SQL, contract=TERMS.id)
        first.fetch()
        earlier = world.bench.log.receipt(1)
        world.bench.spoil_answer = lambda answer: replace(answer, receipt=earlier)
        with pytest.raises(yanmen.ReceiptInvalid, match="another job"):
            node.query(SQL, contract=TERMS.id)


@pytest.mark.parametrize("lie", ["another consumer", "another question"])
def test_a_quotes_receipt_is_about_this_question(world: "World", lie: str) -> None:
    world.bench.spoil_slots = SLOT_LIES[lie]
    with world.connect() as node, pytest.raises(yanmen.ReceiptInvalid):
        node.explain(SQL, contract=TERMS.id)


@pytest.mark.parametrize("change", [{"micro_rho": 1}, {"price_fen": 1}, {"repeated": True}])
def test_a_quote_is_the_one_that_was_logged(world: "World", change: dict[str, Any]) -> None:
    world.bench.spoil_quote = lambda quote: replace(quote, **change)
    with world.connect() as node, pytest.raises(yanmen.ReceiptInvalid):
        node.explain(SQL, contract=TERMS.id)


@pytest.mark.parametrize("lie", ["another consumer", "refused"])
def test_a_refusals_receipt_is_about_this_refusal(world: "World", lie: str) -> None:
    world.bench.refusal = Refused(Reason.QUOTA_SPENT)
    world.bench.spoil_slots = SLOT_LIES[lie]
    with world.connect() as node, pytest.raises(yanmen.ReceiptInvalid):
        node.query(SQL, contract=TERMS.id)


# Contracts, identity, the other end.


def test_a_contract_that_was_not_signed_so_is_not_believed(world: "World") -> None:
    with world.connect() as node:
        held = node.contract(TERMS.id)
        node.request_contract(replace(TERMS, id="5" * 32))
        world.bench.decide(ContractStatus.ACTIVE)
        other = node.contract("5" * 32)
        world.bench.held = held
        assert node.contract(TERMS.id).status is ContractStatus.ACTIVE
        for lie in (
            replace(held, acceptance=b""),
            replace(held, status=ContractStatus.DENIED),
            replace(held, digest="0" * 64),
            replace(held, offer=held.offer[:-4] + b"AAAA"),
            replace(held, acceptance=held.acceptance[:-4] + b"AAAA"),
            replace(held, acceptance=held.offer),
            replace(held, acceptance=other.acceptance),
            replace(held, terms=replace(held.terms, id="4" * 32)),
        ):
            world.bench.held = lie
            with pytest.raises(client.ReplyMalformed):
                node.contracts()


def test_a_denied_contract_is_not_shown_as_active(world: "World") -> None:
    world.bench.decide(ContractStatus.DENIED)
    assert world.bench.held is not None
    world.bench.held = replace(world.bench.held, status=ContractStatus.ACTIVE)
    with world.connect() as node, pytest.raises(client.ReplyMalformed):
        node.contracts()


def test_an_old_register_a_forged_one_and_that_of_another_space_are_refused(world: "World") -> None:
    world.connect().close()
    for register in (replace(world.register, serial=4), replace(world.register, space="other.test", serial=6)):
        world.publish(register)
        with pytest.raises(Fault) as fault:
            world.connect()
        assert fault.value.code is FaultCode.REGISTER
    world.space = keys.generate(world.folder / "other-space.key", RANDOM)
    world.publish(replace(world.register, serial=9))
    with pytest.raises(Fault) as fault:
        world.connect()
    assert fault.value.code is FaultCode.REGISTER


def test_a_node_that_is_not_active_or_not_listed_is_not_called(world: "World") -> None:
    node, member = world.register.parties
    world.publish(replace(world.register, serial=6, parties=(replace(node, status=PartyStatus.REVOKED), member)))
    for name in ("civil", NODE, node.address):
        with pytest.raises(Fault, match="revoked"):
            client.connect(name, world.member)
    with pytest.raises(Fault, match="lists no node"):
        client.connect("health", world.member)
    with pytest.raises(Fault, match="lists no node"):
        client.connect("lab", world.member)


def test_an_address_of_its_own_needs_the_nodes_name(world: "World") -> None:
    with client.connect(f"127.0.0.1:{world.port}", world.member, node=NODE) as node:
        assert node.party.alias == "civil"
    with pytest.raises(yanmen.Unreachable):
        client.connect("127.0.0.1:1", world.member, node="civil")


def test_another_node_of_the_space_on_the_same_host_is_not_spoken_to(world: "World") -> None:
    node, member = world.register.parties
    renewed = replace(node, certificate_sha256="0" * 64)
    world.publish(replace(world.register, serial=6, parties=(renewed, member)))
    with pytest.raises(yanmen.Unreachable, match="another certificate"):
        world.connect()
    assert world.bench.calls == []


def test_a_certificate_swapped_after_the_first_look_is_not_accepted(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = (world.member / "tls.crt").read_bytes()
    monkeypatch.setattr("yanmen.client.calls.registered_certificate", lambda *_: mine)
    with pytest.raises(yanmen.Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        world.connect()


def test_a_server_of_another_space_is_not_spoken_to(world: "World") -> None:
    key = world.folder / "other-root.key"
    (world.member / "ca.crt").write_bytes(x509.create_authority(key, "space.test", CLOCK.now_ms(), RANDOM))
    with pytest.raises(yanmen.Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        world.connect()


@pytest.mark.parametrize("name", ["identity.json", "signing.key", "tls.key", "tls.crt", "ca.crt"])
def test_a_file_missing_from_the_identity_is_named(world: "World", name: str) -> None:
    (world.member / name).unlink()
    with pytest.raises(Fault, match=name):
        world.connect()


def test_a_key_that_others_may_read_is_refused(world: "World") -> None:
    (world.member / "tls.key").chmod(0o644)
    with pytest.raises(Fault, match="chmod 600"):
        world.connect()


def test_no_key_is_printed(world: "World") -> None:
    identity = client.Identity.load(world.member)
    assert "PRIVATE" not in repr(identity)
    assert "Signer" not in repr(identity)


def test_the_package_names_the_sdk_and_loads_it_late() -> None:
    import subprocess
    import sys

    code = "import sys, yanmen; assert 'grpc' not in sys.modules; yanmen.connect; assert 'grpc' in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert set(yanmen.__all__) <= set(dir(client)) | set(client.__all__)
    with pytest.raises(AttributeError):
        yanmen.nothing  # type: ignore[attr-defined]  # noqa: B018
