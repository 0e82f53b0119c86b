"""Hashes of the newest leaves are written some at a time; until then they are made of the leaves."""

from pathlib import Path

import pytest
from yanmen.formats import merkle
from yanmen.ledger import tree
from yanmen.model.refusal import Fault, Reason, Refused

from tests.unit.ledger.scene import Scene, store_of


def refused(scene: Scene, leaves: int) -> None:
    """Let a ledger grow to `leaves` leaves, one transaction each."""
    with scene.open() as ledger:
        submission = scene.plan(scene.furnish(ledger)).admitted.submission
        while ledger.size() < leaves:
            ledger.refuse(submission, None, Refused(Reason.ROWS_WOULD_LEAVE))
            ledger.check()


@pytest.mark.parametrize("over", [0, 1, 15])
def test_every_proof_of_a_ledger_opened_again(tmp_path: Path, over: int) -> None:
    scene, leaves = Scene(tmp_path / "ledger.db"), 3 * tree.LEAVES_TOGETHER + over
    refused(scene, leaves)
    with scene.open(create=False) as ledger, ledger._store.read() as db:
        assert db.execute("SELECT count(*) FROM subtree WHERE level = 0").fetchone() == (3 * tree.LEAVES_TOGETHER,)
        read = tree.reader(db)
        entries = [jws.encode() for (jws,) in db.execute("SELECT jws FROM leaf ORDER BY position")]
        root = merkle.root(leaves, merkle.full_subtrees(map(merkle.leaf_hash, entries)))
        for index, entry in enumerate(entries):
            path = merkle.inclusion(index, leaves, read)
            merkle.verify_inclusion(merkle.leaf_hash(entry), index, leaves, path, root)


def test_a_hash_that_was_written_is_missed(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "ledger.db")
    refused(scene, 2 * tree.LEAVES_TOGETHER + 1)
    with scene.open(create=False) as ledger, store_of(ledger).write() as db:
        db.execute("DELETE FROM subtree WHERE level = 0 AND position = 3")
    with pytest.raises(Fault):
        scene.open(create=False)


def test_a_ledger_of_before_goes_on(tmp_path: Path) -> None:
    """One that wrote each hash with its leaf has some that others would write together later."""
    scene = Scene(tmp_path / "ledger.db")
    refused(scene, tree.LEAVES_TOGETHER + 5)
    with scene.open(create=False) as ledger:
        with store_of(ledger).write() as db:
            for index in range(tree.LEAVES_TOGETHER, tree.LEAVES_TOGETHER + 5):
                found = tree.reader(db)(0, index)
                db.execute("INSERT INTO subtree (level, position, hash) VALUES (0, ?, ?)", (index, found))
        ledger.check()
    refused(scene, 2 * tree.LEAVES_TOGETHER + 1)
