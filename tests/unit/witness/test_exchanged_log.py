"""A log that exchanged its key goes on being one history for its witnesses; the old key never counts again."""

from http import HTTPStatus
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import add_checkpoint, merkle, note
from yanmen.formats.add_checkpoint import AddCheckpoint
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.key_changes import Demand
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.party import KeyEnd, KeyUse
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.witness import cosigner, standing

from tests.attacks.exchanged_keys import NEXT, Operator, operator
from tests.unit.ledger.scene import LOG_KEY, NODE, RECEIPT_KEY, Scene
from tests.unit.witness.conftest import Office
from tests.vectors.specimen import ORIGIN

NEW = VerifierKey(ORIGIN, NEXT[KeyUse.LOG].public)
OLD = VerifierKey(ORIGIN, LOG_KEY.public)


def add(office: Office, log: Operator, old: int) -> HTTPStatus:
    """Hand the head of now to the witness and return its answer."""
    path = merkle.consistency(old, len(log.leaves), log.reader())
    return cosigner.add(office.book, office.clock, add_checkpoint.encode(AddCheckpoint(old, path, log.head()))).status


def test_heads_of_the_new_key_grow_out_of_those_of_the_old_one(office: Office) -> None:
    log = operator()
    size = len(log.leaves)
    assert add(office, log, 0) is HTTPStatus.OK
    log.exchange(KeyUse.LOG)
    assert add(office, log, size) is HTTPStatus.FORBIDDEN
    with pytest.raises(Fault, match="another key"):
        office.book.watch(NEW)
    office.book.watch(NEW, exchanged=True)
    office.book.watch(NEW, exchanged=True)
    fork = operator()
    fork.refuse("", "QUOTA_SPENT")
    fork.keys[KeyUse.LOG] = NEXT[KeyUse.LOG]
    fork.leaves[2] = operator().leaves[3]
    assert add(office, fork, size) is HTTPStatus.UNPROCESSABLE_ENTITY
    assert add(office, log, size) is HTTPStatus.OK
    log.refuse("", "QUOTA_SPENT")
    log.keys[KeyUse.LOG] = LOG_KEY
    assert add(office, log, size + 1) is HTTPStatus.FORBIDDEN
    with pytest.raises(Fault, match="does not come back") as error:
        office.book.watch(OLD, exchanged=True)
    assert error.value.code is FaultCode.KEYS


def test_the_command_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "office"
    folder.mkdir()
    with WitnessBook.create(folder / "witness.sqlite", "audit.test/w1", SystemRandomness()) as book:
        book.watch(OLD)
    (tmp_path / "log.vkey").write_text(note.encode_key(NEW) + "\n")
    assert main(["witness", "watch", str(folder), str(tmp_path / "log.vkey")]) == 3
    assert main(["witness", "watch", str(folder), str(tmp_path / "log.vkey"), "--exchanged"]) == 0


def test_a_node_starts_though_its_witness_last_saw_a_head_of_the_old_key(office: Office, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.sqlite")
    with scene.open() as ledger:
        office.book.watch(VerifierKey(ledger.origin, LOG_KEY.public))
        standing.submit(ledger, office.entry)
        ledger.serve_alone()
        ledger.exchange_key(Demand(KeyUse.LOG, KeyEnd.ROTATED, "张某", "年度更换", NEXT[KeyUse.LOG]))
    keeper = Keeper(NODE, RECEIPT_KEY, NEXT[KeyUse.LOG], scene.clock, SystemRandomness())
    with Ledger.open(scene.path, keeper, scene.limits, create=False) as ledger:
        standing.check(ledger, [office.entry])
        with pytest.raises(Fault, match="403"):
            standing.submit(ledger, office.entry)
        office.book.watch(VerifierKey(ledger.origin, NEXT[KeyUse.LOG].public), exchanged=True)
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
        assert standing.submit(ledger, office.entry).size == ledger.size()
        standing.check(ledger, [office.entry])
        ledger.tiles(tmp_path / "mirror")
        ledger.check()
    with pytest.raises(Fault, match="other keys"):
        scene.open(create=False)
