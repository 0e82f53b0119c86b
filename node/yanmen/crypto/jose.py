"""Signed compact JWS: formats/jws.py with a key."""

from collections.abc import Mapping

from yanmen.crypto import signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import json_canonical, jws
from yanmen.formats.json_canonical import Json
from yanmen.model.ports import Signer


def sign_jws(header_extra: Mapping[str, str], payload: Mapping[str, Json], signer: Signer, kid: str, typ: str) -> bytes:
    """Return the compact JWS of `payload` by `signer`, whose key is called `kid`."""
    signed = jws.signing_input(kid, typ, payload, header_extra)
    return jws.join(signed, signer.sign(signed))


def verify_jws(token: bytes, public: bytes, typ: str, max_bytes: int = jws.BYTES_MAX) -> dict[str, Json]:
    """Return the payload of `token` when `public` signed it as a `typ`.

    Raises `Malformed` when the bytes are no such token and `BadSignature` when the type or the
    signature is another.
    """
    return json_canonical.decode_object(verify_bytes(token, public, typ, max_bytes), max_bytes)


def verify_bytes(token: bytes, public: bytes, typ: str, max_bytes: int = jws.BYTES_MAX) -> bytes:
    """Return the payload of `token` as it was signed, not read yet, when `public` signed it as a `typ`."""
    parts = jws.split(token, max_bytes)
    if parts.typ != typ:
        raise BadSignature("signed as something else")
    signatures.verify(public, parts.signing_input, parts.signature)
    return parts.payload
