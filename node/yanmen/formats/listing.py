"""A catalogue entry as a node signs it for the space's list of names (FORMATS.md, listing)."""

import re
from dataclasses import dataclass

from yanmen.formats import connector_id, jws
from yanmen.formats.json_canonical import Json, decode_object
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed

TYP = "yanmen-listing+jws"
BYTES_MAX = 16 * 1024
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_MEMBERS = frozenset({"class", "dataset", "grade", "iat", "node", "title_en", "title_zh", "version"})


@dataclass(frozen=True, slots=True)
class Listing:
    """What a node says it offers: public facts of the spec only; `issued_s` is Unix seconds."""

    node: str
    dataset: str
    version: str
    cls: str
    grade: str
    title_zh: str
    title_en: str
    issued_s: int


def payload(entry: Listing) -> dict[str, Json]:
    """Return `entry` as the payload to sign."""
    return {
        "class": entry.cls,
        "dataset": entry.dataset,
        "grade": entry.grade,
        "iat": entry.issued_s,
        "node": entry.node,
        "title_en": entry.title_en,
        "title_zh": entry.title_zh,
        "version": entry.version,
    }


def parse(value: Json) -> Listing:
    """Return the entry in a verified payload; raises `Malformed`."""
    members = exact(value, _MEMBERS)
    name = text(members, "dataset", 63)
    if _TABLE.fullmatch(name) is None:
        raise Malformed("listing: not a table name")
    return Listing(
        node=connector_id.check(text(members, "node", 32)),
        dataset=name,
        version=text(members, "version", 100),
        cls=text(members, "class", 20),
        grade=text(members, "grade", 20),
        title_zh=text(members, "title_zh", 300),
        title_en=text(members, "title_en", 300),
        issued_s=integer(members, "iat"),
    )


def claimed_node(token: bytes) -> str:
    """Return the node `token` says it is by, to choose the key it is verified with."""
    return parse(decode_object(jws.split(token, BYTES_MAX).payload, BYTES_MAX)).node
