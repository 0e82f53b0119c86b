"""What one served party tells its operator while it serves: figures and readiness over HTTP, spans to a collector."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType
from typing import TYPE_CHECKING

from yanmen.crypto import x509
from yanmen.model.config import Telling
from yanmen.model.ports import Spans, untraced
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node import readiness
from yanmen.node.holder import Holder
from yanmen.node.readiness import Readiness
from yanmen.wire.gate import Ears, untold
from yanmen.witness import asking

if TYPE_CHECKING:
    from yanmen.wire.figures import Gauge
    from yanmen.wire.telling import TellingServer


@dataclass(frozen=True, slots=True)
class Watched:
    """A party to tell of: its folder, whether it is ready, its certificate, its profile, how many questions run."""

    holder: Holder
    ready: Readiness
    certificate_pem: Callable[[], bytes]
    profile: str
    running: Callable[[], int]


@contextmanager
def spans(holder: Holder) -> Iterator[Spans]:
    """Give what tells of spans, to nobody unless node.toml names a collector."""
    endpoint = holder.config.telling.traces
    if not endpoint:
        yield untraced
        return
    traces = _optional("yanmen.wire.traces", "operations.traces", "traces").collector(holder.config.id, endpoint)
    try:
        yield traces
    finally:
        traces.close()


@dataclass(frozen=True, slots=True)
class Operations:
    """Who hears of calls, and the HTTP server, when node.toml asks for one."""

    ears: Ears
    server: "TellingServer | None"

    @contextmanager
    def served(self) -> Iterator[None]:
        """Answer over HTTP while it lasts."""
        if self.server is None:
            yield
            return
        with self.server:
            yield


def operations(watched: Watched, told: Spans) -> Operations:
    """Return what tells of a party; a `Fault` where node.toml asks for what is not installed, or for a taken port."""
    asked: Telling = watched.holder.config.telling
    if not asked.address:
        return Operations(Ears(untold, told), None)
    from yanmen.wire.telling import TellingServer  # with Python's HTTP server, which most nodes need not load

    module = _optional("yanmen.wire.figures", "operations.address", "metrics")
    figures = module.Figures(_gauges(watched, module.Gauge))
    server = TellingServer(asked.address, figures.text, watched.ready.look)
    return Operations(Ears(figures.count, told), server)


def _optional(module: str, key: str, extra: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        note = f"node.toml: {key} needs the packages of the extra {extra!r}: pip install 'yanmen[{extra}]'"
        raise Fault(FaultCode.CONFIG, note) from error


def _gauges(watched: Watched, gauge: "type[Gauge]") -> "tuple[Gauge, ...]":
    holder = watched.holder
    ledger = holder.ledger
    info = {"version": metadata.version("yanmen"), "profile": watched.profile}

    def one(read: Callable[[], float]) -> Callable[[], Mapping[str, float]]:
        return lambda: {"": read()}

    def ready() -> Mapping[str, float]:
        found = watched.ready.look()
        return {name: float(name not in found) for name in watched.ready.names}

    def cosigned() -> Mapping[str, float]:
        return {one.name: float(ledger.cosigned(asking.key(one))) for one in holder.config.witnesses}

    def register_s() -> float:
        try:
            return holder.register.current().expires_ms / 1000
        except Fault:  # over or unreadable: `yanmen_ready` says so
            return 0.0

    def certificate_s() -> float:
        return x509.parse_peer(watched.certificate_pem()).not_after_ms / 1000

    return (
        gauge("yanmen_build", "Always 1: the program's version.", "version", lambda: {info["version"]: 1.0}),
        gauge("yanmen_sandbox", "Always 1: what confines jobs.", "profile", lambda: {info["profile"]: 1.0}),
        gauge("yanmen_ready", "Whether this is in order; 0 keeps the node from being ready.", "check", ready),
        gauge("yanmen_questions", "Questions that run or wait.", "", one(watched.running)),
        gauge("yanmen_datasets", "Datasets in force.", "", one(lambda: len(ledger.current_versions()))),
        gauge("yanmen_log_leaves", "Leaves of the usage log.", "", one(ledger.size)),
        gauge("yanmen_log_cosigned_leaves", "Leaves under the newest head a witness cosigned.", "witness", cosigned),
        gauge("yanmen_security_events", "System calls of foreign code.", "", one(lambda: len(ledger.violations()))),
        gauge("yanmen_disk_free_bytes", "Room for the ledger.", "", one(lambda: readiness.disk_free_bytes(holder))),
        gauge("yanmen_register_expires_seconds", "When the register ends; 0 = no good one.", "", one(register_s)),
        gauge("yanmen_certificate_expires_seconds", "When the certificate ends.", "", one(certificate_s)),
    )
