"""The log itself: how it begins, what a leaf shows, what proofs it gives, what it notices."""

import sqlite3
from dataclasses import replace

import pytest
from typing_extensions import override
from yanmen.crypto import notes, receipts
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import base64url, merkle, note, proof, receipt
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Series
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.log import About
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode, JobCode, Reason, Refused, Usage

from tests.unit.ledger.scene import (
    CONSUMER,
    LOG_KEY,
    NODE,
    PROFILE,
    RECEIPT_KEY,
    RIVAL,
    START_MS,
    Clockwork,
    Scene,
    disclosed,
    released,
    reserved,
    signer,
)


def verified(ledger: Ledger, found: Receipt) -> Checkpoint:
    """Check signature, disclosures and inclusion of a receipt as a consumer would."""
    said = receipts.verify_disclosed(found.sdjwt, RECEIPT_KEY.public)
    shown = proof.decode(found.proof)
    head = notes.verify_checkpoint(shown.checkpoint, ledger.origin, LOG_KEY.public)
    leaf = merkle.leaf_hash(said.leaf.jws)
    merkle.verify_inclusion(leaf, found.index, head.size, shown.path, head.root)
    assert shown.index == found.index
    assert said.leaf.head.stage is found.stage
    assert said.leaf.head.jti == found.jti
    return head


def test_how_a_log_begins(ledger: Ledger) -> None:
    stages = [ledger.receipt(index).stage for index in range(ledger.size())]
    assert stages == [Stage.GENESIS, Stage.KEY, Stage.KEY]
    genesis = disclosed(ledger.receipt(0)).slots[Slot.SUBJECT]
    assert genesis == {"node": NODE, "origin": ledger.origin, "suite": receipt.SUITE}
    keys = [disclosed(ledger.receipt(index)).slots[Slot.SUBJECT] for index in (1, 2)]
    assert [key["use"] for key in keys if isinstance(key, dict)] == ["receipt", "log"]
    assert [key["key"] for key in keys if isinstance(key, dict)] == [
        base64url.encode(RECEIPT_KEY.public),
        base64url.encode(LOG_KEY.public),
    ]
    assert ledger.origin == f"{NODE}.yanmen/usage-log/2026"


def test_the_year_is_chinese_civil_time(scene: Scene) -> None:
    new_year_in_china_ms = 1_798_732_800_000  # 2026-12-31T16:00Z
    scene.clock.ms = new_year_in_china_ms - 1
    with scene.open() as ledger:
        assert ledger.origin.endswith("/2026")
    other = Scene(scene.path.with_name("other.db"), clock=Clockwork(new_year_in_china_ms))
    with other.open() as ledger:
        assert ledger.origin.endswith("/2027")


def test_every_receipt_verifies_at_every_size(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    heads = []
    for _ in range(9):
        answer = scene.ask(ledger, contract)
        heads.append(verified(ledger, answer.receipt))
        assert heads[-1].size == ledger.size() == answer.receipt.index + 1
    for index in range(ledger.size()):
        assert verified(ledger, ledger.receipt(index)) == heads[-1]
    for old in heads:
        for new in heads:
            if old.size <= new.size:
                path = ledger.consistency(old.size, new.size)
                merkle.verify_consistency(old.size, new.size, path, old.root, new.root)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (0, 4_000), (3, 2)])
def test_proofs_beyond_the_log_are_refused(ledger: Ledger, old: int, new: int) -> None:
    with pytest.raises(merkle.BadProof):
        ledger.consistency(old, new)


