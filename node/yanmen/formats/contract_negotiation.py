"""The constraints by which a contract says what it was made from: `yanmen:template`."""

import re

from yanmen.formats import json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Filled

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILLED = frozenset({"@id", "sha256"})


def write_filled(value: object) -> Json:
    """Return the operand that names a template."""
    if not isinstance(value, Filled):
        raise Malformed("not a template's name")
    return {"@id": value.template, "sha256": value.sha256}


def read_filled(value: Json) -> Filled:
    """Return the template that an operand names."""
    members = json_members.exact(value, _FILLED)
    filled = Filled(json_members.text(members, "@id", 32), json_members.text(members, "sha256", 64))
    if _ID.fullmatch(filled.template) is None or _SHA256.fullmatch(filled.sha256) is None:
        raise Malformed("a template's id and the hex SHA-256 of what was signed")
    return filled
