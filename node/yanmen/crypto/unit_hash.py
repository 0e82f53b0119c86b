"""Keyed hashes of units: who has not the node's seal key cannot tell whose hash one is, nor try names."""

import hashlib
import hmac

LABEL = b"yanmen-consent-1\n"


def space_key(seal_key: bytes, space: str) -> bytes:
    """Return the key that units of a subject space are hashed with; another space's hashes say nothing of it."""
    return hmac.new(seal_key, LABEL + space.encode("utf-8"), hashlib.sha256).digest()


def unit_hash(key: bytes, unit: str) -> str:
    """Return the hash of a unit, written as the data has it, in hex."""
    return hmac.new(key, unit.encode("utf-8"), hashlib.sha256).hexdigest()
