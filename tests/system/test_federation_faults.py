"""Whoever drops out, stalls or is killed in a federated question is named, and nothing wrong is published."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yanmen.client.errors import Refused
from yanmen.client.federated_answer import FederatedAnswer
from yanmen.client.federating import federation
from yanmen.client.identity import Identity
from yanmen.client.node import connect
from yanmen.formats import config as config_format
from yanmen.model.config import Config
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Fault, FaultCode, Reason
from yanmen.verify.federation import verify_folder
from yanmen.wire.v1 import federation_pb2

from tests.patience import wait_until
from tests.system.league import AGGREGATORS, League

NODES = ("city1", "city2", "city3")
SQL = "SELECT ward, count(*) AS n FROM visits GROUP BY ward"
NORTH, SOUTH = 300, 100
"""Persons of one department in each ward (tests/system/league)."""


@dataclass
class Scattered(League):
    """A league whose parties can be killed and stopped each by itself."""

    own: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def begin(self, kind: str, name: str) -> None:
        """Serve one party in a process of its own."""
        ready = self.root / name / "serving.address"
        ready.unlink(missing_ok=True)
        words = [sys.executable, "-m", "yanmen.cli.main", kind, "serve", str(self.root / name)]
        with (self.root / f"{name}.log").open("ab") as log:
            process = self.own[name] = subprocess.Popen(words, stdout=log, stderr=log)
        wait_until(lambda: ready.exists() or process.poll() is not None)
        assert ready.exists(), (self.root / f"{name}.log").read_text(errors="replace")[-2000:]

    def kill(self, name: str) -> None:
        """Kill one, as a power cut does."""
        os.kill(self.own[name].pid, signal.SIGKILL)
        self.own[name].wait()

    @contextmanager
    def stalled(self, name: str) -> Iterator[None]:
        """Stop one without ending it: it holds its connections and says nothing."""
        os.kill(self.own[name].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.own[name].pid, signal.SIGCONT)

    def end(self) -> None:
        """End all by their pids."""
        for process in self.own.values():
            if process.poll() is None:
                process.terminate()
        for process in self.own.values():
            process.wait(timeout=60)

    def id(self, name: str) -> str:
        """Return a department's connector id."""
        return Identity.load(self.developer).node(name).id

    def left(self, name: str) -> int:
        """Return what is left of the developer's budget at one department."""
        with connect(name, self.developer) as node:
            return node.balance(self.contract(name)).micro_rho_left

    def ask(
        self, *, least: int = 3, timeout: float = 60.0, at: dict[str, Callable[[], None]] | None = None
    ) -> FederatedAnswer:
        """Ask all, doing what `at` says when a step has ended."""

        def progress(step: str, done: int, of: int) -> None:
            if done == of and step in (at or {}):
                (at or {})[step]()

        contracts = {name: self.contract(name) for name in NODES}
        with federation(Identity.load(self.developer), contracts, AGGREGATORS, progress=progress) as many:
            return many.query(SQL, micro_rho=20_000, contributors_least=least, partition="home", timeout=timeout)

    def verified(self, answer: FederatedAnswer, folder: Path) -> None:
        """Hold an answer to the truth and check it from files."""
        answer.save(folder)
        register, key = self.space / "register.jws", Identity.load(self.developer)
        checked = verify_folder(folder, register.read_bytes(), _key(self))
        assert (checked.contributors, key.space) == (answer.contributors, "league.example")
        for row, width, each in zip(answer.table.rows, answer.table.widths, (NORTH, SOUTH), strict=True):
            # Ten times the 95 % half-width is beyond any luck.
            assert abs(int(str(row[1])) - each * len(answer.contributors)) <= 10 * (width[1] or 0)


def _key(league: League) -> bytes:
    found: Config = config_format.decode((league.root / NODES[0] / "node.toml").read_bytes())
    return found.space_key


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scattered]:
    """A league of single processes; every test leaves all of them serving."""
    made = Scattered(tmp_path_factory.mktemp("league"), NODES)
    made.build()
    try:
        for kind, names in (("node", NODES), ("aggregator", AGGREGATORS)):
            for name in names:
                made.begin(kind, name)
        for name in NODES:
            made.contract(name)
        yield made
    finally:
        made.end()


