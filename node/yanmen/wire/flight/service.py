"""The Flight service: take a message apart, ask the node, put its answer into a message. Nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import grpc
from google.protobuf.message import Message
from typing_extensions import override

from yanmen.formats import arrow_read, arrow_write
from yanmen.formats.arrow_fields import Field, Kind
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.planning.parameters import Placeholder
from yanmen.wire import convert
from yanmen.wire.api import NodeApi
from yanmen.wire.flight import actions, catalogue, commands
from yanmen.wire.flight.commands import not_offered
from yanmen.wire.flight.streams import Stream
from yanmen.wire.flight.uses import Uses
from yanmen.wire.gate import CALLER
from yanmen.wire.v1.arrow import flight_pb2 as f
from yanmen.wire.v1.arrow import flight_pb2_grpc
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

STREAM_S = 300.0
"""Longest life of one stream: who reads slower, or sends nothing, holds a thread no longer."""
BINDING_BYTES_MAX = 256 * 1024
BINDING_MESSAGES_MAX = 4
KEPT_S = 3_600
"""So long a ticket surely works, said as its endpoint's expiration time; an answer is kept as the contract says."""
_STILL_RUNNING = Detail(
    hint_en="The question still runs; fetch its ticket again.", hint_zh="查询仍在运行，请稍后凭同一票据重取。"
)


