"""The services of a join across nodes: take a message apart, ask the node or aggregator, put its answer together."""

import grpc
from typing_extensions import override

from yanmen.model.joining import Handed
from yanmen.wire import convert
from yanmen.wire.api import AggregatorApi, NodeApi
from yanmen.wire.gate import CALLER
from yanmen.wire.v1 import join_pb2, join_pb2_grpc, match_pb2, match_pb2_grpc


class Joins(join_pb2_grpc.JoinServiceServicer):
    """A department's statements, blinding and parts."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def State(self, request: join_pb2.StateRequest, context: grpc.ServicerContext) -> join_pb2.StateResponse:
        """State the tables of a contract."""
        statement = self._api.state(CALLER.get(), convert.name(request.contract_id))
        return join_pb2.StateResponse(statement=statement)

    @override
    def Blind(self, request: join_pb2.BlindRequest, context: grpc.ServicerContext) -> join_pb2.BlindResponse:
        """Blind a piece."""
        size, word = self._api.hand(CALLER.get(), request.manifest, _handed(request.handed))
        return join_pb2.BlindResponse(size=size, word=word)

    @override
    def GetPart(self, request: join_pb2.GetPartRequest, context: grpc.ServicerContext) -> join_pb2.GetPartResponse:
        """Hand out a piece."""
        found = self._api.get(CALLER.get(), request.manifest, convert.name(request.name), convert.extent(request.at))
        return join_pb2.GetPartResponse(data=found.data, size=found.size)


class Matches(match_pb2_grpc.MatchServiceServicer):
    """An aggregator's matching."""

    def __init__(self, api: AggregatorApi) -> None:
        """Hold the aggregator."""
        self._api = api

    @override
    def Hand(self, request: match_pb2.HandRequest, context: grpc.ServicerContext) -> match_pb2.HandResponse:
        """Keep a piece."""
        return match_pb2.HandResponse(size=self._api.hand(CALLER.get(), request.manifest, _handed(request.handed)))

    @override
    def GetPlaces(
        self, request: match_pb2.GetPlacesRequest, context: grpc.ServicerContext
    ) -> match_pb2.GetPlacesResponse:
        """Hand out a piece."""
        found = self._api.get(CALLER.get(), request.manifest, convert.name(request.to), convert.extent(request.at))
        return match_pb2.GetPlacesResponse(data=found.data, size=found.size)

    @override
    def Match(self, request: match_pb2.MatchRequest, context: grpc.ServicerContext) -> match_pb2.MatchResponse:
        """Find the rows that met."""
        return match_pb2.MatchResponse(word=self._api.match(CALLER.get(), request.manifest))

    @override
    def Gather(self, request: match_pb2.GatherRequest, context: grpc.ServicerContext) -> match_pb2.GatherResponse:
        """Add them up."""
        self._api.gather(CALLER.get(), request.manifest, tuple(request.words))
        return match_pb2.GatherResponse()


def _handed(message: join_pb2.Handed) -> Handed:
    return Handed(
        name=convert.name(message.name),
        of=convert.name(message.of),
        sdjwt=message.sdjwt,
        proof=message.proof,
        words=tuple(message.words),
        size=convert.extent(message.size),
        at=convert.extent(message.at),
        data=message.data,
    )
