"""Compact JWS (RFC 7515 §3.1) with one algorithm, `Ed25519` (RFC 9864), and canonical JSON inside.

A token is `base64url(header) "." base64url(payload) "." base64url(signature)`. Nothing here
verifies a signature: that is `yanmen.crypto.jose`.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from yanmen.formats import base64url, json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed

ALGORITHM = "Ed25519"
SIGNATURE_BYTES = 64
BYTES_MAX = 2 * 1024 * 1024
"""Longest token read unless a caller asks for less: a register of a few thousand members."""
HEADER_BYTES_MAX = 1024

Header = tuple[str, str, Mapping[str, str]]
"""`kid`, `typ` and the other parameters."""

_OWN = frozenset({"alg", "kid", "typ"})
_NOT_TRUSTED = frozenset({"b64", "crit", "enc", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u", "zip"})
"""Parameters that change how a token is read or bring their own key: the key comes from the register."""


class Jws(NamedTuple):
    """A token taken apart; `kid` and `typ` may choose a key, nothing else may be believed before verifying."""

    kid: str
    typ: str
    extra: Mapping[str, str]
    payload: bytes
    signature: bytes
    signing_input: bytes


def signing_input(kid: str, typ: str, payload: Mapping[str, Json], extra: Mapping[str, str]) -> bytes:
    """Return the bytes to sign: encoded header, full stop, encoded payload."""
    return signing_input_of(kid, typ, json_canonical.encode(payload), tuple(sorted(extra.items())))


def signing_input_of(kid: str, typ: str, payload: bytes, extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Return the bytes to sign over a `payload` that is encoded already; `extra` are names and values, in order."""
    return b"%b.%b" % (_encoded_header(kid, typ, extra), base64url.encode_bytes(payload))


@lru_cache(maxsize=64)
def _encoded_header(kid: str, typ: str, extra: tuple[tuple[str, str], ...]) -> bytes:
    _check_extra(dict(extra))
    header = json_canonical.encode({**dict(extra), "alg": ALGORITHM, "kid": kid, "typ": typ})
    if len(header) > HEADER_BYTES_MAX:
        raise Malformed("JWS: header too long")
    return base64url.encode_bytes(header)


def join(signed: bytes, signature: bytes) -> bytes:
    """Return the token of the bytes signed and their `signature`."""
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("JWS: signature is not 64 bytes")
    return b"%b.%b" % (signed, base64url.encode_bytes(signature))


def split(token: bytes, max_bytes: int = BYTES_MAX) -> Jws:
    """Take `token` apart; joining its parts gives the same bytes again."""
    if len(token) > max_bytes:
        raise Malformed("JWS: too long")
    (kid, typ, extra), payload, signature = parts(token)
    return Jws(kid, typ, extra, payload, signature, token[: token.rindex(b".")])


def parts(token: bytes) -> tuple[Header, bytes, bytes]:
    """Return header, payload and signature of `token`."""
    first, one, rest = token.partition(b".")
    second, two, third = rest.partition(b".")
    if not one or not two or b"." in third:
        raise Malformed("JWS: not three parts")
    found = header(first)
    signature = base64url.decode_bytes(third)
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("JWS: signature is not 64 bytes")
    return found, base64url.decode_bytes(second), signature


@lru_cache(maxsize=64)
def header(encoded: bytes) -> Header:
    """Return `kid`, `typ` and the other parameters; all leaves of a log have the same header."""
    if len(encoded) > 2 * HEADER_BYTES_MAX:
        raise Malformed("JWS: header too long")
    members = json_canonical.decode_object(base64url.decode_bytes(encoded), HEADER_BYTES_MAX)
    if members.get("alg") != ALGORITHM:
        raise Malformed("JWS: algorithm is not Ed25519")
    extra = {name: json_members.text(members, name) for name in members.keys() - _OWN}
    _check_extra(extra)
    return json_members.text(members, "kid"), json_members.text(members, "typ"), MappingProxyType(extra)


def _check_extra(extra: Mapping[str, str]) -> None:
    if extra.keys() & _OWN or extra.keys() & _NOT_TRUSTED:
        raise Malformed("JWS: header parameter that is not admitted")
