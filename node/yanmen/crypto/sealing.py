"""Seals a stream at rest: AES-256-GCM or SM4-GCM in chunks, so that a large file never has to fit in memory.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as age and Tink use it: a fresh
key per file by HKDF-SHA256 over a random salt, a nonce of chunk number and last-chunk mark. Chunks
swapped, dropped, repeated, cut off or appended fail to open.

    file  = magic (16) || salt (32) || chunk*        chunk = cipher(plain, 1 MiB but the last) || tag (16)
    nonce = chunk number (11, big-endian) || 01 for the last chunk, else 00
    yanmen-sealed-1: AES-256-GCM, its key by HKDF-SHA256      yanmen-sealed-2: SM4-GCM (RFC 8998), by HKDF-SM3
"""

from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yanmen.model.config import AtRest
from yanmen.model.ports import Randomness

MAGIC = b"yanmen-sealed-1\n"
MAGIC_SM4 = b"yanmen-sealed-2\n"
SALT = 32
SM4_KEY = 16
KEY = 32
TAG = 16
CHUNK = 1 << 20
HEAD = len(MAGIC) + SALT


class Readable(Protocol):
    """A binary file open for reading."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


class Writable(Protocol):
    """A buffered binary file open for writing: each write takes all it is given."""

    def write(self, data: bytes, /) -> int:
        """Write `data`."""
        ...


class Sm4Gcm:
    """SM4 (GB/T 32907) in Galois/Counter mode with a tag of 16 bytes, as RFC 8998 has it."""

    def __init__(self, key: bytes) -> None:
        """Hold a key of 16 bytes."""
        self._algorithm = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return `data` encrypted, and the tag."""
        encryptor = Cipher(self._algorithm, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return what was encrypted; InvalidTag when it was altered."""
        decryptor = Cipher(self._algorithm, GCM(nonce, data[-TAG:], TAG)).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(data[:-TAG]) + decryptor.finalize()


def seal_stream(
    key: bytes, source: Readable, target: Writable, randomness: Randomness, at_rest: AtRest = AtRest.AES
) -> None:
    """Write `source` sealed under `key` to `target`."""
    salt = randomness.token(SALT)
    magic = _MAGIC[at_rest]
    cipher = _cipher(key, salt, magic)
    target.write(magic + salt)
    for number, chunk, last in _chunks(source, CHUNK):
        target.write(cipher.encrypt(_nonce(number, last=last), chunk, None))


def open_stream(key: bytes, source: Readable, target: Writable) -> None:
    """Write what was sealed under `key`, by either cipher, to `target`; ValueError when it was altered in any way.

    Each chunk is authentic when it is written, the whole only when this returns.
    """
    header = _exactly(source, len(MAGIC) + SALT)
    magic = header[: len(MAGIC)]
    if len(header) != len(MAGIC) + SALT or magic not in _MAGIC.values():
        raise ValueError("not a sealed file")
    cipher = _cipher(key, header[len(MAGIC) :], magic)
    for number, chunk, last in _chunks(source, CHUNK + TAG):
        # Only an empty file ends in an empty chunk, or one file would have two sealed lengths.
        if len(chunk) < TAG or (number > 0 and len(chunk) == TAG):
            raise ValueError("sealed file is cut short")
        try:
            target.write(cipher.decrypt(_nonce(number, last=last), chunk, None))
        except InvalidTag:
            raise ValueError("sealed file was altered") from None


def sealed_size(plain: int) -> int:
    """Return how many bytes a sealed file has that holds so many."""
    return HEAD + plain + TAG * max(1, -(-plain // CHUNK))


def open_chunk(key: bytes, head: bytes, number: int, chunk: bytes, *, last: bool) -> bytes:
    """Return the chunk with this number of the file that begins with `head`; ValueError when it was altered."""
    if len(head) != HEAD or head[: len(MAGIC)] not in _MAGIC.values():
        raise ValueError("not a sealed file")
    try:
        return _cipher(key, head[len(MAGIC) :], head[: len(MAGIC)]).decrypt(_nonce(number, last=last), chunk, None)
    except InvalidTag:
        raise ValueError("sealed file was altered") from None


def plain_size(sealed: int) -> int:
    """Return how many bytes a sealed file of so many holds, if it is one."""
    body = max(0, sealed - len(MAGIC) - SALT)
    return max(0, body - TAG * -(-body // (CHUNK + TAG)))


_MAGIC = {AtRest.AES: MAGIC, AtRest.SM4: MAGIC_SM4}


def _cipher(key: bytes, salt: bytes, magic: bytes) -> AESGCM | Sm4Gcm:
    if len(key) != KEY:
        raise ValueError("seal key is not 32 bytes")
    if magic == MAGIC_SM4:
        return Sm4Gcm(HKDF(algorithm=SM3(), length=SM4_KEY, salt=salt, info=magic).derive(key))
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY, salt=salt, info=magic).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _chunks(source: Readable, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (number, chunk, last); at least one chunk, and only the first may be empty."""
    number = 0
    chunk = _exactly(source, size)
    while True:
        following = _exactly(source, size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _exactly(source: Readable, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end: an unbuffered file may return less than asked."""
    data = bytearray()
    while len(data) < size:
        piece = source.read(size - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)
