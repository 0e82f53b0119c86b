"""Rows of units that withdrew, or did not give, consent, left out by the unit's keyed hash (HMAC-SHA256, RFC 2104)."""

import re
from typing import NamedTuple

from yanmen_sandbox.request import Request, array, flag, text

BLOCK = 64
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Excluded(NamedTuple):
    """The hashes of the units to leave out, or of the only ones not to, and the key they were made with."""

    key: bytes
    units: tuple[str, ...]
    others: bool


def read(request: Request) -> Excluded | None:
    """Return what the order leaves out, None when it leaves out nothing."""
    said = request.body.get("excluded")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise TypeError("excluded")
    units = tuple(str(unit) for unit in array(said, "units"))
    if not all(map(_HEX.fullmatch, units)):
        raise ValueError("excluded")
    return Excluded(bytes.fromhex(text(said, "key")), units, flag(said, "others"))


def where(excluded: Excluded, unit: str, rows: str) -> str:
    """Write the condition that keeps the rows of every other unit, or of these alone; each unit is hashed once."""
    if not excluded.units:
        return "FALSE" if excluded.others else "TRUE"
    listed = ", ".join(f"'{hashed}'" for hashed in excluded.units)
    found = f"SELECT {unit} FROM (SELECT DISTINCT {unit} FROM ({rows})) WHERE {_hmac(excluded.key, unit)} IN ({listed})"  # noqa: S608 - names and digits of ours
    return f"{unit} {'IN' if excluded.others else 'NOT IN'} ({found})"


def _hmac(key: bytes, unit: str) -> str:
    padded = key.ljust(BLOCK, b"\0")
    inner, outer = (_blob(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))
    return f"sha256({outer} || unhex(sha256({inner} || encode(CAST({unit} AS VARCHAR)))))"


def _blob(data: bytes) -> str:
    return "'" + "".join(f"\\x{byte:02X}" for byte in data) + "'::BLOB"
