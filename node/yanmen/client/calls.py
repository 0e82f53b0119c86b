"""One channel to one node and its calls, each with a deadline; errors come out as ours."""

import json
from typing import Any, TypeVar

import grpc

from yanmen.client import errors
from yanmen.client.errors import Refused
from yanmen.client.identity import Identity
from yanmen.client.pin import registered_certificate
from yanmen.model.party import Party
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
    """The stubs of one node."""

    def __init__(self, target: str, node: Party, identity: Identity) -> None:
        """Open a channel to `target` with the identity's certificate, to nobody but `node`."""
        self.target = target
        self.served_pem = registered_certificate(target, node, identity)
        tls = grpc.ssl_channel_credentials(self.served_pem, identity.tls_key_pem, identity.certificate_pem)
        self._channel = grpc.secure_channel(target, tls, options=_options())
        self.catalogue = catalogue_pb2_grpc.CatalogueServiceStub(self._channel)
        self.contracts = contract_pb2_grpc.ContractServiceStub(self._channel)
        self.query = query_pb2_grpc.QueryServiceStub(self._channel)
        self.log = log_pb2_grpc.LogServiceStub(self._channel)
        self.federation = federation_pb2_grpc.FederationServiceStub(self._channel)
        self.joins = join_pb2_grpc.JoinServiceStub(self._channel)
        self.abilities = department_pb2_grpc.AbilityServiceStub(self._channel)
        self.offices = department_pb2_grpc.OfficeServiceStub(self._channel)
        self.matches = match_pb2_grpc.MatchServiceStub(self._channel)

    def call(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Reply]", request: Request, seconds: float = SECONDS
    ) -> Reply:
        """Call `method`; raises `UncheckedRefusal`, or `Refused` when there is no receipt, or a `Fault`."""
        try:
            return method(request, timeout=seconds, metadata=(INLINE,))
        except grpc.RpcError as error:
            found, receipt = errors.translate(error)
            if isinstance(found, Refused) and receipt is not None:
                raise UncheckedRefusal(found, receipt) from error
            raise found from error

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def _options() -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", REPLY_BYTES_MAX),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.service_config", json.dumps(_RETRY)),
    ]
