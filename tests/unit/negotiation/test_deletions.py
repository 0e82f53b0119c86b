"""The end of a contract: consumer and node prove that its answers are destroyed, in time, and of all of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen import closing, contracting
from yanmen.contracting import Approval
from yanmen.crypto import agreements, documents
from yanmen.crypto.keys import FileSigner
from yanmen.formats import deletion
from yanmen.formats.notice import Occasion
from yanmen.ledger import leaves
from yanmen.ledger.leaves import ContractRow
from yanmen.ledger.log import About
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.deletion import DeletionProof, ReleasedAnswer
from yanmen.model.negotiation import ActKind
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.node.holder import Holder
from yanmen.node.overdue import Deletions

from tests.unit.ledger.scene import CONSUMER, MEMBER_KEYS, NODE, RECEIPT_KEY, RIVAL, reserved, signer
from tests.unit.negotiation.market import DAY_MS, Market, market
from tests.unit.negotiation.test_rounds import act, refused, word


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Market]:
    with market(tmp_path) as made:
        yield made


def used(place: Market, **other: Any) -> Contract:
    """Return a contract under which two answers were given."""
    held = place.offer(place.terms(**{"deletion_days": 5, **other}))
    held = contracting.approve(held.terms.id, Approval("首席数据官"), place.office)
    for _ in range(2):
        place.hall.scene.ask(place.hall.ledger, held)
    return held


def revoked(place: Market, **other: Any) -> Contract:
    return contracting.revoke(used(place, **other).terms.id, "张某", place.office)


def proof(place: Market, held: Contract, key: FileSigner = MEMBER_KEYS[CONSUMER], **changed: Any) -> bytes:
    found = place.hall.ledger.released_under(held.terms.id)
    now_s = place.hall.clock.now_ms() // 1000
    digest = deletion.answers_sha256(found)
    said = DeletionProof(CONSUMER, NODE, held.terms.id, held.digest, len(found), digest, now_s, "已清除", now_s)
    return agreements.sign_deletion(replace(said, **changed), key)


def hand_in(place: Market, token: bytes, by: str = CONSUMER) -> Contract:
    return closing.prove(token, place.peer(by), place.office)


def stands(place: Market, held: Contract) -> Any:
    return {each.contract: each for each in place.hall.ledger.deletions()}[held.terms.id]


def test_what_is_not_proved_in_time_is_alerted_once(place: Market, tmp_path: Path) -> None:
    held = revoked(place)
    hall = place.hall
    parts: Any = {"register": hall, "randomness": None}
    holder = Holder(tmp_path, place.config, hall.clock, receipt_signer=RECEIPT_KEY, ledger=hall.ledger, **parts)
    outbox = tmp_path / "outbox"
    look = Deletions(holder)
    look.look()
    assert not outbox.exists(), "there are days left"
    hall.clock.ms += 5 * DAY_MS
    look.look()
    (path,) = outbox.iterdir()
    assert path.name == f"overdue-{held.terms.id}-deletion.jws"
    told = documents.open_notice(path.read_bytes().strip(), RECEIPT_KEY.public)
    assert (told.kind, told.case, told.text) == (Occasion.OVERDUE, held.terms.id, CONSUMER)
    path.write_bytes(b"seen")
    hall.clock.ms += 20_000
    look.look()
    assert path.read_bytes() == b"seen", "once"
    path.unlink()
    hand_in(place, proof(place, held))
    hall.clock.ms += 20_000
    look.look()
    assert not list(outbox.iterdir())


def test_both_prove_it_and_the_auditor_agrees(place: Market) -> None:
    held = used(place)
    ledger = place.hall.ledger
    assert closing.due(place.office) == ()
    job = ledger.receipt(ledger.size() - 1)
    assert job.stage is Stage.OUTCOME
    held = contracting.revoke(held.terms.id, "张某", place.office)
    assert [each.contract for each in closing.due(place.office)] == [held.terms.id]
    look = closing.Closing(place.office)
    look.look()
    assert closing.due(place.office) == ()
    assert hand_in(place, proof(place, held)).status is ContractStatus.REVOKED
    standing = stands(place, held)
    assert (standing.by_node, standing.by_consumer) == (ledger.size() - 2, ledger.size() - 1)
    place.hall.clock.ms += 20 * DAY_MS
    used(place)
    assert not standing.overdue(place.hall.clock.ms)
    assert place.findings() == ()
    ledger.check()


def test_the_nodes_own_answers_are_gone(place: Market) -> None:
    held = revoked(place)
    ledger = place.hall.ledger
    kept = [bytes(released) for (released,) in rows(place, "SELECT released FROM answer ORDER BY position")]
    assert all(kept)
    closing.close(held.terms.id, place.office)
    assert [bytes(released) for (released,) in rows(place, "SELECT released FROM answer")] == [b"", b""]
    (job,) = rows(place, "SELECT job_id FROM job ORDER BY position LIMIT 1")
    assert refused(ledger.outcome, job[0], CONSUMER) is Reason.JOB_UNKNOWN
    assert rows(place, "SELECT 1 FROM question") == []


def rows(place: Market, sql: str) -> list[Any]:
    with place.hall.ledger._store.read() as db:
        found: list[Any] = db.execute(sql).fetchall()
        return found


@pytest.mark.parametrize("how", ["consumer", "expiry"])
def test_every_end_asks_for_it(place: Market, how: str) -> None:
    held = used(place)
    if how == "consumer":
        act(place, word(ActKind.END, held))
    else:
        assert refused(hand_in, place, proof(place, held)) is Reason.DELETION_NOT_PROVED
        place.hall.clock.ms = held.terms.not_after_ms
    closing.close(held.terms.id, place.office)
    hand_in(place, proof(place, held))
    assert place.findings() == ()


def test_a_missed_term_is_seen_by_holder_and_auditor(place: Market) -> None:
    held = revoked(place)
    place.hall.clock.ms += 5 * DAY_MS
    assert stands(place, held).overdue(place.hall.clock.ms)
    place.hall.clock.ms += DAY_MS
    place.hall.publish("later")
    codes = {each.split(":")[0] for each in place.findings()}
    assert codes == {"DELETION_OVERDUE", "DELETION_MISSING"}
    closing.close(held.terms.id, place.office)
    report = place.hall.report(place.folder)
    assert [finding.code.value for finding in report.findings] == ["DELETION_OVERDUE"]
    assert report.ok  # it is the consumer's failing: a note
    hand_in(place, proof(place, held))
    assert place.findings() == ()


@pytest.mark.parametrize(
    ("changed", "by", "reason"),
    [
        ({"answers": 1}, CONSUMER, Reason.DELETION_NOT_PROVED),
        ({"answers_sha256": "a" * 64}, CONSUMER, Reason.DELETION_NOT_PROVED),
        ({"digest": "a" * 64}, CONSUMER, Reason.DELETION_NOT_PROVED),
        ({"contract": "f" * 32}, CONSUMER, Reason.CONTRACT_UNKNOWN),
        ({"node": RIVAL}, CONSUMER, Reason.REQUEST_FOR_ANOTHER_NODE),
        ({"by": NODE}, CONSUMER, Reason.SIGNATURE_INVALID),
        ({"key": signer("other")}, CONSUMER, Reason.SIGNATURE_INVALID),
        ({"key": MEMBER_KEYS[RIVAL]}, RIVAL, Reason.CONTRACT_UNKNOWN),
        ({"issued_s": 2**40}, CONSUMER, Reason.DELETION_NOT_PROVED),
    ],
)
def test_what_is_no_proof(place: Market, changed: dict[str, Any], by: str, reason: Reason) -> None:
    held = revoked(place)
    assert refused(hand_in, place, proof(place, held, **changed), by) is reason
    assert stands(place, held).by_consumer is None


def test_it_is_proved_once(place: Market) -> None:
    held = revoked(place)
    token = proof(place, held)
    hand_in(place, token)
    size = place.hall.ledger.size()
    hand_in(place, token)
    assert place.hall.ledger.size() == size
    assert refused(hand_in, place, proof(place, held, text="again")) is Reason.DELETION_NOT_PROVED
    closing.close(held.terms.id, place.office)
    place.hall.clock.ms += 60_000
    with pytest.raises(Refused):
        closing.close(held.terms.id, place.office)


def test_nothing_is_destroyed_while_a_question_is_answered(place: Market) -> None:
    held = used(place)
    running = reserved(place.hall.ledger.reserve(place.hall.scene.plan(held)))
    contracting.revoke(held.terms.id, "张某", place.office)
    assert refused(closing.close, held.terms.id, place.office) is Reason.DELETION_NOT_PROVED
    closing.Closing(place.office).look()
    assert running.plan.admitted.contract == held


def test_a_contract_that_asks_for_none_is_left_alone(place: Market) -> None:
    held = revoked(place, deletion_days=None)
    assert closing.due(place.office) == ()
    assert refused(closing.close, held.terms.id, place.office) is Reason.DELETION_NOT_PROVED
    place.hall.clock.ms += 40 * DAY_MS
    place.hall.publish("later")
    assert place.findings() == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"answers": 7},
        {"answers_sha256": "a" * 64},
        {"digest": "a" * 64},
        {"key": signer("other")},
        {"by": NODE},
        {"by": RIVAL, "key": MEMBER_KEYS[RIVAL]},
        {"by": NODE, "key": RECEIPT_KEY, "answers": 0},
    ],
)
def test_the_auditor_finds_what_is_no_proof(place: Market, changed: dict[str, Any]) -> None:
    held = revoked(place)
    append(place, held, proof(place, held, **changed))
    assert place.findings()[0].startswith("DELETION_WRONG")


def test_the_auditor_finds_a_proof_before_the_end(place: Market) -> None:
    held = used(place)
    append(place, held, proof(place, held))
    assert "not over" in place.findings()[0]


def append(place: Market, held: Contract, token: bytes) -> None:
    ledger = place.hall.ledger
    row = ContractRow(held.terms.id, CONSUMER, held.digest)
    with ledger._writing() as db:
        said = leaves.contract(row, held.status, "", token)
        ledger._log.append(db, Stage.CONTRACT, said, About(held.terms.id, CONSUMER))
        ledger._log.seal(db)


def test_the_digest_tells_answers_apart() -> None:
    one, two = ReleasedAnswer("1" * 32, "a" * 64), ReleasedAnswer("2" * 32, "a" * 64)
    digests = {deletion.answers_sha256(each) for each in ((), (one,), (two,), (one, two), (two, one))}
    assert len(digests) == 5
