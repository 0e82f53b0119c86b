"""The policy `quorum`: no answer leaves before enough witnesses saw it, no question is taken once they are silent."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.note import VerifierKey
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.config import ReleasePolicy, ReleaseRules, Witness
from yanmen.model.refusal import Reason, Refused
from yanmen.node import releasing
from yanmen.node.releasing import Releasing
from yanmen.witness.serving import WitnessServer

from tests.unit.ledger.scene import Clockwork, Scene

MINUTE_MS = 60_000
RULES = ReleaseRules(ReleasePolicy.QUORUM, 2, unwitnessed_minutes=10)


@dataclass
class Offices:
    """Three witnesses, each of which may be silenced."""

    folder: Path
    origin: VerifierKey
    clock: Clockwork
    stack: ExitStack
    servers: dict[int, WitnessServer] = field(default_factory=dict)
    entries: dict[int, Witness] = field(default_factory=dict)

    def open(self, number: int) -> None:
        """Let witness `number` serve, at the port it had before."""
        path = self.folder / f"w{number}.sqlite"
        name = f"audit.example/w{number}"
        book = WitnessBook.open(path) if path.exists() else WitnessBook.create(path, name, SystemRandomness())
        self.stack.callback(book.close)
        book.watch(self.origin)
        port = int(self.entries[number].url.rpartition(":")[2]) if number in self.entries else 0
        server = WitnessServer(("127.0.0.1", port), book, self.clock)
        server.__enter__()
        self.servers[number] = server
        self.entries[number] = Witness(f"http://127.0.0.1:{server.port}", name, book.signer.public)

    def silence(self, number: int) -> None:
        """Stop witness `number`."""
        self.servers.pop(number).__exit__(None, None, None)

    def witnesses(self) -> tuple[Witness, ...]:
        """Return what node.toml names."""
        return tuple(self.entries[number] for number in sorted(self.entries))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "ledger.db")


@pytest.fixture
def ledger(scene: Scene) -> Iterator[Ledger]:
    with scene.open() as opened:
        yield opened


@pytest.fixture
def offices(tmp_path: Path, scene: Scene, ledger: Ledger) -> Iterator[Offices]:
    with ExitStack() as stack:
        made = Offices(tmp_path, VerifierKey(ledger.origin, ledger.log_public), scene.clock, stack)
        for number in range(3):
            made.open(number)
        yield made
        for number in list(made.servers):
            made.silence(number)


def test_an_answer_is_held_until_a_quorum_saw_its_leaf(scene: Scene, ledger: Ledger, offices: Offices) -> None:
    contract = scene.furnish(ledger)
    gate = Releasing(ledger, offices.witnesses(), RULES, scene.clock)
    index = scene.ask(ledger, contract).receipt.index
    assert not gate.covers(index)
    offices.silence(0)
    offices.silence(1)
    assert not gate.round()
    assert not gate.wait(index, 0), "one of three is no quorum of two"
    offices.open(1)
    assert gate.round()
    assert gate.covers(index)
    later = scene.ask(ledger, contract).receipt.index
    assert not gate.covers(later), "each leaf needs a head of its own"
    assert Releasing(ledger, offices.witnesses(), RULES, scene.clock).covers(index), "also after a restart"
    assert not Releasing(ledger, offices.witnesses(), RULES, scene.clock).covers(later)


def test_heads_are_handed_on_by_themselves(scene: Scene, ledger: Ledger, offices: Offices) -> None:
    contract = scene.furnish(ledger)
    gate = Releasing(ledger, offices.witnesses(), RULES, scene.clock)
    gate.start()
    try:
        for _ in range(3):
            assert gate.wait(scene.ask(ledger, contract).receipt.index, 20_000)
    finally:
        gate.stop()


def test_held_answers_leave_once_witnesses_are_back(
    scene: Scene, ledger: Ledger, offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "RETRY_S", 0.05)
    contract = scene.furnish(ledger)
    for number in (0, 1):
        offices.silence(number)
    gate = Releasing(ledger, offices.witnesses(), RULES, scene.clock)
    gate.start()
    try:
        index = scene.ask(ledger, contract).receipt.index
        assert not gate.wait(index, 300)
        offices.open(0)
        assert gate.wait(index, 20_000)
    finally:
        gate.stop()


def test_no_question_is_taken_once_witnesses_are_silent_for_the_set_time(
    scene: Scene, ledger: Ledger, offices: Offices
) -> None:
    gate = Releasing(ledger, offices.witnesses(), RULES, scene.clock)
    gate.require_witnesses()
    for number in (0, 2):
        offices.silence(number)
    scene.clock.ms += 10 * MINUTE_MS
    assert not gate.round()
    gate.require_witnesses()
    scene.clock.ms += 1
    with pytest.raises(Refused) as refused:
        gate.require_witnesses()
    assert refused.value.reason is Reason.NOT_WITNESSED
    assert refused.value.detail.hint_en
    assert refused.value.detail.hint_zh
    offices.open(2)
    assert gate.round(), "an unchanged head is cosigned again: the witnesses are there"
    gate.require_witnesses()


def test_the_policy_local_waits_for_nobody(scene: Scene, ledger: Ledger) -> None:
    gate = Releasing(ledger, (), ReleaseRules(), scene.clock)
    gate.start()
    scene.clock.ms += 100 * MINUTE_MS
    gate.require_witnesses()
    assert gate.wait(10**6, 0)
    gate.stop()
