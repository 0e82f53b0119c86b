"""Calls to one node; every receipt that comes back, a refusal's too, is verified before anything is shown."""

from collections.abc import Callable
from typing import TypeVar

import grpc

from yanmen.client import decode
from yanmen.client.acknowledging import Acknowledging
from yanmen.client.calls import SECONDS, Calls, UncheckedRefusal
from yanmen.client.errors import NodeFailed, ReceiptInvalid, Refused, ReplyMalformed, Unreachable
from yanmen.client.history import History
from yanmen.client.identity import Identity
from yanmen.client.receipts import CheckedReceipt, Receipts
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import acknowledgement
from yanmen.formats.acknowledgement import Acknowledgement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.ports import Clock
from yanmen.model.receipt import Receipt
from yanmen.wire.v1 import log_pb2

T = TypeVar("T")
Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Link:
    """One member's connection to one node."""

    def __init__(self, calls: Calls, node: Party, identity: Identity, clock: Clock) -> None:
        """Hold the channel and what receipts are checked against."""
        self.calls = calls
        self._signer = identity.signer
        self._clock = clock
        self._history = History(identity.state, node, clock, self._prove)
        self.receipts = Receipts(node, identity.id, identity.keys, self._history)
        self.acknowledging = Acknowledging(self.acknowledge)

    def call(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Reply]", request: Request, seconds: float = SECONDS
    ) -> Reply:
        """Return the node's reply; raises `Refused` with its receipt verified, or a `Fault`.

        What was answered before is acknowledged first: the node meets one member's calls in their order.
        """
        self.acknowledging.settle()
        try:
            return self.calls.call(method, request, seconds)
        except UncheckedRefusal as found:
            refused = found.refused
            refused.receipt = self._refusal_receipt(found)
            raise refused from found

    def known_size(self) -> int:
        """Return how large the node's log was when it was last seen."""
        return self._history.known_size()

    def checkpoint(self) -> Checkpoint:
        """Return the head of the node's log, which must not be older than any seen before."""
        self.acknowledging.settle()
        try:
            return parsed(lambda: self._history.newest(self._head))
        except BadSignature as error:
            raise ReceiptInvalid(f"checkpoint: {error}", None) from error

    def receipt(self, index: int) -> CheckedReceipt:
        """Return the verified receipt at `index`."""
        self.acknowledging.settle()
        return self.receipts.check(self._receipt(index))

    def acknowledge(self, given: CheckedReceipt) -> CheckedReceipt | None:
        """Tell the node, signed, that the receipt `given` of an answer arrived; None when it did not take that.

        Then it stays due, and the next fetch of the answer acknowledges it.
        """
        sd_hash = acknowledgement.sd_hash(given.sdjwt)
        said = Acknowledgement(given.origin, self._clock.now_ms() // 1000, given.jti, sd_hash)
        token = documents.sign_acknowledgement(said, self._signer).decode("ascii")
        request = log_pb2.AcknowledgeRequest(index=given.index, kb_jwt=token)
        try:
            reply = self._plain(self.calls.log.Acknowledge, request)
        except (Refused, NodeFailed, Unreachable):
            return None  # the answer is there all the same, and paid for
        return self.receipts.check_acknowledgement(parsed(lambda: decode.receipt(reply.receipt)), given.jti)

    def object_to(self, token: bytes) -> CheckedReceipt:
        """Hand in a signed objection and return its verified receipt: the node's word that it took it in."""
        self.acknowledging.settle()
        reply = self._plain(self.calls.log.Object, log_pb2.ObjectRequest(objection_jws=token.decode("ascii")))
        return self.receipts.check_objection(parsed(lambda: decode.receipt(reply.receipt)), token)

    def _head(self) -> bytes:
        return self._plain(self.calls.log.GetCheckpoint, log_pb2.GetCheckpointRequest()).checkpoint.encode()

    def _prove(self, old: int, new: int) -> tuple[bytes, ...]:
        request = log_pb2.GetConsistencyRequest(old_size=old, new_size=new)
        return tuple(self._plain(self.calls.log.GetConsistency, request).hashes)

    def _receipt(self, index: int) -> Receipt:
        reply = self._plain(self.calls.log.GetReceipt, log_pb2.GetReceiptRequest(index=index))
        return parsed(lambda: decode.receipt(reply.receipt))

    def _refusal_receipt(self, found: UncheckedRefusal) -> CheckedReceipt:
        """Return the refusal's receipt, verified; one too large for the error is fetched first."""
        named = parsed(lambda: decode.receipt(found.receipt))
        whole = named if named.sdjwt else self._receipt(named.index)
        if (whole.index, whole.jti) != (named.index, named.jti):
            raise ReplyMalformed("another receipt than the refusal named")
        return self.receipts.check_refusal(whole, found.refused.reason)

    def _plain(self, method: "grpc.UnaryUnaryMultiCallable[Request, Reply]", request: Request) -> Reply:
        """Call a method of the log, whose refusals are no uses and so have no receipts to wait for."""
        try:
            return self.calls.call(method, request)
        except UncheckedRefusal as found:
            raise found.refused from found


def parsed(read: Callable[[], T]) -> T:
    """Return what `read` makes of a reply; what is malformed is the node's fault, not the caller's."""
    try:
        return read()
    except Malformed as error:
        raise ReplyMalformed(str(error)) from error
