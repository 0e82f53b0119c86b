"""Ed25519: known answers, and keys and signatures that other libraries take and this one must not."""

import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from yanmen.crypto import keys, signatures
from yanmen.crypto.keys import FileSigner
from yanmen.crypto.signatures import BadSignature

ORDER = 2**252 + 27742317777372353535851937790883648493
KEY = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))

LOW_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
)
"""The eight points whose order divides 8, canonically encoded."""
NOT_CANONICAL = (
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)
"""The same points once more, as encodings with y not below 2^255 - 19 or with a sign on x = 0."""
NO_POINT = ("0200000000000000000000000000000000000000000000000000000000000000",)


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
            "655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
            "b00d291612bb0c00",
        ),
    ],
)
def test_rfc_8032_answers(public: str, message: str, signature: str) -> None:
    signatures.verify(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@pytest.mark.parametrize("public", [*LOW_ORDER, *NOT_CANONICAL, *NO_POINT, "", "00" * 31, "01" * 33])
def test_no_key_of_low_order_or_other_encoding(public: str) -> None:
    with pytest.raises(BadSignature):
        signatures.check_public(bytes.fromhex(public))
    with pytest.raises(BadSignature):
        signatures.verify(bytes.fromhex(public), b"anything", bytes(64))


def test_a_key_of_low_order_would_sign_everything() -> None:
    """Why: OpenSSL takes one signature for any message under the identity as key."""
    identity = bytes.fromhex(LOW_ORDER[0])
    forged = identity + bytes(32)
    for message in (b"pay 1 fen", b"pay 1,000,000 fen"):
        Ed25519PublicKey.from_public_bytes(identity).verify(forged, message)
        with pytest.raises(BadSignature):
            signatures.verify(identity, message, forged)


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        # Numbers 5, 7 and 27 of C2SP/CCTV ed25519vectors: keys outside the main subgroup.
        (
            "ed25519vectors 3",
            "00000000000000000000000000000000000000000000000000000000000000009472a69cd9a701a50d130ed52189e2455b23767db52cacb8"
            "716fb896ffeeac09",
        ),
        (
            "ed25519vectors",
            "36684ea91032ba5b1dbab2d02f4debc74c3327f2b3802e2e4d371aa42b12b56bbbfd00bd9c259d8d222d15e67a3d8228585050dbb9b9585b"
            "e20d8fadc721da03",
        ),
        (
            "ed25519vectors 10",
            "0000000000000000000000000000000000000000000000000000000000000080050abffcd4d8ccbb4b8d6bf6649f5aa99e8de5cc182a7409"
            "633856ff53f49e0c",
        ),
    ],
)
def test_disputed_signatures_do_not_count(message: str, signature: str) -> None:
    public = bytes.fromhex("10eb7c3acfb2bed3e0d6ab89bf5a3d6afddd1176ce4812e38d9fd485058fdb1f")
    with pytest.raises(BadSignature):
        signatures.verify(public, message.encode(), bytes.fromhex(signature))


def test_a_signature_has_one_form() -> None:
    """S + L is the same scalar; accepting it would give every signature a second text."""
    good = KEY.sign(b"m")
    signatures.verify(KEY.public, b"m", good)
    shifted = int.from_bytes(good[32:], "little") + ORDER
    with pytest.raises(BadSignature):
        signatures.verify(KEY.public, b"m", good[:32] + shifted.to_bytes(32, "little"))


@given(st.binary(max_size=40), st.integers(0, 511))
def test_no_flipped_bit_verifies(message: bytes, bit: int) -> None:
    flipped = bytearray(KEY.sign(message))
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        signatures.verify(KEY.public, message, bytes(flipped))


@given(st.binary(max_size=40))
def test_what_counts_here_counts_elsewhere(message: bytes) -> None:
    signature = KEY.sign(message)
    signatures.verify(KEY.public, message, signature)
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(signature, message)
    with pytest.raises(BadSignature):
        signatures.verify(KEY.public, message + b"x", signature)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(KEY.public).verify(signature, message + b"x")


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signatures_have_64_bytes(length: int) -> None:
    with pytest.raises(BadSignature, match="64"):
        signatures.verify(KEY.public, b"", bytes(length))


def test_openssl_verifies_what_we_sign(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(keys.public_pem(KEY.public))
    (tmp_path / "message").write_bytes(b"signed here")
    (tmp_path / "signature").write_bytes(KEY.sign(b"signed here"))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "message").write_bytes(b"signed there")
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0
