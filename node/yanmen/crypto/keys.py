"""Ed25519 keys in files: PKCS #8 PEM readable by OpenSSL, mode 0600, never leaving the machine."""

import getpass
import hashlib
import os
import stat
import sys
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from yanmen.crypto import passphrases, signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

FILE_BYTES_MAX = 4096
"""An Ed25519 PEM has about 120 bytes; anything this long is another file."""
SEED_BYTES = 32
PASSPHRASE, PASSPHRASE_FILE = "YANMEN_PASSPHRASE", "YANMEN_PASSPHRASE_FILE"
"""Environment variables that hold the passphrase of sealed key files, or name the private file it is in."""


class FileSigner:
    """An Ed25519 private key held in memory after being read from its file."""

    __slots__ = ("_public", "_secret")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Hold `key`."""
        self._public, self._secret = crypto_sign_seed_keypair(key.private_bytes_raw())

    @property
    def public(self) -> bytes:
        """The raw 32-byte public key."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message`."""
        # Libsodium signs half as fast again as OpenSSL, with the same bytes (RFC 8032 is deterministic).
        return crypto_sign(message, self._secret)[: signatures.SIGNATURE_BYTES]


def generate(path: Path, randomness: Randomness, *, beside: Path | None = None) -> FileSigner:
    """Make a key, write it durably to the new file `path` and return it; an existing file is never replaced.

    It is sealed under the same passphrase as the key file `beside` is, if that one is.
    """
    key = Ed25519PrivateKey.from_private_bytes(randomness.token(SEED_BYTES))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if beside is not None and passphrases.is_sealed(read_private(beside)):
        read_secret(beside)  # another passphrase would lock the new key away
        secret = passphrases.seal(secret, passphrase(beside), randomness)
    write_private(path, secret)
    return FileSigner(key)


def from_seed(seed: bytes) -> FileSigner:
    """Return the key that the 32 secret bytes `seed` are."""
    return FileSigner(Ed25519PrivateKey.from_private_bytes(seed))


def load(path: Path) -> FileSigner:
    """Return the key in the file `path`, which nobody but its owner may read."""
    try:
        key = load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Fault(FaultCode.KEYS, f"{path}: not an unencrypted PKCS #8 PEM key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Fault(FaultCode.KEYS, f"{path}: not an Ed25519 key")
    return FileSigner(key)


def write_private(path: Path, secret: bytes) -> None:
    """Write `secret` durably to the new file `path`, mode 0600."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(path.parent)
    except OSError as error:
        raise Fault(FaultCode.KEYS, f"{path}: {error.strerror}") from error


def read_private(path: Path, max_bytes: int = FILE_BYTES_MAX) -> bytes:
    """Return the content of a secret file, refusing links, other owners and any right of group or others."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            _check_private(path, os.fstat(file.fileno()), max_bytes)
            return file.read(max_bytes + 1)
    except OSError as error:
        raise Fault(FaultCode.KEYS, f"{path}: {error.strerror}") from error


def read_secret(path: Path) -> bytes:
    """Return what the secret file `path` holds, unsealed when it is sealed under a passphrase."""
    data = read_private(path)
    return passphrases.unseal(data, passphrase(path), path) if passphrases.is_sealed(data) else data


def passphrase(path: Path, *, sealed: bool = True) -> str:
    """Return the passphrase of `path`, which is sealed or to be: as the environment names it, or from the terminal."""
    named = os.environ.get(PASSPHRASE_FILE)
    if named is not None:
        try:
            return read_private(Path(named)).decode("utf-8").rstrip("\n")
        except UnicodeDecodeError as error:
            raise Fault(FaultCode.KEYS, f"{named}: not UTF-8") from error
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        what = f"{path} is sealed" if sealed else f"a passphrase is to seal {path} 需以口令加密"
        ways = f"name its private file in {PASSPHRASE_FILE}, give it in {PASSPHRASE}, or run this at a terminal"
        zh = f"请用 {PASSPHRASE_FILE} 指明口令文件，或用 {PASSPHRASE} 给出口令，或在终端中运行"
        raise Fault(FaultCode.KEYS, f"{what}; the passphrase: {ways} {zh}")
    return getpass.getpass(f"passphrase of {path} 口令: ")


def replace_private(path: Path, secret: bytes) -> None:
    """Put `secret` durably in the place of the existing secret file `path`, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new-{os.getpid()}")
    write_private(fresh, secret)
    try:
        fresh.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Fault(FaultCode.KEYS, f"{path}: {error.strerror}") from error


def put_in_place(fresh: Path, path: Path) -> None:
    """Let the key file `fresh` take the place of `path`, whose key is gone then; again, it is nothing."""
    try:
        if fresh.exists():
            fresh.replace(path)
        _sync_directory(path.parent)
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        raise Fault(FaultCode.KEYS, f"{path}: {error.strerror}") from error


def _check_private(path: Path, status: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Fault(FaultCode.KEYS, f"{path}: not a regular file")
    if status.st_uid != os.geteuid():
        raise Fault(FaultCode.KEYS, f"{path}: owned by another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Fault(FaultCode.KEYS, f"{path}: readable by others, run chmod 600")
    if status.st_size > max_bytes:
        raise Fault(FaultCode.KEYS, f"{path}: too large for a key")


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def public_pem(public: bytes) -> str:
    """Return the raw key `public` as PEM, for OpenSSL and other tools."""
    signatures.check_public(public)
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def parse_public_pem(pem: str) -> bytes:
    """Return the raw key in `pem`; only the form `public_pem` writes is read."""
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("PEM: not a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed("PEM: not an Ed25519 key")
    public = key.public_bytes_raw()
    try:
        if public_pem(public) != pem:
            raise Malformed("PEM: not in the form OpenSSL writes")
    except BadSignature as error:
        raise Malformed("PEM: not a usable Ed25519 key") from error
    return public


@lru_cache(maxsize=4096)
def thumbprint(public: bytes) -> str:
    """Return the JWK thumbprint (RFC 7638, RFC 8037 §2) of `public`: 43 characters that name the key."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url.encode(public)}"}}'
    return base64url.encode(hashlib.sha256(jwk.encode("ascii")).digest())
