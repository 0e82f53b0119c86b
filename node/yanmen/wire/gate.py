"""What every call passes before and after its service, in this order, whatever the service.

    listed -> who -> may it -> not stopping -> in time -> pace -> parse -> SERVICE -> log line -> reply or error

Nothing of a request is parsed before its sender is known and allowed.
"""

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any, Protocol, TextIO, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status
from typing_extensions import override

from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.ports import Clock, Randomness, Spans, untraced
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.wire import errors, strictly
from yanmen.wire.authorisation import authorise
from yanmen.wire.caller_address import caller_address
from yanmen.wire.pacing import Pacing

EXPLAIN = "/yanmen.wire.v1.QueryService/Explain"
SUBMIT = "/yanmen.wire.v1.QueryService/Submit"
REQUEST_CONTRACT = "/yanmen.wire.v1.ContractService/RequestContract"
FLIGHT = "/arrow.flight.protocol.FlightService/"
STARTING = frozenset(
    {EXPLAIN, SUBMIT, REQUEST_CONTRACT, *(FLIGHT + name for name in ("GetFlightInfo", "PollFlightInfo", "GetSchema"))}
)
"""Methods that begin something new; a stopping node refuses them and still hands out what is done."""
LASTING = frozenset({"/grpc.health.v1.Health/Watch", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"})
"""Streams that live as long as their caller likes; all other streams end by themselves, and count as calls."""
SERIALISED = frozenset({FLIGHT + "DoGet"})
"""Methods that hand out bytes: an answer is serialised once, however often it is fetched."""
REQUEST_ID_BYTES = 16
UNLISTED = "unlisted"
"""How a method that no service has is logged: its name is the caller's own text."""

CALLER: ContextVar[Party] = ContextVar("caller")
"""Who the call running in this context comes from; only the gate sets it."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
"""Which messages a handler takes is known to its service only."""


class _TooLate(Exception):
    """The caller's deadline passed, or it hung up, before the call began."""


@dataclass(slots=True)
class Call:
    """One call on its way, and what its log line will say."""

    method: str
    request_id: str
    started_ms: int
    address: str = ""
    peer: str = "-"
    outcome: str = "OK"
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What the figures are told of a call that ended: nothing of who called, nothing of what was said."""

    method: str
    status: str
    ms: int
    reason: str
    fault: str


Told = Callable[[Said], None]


def untold(_: Said) -> None:
    """Count nothing."""


def unkept(_: Mapping[str, object]) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of calls beside the log: the figures, and a collector of spans."""

    told: Told = untold
    spans: Spans = untraced
    keep: Callable[[Mapping[str, object]], None] = unkept
    """Keeps each line in the log of operation; a `Fault` when it cannot."""


DEAF = Ears()


class Door(Protocol):
    """What the gate needs of the node: who may come in, and a note of who may not."""

    def identify(self, certificate_pem: bytes) -> Party:
        """Return the active member whose registered certificate this is, or refuse it."""
        ...

    def turn_away(self, party: Party, refusal: Refused) -> Receipt | None:
        """Record that `party` was not let in."""
        ...


class Gate(grpc.ServerInterceptor):
    """The interceptor in front of every service."""

    def __init__(
        self, door: Door, pacing: Pacing, clock: Clock, randomness: Randomness, log: TextIO, ears: Ears = DEAF
    ) -> None:
        """Hold what decides, where the log lines go and who hears of them."""
        self._ears = ears
        self._keep = ears.keep
        self._identify = door.identify
        self._turn_away = door.turn_away
        self._pacing = pacing
        self._clock = clock
        self._randomness = randomness
        self._log = log
        self._log_lock = Lock()
        self.stopping = Event()

    @override
    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], MaybeHandler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler of the called method with the gate around it."""
        method = handler_call_details.method
        handler = continuation(handler_call_details)
        if handler is None:
            return grpc.unary_unary_rpc_method_handler(self._deny)
        if handler.unary_unary is not None:
            unary = partial(self._unary, method, handler)
            return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)
        if handler.unary_stream is not None:
            watch = partial(self._unary_stream, method, handler)
            serialise = None if method in SERIALISED else handler.response_serializer
            return grpc.unary_stream_rpc_method_handler(watch, None, serialise)
        both = partial(self._stream_stream, method, handler)
        return grpc.stream_stream_rpc_method_handler(both, None, handler.response_serializer)

    def _deny(self, _raw: bytes, context: grpc.ServicerContext) -> None:
        with self._passage(UNLISTED, context):
            raise Refused(Reason.METHOD_NOT_LISTED)

    def _unary(self, method: str, handler: Handler, raw: bytes, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        with self._passage(method, context), self._ears.spans(method):
            return _present(handler.unary_unary)(_parse(handler, raw), context)

    def _unary_stream(self, method: str, handler: Handler, raw: bytes, context: grpc.ServicerContext) -> Iterator[Any]:
        with self._passage(method, context):
            yield from _present(handler.unary_stream)(_parse(handler, raw), context)

    def _stream_stream(
        self, method: str, handler: Handler, raws: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        with self._passage(method, context):
            yield from _present(handler.stream_stream)((_parse(handler, raw) for raw in raws), context)

    @contextmanager
    def _passage(self, method: str, context: grpc.ServicerContext) -> Iterator[None]:
        """Let one call through to its service, or end it with the error it deserves; write its line."""
        call = self.begin(method, caller_address(context))
        status: Status | None = None
        try:
            party = self._admit(call, context)
            with self.pace(call, party):
                yield
        except _TooLate:
            call.outcome = grpc.StatusCode.DEADLINE_EXCEEDED.name
        except Refused as refused:
            status = _refused(call, refused, inline=_inline(context))
        except (Malformed, DecodeError) as error:
            rule = str(error) if isinstance(error, Malformed) else "not a protobuf message"
            status = _refused(call, Refused(Reason.REQUEST_MALFORMED, Detail(subject=rule)), inline=False)
        except Fault as fault:
            status = _broken(call, fault.code, fault.note)
        except Exception as error:  # noqa: BLE001 - the edge: gRPC would send the exception's text to the caller
            status = _broken(call, FaultCode.INTERNAL, where(error))
        finally:
            status = self._written(call, status)
        if status is not None:
            context.abort_with_status(rpc_status.to_status(status))
        if call.outcome != "OK":
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "")

    def begin(self, method: str, address: str = "") -> Call:
        """Return a call of `method` that arrives now from `address`, by whatever transport."""
        return Call(method, self._randomness.token(REQUEST_ID_BYTES).hex(), self._clock.now_ms(), address)

    def let_in(self, call: Call, certificate_pem: bytes) -> Party:
        """Return whose certificate this is, once that member may make this call and the node takes it now."""
        party = self._identify(certificate_pem)
        call.peer = party.id
        try:
            authorise(party, call.method)
        except Refused as refusal:
            refusal.receipt = self._turn_away(party, refusal)
            raise
        if self.stopping.is_set() and call.method in STARTING:
            raise Refused(Reason.SHUTTING_DOWN)
        return party

    def pace(self, call: Call, party: Party) -> AbstractContextManager[None]:
        """Hold the call among those `party` has open, whatever transports they came by; refuse one too many."""
        return self._pacing.call(party.id, streams=call.method in LASTING)

    def _admit(self, call: Call, context: grpc.ServicerContext) -> Party:
        party = self.let_in(call, _certificate(context))
        remaining = _remaining(context)
        if not context.is_active() or (remaining is not None and remaining <= 0):
            raise _TooLate
        CALLER.set(party)
        return party

    def _written(self, call: Call, status: Status | None) -> Status | None:
        """Write the line of a call that ended with `status`; return what it ends with now."""
        try:
            self.write(call)
        except Fault as fault:
            return _broken(call, fault.code, fault.note)
        return status

    def write(self, call: Call) -> None:
        """Write one JSON line: who, from where, what, how it ended and how long it took, never what was said.

        Raises a `Fault` when the line cannot be kept: such a call fails.
        """
        now = self._clock.now_ms()
        line = {"at_ms": now, "request": call.request_id, "method": call.method, "peer": call.peer}
        line |= {"address": call.address} if call.address else {}
        line |= {"status": call.outcome, "ms": now - call.started_ms, **call.notes}
        with self._log_lock:
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()
        self._keep(line)
        told = Said(
            call.method, call.outcome, now - call.started_ms, call.notes.get("reason", ""), call.notes.get("fault", "")
        )
        self._ears.told(told)


def _remaining(context: grpc.ServicerContext) -> float | None:
    """Return the seconds left of the caller's deadline; None without one, whatever the stubs say."""
    return context.time_remaining()


def _certificate(context: grpc.ServicerContext) -> bytes:
    """Return the one certificate TLS accepted; the context holds a list under each name, whatever the stubs say."""
    properties: Mapping[str, object] = context.auth_context()
    match properties.get("x509_pem_cert"):
        case [bytes(certificate)]:
            return certificate
        case _:
            raise Refused(Reason.IDENTITY_UNKNOWN)


def _present(
    behaviour: Callable[[Any, grpc.ServicerContext], Any] | None,
) -> Callable[[Any, grpc.ServicerContext], Any]:
    if behaviour is None:
        raise Fault(FaultCode.INTERNAL, "a service of another shape than the gate knows")
    return behaviour


def _parse(handler: Handler, raw: bytes) -> Any:  # noqa: ANN401 - the handler's own message type
    if handler.request_deserializer is None:
        raise Fault(FaultCode.INTERNAL, "a service without a parser")
    return strictly.parsed(handler.request_deserializer, raw)


def _inline(context: grpc.ServicerContext) -> bool:
    """Return whether the caller reads trailers long enough for a receipt."""
    return errors.INLINE in ((name, value) for name, value in context.invocation_metadata())


def _refused(call: Call, refused: Refused, *, inline: bool) -> Status:
    note_refusal(call, refused)
    status = errors.refusal_status(refused, call.request_id, inline=inline)
    if call.method.startswith(FLIGHT):
        status.message = errors.spoken(refused)
    return status


def note_refusal(call: Call, refused: Refused) -> None:
    """Have the call's line say that it was refused, and why."""
    call.outcome = errors.REASON_STATUS[refused.reason].name
    call.notes["reason"] = refused.reason.value


def note_fault(call: Call, code: FaultCode, note: str) -> None:
    """Have the call's line say what broke; its caller learns the code."""
    call.outcome = errors.FAULT_STATUS[code].name
    call.notes |= {"fault": code.value, "note": note}


def _broken(call: Call, code: FaultCode, note: str) -> Status:
    note_fault(call, code, note)
    return errors.fault_status(code, call.request_id)


def where(error: Exception) -> str:
    """Return the type of `error` and the places it came through; its text might quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} {places}"
