"""Keyed hashes of units: who has not the node's seal key cannot tell whose hash one is, nor try names."""

import hashlib
import hmac
import re
import unicodedata

LABEL = b"yanmen-consent-1\n"
_NUMBER = re.compile(r"[+-]?0*[0-9]{1,19}([.]0*)?", re.ASCII)


def space_key(seal_key: bytes, space: str) -> bytes:
    """Return the key that units of a subject space are hashed with; another space's hashes say nothing of it."""
    return hmac.new(seal_key, LABEL + space.encode("utf-8"), hashlib.sha256).digest()


def name_of(text: str) -> str:
    """Return the one form of a unit's name, which snapshots have too: NFC, without blanks around it."""
    return unicodedata.normalize("NFC", text.strip())


def number_of(name: str) -> str:
    """Return how snapshots have this unit where units are integers, "" when it is no such number."""
    if _NUMBER.fullmatch(name) is None:
        return ""
    number = int(name.partition(".")[0])
    return str(number) if -(2**63) <= number < 2**63 else ""


def unit_hash(key: bytes, unit: str) -> str:
    """Return the hash of a unit, by the name that snapshots have, in hex."""
    return hmac.new(key, unit.encode("utf-8"), hashlib.sha256).hexdigest()