class Flight(flight_pb2_grpc.FlightServiceServicer):
    """Arrow Flight SQL over one node, read-only."""

    def __init__(self, api: NodeApi, clock: Clock, randomness: Randomness) -> None:
        """Hold the node, and what is remembered between calls."""
        self._api = api
        self._uses = Uses(api, clock, randomness)

    @override
    def GetFlightInfo(self, request: f.FlightDescriptor, context: grpc.ServicerContext) -> f.FlightInfo:
        """Answer a question, which is a use of data, or say how a list is fetched."""
        party, command = CALLER.get(), commands.command(request)
        if isinstance(command, commands.CATALOGUE):
            return self._listed(request, command)
        job_id = self._asked(context, party, command)
        return self._info(request, job_id, self._uses.outcome(context, party, job_id))

    @override
    def PollFlightInfo(self, request: f.FlightDescriptor, context: grpc.ServicerContext) -> f.PollInfo:
        """Begin a use and return at once; asked again with the descriptor it gave, say whether the answer is there."""
        party, command = CALLER.get(), commands.command(request)
        if isinstance(command, commands.CATALOGUE):
            return f.PollInfo(info=self._listed(request, command), progress=1.0)
        if isinstance(command, s.TicketStatementQuery):
            job_id = _job(command)
            found = self._uses.outcome(context, party, job_id, wait_s=1.0)
        else:
            job_id = self._asked(context, party, command)
            found = self._uses.outcome(context, party, job_id, wait_s=0.0)
        if found is not None:
            return f.PollInfo(info=self._info(request, job_id, found), progress=1.0)
        again = f.FlightDescriptor(type=f.FlightDescriptor.CMD, cmd=_ticket(job_id))
        # What is there so far, which is nothing; a driver wants it said.
        nothing = f.FlightInfo(flight_descriptor=request, total_records=-1, total_bytes=-1)
        return f.PollInfo(info=nothing, flight_descriptor=again)

    @override
    def GetSchema(self, request: f.FlightDescriptor, context: grpc.ServicerContext) -> f.SchemaResult:
        """Return the columns of a list, or those a question would have; only a refusal is recorded."""
        party, command = CALLER.get(), commands.command(request)
        if isinstance(command, commands.CATALOGUE):
            fields = catalogue.fields(command)
        else:
            fields = self._uses.columns(context, party, self._text(party, command))
        return f.SchemaResult(schema=arrow_write.encapsulated(arrow_write.schema(fields)))

    @override
    def DoGet(self, request: f.Ticket, context: grpc.ServicerContext) -> Iterator[bytes]:  # type: ignore[override]
        """Send a list, or the answer of the caller's own job, serialised already; again and again if asked."""
        party, command = CALLER.get(), commands.unpacked(request.ticket)
        if isinstance(command, commands.CATALOGUE):
            yield from _sent(context, catalogue.listed(command, self._api.names(), self._api.datasets(party)))
            return
        if not isinstance(command, s.TicketStatementQuery):
            raise Malformed("ticket: not one this node gave")
        job_id = _job(command)
        found = self._uses.outcome(context, party, job_id)
        if found is None:
            raise Refused(Reason.RATE_LIMITED, _STILL_RUNNING)
        yield from _sent(context, found)
        if context.is_active():
            self._uses.fetched(party, job_id)

    @override
    def DoPut(self, request_iterator: Iterator[f.FlightData], context: grpc.ServicerContext) -> Iterator[f.PutResult]:
        """Bind the parameters of a prepared statement; nothing else can be put."""
        party = CALLER.get()
        with _limited(context):
            first = next(request_iterator, None)
            if first is None:
                raise Malformed("put: nothing was sent")
            command = commands.command(first.flight_descriptor)
            if not isinstance(command, s.CommandPreparedStatementQuery):
                raise Malformed("put: not parameters of a prepared statement")
            statement = self._uses.statements.find(party.id, command.prepared_statement_handle)
            statement.bind(arrow_read.row(_messages(first, request_iterator)))
        handle = command.prepared_statement_handle
        said = s.DoPutPreparedStatementResult(prepared_statement_handle=handle)
        yield f.PutResult(app_metadata=said.SerializeToString())

    @override
    def DoAction(self, request: f.Action, context: grpc.ServicerContext) -> Iterator[f.Result]:
        """Prepare, close, cancel."""
        party = CALLER.get()
        match actions.read(request):
            case s.ActionCreatePreparedStatementRequest() as asked:
                commands.no_transaction(asked.transaction_id)
                handle, statement = self._uses.prepare(context, party, asked.query)
                yield actions.prepared(handle, _schema(statement.columns), _schema(_parameters(statement.places)))
            case s.ActionClosePreparedStatementRequest() as asked:
                self._uses.statements.close(party.id, asked.prepared_statement_handle)
            case f.CancelFlightInfoRequest() as asked:
                self._uses.cancel(party, _job_of(asked.info))
                yield actions.cancelled()
            case s.ActionCancelQueryRequest() as asked:
                self._uses.cancel(party, _job_of(actions.info(asked.info)))
                yield actions.query_cancelled()
            case _:
                yield actions.closed()

    @override
    def ListActions(self, request: f.Empty, context: grpc.ServicerContext) -> Iterator[f.ActionType]:
        """List what DoAction takes."""
        yield from actions.TYPES

    @override
    def Handshake(
        self, request_iterator: Iterator[f.HandshakeRequest], context: grpc.ServicerContext
    ) -> Iterator[f.HandshakeResponse]:
        """Refuse: who calls is known by the certificate, and what for by the grant."""
        not_offered("Handshake")

    @override
    def ListFlights(self, request: f.Criteria, context: grpc.ServicerContext) -> Iterator[f.FlightInfo]:
        """Refuse: what there is, GetTables lists."""
        not_offered("ListFlights")

    @override
    def DoExchange(
        self, request_iterator: Iterator[f.FlightData], context: grpc.ServicerContext
    ) -> Iterator[f.FlightData]:
        """Refuse: Flight SQL has no use for it."""
        not_offered("DoExchange")

    def _asked(self, context: grpc.ServicerContext, party: Party, command: Message) -> str:
        """Begin the use that `command` is, or find the one it repeats, and return its job."""
        if isinstance(command, s.CommandPreparedStatementQuery):
            statement = self._uses.statements.find(party.id, command.prepared_statement_handle)
            return self._uses.execute(context, party, statement)
        return self._uses.ask(context, party, self._text(party, command))

    def _text(self, party: Party, command: Message) -> str:
        match command:
            case s.CommandStatementQuery():
                commands.no_transaction(command.transaction_id)
                return command.query
            case s.CommandPreparedStatementQuery():
                statement = self._uses.statements.find(party.id, command.prepared_statement_handle)
                return statement.sql if statement.bound is None else statement.bound
            case _:
                raise Malformed("descriptor: not a command that gives a result")

    def _listed(self, request: f.FlightDescriptor, command: Message) -> f.FlightInfo:
        schema = arrow_write.encapsulated(arrow_write.schema(catalogue.fields(command)))
        endpoint = f.FlightEndpoint(ticket=f.Ticket(ticket=request.cmd))
        return f.FlightInfo(
            schema=schema, flight_descriptor=request, endpoint=[endpoint], total_records=-1, total_bytes=-1
        )

    def _info(self, request: f.FlightDescriptor, job_id: str, found: Stream | None) -> f.FlightInfo:
        """Return where the answer of a job is fetched; its columns are known once it is there."""
        endpoint = f.FlightEndpoint(ticket=f.Ticket(ticket=_ticket(job_id)))
        endpoint.expiration_time.FromSeconds(self._uses.now_ms() // 1000 + KEPT_S)
        return f.FlightInfo(
            schema=b"" if found is None else found.schema,
            flight_descriptor=request,
            endpoint=[endpoint],
            total_records=-1 if found is None else found.rows,
            total_bytes=-1,
            app_metadata=b"" if found is None else found.beside,
        )


def _ticket(job_id: str) -> bytes:
    return commands.packed(s.TicketStatementQuery(statement_handle=job_id.encode()))


def _job(ticket: s.TicketStatementQuery) -> str:
    return convert.job_id(ticket.statement_handle.decode("ascii", "replace"))


def _job_of(info: f.FlightInfo) -> str:
    if len(info.endpoint) != 1:
        raise Malformed("flight info: not one that this node gave")
    return _job(commands.unpacked_as(s.TicketStatementQuery, info.endpoint[0].ticket.ticket))


def _parameters(places: tuple[Placeholder, ...]) -> tuple[Field, ...]:
    """Return a column for each parameter; its type is whatever will be bound."""
    return tuple(Field(str(number + 1), Kind.NULL) for number in sorted({place.number for place in places}))


def _schema(fields: tuple[Field, ...]) -> bytes:
    return arrow_write.encapsulated(arrow_write.schema(fields)) if fields else b""


def _messages(first: f.FlightData, rest: Iterator[f.FlightData]) -> list[arrow_read.Message]:
    """Return what was put, which is little: one row."""
    found, size = [arrow_read.Message(first.data_header, first.data_body)], 0
    for data in rest:
        if data.data_header or data.data_body:
            found.append(arrow_read.Message(data.data_header, data.data_body))
        size += data.ByteSize()
        if len(found) > BINDING_MESSAGES_MAX or size > BINDING_BYTES_MAX:
            raise Malformed("put: too much for one row of parameters; execute once for each row")
    return found


@contextmanager
def _limited(context: grpc.ServicerContext) -> Iterator[None]:
    """End a stream that outlives its time, whatever its caller does."""
    timer = Timer(STREAM_S, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _sent(context: grpc.ServicerContext, result: Stream) -> Iterator[bytes]:
    with _limited(context):
        yield from result.messages
