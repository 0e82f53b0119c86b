"""A catalogue entry (目录条目) as a node signs it, for the space's list and for catalogue services."""

import re

from yanmen.formats import connector_id, declared, jws
from yanmen.formats.json_canonical import Json, decode_object
from yanmen.formats.json_members import exact, integer, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.model.governance import Listing

TYP = "yanmen-listing+jws"
BYTES_MAX = 512 * 1024
"""512 columns with titles in two languages fit."""
EARLIER_MAX = 32
"""Versions before this one that an entry names; the log has all."""
VERSION_MAX = 100
QUALITY = re.compile(r"(?:[A-D]{3})?", re.ASCII)
_MEMBERS = frozenset({"declared", "earlier", "iat", "node", "quality", "version"})


def payload(entry: Listing) -> dict[str, Json]:
    """Return `entry` as the payload to sign; one that `parse` would refuse is refused here."""
    made: dict[str, Json] = {
        "declared": declared.encode(entry.dataset),
        "earlier": list(entry.earlier),
        "iat": entry.issued_s,
        "node": entry.node,
        "quality": entry.quality,
        "version": entry.version,
    }
    parse(made)
    return made


def parse(value: Json) -> Listing:
    """Return the entry in a verified payload; raises `Malformed`."""
    members = exact(value, _MEMBERS)
    quality = text(members, "quality", 3)
    if QUALITY.fullmatch(quality) is None:
        raise Malformed("listing: not three bands of quality")
    return Listing(
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        dataset=declared.decode(members["declared"]),
        version=text(members, "version", VERSION_MAX),
        earlier=texts(members, "earlier", EARLIER_MAX, VERSION_MAX),
        quality=quality,
        issued_s=integer(members, "iat"),
    )


def claimed_node(token: bytes) -> str:
    """Return the node `token` says it is by, to choose the key it is verified with."""
    return parse(decode_object(jws.split(token, BYTES_MAX).payload, BYTES_MAX)).node
