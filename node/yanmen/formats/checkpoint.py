"""C2SP tlog-checkpoint v1.0.0: origin, size and root of a log, the text of a signed note.

Extension lines, which the specification advises against, are refused: ours have none.
"""

import re
from dataclasses import dataclass

from yanmen.formats import base64std, connector_id, decimals, merkle
from yanmen.formats.malformed import Malformed

_ORIGIN = re.compile(r"([0-9A-Z]{31}[0-9A-Z*])\.yanmen/usage-log/([1-9][0-9]{3}(?:-(?:[2-9]|[1-9][0-9]))?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log."""

    origin: str
    size: int
    root: bytes


def encode(checkpoint: Checkpoint) -> str:
    """Return the note text of `checkpoint`."""
    _check_origin_line(checkpoint.origin)
    if len(checkpoint.root) != merkle.HASH_BYTES:
        raise Malformed("checkpoint: root is not a SHA-256 hash")
    return f"{checkpoint.origin}\n{decimals.encode(checkpoint.size)}\n{base64std.encode(checkpoint.root)}\n"


def decode(text: str) -> Checkpoint:
    """Return the checkpoint that the note text `text` is."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("checkpoint: not three lines")
    _check_origin_line(lines[0])
    checkpoint = Checkpoint(
        origin=lines[0],
        size=decimals.decode(lines[1]),
        root=base64std.decode_sized(lines[2], merkle.HASH_BYTES),
    )
    if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        raise Malformed("checkpoint: an empty tree has another root")
    return checkpoint


def origin(node_id: str, year: int, number: int = 1) -> str:
    """Return the origin of the usage log that the node `node_id` keeps for `year`; one after a gap has a `number`."""
    text = f"{connector_id.check(node_id)}.yanmen/usage-log/{year}{'' if number == 1 else f'-{number}'}"
    if _ORIGIN.fullmatch(text) is None:
        raise Malformed("origin: year has not four digits")
    return text


def origin_node(text: str) -> str:
    """Return the connector id of the node whose log has the origin `text`."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise Malformed("origin: not that of a usage log")
    return connector_id.check(match.group(1))


def origin_year(text: str) -> tuple[int, int]:
    """Return the year of the usage log with the origin `text`, and its number within the year."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise Malformed("origin: not that of a usage log")
    year, _, number = match.group(2).partition("-")
    return int(year), int(number or "1")


def _check_origin_line(line: str) -> None:
    if not line or "\n" in line:
        raise Malformed("checkpoint: origin is not one line")
