"""C2SP signed-note v1.0.0: text with signature lines, and the verifier keys that name its signers."""

import hashlib
import re
from dataclasses import dataclass

from yanmen.formats import base64std
from yanmen.formats.malformed import Malformed

BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 32
"""The specification demands at least 16: one log and its witnesses."""
ED25519 = b"\x01"
"""Signature type of plain Ed25519 over the text."""

_MARK = "— "
_KEY_ID_BYTES = 4
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
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
    """An Ed25519 key under its name, as a `vkey` line holds it."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before this key's signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:_KEY_ID_BYTES]


def encode(note: Note) -> bytes:
    """Return the bytes of `note`."""
    _check_text(note.text)
    if not 1 <= len(note.signatures) <= SIGNATURES_MAX:
        raise Malformed("note: no signature, or too many")
    lines: list[str] = []
    for signature in note.signatures:
        _check_name(signature.name)
        lines.append(f"{_MARK}{signature.name} {base64std.encode(signature.key_id + signature.signature)}\n")
    return (note.text + "\n" + "".join(lines)).encode()


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
    lines = tail.split("\n")[:-1]
    if len(lines) > SIGNATURES_MAX:
        raise Malformed("note: too many signatures")
    return Note(text=text + "\n", signatures=tuple(_decode_line(line) for line in lines))


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


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise Malformed("note: key name is empty or holds a space or plus sign")
    if _CONTROL.search(name) is not None:
        raise Malformed("note: control character")


def encode_key(key: VerifierKey) -> str:
    """Return `key` as a `vkey`: name, key id and typed key, joined by plus signs."""
    _check_name(key.name)
    return f"{key.name}+{key.key_id.hex()}+{base64std.encode(ED25519 + key.public)}"


def decode_key(text: str) -> VerifierKey:
    """Return the key of a `vkey` text; only Ed25519 keys are read."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed("vkey: not three parts")
    name, key_id, encoded = parts
    _check_name(name)
    data = base64std.decode(encoded)
    if len(data) != 33 or data[:1] != ED25519:
        raise Malformed("vkey: not an Ed25519 key")
    key = VerifierKey(name=name, public=data[1:])
    if _KEY_ID.fullmatch(key_id) is None or bytes.fromhex(key_id) != key.key_id:
        raise Malformed("vkey: key id does not belong to this name and key")
    return key
