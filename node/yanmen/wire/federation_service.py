"""The service of an aggregator: take a message apart, ask the aggregator, put its answer into a message."""

import grpc
from typing_extensions import override

from yanmen.aggregation.aggregator import Dealer
from yanmen.crypto.federated import Evidence
from yanmen.wire import convert
from yanmen.wire.api import AggregatorApi
from yanmen.wire.gate import CALLER
from yanmen.wire.v1 import federation_pb2, federation_pb2_grpc, query_pb2


class Federation(federation_pb2_grpc.FederationServiceServicer):
    """Deposits, noise, sets and sums."""

    def __init__(self, api: AggregatorApi) -> None:
        """Hold the aggregator."""
        self._api = api

    @override
    def Deposit(
        self, request: federation_pb2.DepositRequest, context: grpc.ServicerContext
    ) -> federation_pb2.DepositResponse:
        """Keep one sealed share."""
        evidence = Evidence(convert.name(request.dealer), request.sdjwt, request.proof)
        self._api.deposit(CALLER.get(), request.manifest, Dealer(evidence, request.envelope))
        return federation_pb2.DepositResponse()

    @override
    def DealNoise(
        self, request: federation_pb2.DealNoiseRequest, context: grpc.ServicerContext
    ) -> federation_pb2.DealNoiseResponse:
        """Deal this aggregator's noise."""
        dealt = self._api.noise(CALLER.get(), request.manifest)
        return federation_pb2.DealNoiseResponse(receipt=convert.receipt(dealt.receipt), envelopes=dealt.envelopes)

    @override
    def Certify(
        self, request: federation_pb2.CertifyRequest, context: grpc.ServicerContext
    ) -> federation_pb2.CertifyResponse:
        """Fix the set."""
        nodes = tuple(convert.name(node) for node in request.nodes)
        noise_of = tuple(convert.name(name) for name in request.noise)
        certificate = self._api.certify(CALLER.get(), request.manifest, nodes, noise_of)
        return federation_pb2.CertifyResponse(certificate=certificate)

    @override
    def Open(self, request: federation_pb2.OpenRequest, context: grpc.ServicerContext) -> federation_pb2.OpenResponse:
        """Open the sum."""
        opened = self._api.open(CALLER.get(), request.manifest, tuple(request.certificates))
        return federation_pb2.OpenResponse(sum=query_pb2.OpenedSum(partial=opened.partial, share=opened.share))
