"""The 914 vectors of C2SP/CCTV: what each verifier decides follows from the flags of the vector."""

import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from yanmen.crypto import signatures
from yanmen.crypto.signatures import BadSignature

from tests.unit.crypto.test_ed25519_edges import CARRIED
from tests.vectors import ed25519_cctv
from tests.vectors.ed25519_cctv import Vector

vectors = cache(ed25519_cctv.vectors)
"""Made once, and by a test: not by every process that collects tests."""


def ours(vector: Vector) -> bool:
    try:
        signatures.verify(vector.key, vector.message.encode(), vector.signature)
    except BadSignature:
        return False
    return True


def carried(vector: Vector) -> bool:
    try:
        CARRIED.prime_order(vector.key)
        CARRIED.verify(vector.key, vector.message.encode(), vector.signature)
    except Exception:  # noqa: BLE001 - the program calls whatever goes wrong NOT VALID
        return False
    return True


def openssl(vector: Vector) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(vector.key).verify(vector.signature, vector.message.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def test_they_are_the_published_ones() -> None:
    text = ed25519_cctv.text(vectors()).encode()
    assert (len(vectors()), len(text)) == (914, 351_077)
    assert hashlib.sha256(text).hexdigest() == ed25519_cctv.SHA256


def test_no_flag_is_let_pass() -> None:
    """No cofactor, canonical spellings, key and R of prime order: only the vector without a flag counts."""
    assert [one.number for one in vectors() if ours(one) != (not one.flags)] == []
    assert len([one for one in vectors() if not one.flags]) == 1


def test_the_carried_file_decides_the_same() -> None:
    """Its check of a key is in Python: one of each spelling, and all whose key passes."""
    keys = {one.key: one for one in vectors()}
    plain = [one for one in vectors() if not {"low_order_A", "low_order_component_A"} & set(one.flags)]
    assert [one.number for one in (*keys.values(), *plain) if carried(one) != (not one.flags)] == []


def test_openssl_alone_lets_some_pass() -> None:
    """As the list's own text says of most implementations: residues and an R that is not canonical fall, no more."""
    theirs = [openssl(one) for one in vectors()]
    assert theirs == [not {"low_order_residue", "non_canonical_R"} & set(one.flags) for one in vectors()]
    assert sum(theirs) == 208
