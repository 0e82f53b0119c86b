"""A node's or an aggregator's gRPC server: mTLS, the gate, its services, health and reflection."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from yanmen.model.config import NodeLimits
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire import services
from yanmen.wire.api import AggregatorApi, LogApi, NodeApi
from yanmen.wire.department_service import Abilities, Offices
from yanmen.wire.errors import METADATA_BYTES
from yanmen.wire.federation_service import Federation
from yanmen.wire.flight.service import Flight
from yanmen.wire.gate import DEAF, Ears, Gate
from yanmen.wire.join_service import Joins, Matches
from yanmen.wire.log_service import Log
from yanmen.wire.pacing import Pacing
from yanmen.wire.v1 import (
    catalogue_pb2,
    catalogue_pb2_grpc,
    contract_pb2,
    contract_pb2_grpc,
    department_pb2,
    department_pb2_grpc,
    federation_pb2,
    federation_pb2_grpc,
    join_pb2,
    join_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    match_pb2,
    match_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
)
from yanmen.wire.v1.arrow import flight_pb2, flight_pb2_grpc

THREADS = 64
"""Calls handled at once; waiting Fetches hold one each, so a member may hold a quarter (pacing.py)."""
CALLS_AT_ONCE = 96
"""Above this the server answers RESOURCE_EXHAUSTED at once instead of queueing."""
REPLY_HEADROOM_BYTES = 1024 * 1024
LAST_REPLIES_S = 2.0
"""After jobs have ended, for calls that hand out their outcomes."""


class Beside(Protocol):
    """What is served beside gRPC, through the same gate."""

    def start(self) -> str:
        """Listen, serve and return the address."""
        ...

    def stop(self) -> None:
        """Take no more calls and wait for those that are open."""
        ...

    def cut(self) -> None:
        """Close the port at once."""
        ...


Install = Callable[[grpc.Server], Sequence[FileDescriptor]]
"""Adds services to a server and returns the files that describe them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The node's TLS key and chain and the space's CA, as PEM."""

    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    ca_pem: bytes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the server is given from outside: where to listen, limits, time, randomness, its log."""

    address: str
    credentials: Credentials
    limits: NodeLimits
    clock: Clock
    randomness: Randomness
    log: TextIO
    renewed: Callable[[], Credentials | None] = lambda: None
    """Asked at every new connection: other credentials from now on, or None."""
    ears: Ears = DEAF
    beside: Callable[[Gate], Beside] | None = None
    """Makes what is served beside gRPC."""


