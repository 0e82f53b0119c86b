"""C2SP tlog-proof v1: one leaf's inclusion proof with the checkpoint it leads to.

The specification's `extra` line is refused: nothing authenticates it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.formats import base64std, decimals, merkle, note
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note

HEADER = "c2sp.org/tlog-proof@v1"
BYTES_MAX = note.BYTES_MAX + 4096

_INDEX = "index "
_HASH = frozenset({merkle.HASH_BYTES})


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a leaf stands, its audit path (sibling first) and the signed checkpoint above."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Note


def encode(proof: Proof) -> str:
    """Return the text of `proof`."""
    return encode_under(proof.index, proof.path, note.encode(proof.checkpoint).decode())


def encode_under(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """Return the text of the proof of leaf `index` under the signed note `checkpoint`, which is encoded already."""
    return f"{HEADER}\n{_INDEX}{decimals.encode(index)}\n{encode_path(path)}\n{checkpoint}"


def decode(text: str) -> Proof:
    """Return the proof that `text` is."""
    if len(text) > BYTES_MAX:
        raise Malformed("tlog-proof: too long")
    head, blank, tail = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != HEADER:
        raise Malformed("tlog-proof: no checkpoint, or another first line")
    if len(lines) < 2 or not lines[1].startswith(_INDEX):
        raise Malformed("tlog-proof: second line is not the index")
    try:
        checkpoint = tail.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("tlog-proof: lone surrogate") from error
    return Proof(
        index=decimals.decode(lines[1].removeprefix(_INDEX)),
        path=decode_path(lines[2:]),
        checkpoint=note.decode(checkpoint),
    )


def encode_path(path: Sequence[bytes]) -> str:
    """Return one base64 line for each hash of `path`."""
    if len(path) > merkle.PATH_MAX or not _HASH.issuperset(map(len, path)):
        raise Malformed("tlog-proof: too many hashes, or something that is no hash")
    return base64std.encode_lines(path)


def decode_path(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Return the hashes of base64 `lines`."""
    if len(lines) > merkle.PATH_MAX:
        raise Malformed("tlog-proof: too many hashes")
    return tuple(base64std.decode_sized(line, merkle.HASH_BYTES) for line in lines)
