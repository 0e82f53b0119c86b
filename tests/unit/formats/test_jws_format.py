"""Compact JWS: three parts, one algorithm, no key of its own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64url, json_canonical, jws
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed

HEADER: dict[str, Json] = {"alg": "Ed25519", "kid": "k", "typ": "t"}
SIGNATURE = bytes(range(64))


def token(header: Json = HEADER, payload: bytes = b"{}", signature: bytes = SIGNATURE) -> bytes:
    parts = (json.dumps(header, separators=(",", ":")).encode(), payload, signature)
    return ".".join(base64url.encode(part) for part in parts).encode()


def test_parts_come_apart_and_together() -> None:
    signed = jws.signing_input("k", "t", {"n": 1}, {"cty": "x"})
    whole = jws.join(signed, SIGNATURE)
    parts = jws.split(whole)
    assert (parts.kid, parts.typ, parts.extra, parts.payload) == ("k", "t", {"cty": "x"}, b'{"n":1}')
    assert jws.join(parts.signing_input, parts.signature) == whole


@given(st.binary(max_size=200))
def test_payload_is_opaque_until_verified(payload: bytes) -> None:
    assert jws.split(token(payload=payload)).payload == payload


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "EdDSA"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "crit": "b64"},
        {**HEADER, "jwk": "x"},
        {**HEADER, "jku": "x"},
        {**HEADER, "x5c": "x"},
        {**HEADER, "b64": "x"},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "cty": 1},
        {"alg": "Ed25519", "typ": "t"},
        {"alg": "Ed25519", "kid": "k"},
        {"typ": "t", "kid": "k", "alg": "Ed25519"},
        {"kid": "k", "typ": "t"},
        {**HEADER, "kid": "k" * 2000},
        [],
    ],
)
def test_header_refused(header: Json) -> None:
    with pytest.raises(Malformed):
        jws.split(token(header))


def test_rfc_8037_token_is_refused_for_its_algorithm() -> None:
    """The example of RFC 8037 A.4 says EdDSA, which RFC 9864 deprecates."""
    example = (
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    with pytest.raises(Malformed, match="algorithm"):
        jws.split(example)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"..",
        token() + b".",
        token() + b"\n",
        token()[:-1],
        token() + b"A",
        token(signature=SIGNATURE[:-1]),
        token().replace(b".", b"=.", 1),
        b" " + token(),
        token().decode().encode("utf-16"),
    ],
)
def test_token_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        jws.split(data)


def test_length_is_capped() -> None:
    with pytest.raises(Malformed, match="too long"):
        jws.split(token(), max_bytes=10)


def test_own_parameters_cannot_be_overridden() -> None:
    for name in ("alg", "kid", "typ", "jwk", "crit"):
        with pytest.raises(Malformed):
            jws.signing_input("k", "t", {}, {name: "x"})
    with pytest.raises(Malformed, match="64 bytes"):
        jws.join(b"a.b", b"short")
    with pytest.raises(Malformed, match="header too long"):
        jws.signing_input("k" * 2000, "t", {}, {})


def test_header_is_canonical() -> None:
    head = base64url.decode(jws.signing_input("k", "t", {}, {}).decode().split(".")[0])
    assert head == json_canonical.encode(HEADER)
