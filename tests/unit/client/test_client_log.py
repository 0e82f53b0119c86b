"""A log that went back, forked or cannot prove itself: nothing is shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yanmen
from yanmen import client
from yanmen.client import durable
from yanmen.crypto import keys, notes
from yanmen.formats import checkpoint, note
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

from tests.unit.client.bench import NODE, OTHER, RANDOM, SQL, TERMS, YEAR

if TYPE_CHECKING:
    from tests.unit.client.conftest import World


def grow(world: "World", leaves: int) -> None:
    for _ in range(leaves):
        world.bench.log.append(Stage.KEY, {})


def stored(world: "World") -> Path:
    return world.member / "state" / f"{NODE}-{YEAR}.checkpoint"


def test_the_newest_checkpoint_is_kept_and_only_moves_forward(world: "World") -> None:
    sizes = []
    for step in range(6):
        grow(world, step)
        with world.connect() as node:
            node.query(SQL, contract=TERMS.id)
        sizes.append(checkpoint.decode(note.decode(stored(world).read_bytes()).text).size)
    assert sizes == sorted(set(sizes))
    assert [call for call in world.bench.calls if call[0] == "consistency"]


def test_a_log_that_lost_leaves_is_refused_at_connect(world: "World") -> None:
    grow(world, 5)
    world.connect().close()
    world.bench.log.cut(3)
    with pytest.raises(yanmen.LogWentBack, match="fewer leaves") as went:
        world.connect()
    for signed, size in ((went.value.before, 6), (went.value.after, 3)):
        evidence = notes.verify_checkpoint(
            note.decode(signed), checkpoint.origin(NODE, YEAR), world.register.parties[0].log_key
        )
        assert evidence.size == size


def test_a_log_begun_after_a_gap_in_the_same_year_is_for_people_to_believe(world: "World") -> None:
    grow(world, 5)
    world.connect().close()
    world.bench.log.number = 2
    with pytest.raises(yanmen.LogWentBack, match=r"says it lost leaves.* puts .*\.checkpoint aside"):
        world.connect()
    stored(world).unlink()
    world.connect().close()


@pytest.mark.parametrize("again", [2, 3, 9])
def test_a_log_that_was_rewritten_is_refused_and_nothing_shown(world: "World", again: int) -> None:
    grow(world, 5)
    with world.connect() as node:
        world.bench.log.cut(3)
        grow(world, again)
        with pytest.raises(yanmen.LogWentBack):
            node.query(SQL, contract=TERMS.id)
    with pytest.raises(yanmen.LogWentBack):
        world.connect()


def test_a_refusal_on_a_forked_log_is_not_shown_either(world: "World") -> None:
    grow(world, 5)
    with world.connect() as node:
        world.bench.log.cut(2)
        grow(world, 9)
        world.bench.refusal = Refused(Reason.BUDGET_SPENT)
        with pytest.raises(yanmen.LogWentBack):
            node.query(SQL, contract=TERMS.id)


@pytest.mark.parametrize(
    "lie", [(), (b"\0" * 32,), (b"short",), (b"\0" * 32,) * 70, Refused(Reason.REQUEST_MALFORMED, Detail("log size"))]
)
def test_a_log_that_cannot_prove_its_growth_is_refused(world: "World", lie: Any) -> None:
    grow(world, 4)
    world.connect().close()
    grow(world, 4)
    world.bench.consistency_lie = lie
    with pytest.raises(yanmen.LogWentBack):
        world.connect()


def test_a_busy_node_is_not_taken_for_a_dishonest_one(world: "World") -> None:
    grow(world, 4)
    world.connect().close()
    grow(world, 4)
    world.bench.consistency_lie = Refused(Reason.RATE_LIMITED)
    with pytest.raises(yanmen.Refused) as refused:
        world.connect()
    assert refused.value.reason is Reason.RATE_LIMITED
    world.bench.consistency_lie = None
    world.connect().close()


def test_a_proof_to_an_older_checkpoint_of_the_same_log_is_fine_and_is_not_remembered(world: "World") -> None:
    grow(world, 10)
    with world.connect() as node:
        world.bench.proof_size = 4
        assert node.receipt(2).size == 4
        assert checkpoint.decode(note.decode(stored(world).read_bytes()).text).size == 11
        world.bench.log.cut(3)
        grow(world, 20)
        with pytest.raises(yanmen.LogWentBack):
            node.receipt(2)


def test_a_checkpoint_by_another_key_or_of_another_log_is_refused(world: "World") -> None:
    world.connect().close()
    honest = world.bench.log.log_signer
    world.bench.log.log_signer = keys.generate(world.folder / "evil.key", RANDOM)
    with pytest.raises(yanmen.ReceiptInvalid, match="no signature of this key"):
        world.connect()
    world.bench.log.log_signer = honest
    world.bench.log.node = OTHER
    with pytest.raises(yanmen.ReceiptInvalid, match="another node"):
        world.connect()
    world.bench.log.node = NODE
    world.connect().close()


@pytest.mark.parametrize("year", [YEAR - 1, YEAR + 2])
def test_a_second_log_of_another_year_does_not_hide_the_first(world: "World", year: int) -> None:
    world.connect().close()
    world.bench.log.year = year
    with pytest.raises(yanmen.LogWentBack):
        world.connect()


def test_a_new_year_begins_a_new_log(world: "World") -> None:
    world.bench.log.year = YEAR - 1
    world.connect().close()
    world.bench.log.year = YEAR
    world.connect().close()
    world.bench.log.year = YEAR - 1
    world.connect().close()


def test_memory_that_was_tampered_with_is_not_trusted(world: "World") -> None:
    world.connect().close()
    stored(world).write_bytes(b"nonsense")
    with pytest.raises(Fault, match="kept here") as fault:
        world.connect()
    assert fault.value.code is FaultCode.STORAGE


def _connect(folder: Path, times: int) -> None:
    for _ in range(times):
        client.connect("civil", folder).close()


def test_many_threads_do_not_move_the_memory_backwards(world: "World") -> None:
    import threading

    threads = [threading.Thread(target=_connect, args=(world.member, 4)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        grow(world, 1)
    for thread in threads:
        thread.join(30)
    last = checkpoint.decode(note.decode(stored(world).read_bytes()).text).size
    world.connect().close()
    assert 1 < last <= 31


def test_a_crash_while_writing_leaves_the_old_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.write(tmp_path, "x", b"old")

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(Fault) as fault:
        durable.write(tmp_path, "x", b"new and longer")
    assert fault.value.code is FaultCode.STORAGE
    assert durable.read(tmp_path, "x", 100) == b"old"
