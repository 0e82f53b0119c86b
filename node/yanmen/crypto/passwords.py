"""Passwords of persons as they are kept: scrypt (RFC 7914) over a salt of each, 64 MiB a guess."""

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yanmen.formats import base64url
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness

COST, BLOCK, LANES = 2**16, 8, 1
SALT, KEY = 16, 32
LENGTH_MIN, LENGTH_MAX = 12, 200
"""Characters; whoever copied the file guesses without limit."""
_MARK = "scrypt-16-8-1"


def kept(password: str, randomness: Randomness) -> str:
    """Return what is kept of `password`: enough to know it again, not to tell it."""
    salt = randomness.token(SALT)
    return f"{_MARK}.{base64url.encode(salt)}.{base64url.encode(_scrypt(salt).derive(password.encode()))}"


def is_kept(text: str) -> bool:
    """Say whether `text` is of the form that `kept` returns."""
    try:
        _parts(text)
    except Malformed:
        return False
    return True


def fits(password: str, text: str) -> bool:
    """Say whether `text` was kept of `password`, in a time that does not tell how close it is."""
    salt, key = _parts(text)
    try:
        _scrypt(salt).verify(password.encode(), key)
    except InvalidKey:
        return False
    return True


def _parts(text: str) -> tuple[bytes, bytes]:
    mark, _, rest = text.partition(".")
    salt, _, key = rest.partition(".")
    if mark != _MARK:
        raise Malformed("password: kept in another way")
    return base64url.decode_sized(salt, SALT), base64url.decode_sized(key, KEY)


def _scrypt(salt: bytes) -> Scrypt:
    return Scrypt(salt=salt, length=KEY, n=COST, r=BLOCK, p=LANES)
