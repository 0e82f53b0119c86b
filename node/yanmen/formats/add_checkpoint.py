"""C2SP tlog-witness: what a log asks of a witness, and the size it answers when the log is out of step."""

from dataclasses import dataclass

from yanmen.formats import decimals, note, proof
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note

BYTES_MAX = note.BYTES_MAX + 4096
"""A note and 63 hashes."""
SIZE_TYPE = "text/x.tlog.size"

_OLD = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A signed head, the size the witness cosigned last and the proof that the log grew from there."""

    old: int
    path: tuple[bytes, ...]
    signed: Note


def encode(request: AddCheckpoint) -> bytes:
    """Return the body of the request."""
    head = f"{_OLD}{decimals.encode(request.old)}\n{proof.encode_path(request.path)}\n"
    return head.encode("ascii") + note.encode(request.signed)


def decode(data: bytes) -> AddCheckpoint:
    """Return the request in the body `data`."""
    if len(data) > BYTES_MAX:
        raise Malformed("add-checkpoint: too long")
    head, blank, signed = data.partition(b"\n\n")
    try:
        first, *rest = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed("add-checkpoint: not ASCII") from error
    if not blank or not first.startswith(_OLD):
        raise Malformed("add-checkpoint: no old size, or no empty line")
    return AddCheckpoint(decimals.decode(first.removeprefix(_OLD)), proof.decode_path(rest), note.decode(signed))


def encode_size(size: int) -> bytes:
    """Return the body of the answer that tells the witness's own size."""
    return f"{decimals.encode(size)}\n".encode("ascii")


def decode_size(data: bytes) -> int:
    """Return the size in the body `data`."""
    if not data.endswith(b"\n") or not data.isascii():
        raise Malformed("size: not one line")
    return decimals.decode(data[:-1].decode("ascii"))
