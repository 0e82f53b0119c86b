"""One channel to one node and its calls, each with a deadline; errors come out as ours."""

import json
from threading import Lock
from typing import Any, TypeVar

import grpc

from yanmen.client import errors
from yanmen.client.errors import Refused, Unreachable
from yanmen.client.identity import Identity
from yanmen.client.pin import registered_certificate
from yanmen.model.party import Party
from yanmen.model.refusal import Reason
from yanmen.wire.errors import INLINE, METADATA_BYTES
from yanmen.wire.v1 import (
    catalogue_pb2_grpc,
    contract_pb2_grpc,
    department_pb2_grpc,
    federation_pb2_grpc,
    join_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    match_pb2_grpc,
    query_pb2_grpc,
)

SECONDS = 30.0
"""Deadline of a call; Fetch adds what it waits."""
REPLY_BYTES_MAX = 64 * 1024 * 1024
"""Largest reply read: four times what a node's jobs may reply."""
_RETRY = {
    "methodConfig": [
        {
            # Only what may be sent twice without a second effect: reads, and jobs by their id.
            "name": [
                {"service": "yanmen.wire.v1.CatalogueService"},
                {"service": "yanmen.wire.v1.LogService"},
                {"service": "yanmen.wire.v1.AbilityService"},
                {"service": "yanmen.wire.v1.OfficeService", "method": "ListWaiting"},
                {"service": "yanmen.wire.v1.FederationService"},
                {"service": "yanmen.wire.v1.JoinService"},
                {"service": "yanmen.wire.v1.MatchService"},
                *({"service": "yanmen.wire.v1.QueryService", "method": name} for name in ("Submit", "Fetch", "Cancel")),
            ],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_STUBS = ("catalogue", "contracts", "query", "log", "federation", "joins", "abilities", "offices", "matches")

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class UncheckedRefusal(Exception):
    """A refusal whose receipt is still to be verified."""

    def __init__(self, refused: Refused, receipt: log_pb2.Receipt) -> None:
        """Hold both."""
        super().__init__(str(refused))
        self.refused = refused
        self.receipt = receipt


class Calls:
    """The stubs of one node, over one channel at a time: a certificate that was renewed begins the next."""

    def __init__(self, target: str, node: Party, identity: Identity) -> None:
        """Open a channel to `target` with the identity's certificate, to nobody but `node`."""
        self.target = target
        self.node = node
        self.identity = identity
        self._lock = Lock()
        self._channels: list[grpc.Channel] = []
        self._places: dict[object, tuple[str, str]] = {}
        self.served_pem = registered_certificate(target, node, identity)
        self._open()

    def _open(self) -> None:
        mine = self.identity
        tls = grpc.ssl_channel_credentials(self.served_pem, mine.tls_key_pem, mine.certificate_pem)
        channel = grpc.secure_channel(self.target, tls, options=_options())
        self._channels.append(channel)
        self.catalogue = catalogue_pb2_grpc.CatalogueServiceStub(channel)
        self.contracts = contract_pb2_grpc.ContractServiceStub(channel)
        self.query = query_pb2_grpc.QueryServiceStub(channel)
        self.log = log_pb2_grpc.LogServiceStub(channel)
        self.federation = federation_pb2_grpc.FederationServiceStub(channel)
        self.joins = join_pb2_grpc.JoinServiceStub(channel)
        self.abilities = department_pb2_grpc.AbilityServiceStub(channel)
        self.offices = department_pb2_grpc.OfficeServiceStub(channel)
        self.matches = match_pb2_grpc.MatchServiceStub(channel)
        for stub in _STUBS:
            self._places.update((method, (stub, name)) for name, method in vars(getattr(self, stub)).items())

    def call(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Reply]", request: Request, seconds: float = SECONDS
    ) -> Reply:
        """Call `method`; raises `UncheckedRefusal`, or `Refused` when there is no receipt, or a `Fault`."""
        try:
            return self._sent(method, request, seconds)
        except (Refused, Unreachable) as error:
            if not (_before_any_call(error) and self._renewed(method)):
                raise
        stub, name = self._places[method]
        again: grpc.UnaryUnaryMultiCallable[Request, Reply] = getattr(getattr(self, stub), name)
        return self._sent(again, request, seconds)

    def _sent(self, method: "grpc.UnaryUnaryMultiCallable[Request, Reply]", request: Request, seconds: float) -> Reply:
        try:
            return method(request, timeout=seconds, metadata=(INLINE,))
        except grpc.RpcError as error:
            found, receipt = errors.translate(error)
            if isinstance(found, Refused) and receipt is not None:
                raise UncheckedRefusal(found, receipt) from error
            raise found from error

    def _renewed(self, method: object) -> bool:
        """Look at folder and node again, and return whether there is a newer channel than that of `method`.

        A key that was exchanged is no renewal: receipts are checked against the keys known when connecting.
        """
        with self._lock:
            stub, name = self._places[method]
            if getattr(getattr(self, stub), name) is not method:
                return True
            mine = Identity.load(self.identity.folder)
            node = mine.node(self.node.id, self.node.role)
            if (node.signing_key, node.log_key) != (self.node.signing_key, self.node.log_key):
                return False
            served = registered_certificate(self.target, node, mine)
            if (served, mine.certificate_pem) == (self.served_pem, self.identity.certificate_pem):
                return False
            self.identity, self.served_pem = mine, served
            self._open()
            return True

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            channel.close()


def _before_any_call(error: Refused | Unreachable) -> bool:
    """Return whether a certificate was not accepted, on either side, so that nothing was done."""
    if isinstance(error, Refused):
        return error.reason is Reason.IDENTITY_UNKNOWN
    return "CERTIFICATE_VERIFY_FAILED" in error.note


def _options() -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", REPLY_BYTES_MAX),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.service_config", json.dumps(_RETRY)),
    ]
