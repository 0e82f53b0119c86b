"""7.6c 控制策略执行: what is running is ended at once by the holder's order, whatever it names, each with a receipt."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
import yanmen
from yanmen.crypto import documents
from yanmen.ledger.ledger import Ledger
from yanmen.model.receipt import Receipt, Stage
from yanmen.node.controlling import HEARTBEAT
from yanmen.node.holder import open_holder

from tests.patience import once_within, timed, wait_until
from tests.system.orders import ACTOR, WHY, ended, listening, resume, served, suspend
from tests.system.town import Town, done, run

KILL_S, CUT_S, BEAT_S = 1.0, 2.0, 5.0
Order = Callable[[str, str], Receipt]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Ledger]]:
    """Give a served town and its ledger."""
    with served(tmp_path_factory.mktemp("town")) as made:
        yield made


def test_a_running_question_is_killed_within_a_second(place: tuple[Town, Ledger]) -> None:
    town, ledger = place

    def kill() -> float:
        found = ended(town, ledger, lambda job, _: ledger.kill(job, WHY, ACTOR))
        assert found.reason == "TERMINATED"
        return found.seconds

    once_within(KILL_S, kill)


def test_a_running_question_is_killed_whatever_lies_in_the_folder_of_policies(place: tuple[Town, Ledger]) -> None:
    town, ledger = place
    pipe = town.node / "policies" / "zz.cedar"
    os.mkfifo(pipe)  # who opens it to read waits until somebody writes
    try:
        time.sleep(0.5)
        once_within(KILL_S, lambda: ended(town, ledger, lambda job, _: ledger.kill(job, WHY, ACTOR)).seconds)
    finally:
        pipe.unlink()


def test_a_suspended_contract_ends_what_runs_and_goes_on_when_resumed(place: tuple[Town, Ledger]) -> None:
    town, ledger = place

    def stop() -> float:
        found = ended(town, ledger, lambda _, contract: suspend(ledger, contract))
        assert found.reason == "CONTRACT_SUSPENDED"
        resume(ledger, town.contract())
        return found.seconds

    once_within(KILL_S, stop)


def test_a_suspended_member_is_served_no_more_until_resumed(place: tuple[Town, Ledger]) -> None:
    town, ledger = place
    found = ended(town, ledger, lambda *_: _ordered(town, "suspend-member", "alice", ledger))
    assert found.reason == "MEMBER_SUSPENDED"
    assert not _served(town)
    assert ledger.receipt(ledger.size() - 1).stage is Stage.REFUSED
    done("control", "resume-member", town.node, "alice", "--by", ACTOR, "--reason", WHY)
    wait_until(lambda: _served(town))


def test_one_command_disconnects_and_another_connects(place: tuple[Town, Ledger]) -> None:
    """一键断网: calls are broken off, nobody listens, what ran is ended; the process stays, and takes calls again."""
    town, ledger = place

    def cut() -> float:
        found = ended(town, ledger, lambda *_: ledger.disconnect(WHY, ACTOR))
        assert found.reason == "DISCONNECTED"
        closed = timed(lambda: wait_until(lambda: not listening(town)))
        assert run("query", "--as", town.root / "alice", "--at", "clinic", "--contract", town.contract(), "SELECT 1")[0]
        done("control", "connect", town.node, "--by", ACTOR, "--reason", "已处置")
        wait_until(lambda: listening(town))
        return found.seconds + closed

    once_within(CUT_S, cut)
    assert town.process is not None
    assert town.process.poll() is None


def test_a_node_that_was_disconnected_starts_disconnected(place: tuple[Town, Ledger]) -> None:
    town, ledger = place
    ledger.disconnect(WHY, ACTOR)
    wait_until(lambda: not listening(town))
    town.stop()
    assert not done("control", "status", town.node)["connected"]
    ledger.connect(WHY, ACTOR)
    town.serve()
    wait_until(lambda: listening(town))


def test_the_heart_beats_every_five_seconds(place: tuple[Town, Ledger]) -> None:
    town, _ = place
    with open_holder(town.node) as holder:
        key = holder.receipt_signer.public

    def beat() -> int:
        return documents.open_heartbeat((town.node / HEARTBEAT).read_bytes().removesuffix(b"\n"), key).at_ms

    first = beat()
    wait_until(lambda: beat() != first)
    second = beat()
    wait_until(lambda: beat() != second)
    assert beat() - second >= BEAT_S * 1000
    assert done("control", "status", town.node)["heartbeat"]["connected"]


def test_every_order_and_what_it_ended_verifies(place: tuple[Town, Ledger]) -> None:
    town, ledger = place
    ended(town, ledger, lambda job, _: ledger.kill(job, WHY, ACTOR))
    assert town.verify("bundle")["ok"]


def _ordered(town: Town, verb: str, target: str, ledger: Ledger) -> Receipt:
    return ledger.receipt(done("control", verb, town.node, target, "--by", ACTOR, "--reason", WHY)["receipt"])


def _served(town: Town) -> bool:
    try:
        with yanmen.connect("clinic", identity=town.root / "alice") as node:
            return bool(node.catalogue())
    except yanmen.Refused as refused:
        return refused.reason.value != "MEMBER_SUSPENDED"


@pytest.mark.parametrize("words", [("--by", " "), ("--reason", "x" * 257), ("--reason", "")])
def test_an_order_names_who_and_why(place: tuple[Town, Ledger], words: tuple[str, str]) -> None:
    town, _ = place
    given = {"--by": ACTOR, "--reason": WHY, words[0]: words[1]}
    assert run("control", "disconnect", town.node, *(word for pair in given.items() for word in pair))[0] == 2


def test_a_member_nobody_knows_is_not_suspended(place: tuple[Town, Ledger]) -> None:
    assert run("control", "suspend-member", place[0].node, "nobody", "--by", ACTOR, "--reason", WHY)[0] == 2


def test_nothing_is_killed_that_does_not_run(place: tuple[Town, Ledger]) -> None:
    code, said = run("control", "kill", place[0].node, "ab" * 16, "--by", ACTOR, "--reason", WHY)
    assert (code, said["reason"]) == (1, "JOB_UNKNOWN")
