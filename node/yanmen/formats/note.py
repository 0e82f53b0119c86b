"""C2SP signed-note v1.0.0: text with signature lines, and the verifier keys that name its signers."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from yanmen.formats import base64std
from yanmen.formats.malformed import Malformed

BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 32
"""The specification demands at least 16: one log and its witnesses."""
ED25519 = b"\x01"
"""Signature type of plain Ed25519 over the text: a log's own."""
COSIGNATURE = b"\x04"
"""Signature type of a timestamped Ed25519 cosignature (formats/cosignature.py): a witness's."""

_MARK = "— "
_KEY_ID_BYTES = 4
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SEPARATES = re.compile(r"[\s+]")
"""What `str.isspace` is true for, and the plus sign."""
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line; `key_id` tells keys of one name apart and proves nothing."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """Signed text, final newline included; nothing of it may be believed before a signature verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 key under its name, as a `vkey` line holds it; `kind` is the type of its signatures."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before this key's signatures."""
        return key_id(self.name, self.public, self.kind)


@lru_cache(maxsize=1024)
def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """Return the four bytes that stand before signatures of this key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:_KEY_ID_BYTES]


def encode(note: Note) -> bytes:
    """Return the bytes of `note`."""
    _check_text(note.text)
    if not 1 <= len(note.signatures) <= SIGNATURES_MAX:
        raise Malformed("note: no signature, or too many")
    return (note.text + "\n" + encode_signatures(note.signatures)).encode()


def encode_one(text: str, name: str, identified: bytes, signature: bytes) -> str:
    """Return the note of `text` with one signature, under the key id `identified`."""
    _check_text(text)
    return f"{text}\n{_line(name, identified, signature)}"


def encode_signatures(signatures: Iterable[NoteSignature]) -> str:
    """Return the signature lines of `signatures`."""
    return "".join(_line(each.name, each.key_id, each.signature) for each in signatures)


def _line(name: str, identified: bytes, signature: bytes) -> str:
    _check_name(name)
    return f"{_MARK}{name} {base64std.encode(identified + signature)}\n"


def decode(data: bytes) -> Note:
    """Return the note that `data` is."""
    if len(data) > BYTES_MAX:
        raise Malformed("note: too long")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("note: not UTF-8") from error
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Malformed("note: no text, or no signature lines")
    _check_text(text + "\n")
    return Note(text=text + "\n", signatures=decode_signatures(tail))


def decode_signatures(text: str) -> tuple[NoteSignature, ...]:
    """Return the signatures of the lines `text`."""
    if not text.endswith("\n"):
        raise Malformed("note: signature line does not end")
    lines = text.split("\n")[:-1]
    if len(lines) > SIGNATURES_MAX:
        raise Malformed("note: too many signatures")
    return tuple(_decode_line(line) for line in lines)


def _decode_line(line: str) -> NoteSignature:
    if not line.startswith(_MARK):
        raise Malformed("note: signature line does not begin with an em dash and a space")
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    _check_name(name)
    data = base64std.decode(encoded)
    if len(data) <= _KEY_ID_BYTES:
        raise Malformed("note: signature too short")
    return NoteSignature(name=name, key_id=data[:_KEY_ID_BYTES], signature=data[_KEY_ID_BYTES:])


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise Malformed("note: text does not end in a newline")
    if _CONTROL.search(text) is not None:
        raise Malformed("note: control character")


@lru_cache(maxsize=1024)
def _check_name(name: str) -> None:
    if not name or _SEPARATES.search(name) is not None:
        raise Malformed("note: key name is empty or holds a space or plus sign")
    if _CONTROL.search(name) is not None:
        raise Malformed("note: control character")


def encode_key(key: VerifierKey) -> str:
    """Return `key` as a `vkey`: name, key id and typed key, joined by plus signs."""
    _check_name(key.name)
    return f"{key.name}+{key.key_id.hex()}+{base64std.encode(key.kind + key.public)}"


def decode_key(text: str, kind: bytes = ED25519) -> VerifierKey:
    """Return the key of a `vkey` text; only Ed25519 keys of the `kind` asked for are read."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed("vkey: not three parts")
    name, key_id, encoded = parts
    _check_name(name)
    data = base64std.decode(encoded)
    if len(data) != 33 or data[:1] != kind:
        raise Malformed("vkey: not an Ed25519 key of this kind")
    key = VerifierKey(name=name, public=data[1:], kind=kind)
    if _KEY_ID.fullmatch(key_id) is None or bytes.fromhex(key_id) != key.key_id:
        raise Malformed("vkey: key id does not belong to this name and key")
    return key
