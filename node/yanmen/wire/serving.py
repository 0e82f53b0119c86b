"""Serve the parties in some folders until told to stop."""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from yanmen.crypto import x509
from yanmen.crypto.system import SystemClock
from yanmen.execution.jail import Shared
from yanmen.execution.process import Spawner
from yanmen.execution.waiting import Room
from yanmen.ledger import daybook as daybooks
from yanmen.ledger.daybook import Daybook
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Profile, Spans
from yanmen.node import readiness, succession
from yanmen.node.holder import Holder, open_holder
from yanmen.node.institution import Institution, open_institution
from yanmen.node.node import Node
from yanmen.node.readiness import Probe, Readiness
from yanmen.wire import library_lines
from yanmen.wire.api import LogApi
from yanmen.wire.expiry import Ends, Watch
from yanmen.wire.gate import Ears, Gate
from yanmen.wire.https.server import Port
from yanmen.wire.https.serving import server as https_server
from yanmen.wire.operations import Watched, operations, spans
from yanmen.wire.renewal import CertificateFiles, Place
from yanmen.wire.server import Beside, Install, Server, Surroundings, aggregator_services, node_services

LOOK_S = 5.0
"""How often a serving party looks whether it is ready, and what ends soon."""
READY, READY_HTTPS = "serving.address", "serving.https"
"""Name the addresses while the node serves, over gRPC and, if it does, over HTTPS; scripts wait for them."""
FOLLOW_S = 0.1
"""How often it looks whether the holder disconnected a node, or connected it again."""
SWITCH_S = 0.0003
"""After which a thread that computes gives way to one that waits for it, to read what a worker just replied, say."""
WAITING_MAX = 32
"""Workers that wait in one process, of all its nodes together: 8 MB each, and what their snapshots take."""


@dataclass(frozen=True, slots=True)
class _Company:
    """What the nodes of one process share: where workers come from and wait, what the preflights found."""

    spawner: Spawner
    room: Room
    profiles: dict[NodeLimits, Profile]


def serve(directories: Sequence[Path], spawner: Spawner, stop: Event, grace_s: int) -> str:
    """Serve the nodes in `directories` until `stop` is set, then finish or abort what runs; return the addresses.

    `spawner` was started before this module was imported: a zygote must not be forked from a process of grpc's
    threads. Nodes of one process share it, and the room in which its workers wait, and nothing else.
    """
    with library_lines.as_json(SystemClock()), ExitStack() as open_:
        holders = [open_.enter_context(_opened(directory)) for directory in directories]
        company = _Company(spawner, Room(WAITING_MAX), {})
        return _until([_node(holder, company, open_) for holder in holders], stop, grace_s)


def serve_aggregators(directories: Sequence[Path], stop: Event, grace_s: int) -> str:
    """Serve the aggregators in `directories` until `stop` is set; return the addresses."""
    with library_lines.as_json(SystemClock()), ExitStack() as open_:
        served = []
        for directory in directories:
            holder = open_.enter_context(_opened(directory))
            served.append(_aggregator(holder, open_.enter_context(open_institution(holder)), open_))
        return _until(served, stop, grace_s)


@dataclass(slots=True)
class _Served:
    """One party with its server, and what the first line of its log says of it."""

    holder: Holder
    make: Callable[[], Server]
    connected: Callable[[], bool]
    watch: Watch
    ready: Readiness
    said: dict[str, str | int]
    server: Server | None = None

    def start(self) -> str:
        """Open the port, say so, and return the address; a node that its holder disconnected waits."""
        if not self.connected():
            self._say({"disconnected": self.holder.config.id})
            return self.holder.config.address
        self.server = self.make()
        port = self.server.start()
        address = f"{self.holder.config.address.rpartition(':')[0]}:{port}"
        (self.holder.directory / READY).write_text(address + "\n", encoding="ascii")
        beside = self.server.address_beside
        if beside:
            (self.holder.directory / READY_HTTPS).write_text(beside + "\n", encoding="ascii")
        said = {"https": beside, **self.said} if beside else self.said
        self._say({"serving": address, "connector": self.holder.config.id, **said})
        return address

    def follow(self) -> None:
        """Close the port when the holder disconnected the node, and open it when it is connected again."""
        if self.connected() is (self.server is not None):
            return
        if self.server is None:
            self.start()
            return
        self._unready()
        self.server.cut()
        self.server = None
        self._say({"disconnected": self.holder.config.id})

    def look(self) -> None:
        """Say in the log what ends soon, and to the health service whether a question would be answered."""
        self.watch.look()
        unready = self.ready.look()
        if self.server is not None and not self.server.stopping:
            self.server.say_ready(ready=not unready)

    def stop(self, grace_s: int) -> None:
        """End what runs and close the port."""
        self._unready()
        (self.server or self.make()).stop(grace_s * 1000)

    def _unready(self) -> None:
        for name in (READY, READY_HTTPS):
            (self.holder.directory / name).unlink(missing_ok=True)

    def _say(self, line: dict[str, str | int]) -> None:
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