def test_an_aggregator_that_says_nothing_is_named_before_any_node_charges(league: Scattered) -> None:
    before = [league.left(name) for name in NODES]
    began = time.monotonic()
    with league.stalled("statistics"), pytest.raises(Fault, match="statistics") as found:
        league.ask(timeout=4)
    assert found.value.code is FaultCode.UNREACHABLE
    assert time.monotonic() - began < 60
    assert [league.left(name) for name in NODES] == before


def test_an_aggregator_that_stalls_later_is_named_and_nothing_is_opened(league: Scattered) -> None:
    stop = {"shares": lambda: os.kill(league.own["auditors"].pid, signal.SIGSTOP)}
    try:
        with pytest.raises(Fault, match="auditors") as found:
            league.ask(timeout=8, at=stop)
    finally:
        os.kill(league.own["auditors"].pid, signal.SIGCONT)
    assert found.value.code is FaultCode.UNREACHABLE


@pytest.mark.parametrize("step", ["noise", "set"])
def test_an_aggregator_killed_in_the_middle_goes_on_where_it_was(league: Scattered, step: str, tmp_path: Path) -> None:
    """Deposits, noise and set are durable before they are told of, so that a question outlives kill -9."""

    def cut() -> None:
        league.kill("statistics")
        threading.Thread(target=lambda: league.begin("aggregator", "statistics")).start()

    answer = league.ask(at={step: cut})
    assert len(answer.contributors) == 3
    league.verified(answer, tmp_path)


def test_a_certified_set_stays_the_set_after_kill_9(league: Scattered) -> None:
    seen: list[FederatedAnswer] = [league.ask(least=2)]
    answer = seen[0]
    league.kill("bureau")
    league.begin("aggregator", "bureau")
    with federation(Identity.load(league.developer), {"city1": league.contract("city1")}, AGGREGATORS) as many:
        link = many.aggregators[many.identity.node("bureau", PartyRole.AGGREGATOR).id]
        fewer = federation_pb2.CertifyRequest(manifest=answer.manifest.token, nodes=answer.contributors[:2])
        with pytest.raises(Refused) as found:
            link.call(link.calls.federation.Certify, fewer)
        assert found.value.reason is Reason.SET_FIXED
        same = federation_pb2.CertifyRequest(manifest=answer.manifest.token, nodes=answer.contributors)
        assert link.call(link.calls.federation.Certify, same).certificate in answer.opening.certificates


def test_a_node_that_dies_is_named_and_the_rest_go_on(league: Scattered, tmp_path: Path) -> None:
    gone = league.id("city3")
    try:
        answer = league.ask(least=2, timeout=30, at={"explain": lambda: league.kill("city3")})
        assert set(answer.contributors) == {league.id("city1"), league.id("city2")}
        assert set(answer.refused) == {gone}
        league.verified(answer, tmp_path / "one")
        answer = league.ask(least=2)  # it does not even connect now
        assert set(answer.refused) == {gone}
        league.verified(answer, tmp_path / "two")
        with pytest.raises(Fault, match="city3"):
            league.ask(least=3)
    finally:
        league.begin("node", "city3")


def test_a_node_that_is_too_slow_is_named_and_the_rest_go_on(league: Scattered, tmp_path: Path) -> None:
    slow = {"noise": lambda: os.kill(league.own["city2"].pid, signal.SIGSTOP)}
    try:
        answer = league.ask(least=2, timeout=15, at=slow)
    finally:
        os.kill(league.own["city2"].pid, signal.SIGCONT)
    assert set(answer.refused) == {league.id("city2")}
    league.verified(answer, tmp_path)


def test_a_node_that_dies_after_it_dealt_is_in_the_sum(league: Scattered, tmp_path: Path) -> None:
    """Its sealed shares and receipt are with the consumer; another node makes the table."""
    first = min(NODES, key=league.id)
    try:
        answer = league.ask(at={"shares": lambda: league.kill(first)})
        assert len(answer.contributors) == 3
        league.verified(answer, tmp_path)
    finally:
        league.begin("node", first)
