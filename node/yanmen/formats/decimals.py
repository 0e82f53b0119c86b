"""Unsigned integers as ASCII decimals: Python's `int()` also reads signs, spaces, `_` and `٥`."""

import re

from yanmen.formats.malformed import Malformed

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

MAX = 2**63 - 1
"""Largest value read: what SQLite and C2SP implementations hold in a signed 64-bit integer."""


def decode(text: str) -> int:
    """Return the value of `text`, refusing leading zeroes and anything above `MAX`."""
    if _DECIMAL.fullmatch(text) is None:
        raise Malformed("decimal: not an ASCII decimal without leading zeroes")
    value = int(text)
    if value > MAX:
        raise Malformed("decimal: too large")
    return value


def encode(value: int) -> str:
    """Return `value` as an ASCII decimal."""
    if not 0 <= value <= MAX:
        raise Malformed("decimal: out of range")
    return str(value)
