"""Flight's actions that mean something here: prepare, close, cancel, and the end of a session there never was."""

from google.protobuf.message import Message

from yanmen.formats.malformed import Malformed
from yanmen.wire import strictly
from yanmen.wire.flight import commands
from yanmen.wire.v1.arrow import flight_pb2 as f
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

CREATE, CLOSE = "CreatePreparedStatement", "ClosePreparedStatement"
CANCEL_INFO, CANCEL_QUERY = "CancelFlightInfo", "CancelQuery"
CLOSE_SESSION = "CloseSession"
TYPES = (
    f.ActionType(type=CREATE, description="Prepare a SELECT; nothing is asked and nothing charged."),
    f.ActionType(type=CLOSE, description="Forget a prepared statement."),
    f.ActionType(type=CANCEL_INFO, description="Stop a running question; what it was charged stays charged."),
    f.ActionType(type=CANCEL_QUERY, description="The same, as older drivers ask for it."),
    f.ActionType(type=CLOSE_SESSION, description="Nothing to close: sessions are grants, which end by themselves."),
)
_SQL: dict[str, type[Message]] = {
    CREATE: s.ActionCreatePreparedStatementRequest,
    CLOSE: s.ActionClosePreparedStatementRequest,
    CANCEL_QUERY: s.ActionCancelQueryRequest,
}
"""Flight SQL's own actions have their body in an `Any`."""
_FLIGHT: dict[str, type[Message]] = {CANCEL_INFO: f.CancelFlightInfoRequest, CLOSE_SESSION: f.CloseSessionRequest}
"""Flight's have it bare."""


def read(action: f.Action) -> Message:
    """Return what `action` asks for; an action that is not listed is UNIMPLEMENTED."""
    if action.type in _SQL:
        return commands.unpacked_as(_SQL[action.type], action.body)
    if action.type in _FLIGHT:
        return strictly.parsed(_FLIGHT[action.type].FromString, action.body)
    return commands.not_offered(action.type)


def info(data: bytes) -> f.FlightInfo:
    """Return the FlightInfo that an older driver sends back as bytes."""
    found = strictly.parsed(f.FlightInfo.FromString, data)
    if not isinstance(found, f.FlightInfo):
        raise Malformed("not a FlightInfo")
    return found


def prepared(handle: str, columns: bytes, parameters: bytes) -> f.Result:
    """Return the handle of a statement; the columns of one with placeholders are not known before they are bound."""
    said = s.ActionCreatePreparedStatementResult(
        prepared_statement_handle=handle.encode(),
        dataset_schema=columns,
        parameter_schema=parameters,
        is_update=False,
    )
    return f.Result(body=commands.packed(said))


def cancelled() -> f.Result:
    """Say that a question is being stopped."""
    return f.Result(body=f.CancelFlightInfoResult(status=f.CANCEL_STATUS_CANCELLING).SerializeToString())


def query_cancelled() -> f.Result:
    """Say the same to an older driver."""
    said = s.ActionCancelQueryResult(result=s.ActionCancelQueryResult.CANCEL_RESULT_CANCELLING)
    return f.Result(body=commands.packed(said))


def closed() -> f.Result:
    """Say that there is no session any more."""
    return f.Result(body=f.CloseSessionResult(status=f.CloseSessionResult.CLOSED).SerializeToString())
