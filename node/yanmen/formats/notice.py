"""A notice of an incident (事件通报): what a node tells the authority, and its witnesses, signed by its receipt key."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text, texts
from yanmen.formats.malformed import Malformed

TYP = "yanmen-notice+jws"
BYTES_MAX = 32 * 1024
FROZEN_MAX = 20
_MEMBERS = frozenset({"at_ms", "case", "checkpoint", "frozen", "index", "kind", "node", "text", "to"})


@unique
class Occasion(Enum):
    """What is told."""

    OPENED = "opened"
    DRILL = "drill"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one addressee; `checkpoint` covers the leaf `index`. Witnesses get no text."""

    node: str
    to: str
    kind: Occasion
    case: str
    index: int
    at_ms: int
    checkpoint: str
    text: str = ""
    frozen: tuple[str, ...] = ()


def encode(notice: Notice) -> dict[str, Json]:
    """Return the payload of `notice`."""
    return {
        "at_ms": notice.at_ms,
        "case": notice.case,
        "checkpoint": notice.checkpoint,
        "frozen": list(notice.frozen),
        "index": notice.index,
        "kind": notice.kind.value,
        "node": notice.node,
        "text": notice.text,
        "to": notice.to,
    }


def decode(payload: Json) -> Notice:
    """Return the notice in a payload."""
    members = exact(payload, _MEMBERS)
    kind = next((each for each in Occasion if each.value == members["kind"]), None)
    if kind is None:
        raise Malformed("notice: unknown kind")
    return Notice(
        node=connector_id.check(text(members, "node", 32)),
        to=text(members, "to", 256),
        kind=kind,
        case=text(members, "case", 32),
        index=integer(members, "index"),
        at_ms=integer(members, "at_ms"),
        checkpoint=text(members, "checkpoint"),
        text=text(members, "text"),
        frozen=texts(members, "frozen", FROZEN_MAX, 128),
    )