class Server:
    """Serves one node; two servers of one process share nothing."""

    def __init__(self, api: LogApi, surroundings: Surroundings, install: Install) -> None:
        """Build the server for `api`, whose services `install` adds; `start` opens the port."""
        self._api = api
        self._at = surroundings
        pacing = Pacing(surroundings.clock, surroundings.limits.calls_per_minute)
        self._gate = Gate(api, pacing, surroundings.clock, surroundings.randomness, surroundings.log, surroundings.ears)
        self._health = health.HealthServicer(experimental_non_blocking=False)
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="wire"),
            interceptors=[self._gate],
            options=_options(surroundings.limits),
            maximum_concurrent_rpcs=CALLS_AT_ONCE,
        )
        self._names = add_services(self._server, self._health, install)
        self._beside = None if surroundings.beside is None else surroundings.beside(self._gate)
        self.address_beside = ""

    def start(self) -> int:
        """Listen, serve, and return the port (the system's choice when the address asks for port 0)."""
        tls = grpc.dynamic_ssl_server_credentials(
            _configuration(self._at.credentials),
            self._renewed,  # type: ignore[arg-type]  # None is "as before", which the stubs leave out
            require_client_authentication=True,
        )
        try:
            port = self._server.add_secure_port(self._at.address, tls)
        except RuntimeError as error:
            raise Fault(FaultCode.CONFIG, f"cannot listen on {self._at.address}") from error
        if self._beside is not None:
            self.address_beside = self._beside.start()
        self._server.start()
        self.say_ready(ready=True)
        return port

    def say_ready(self, *, ready: bool) -> None:
        """Tell those who watch the gRPC health service whether questions would be answered."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            self._health.set(name, status)

    @property
    def stopping(self) -> bool:
        """Whether it takes no more questions."""
        return self._gate.stopping.is_set()

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        fresh = self._at.renewed()
        return None if fresh is None else _configuration(fresh)

    def stop(self, grace_ms: int) -> None:
        """Begin nothing new, give running jobs `grace_ms`, abort the rest with a receipt, hand out outcomes, close."""
        self._gate.stopping.set()
        self._health.enter_graceful_shutdown()
        try:
            self._api.drain(grace_ms)
        finally:
            self._server.stop(LAST_REPLIES_S).wait()
            if self._beside is not None:
                self._beside.stop()

    def cut(self) -> None:
        """Begin nothing, break every call off and close the port; jobs are ended by who ordered this."""
        self._gate.stopping.set()
        self._health.enter_graceful_shutdown()
        if self._beside is not None:
            self._beside.cut()
        self._server.stop(None).wait()


def _configuration(secret: Credentials) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(secret.key_pem, secret.chain_pem)], secret.ca_pem)


def node_services(api: NodeApi, clock: Clock, randomness: Randomness) -> Install:
    """Return what adds a node's services to a server."""

    def install(server: grpc.Server) -> tuple[FileDescriptor, ...]:
        catalogue_pb2_grpc.add_CatalogueServiceServicer_to_server(services.Catalogue(api), server)
        contract_pb2_grpc.add_ContractServiceServicer_to_server(services.Contracts(api), server)
        query_pb2_grpc.add_QueryServiceServicer_to_server(services.Query(api, clock), server)
        log_pb2_grpc.add_LogServiceServicer_to_server(Log(api), server)
        department_pb2_grpc.add_AbilityServiceServicer_to_server(Abilities(api), server)
        department_pb2_grpc.add_OfficeServiceServicer_to_server(Offices(api), server)
        join_pb2_grpc.add_JoinServiceServicer_to_server(Joins(api), server)
        flight_pb2_grpc.add_FlightServiceServicer_to_server(Flight(api, clock, randomness), server)
        return tuple(
            file.DESCRIPTOR
            for file in (catalogue_pb2, contract_pb2, department_pb2, query_pb2, join_pb2, log_pb2, flight_pb2)
        )

    return install


def aggregator_services(api: AggregatorApi) -> Install:
    """Return what adds an aggregator's services to a server."""

    def install(server: grpc.Server) -> tuple[FileDescriptor, ...]:
        federation_pb2_grpc.add_FederationServiceServicer_to_server(Federation(api), server)
        match_pb2_grpc.add_MatchServiceServicer_to_server(Matches(api), server)
        log_pb2_grpc.add_LogServiceServicer_to_server(Log(api), server)
        return (federation_pb2.DESCRIPTOR, match_pb2.DESCRIPTOR, log_pb2.DESCRIPTOR)

    return install


def add_services(server: grpc.Server, servicer: health.HealthServicer, install: Install) -> tuple[str, ...]:
    """Add our own services, health and reflection to `server`; return the names of our own."""
    names = service_names(install(server))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return names


def service_names(files: Sequence[FileDescriptor]) -> tuple[str, ...]:
    """Return the full names of the services that `files` describe."""
    return tuple(service.full_name for file in files for service in file.services_by_name.values())


def _options(limits: NodeLimits) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.reply_bytes + REPLY_HEADROOM_BYTES),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        # Two nodes must not share a port by accident, nor a stranger's process join ours.
        ("grpc.so_reuseport", 0),
        # A compressed request could be larger than it looks.
        ("grpc.compression_enabled_algorithms_bitset", 1),
    ]
