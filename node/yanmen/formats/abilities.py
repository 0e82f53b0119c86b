"""A connector's ability record (能力记录) as the payload of a JWS, by the node's receipt key."""

import re
from collections.abc import Mapping

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.model.ability import Abilities

TYP = "yanmen-abilities+jws"
BYTES_MAX = 64 * 1024
LIST_MAX = 500
_MEMBERS = frozenset({"algorithms", "iat", "interfaces", "limits", "modes", "node", "version"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def encode(said: Abilities) -> dict[str, Json]:
    """Return the payload of `said`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "algorithms": {name: list(values) for name, values in said.algorithms.items()},
        "iat": said.issued_s,
        "interfaces": list(said.interfaces),
        "limits": dict(said.limits),
        "modes": {name: list(values) for name, values in said.modes.items()},
        "node": said.node,
        "version": said.version,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Abilities:
    """Return the record in a payload."""
    members = exact(payload, _MEMBERS)
    limits = members["limits"]
    if not isinstance(limits, dict) or not all(map(_NAME.fullmatch, limits)):
        raise Malformed("abilities: limits by name")
    said = Abilities(
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        version=text(members, "version", 100),
        interfaces=texts(members, "interfaces", LIST_MAX),
        algorithms=_lists(members["algorithms"]),
        modes=_lists(members["modes"]),
        limits={name: integer(limits, name) for name in sorted(limits)},
        issued_s=integer(members, "iat"),
    )
    if list(said.interfaces) != sorted(set(said.interfaces)) or not said.interfaces:
        raise Malformed("abilities: interfaces in order, each once")
    return said


def _lists(value: Json) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict) or not all(map(_NAME.fullmatch, value)):
        raise Malformed("abilities: lists by name")
    return {name: texts(value, name, LIST_MAX) for name in sorted(value)}
