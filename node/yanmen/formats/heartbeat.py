"""A node's heartbeat (心跳): who it is, whether it serves, how far its log is; signed, so that it can be handed on."""

from dataclasses import dataclass

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, text
from yanmen.formats.malformed import Malformed

TYP = "yanmen-heartbeat+jws"
BYTES_MAX = 4096
_MEMBERS = frozenset({"at_ms", "connected", "connector", "leaves", "origin", "running", "sequence"})


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One beat: `sequence` counts from 1 since the node began to serve, `running` the uses that touch data."""

    connector: str
    at_ms: int
    sequence: int
    connected: bool
    origin: str
    leaves: int
    running: int


def encode(beat: Heartbeat) -> dict[str, Json]:
    """Return the payload of `beat`."""
    return {
        "at_ms": beat.at_ms,
        "connected": beat.connected,
        "connector": beat.connector,
        "leaves": beat.leaves,
        "origin": beat.origin,
        "running": beat.running,
        "sequence": beat.sequence,
    }


def decode(payload: Json) -> Heartbeat:
    """Return the beat in a payload."""
    members = exact(payload, _MEMBERS)
    if not text(members, "origin", 256):
        raise Malformed("heartbeat: of no log")
    return Heartbeat(
        connector_id.check(text(members, "connector", 32)),
        integer(members, "at_ms"),
        integer(members, "sequence", 1),
        flag(members, "connected"),
        text(members, "origin", 256),
        integer(members, "leaves", 1),
        integer(members, "running"),
    )
