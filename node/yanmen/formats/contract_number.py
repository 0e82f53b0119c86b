"""A contract's number (合约标识码): the 47 characters by which TC609-6-2025-14 names it, made of the contract itself.

Type (1), node type (1), subject of the node (18), its region or industry (4), time (14), random part (8), check
character (1, MOD 37-2). The time is when the contract begins, of UTC+8; the random part is what is left of the
contract's own 128 random bits modulo 36^8. The texts we have of the standard give no value for the type; `C` is used.
"""

import re
from datetime import UTC, datetime

from yanmen.formats import connector_id
from yanmen.formats.control_values import CIVIL
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Terms

TYPE = "C"
LENGTH = 47
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RANDOM = 8
_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})", re.ASCII)


def of(terms: Terms) -> str:
    """Return the number of the contract over `terms`."""
    node = connector_id.decode(terms.holder)
    begins = datetime.fromtimestamp(terms.not_before_ms // 1000, UTC).astimezone(CIVIL)
    body = TYPE + node.type.value + node.subject + node.region + begins.strftime("%Y%m%d%H%M%S") + _random(terms.id)
    return body + connector_id.check_character(body)


def uuid(identifier: str) -> str:
    """Return 32 hex digits in the 36 characters that strategies, proofs and negotiations are named by."""
    match = _ID.fullmatch(identifier)
    if match is None:
        raise Malformed("not 32 hex digits")
    return "-".join(match.groups())


def of_uuid(text: str) -> str:
    """Return the 32 hex digits of a UUID."""
    match = _ID.fullmatch(text)
    if match is None or len(text) != 36:
        raise Malformed("not a UUID in small letters")
    return "".join(match.groups())


def _random(identifier: str) -> str:
    number, found = int(identifier, 16), ""
    for _ in range(_RANDOM):
        number, digit = divmod(number, len(_ALPHABET))
        found = _ALPHABET[digit] + found
    return found
