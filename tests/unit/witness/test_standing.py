"""A node and its witnesses: it starts only if it forgot nothing they saw, and no witness is believed without proof."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import note
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.verify import Beside, verify_bundle
from yanmen.witness import cosigner, standing
from yanmen.witness.cosigner import Reply
from yanmen.witness.serving import WitnessServer

from tests.unit.ledger.scene import LOG_KEY, SPACE_KEY, Scene, papers
from tests.unit.witness.conftest import Clockwork, Office


@pytest.fixture
def scene(tmp_path: Path, office: Office) -> Scene:
    made = Scene(tmp_path / "ledger.sqlite")
    with made.open() as ledger:
        office.book.watch(VerifierKey(ledger.origin, LOG_KEY.public))
    return made


def grow(ledger: Ledger, size: int) -> None:
    while ledger.size() < size:
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})


def fault(work: Callable[[], object]) -> Fault:
    with pytest.raises(Fault) as caught:
        work()
    return caught.value


def test_a_node_that_forgot_nothing_starts(scene: Scene, office: Office, tmp_path: Path) -> None:
    with scene.open() as ledger:
        standing.check(ledger, [office.entry])
        for size in (5, 5, 9):
            grow(ledger, size)
            seen = standing.submit(ledger, office.entry)
            assert (seen.witness, seen.size, seen.at_s) == (office.book.name, size, office.clock.ms // 1000)
            standing.check(ledger, [office.entry])
        grow(ledger, 12)
        standing.check(ledger, [office.entry])
        ledger.export(tmp_path / "bundle", papers())
    report = verify_bundle(tmp_path / "bundle", SPACE_KEY.public, Beside(witnesses=(office.book.key,)))
    assert report.ok
    assert [(one.witness, one.size) for one in report.cosigned] == [(office.book.name, 9)]


def test_the_mirror_of_a_cosigned_head_carries_the_cosignature(scene: Scene, office: Office, tmp_path: Path) -> None:
    with scene.open() as ledger:
        standing.submit(ledger, office.entry)
        ledger.tiles(tmp_path / "mirror")
    signed = note.decode((tmp_path / "mirror" / "checkpoint").read_bytes())
    assert [item.name for item in signed.signatures] == [ledger.origin, office.book.name]


def test_a_restored_backup_does_not_start(scene: Scene, office: Office, tmp_path: Path) -> None:
    with scene.open() as ledger:
        grow(ledger, 6)
    shutil.copy(scene.path, tmp_path / "backup.sqlite")
    with scene.open() as ledger:
        grow(ledger, 9)
        standing.submit(ledger, office.entry)
    shutil.copy(tmp_path / "backup.sqlite", scene.path)
    with scene.open() as ledger:
        for work in (standing.check, lambda book, them: standing.submit(book, them[0])):
            found = fault(lambda work=work: work(ledger, [office.entry]))  # type: ignore[misc]
            assert found.code is FaultCode.LOG_BEHIND
            assert "9 leaves, the ledger has 6" in found.note
        grow(ledger, 15)  # whoever goes on with the backup has forked the log
        for work in (standing.check, lambda book, them: standing.submit(book, them[0])):
            found = fault(lambda work=work: work(ledger, [office.entry]))  # type: ignore[misc]
            assert found.code is FaultCode.LOG_BEHIND
            assert "another history" in found.note


def test_of_two_histories_a_node_gets_one_cosigned(scene: Scene, office: Office, tmp_path: Path) -> None:
    twin = Scene(tmp_path / "twin.sqlite")
    with scene.open() as ledger:
        grow(ledger, 6)
    shutil.copy(scene.path, twin.path)
    with scene.open() as ledger, twin.open() as other:
        grow(ledger, 8)
        grow(other, 8)
        standing.submit(ledger, office.entry)
        assert fault(lambda: standing.submit(other, office.entry)).code is FaultCode.LOG_BEHIND
        assert fault(lambda: standing.check(other, [office.entry])).code is FaultCode.LOG_BEHIND


def test_a_witness_that_went_back_stops_the_node(scene: Scene, office: Office, tmp_path: Path) -> None:
    """A witness restored from a backup can cosign two histories: its word is worth nothing any more."""
    with scene.open() as ledger:
        grow(ledger, 6)
        standing.submit(ledger, office.entry)
        fresh = WitnessBook.create(tmp_path / "fresh.sqlite", office.book.name, SystemRandomness())
        fresh.signer = office.book.signer
        with fresh, WitnessServer(("127.0.0.1", 0), fresh, Clockwork()) as server:
            fresh.watch(VerifierKey(ledger.origin, LOG_KEY.public))
            again = replace(office.entry, url=f"http://127.0.0.1:{server.port}")
            found = fault(lambda: standing.check(ledger, [again]))
    assert found.code is FaultCode.LOG_BEHIND
    assert "does not remember" in found.note


def test_a_witness_that_does_not_answer_stops_the_node(scene: Scene, office: Office) -> None:
    office.server.server_close()
    with scene.open() as ledger:
        for work in (standing.check, lambda book, them: standing.submit(book, them[0])):
            found = fault(lambda work=work: work(ledger, [office.entry]))  # type: ignore[misc]
            assert found.code is FaultCode.UNREACHABLE


def test_one_that_does_not_answer_keeps_no_other_from_cosigning(scene: Scene, office: Office) -> None:
    gone = replace(office.entry, url="http://127.0.0.1:1", name="gone")
    with scene.open() as ledger:
        assert fault(lambda: standing.submit_all(ledger, [gone, office.entry])).code is FaultCode.UNREACHABLE
        assert ledger.cosigned(office.book.key) == ledger.size()


FORGED = "— audit.shanxi.example/w1 " + "A" * 100 + "==\n"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(HTTPStatus.OK, b""),
        Reply(HTTPStatus.OK, b"\xff"),
        Reply(HTTPStatus.OK, FORGED.encode()),
        Reply(HTTPStatus.CONFLICT, b"-1\n", "text/x.tlog.size"),
        Reply(HTTPStatus.CONFLICT, b"007\n", "text/x.tlog.size"),
        Reply(HTTPStatus.CONFLICT, b"3", "text/x.tlog.size"),
    ],
)
def test_what_a_lying_witness_answers_is_not_believed(
    scene: Scene, office: Office, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(cosigner, "add", lambda *_: reply)
    with scene.open() as ledger:
        assert fault(lambda: standing.submit(ledger, office.entry)).code is FaultCode.REPLY_MALFORMED
        assert ledger.cosigned(office.book.key) == 0


def test_somebody_else_in_a_witness_s_place_is_not_believed(scene: Scene, office: Office) -> None:
    stranger = replace(office.entry, public=LOG_KEY.public)
    with scene.open() as ledger:
        assert fault(lambda: standing.submit(ledger, stranger)).code is FaultCode.REPLY_MALFORMED
        standing.submit(ledger, office.entry)
        assert fault(lambda: standing.check(ledger, [stranger])).code is FaultCode.REPLY_MALFORMED


def test_a_cosignature_over_another_head_is_not_kept(scene: Scene, office: Office) -> None:
    with scene.open() as ledger:
        old = ledger.size()
        standing.submit(ledger, office.entry)
        kept = note.decode(office.book.watched()[-1].note.encode())
        grow(ledger, old + 1)
        for one in office.book.watched():
            if one.key.name == ledger.origin:
                kept = note.decode(one.note.encode())
        found = fault(lambda: ledger.add_cosignature(old + 1, office.book.key, kept.signatures[1]))
    assert found.code is FaultCode.REPLY_MALFORMED