def _opened(directory: Path) -> AbstractContextManager[Holder]:
    """Open a folder for serving: a succession that was cut short is finished, and a new year begins a new log."""
    succession.finish(directory)
    succession.turn_year(directory)
    return open_holder(directory)


def _node(holder: Holder, company: _Company, open_: ExitStack) -> _Served:
    holder.party()
    limits = holder.config.limits
    runner = holder.runner(company.spawner, Shared(company.profiles.get(limits), company.room))
    # Reading it runs the escape probes, before the port opens: once for all nodes with the same jail and limits.
    profile = company.profiles[limits] = runner.profile
    told = open_.enter_context(spans(holder))
    node = Node(holder, runner, told)
    runner.tidy()  # this process is the one that serves: the ledger says so
    open_.callback(runner.close)
    datasets = len(holder.ledger.current_versions())
    said: dict[str, str | int] = {"sandbox": profile.name, "profile": profile.digest, "datasets": datasets}
    probes = {"snapshots": readiness.snapshots(holder, runner.holds), "witness": node.require_witnesses}
    heard = _Heard(probes, profile.name, lambda: node.running, told)
    offered = _Offered(node_services(node, holder.clock, holder.randomness), _interfaces(holder, node))
    served = _served(holder, node, offered, heard, open_, said)
    served.connected = node.connected
    return served


def _aggregator(holder: Holder, institution: Institution, open_: ExitStack) -> _Served:
    holder.party()
    heard = _Heard({}, "none", lambda: 0, open_.enter_context(spans(holder)))
    return _served(holder, institution, _Offered(aggregator_services(institution), None), heard, open_, {})


def _interfaces(holder: Holder, node: Node) -> Callable[[Gate], Beside] | None:
    """Return what makes the node's interfaces over HTTPS, which most nodes do not serve."""
    address = holder.config.https.address
    if not address:
        return None
    files = CertificateFiles(Place(holder.directory, holder.config.id, holder.clock, sys.stderr))
    port = Port(address, files.now, holder.clock, files.renewed)
    return lambda gate: https_server(node, holder.config, port, gate)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What is told of a party beside its calls."""

    probes: dict[str, Probe]
    profile: str
    running: Callable[[], int]
    spans: Spans


@dataclass(frozen=True, slots=True)
class _Offered:
    """What a party answers: its gRPC services, and what is served beside them."""

    install: Install
    beside: Callable[[Gate], Beside] | None


def _served(
    holder: Holder, api: LogApi, offered: _Offered, heard: _Heard, open_: ExitStack, said: dict[str, str | int]
) -> _Served:
    files = CertificateFiles(Place(holder.directory, holder.config.id, holder.clock, sys.stderr))
    ends = Ends(lambda: holder.register.current().expires_ms, lambda: files.now.chain_pem)

    def certificate_ms() -> int:
        return x509.parse_peer(files.now.chain_pem).not_after_ms

    certificate = readiness.valid_until(certificate_ms, holder.clock)
    ready = Readiness({**readiness.probes(holder), "certificate": certificate, **heard.probes})
    watched = Watched(holder, ready, ends.certificate_pem, heard.profile, heard.running)
    told = operations(watched, heard.spans)
    daybook = Daybook(holder.directory, daybooks.CALLS, holder.clock, holder.config.log_days)
    surroundings = _surroundings(holder, files, replace(told.ears, keep=daybook.write), offered.beside)
    open_.enter_context(told.served())
    if told.server is not None:
        said = {**said, "operations": told.server.address}
    watch = Watch(ends, holder.clock, sys.stderr)
    return _Served(holder, lambda: Server(api, surroundings, offered.install), lambda: True, watch, ready, said)


def _until(served: Sequence[_Served], stop: Event, grace_s: int) -> str:
    """Serve all until `stop` is set, then end them side by side."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys and unsealed snapshots pass through this process
    sys.setswitchinterval(SWITCH_S)
    try:
        addresses = [one.start() for one in served]
        _look(served)
        looked = time.monotonic()
        while not stop.wait(FOLLOW_S):
            for one in served:
                one.follow()
            if time.monotonic() - looked >= LOOK_S:
                looked = time.monotonic()
                _look(served)
    finally:
        with ThreadPoolExecutor(len(served)) as pool:
            for ended in [pool.submit(one.stop, grace_s) for one in served]:
                ended.result()
    return " ".join(addresses)


def _look(served: Sequence[_Served]) -> None:
    for one in served:
        one.look()


def _surroundings(
    holder: Holder, files: CertificateFiles, ears: Ears, beside: Callable[[Gate], Beside] | None
) -> Surroundings:
    return Surroundings(
        address=holder.config.address,
        credentials=files.now,
        renewed=files.renewed,
        limits=holder.config.limits,
        clock=holder.clock,
        randomness=holder.randomness,
        log=sys.stderr,
        ears=ears,
        beside=beside,
    )