def test_series_are_complete_for_each_contract(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    other = scene.furnish(ledger, consumer=RIVAL)
    for one in (contract, other, contract, contract, other):
        scene.ask(ledger, one)
    last: dict[object, tuple[int, str]] = {}
    for index in range(ledger.size()):
        found = disclosed(ledger.receipt(index))
        about = found.slots.get(Slot.CONTRACT, "")
        series = Series.read(found.slots[Slot.SERIES])
        assert (series.n - 1, series.prev) == last.get(about, (0, ""))
        last[about] = (series.n, base64url.encode(merkle.leaf_hash(found.leaf.jws)))
    assert {about: n for about, (n, _) in last.items()} == {"": 5, contract.terms.id: 8, other.terms.id: 6}


def test_leaves_look_alike(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """A refusal cannot be told from an answer by its size or its digests, nor a long question from a short one."""
    long = scene.plan(contract, sql="SELECT 1 -- " + "x" * 16_000)
    ledger.settle(reserved(ledger.reserve(long)), released(long), PROFILE)
    plan = scene.plan(contract)
    ledger.refuse(plan.admitted.submission, None, Refused(Reason.SQL_MALFORMED))
    leaves = [ledger.receipt(index).sdjwt.partition("~")[0] for index in range(ledger.size())]
    assert {len(leaf) for leaf in leaves} == {receipt.LEAF_BYTES}
    parsed = [receipt.decode_leaf(leaf.encode()) for leaf in leaves]
    assert {len(leaf.digests) for leaf in parsed} == {receipt.DIGESTS}
    assert len(frozenset().union(*(leaf.digests for leaf in parsed))) == receipt.DIGESTS * len(parsed)
    assert {leaf.head.iat_s % 60 for leaf in parsed} == {0}


def test_what_a_job_used_is_for_the_auditor_only(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """CPU, memory and the code of a failure depend on rows: the consumer's own receipt does not disclose them."""
    answer = scene.ask(ledger, contract)
    held = reserved(ledger.reserve(scene.plan(contract)))
    failed = ledger.abort(held, Reason.RUN_FAILED, JobCode.MEMORY, Usage(cpu_ms=777, peak_bytes=9_999_999))
    for shown in (answer.receipt, failed, ledger.receipt_for(failed.index, CONSUMER)):
        assert Slot.USAGE not in disclosed(shown).slots
        assert "MEMORY" not in str(disclosed(shown).slots)
    whole = disclosed(ledger.receipt(failed.index)).slots[Slot.USAGE]
    assert whole == {"code": "MEMORY", "cpu_ms_upto": 800, "peak_bytes_upto": 2**24, "reply_bytes_upto": 0}


def test_failures_look_alike(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Whatever went wrong while running, the consumer is told the same."""
    told: list[dict[Slot, Json]] = []
    for code in (JobCode.MEMORY, JobCode.TIME, JobCode.FAILED):
        held = reserved(ledger.reserve(scene.plan(contract)))
        slots = dict(disclosed(ledger.abort(held, Reason.RUN_FAILED, code, Usage(cpu_ms=len(told) * 500))).slots)
        told.append({slot: slots[slot] for slot in (Slot.DECISION, Slot.SUBJECT, Slot.RELEASE, Slot.DATASETS)})
        assert set(slots) == set(disclosed(ledger.receipt(held.intent_index)).slots) | {Slot.SUBJECT}
    assert told[0] == told[1] == told[2]


def test_receipts_are_for_their_own_consumer(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    index = scene.ask(ledger, contract).receipt.index
    assert ledger.receipt_for(index, CONSUMER).index == index
    for position, reader in ((index, RIVAL), (index, ""), (0, ""), (0, CONSUMER), (10_000, CONSUMER), (-1, CONSUMER)):
        with pytest.raises(Refused) as refused:
            ledger.receipt_for(position, reader)
        assert refused.value.reason is Reason.JOB_UNKNOWN
    with pytest.raises(Refused):
        ledger.receipt(10_000)


def test_the_clock_may_not_go_back(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    scene.clock.ms += 60_000
    last = scene.ask(ledger, contract)
    size = ledger.size()
    scene.clock.ms -= 2_000
    assert scene.ask(ledger, contract).receipt.index > last.receipt.index
    scene.clock.ms -= 1
    with pytest.raises(Fault) as fault:
        scene.ask(ledger, contract)
    assert fault.value.code is FaultCode.CLOCK_BEHIND
    with pytest.raises(Fault) as fault:
        scene.open()
    assert fault.value.code is FaultCode.CLOCK_BEHIND
    assert ledger.size() == size + 2
    scene.clock.ms += 1
    scene.ask(ledger, contract)
    times = [disclosed(ledger.receipt(index)).leaf.head.iat_s for index in range(ledger.size())]
    assert times == sorted(times)


def test_a_ledger_belongs_to_one_node_and_its_keys(scene: Scene, ledger: Ledger) -> None:
    keeper = scene.keeper()
    wrong: list[tuple[Keeper, FaultCode]] = [
        (replace(keeper, node_id=CONSUMER), FaultCode.CONFIG),
        (replace(keeper, receipt_signer=signer("other")), FaultCode.KEYS),
        (replace(keeper, log_signer=signer("other")), FaultCode.KEYS),
    ]
    for other, code in wrong:
        with pytest.raises(Fault) as fault:
            Ledger.open(scene.path, other, scene.limits)
        assert fault.value.code is code


def tamper(scene: Scene, *statements: str) -> None:
    """Do as one who can write the file: triggers are no obstacle."""
    connection = sqlite3.connect(scene.path, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


AT_ONCE = [
    "DELETE FROM leaf WHERE position = (SELECT max(position) FROM leaf)",
    "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)",
    "UPDATE checkpoint SET note = (SELECT note FROM checkpoint ORDER BY size LIMIT 1)",
    "UPDATE leaf SET jws = (SELECT jws FROM leaf WHERE position = 3) WHERE position = (SELECT max(position) FROM leaf)",
    "UPDATE subtree SET hash = zeroblob(32) WHERE level = (SELECT max(level) FROM subtree)",
    "DELETE FROM subtree WHERE level = (SELECT max(level) FROM subtree)",
    "UPDATE subtree SET hash = zeroblob(32) WHERE level = 0 AND position = 1",
]
WHEN_RECOMPUTED = [
    "UPDATE leaf SET jws = (SELECT jws FROM leaf WHERE position = 3) WHERE position = 4",
    "UPDATE contract SET micro_rho_spent = 0",
    "UPDATE contract SET queries_spent = 0",
    "UPDATE contract SET price_fen_spent = 0",
    "UPDATE subject_space SET micro_rho_spent = 0",
    "DELETE FROM contract_day",
    "UPDATE intent SET micro_rho = 0",
    "UPDATE intent SET ended = NULL",
    "DELETE FROM intent",
    "UPDATE job SET state = 'running', position = NULL, answer = NULL",
    "UPDATE answer SET released = x'7b7d'",
    "UPDATE answer SET released = CAST(replace(CAST(released AS TEXT), '41', '42') AS BLOB)",
    "UPDATE contract SET status = 'suspended'",
    "UPDATE subject_space SET micro_rho_cap = micro_rho_cap * 2",
    "UPDATE subject_space SET delta_e12_cap = delta_e12_cap + 1",
    "UPDATE dataset_version SET retracted = 1",
    "UPDATE register SET serial = 1",
    "INSERT INTO subtree (level, position, hash) VALUES (1, 0, zeroblob(32))",
    "INSERT INTO subtree (level, position, hash) VALUES (0, 1000, zeroblob(32))",
]


@pytest.mark.parametrize("statement", AT_ONCE)
def test_an_altered_log_does_not_open(scene: Scene, statement: str) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        for _ in range(5):
            scene.ask(ledger, contract)
    tamper(scene, "PRAGMA foreign_keys = OFF", statement)
    with pytest.raises(Fault) as fault:
        scene.open(create=False)
    assert fault.value.code is FaultCode.STORAGE


@pytest.mark.parametrize("statement", WHEN_RECOMPUTED)
def test_altered_books_are_found_by_recomputing(scene: Scene, statement: str) -> None:
    with scene.open() as ledger:
        contract = scene.furnish(ledger)
        for _ in range(5):
            scene.ask(ledger, contract)
        ledger.accept_register("s", 7, "a" * 64)
        ledger.check()
    tamper(scene, "PRAGMA foreign_keys = OFF", statement)
    with scene.open(create=False) as ledger, pytest.raises(Fault) as fault:
        ledger.check()
    assert fault.value.code is FaultCode.STORAGE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaf SET jws = 'x' WHERE position = 1",
        "DELETE FROM leaf WHERE position = 2",
        "INSERT INTO leaf VALUES (99, 'j', 'key', '', 0, 'x')",
        "UPDATE checkpoint SET note = 'x'",
        "DELETE FROM checkpoint",
        "UPDATE contract SET micro_rho_spent = micro_rho_cap + 1",
        "UPDATE subject_space SET micro_rho_spent = -1",
        "UPDATE intent SET ended = position + 1 WHERE ended IS NOT NULL",
    ],
)
def test_the_tables_themselves_hold_to_the_rules(
    scene: Scene, ledger: Ledger, contract: Contract, statement: str
) -> None:
    scene.ask(ledger, contract)
    with pytest.raises(Fault), ledger._store.write() as db:
        db.execute(statement)


def test_a_leaf_without_a_head_is_never_committed(ledger: Ledger) -> None:
    size = ledger.size()
    with pytest.raises(Fault, match="without a head"), ledger._writing() as db:
        ledger._log.append(db, Stage.KEY, {Slot.SUBJECT: "x"}, About())
    assert ledger.size() == size


def test_events(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    found = ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": RIVAL}})
    assert disclosed(found).slots[Slot.SUBJECT] == {"member": RIVAL}
    about = ledger.append_event(Stage.CONTRACT, {Slot.SUBJECT: "note"}, contract.terms.id)
    assert disclosed(about).slots[Slot.CONTRACT] == contract.terms.id
    assert ledger.receipt_for(about.index, CONSUMER).jti == about.jti
    for stage in (Stage.GENESIS, Stage.INTENT, Stage.OUTCOME, Stage.REFUSED, Stage.ABORTED):
        with pytest.raises(Fault):
            ledger.append_event(stage, {})
    with pytest.raises(Refused):
        ledger.append_event(Stage.CONTRACT, {}, "0" * 32)
    with pytest.raises(Fault):
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: 1.5})  # type: ignore[dict-item]


def test_the_last_head_is_what_is_shown(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    ledger.set_status(contract.terms.id, ContractStatus.SUSPENDED, "Li Si")
    signed = note.decode(ledger.checkpoint().encode())
    assert notes.verify_checkpoint(signed, ledger.origin, LOG_KEY.public).size == ledger.size()


def test_randomness_is_injected(scene: Scene) -> None:
    class Stuck(SystemRandomness):
        @override
        def token(self, size: int) -> bytes:
            return bytes(size)

    keeper = replace(scene.keeper(), randomness=Stuck())
    with pytest.raises(Fault) as fault:
        Ledger.open(scene.path, keeper, scene.limits)
    assert fault.value.code is FaultCode.INTERNAL, "equal decoys are no decoys"
    assert scene.clock.ms == START_MS
