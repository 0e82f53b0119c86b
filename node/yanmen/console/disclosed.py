"""What of a receipt a page shows: everything it discloses but signed documents, which could be used or replayed.

A session grant in a receipt is what a driver sends as its bearer token. So no text that has the form of a signed
token is shown, whatever slot it stands in; its length and digest tell which one it was.
"""

import hashlib
import json
import re
from collections.abc import Mapping

from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{16,}")
SHOWN_MAX = 20_000
"""Characters of one value that a page shows."""


def fields(slots: Mapping[Slot, Json]) -> tuple[tuple[str, str], ...]:
    """Return each slot's name and value as text, signed documents replaced by what names them."""
    return tuple((slot.value, text(value)) for slot, value in slots.items())


def text(value: Json) -> str:
    """Return one value as a person reads it."""
    hidden = without_tokens(value)
    shown = hidden if isinstance(hidden, str) else json.dumps(hidden, ensure_ascii=False, indent=2)
    return shown if len(shown) <= SHOWN_MAX else shown[:SHOWN_MAX] + " …"


def without_tokens(value: Json) -> Json:
    """Return `value` with every signed document in it replaced."""
    if isinstance(value, str):
        return TOKEN.sub(_named, value)
    if isinstance(value, list):
        return [without_tokens(item) for item in value]
    if isinstance(value, dict):
        return {name: without_tokens(item) for name, item in value.items()}
    return value


def _named(found: re.Match[str]) -> str:
    token = found[0]
    return f"[signed document 已签名文件, {len(token)} characters 字符, SHA-256 {_digest(token)}]"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
