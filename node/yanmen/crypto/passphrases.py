"""Key files sealed under a passphrase: scrypt makes the key, AES-256-GCM holds the file's content.

    file = magic (20) || salt (16) || nonce (12) || AES-256-GCM(content, magic and salt as associated data)

Who copies a sealed file has to guess the passphrase at 64 MiB and about 0.2 seconds a guess.
"""

from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

MAGIC = b"yanmen-sealed-key-1\n"
SALT = 16
NONCE = 12
COST, BLOCK, LANES = 2**16, 8, 1
"""RFC 7914: N, r and p; 64 MiB for each guess."""
LENGTH_MIN = 12
"""Characters of a passphrase; a file that can be copied is guessed at without limit."""


def is_sealed(data: bytes) -> bool:
    """Say whether `data` is the content of a sealed file."""
    return data.startswith(MAGIC)


def seal(content: bytes, passphrase: str, randomness: Randomness) -> bytes:
    """Return `content` sealed under `passphrase`."""
    if len(passphrase) < LENGTH_MIN:
        raise Fault(FaultCode.KEYS, f"a passphrase has at least {LENGTH_MIN} characters")
    salt, nonce = randomness.token(SALT), randomness.token(NONCE)
    return MAGIC + salt + nonce + _cipher(passphrase, salt).encrypt(nonce, content, MAGIC + salt)


def unseal(data: bytes, passphrase: str, path: Path) -> bytes:
    """Return what `data`, the content of the file `path`, holds."""
    body = data[len(MAGIC) :]
    salt, nonce, sealed = body[:SALT], body[SALT : SALT + NONCE], body[SALT + NONCE :]
    if len(nonce) < NONCE:
        raise Fault(FaultCode.KEYS, f"{path}: cut short")
    try:
        return _cipher(passphrase, salt).decrypt(nonce, sealed, MAGIC + salt)
    except InvalidTag as error:
        raise Fault(FaultCode.KEYS, f"{path}: another passphrase, or the file was altered") from error


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=LANES).derive(passphrase.encode()))
