"""The service of the log, which nodes and aggregators alike answer."""

import grpc
from typing_extensions import override

from yanmen.wire import convert
from yanmen.wire.api import LogApi
from yanmen.wire.gate import CALLER
from yanmen.wire.v1 import log_pb2, log_pb2_grpc


class Log(log_pb2_grpc.LogServiceServicer):
    """What a receipt is checked against."""

    def __init__(self, api: LogApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def GetCheckpoint(
        self, request: log_pb2.GetCheckpointRequest, context: grpc.ServicerContext
    ) -> log_pb2.GetCheckpointResponse:
        """Return the newest checkpoint."""
        return log_pb2.GetCheckpointResponse(checkpoint=self._api.checkpoint(CALLER.get()))

    @override
    def GetReceipt(
        self, request: log_pb2.GetReceiptRequest, context: grpc.ServicerContext
    ) -> log_pb2.GetReceiptResponse:
        """Return one receipt."""
        receipt = self._api.receipt(CALLER.get(), request.index)
        return log_pb2.GetReceiptResponse(receipt=convert.receipt(receipt))

    @override
    def GetConsistency(
        self, request: log_pb2.GetConsistencyRequest, context: grpc.ServicerContext
    ) -> log_pb2.GetConsistencyResponse:
        """Return a consistency proof."""
        hashes = self._api.consistency(CALLER.get(), request.old_size, request.new_size)
        return log_pb2.GetConsistencyResponse(hashes=hashes)

    @override
    def Acknowledge(
        self, request: log_pb2.AcknowledgeRequest, context: grpc.ServicerContext
    ) -> log_pb2.AcknowledgeResponse:
        """Record an acknowledgement."""
        token = convert.ascii_bytes(request.kb_jwt)
        receipt = self._api.acknowledge(CALLER.get(), request.index, token)
        return log_pb2.AcknowledgeResponse(receipt=convert.receipt(receipt))

    @override
    def Object(self, request: log_pb2.ObjectRequest, context: grpc.ServicerContext) -> log_pb2.ObjectResponse:
        """Record an objection."""
        receipt = self._api.object_to(CALLER.get(), convert.ascii_bytes(request.objection_jws))
        return log_pb2.ObjectResponse(receipt=convert.receipt(receipt))
