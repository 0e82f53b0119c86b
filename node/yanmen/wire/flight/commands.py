"""What Flight SQL callers ask for: protobuf inside `Any` inside bytes, taken apart strictly.

A command of Flight SQL that this node does not have, and any other type, is UNIMPLEMENTED, as Flight SQL prescribes.
"""

from typing import NoReturn, TypeVar

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire import strictly
from yanmen.wire.v1.arrow import flight_pb2 as f
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

PREFIX = "type.googleapis.com/"
CATALOGUE = (
    s.CommandGetCatalogs,
    s.CommandGetDbSchemas,
    s.CommandGetTables,
    s.CommandGetTableTypes,
    s.CommandGetSqlInfo,
    s.CommandGetXdbcTypeInfo,
    s.CommandGetPrimaryKeys,
    s.CommandGetExportedKeys,
    s.CommandGetImportedKeys,
    s.CommandGetCrossReference,
)
"""Commands about what is declared: anybody who may knock may have them, and nothing is recorded."""
_KNOWN: dict[str, type[Message]] = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        *CATALOGUE,
        s.CommandStatementQuery,
        s.CommandPreparedStatementQuery,
        s.TicketStatementQuery,
        s.ActionCreatePreparedStatementRequest,
        s.ActionClosePreparedStatementRequest,
        s.ActionCancelQueryRequest,
    )
}

M = TypeVar("M", bound=Message)


def command(descriptor: f.FlightDescriptor) -> Message:
    """Return the command in `descriptor`; one that names a path is none."""
    if descriptor.type != f.FlightDescriptor.CMD or descriptor.path:
        raise Malformed("descriptor: not a command")
    return unpacked(descriptor.cmd)


def unpacked(data: bytes) -> Message:
    """Return the message inside the `Any` in `data`."""
    wrapped = strictly.parsed(Any.FromString, data)
    kind = _KNOWN.get(wrapped.type_url.removeprefix(PREFIX)) if wrapped.type_url.startswith(PREFIX) else None
    if kind is None:
        not_offered(wrapped.type_url.rpartition("/")[2])
    return strictly.parsed(kind.FromString, wrapped.value)


def unpacked_as(kind: type[M], data: bytes) -> M:
    """Return the message of `kind` inside the `Any` in `data`; any other is malformed."""
    message = unpacked(data)
    if not isinstance(message, kind):
        raise Malformed(f"not a {kind.DESCRIPTOR.name}")
    return message


def packed(message: Message) -> bytes:
    """Return `message` inside an `Any`, as bytes."""
    wrapped = Any()
    wrapped.Pack(message)
    return wrapped.SerializeToString(deterministic=True)


_READS_EN = "It answers single SELECT statements and lists its catalogue."
_READS_ZH = "本节点只回答单条 SELECT 语句并提供目录查询。"


def not_offered(name: str) -> NoReturn:
    """Refuse what Flight SQL may have and this node has not."""
    many = name.endswith("Update")  # what a driver sends for executemany
    raise Refused(
        Reason.COMMAND_NOT_OFFERED,
        Detail(
            subject=name[:80],
            hint_en=_READS_EN + (" Instead of executemany, execute once for each row of parameters." if many else ""),
            hint_zh=_READS_ZH + ("请对每行参数各执行一次 execute，不支持 executemany。" if many else ""),
        ),
    )


def no_transaction(transaction_id: bytes) -> None:
    """Return when no transaction is asked for: there are none."""
    if transaction_id:
        not_offered("transaction")
