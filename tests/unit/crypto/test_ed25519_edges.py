"""Signatures on which Ed25519 implementations disagree: one strict rule, and every path of ours keeps to it."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from yanmen.crypto import signatures
from yanmen.crypto.signatures import BadSignature

from tests.vectors import ed25519_edges
from tests.vectors.ed25519_edges import Edge

ROOT = Path(__file__).resolve().parents[3]


@cache
def edges() -> list[Edge]:
    """Return all of them: made once, and by a test, not by every process that collects tests."""
    return list(ed25519_edges.edges())


def ours(edge: Edge) -> bool:
    try:
        signatures.verify(edge.key, edge.message, edge.signature)
    except BadSignature:
        return False
    return True


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("carry_auditor", ROOT / "scripts" / "carry-auditor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CARRIED = loaded()


def carried(edge: Edge) -> bool:
    try:
        CARRIED.prime_order(edge.key)
        CARRIED.verify(edge.key, edge.message, edge.signature)
    except Exception:  # noqa: BLE001 - the program calls whatever goes wrong NOT VALID
        return False
    return True


def test_the_edges_are_all_there() -> None:
    """Fourteen spellings of the eight points of low order, as C2SP/CCTV lists them, and 22 encodings in all."""
    known = {
        *("00" * 32, "edffff" + "ff" * 28 + "7f", "00" * 31 + "80", "ed" + "ff" * 31, "01" + "00" * 31),
        *(
            "01" + "00" * 30 + "80",
            "ee" + "ff" * 30 + "7f",
            "ee" + "ff" * 31,
            "ec" + "ff" * 30 + "7f",
            "ec" + "ff" * 31,
        ),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    }
    points = ed25519_edges.points()
    assert {each.text.hex() for each in points if not each.secret} == known
    assert len(points) == 22
    assert len({(edge.key, edge.signature[:32]) for edge in edges()}) == 22 * 22
    assert sum(edge.residue for edge in edges()) > 200
    assert sum(edge.reencoded for edge in edges()) > 200


def test_a_signature_counts_only_if_key_and_r_are_of_prime_order() -> None:
    wrong = [
        edge for edge in edges() if ours(edge) != (edge.prime_order_key and edge.prime_order_r and not edge.residue)
    ]
    assert wrong == []
    assert sum(map(ours, edges())) >= 1


def test_an_ordinary_signature_is_what_openssl_calls_one() -> None:
    """What is accepted here is accepted by OpenSSL, and OpenSSL accepts more."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def openssl(edge: Edge) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(edge.key).verify(edge.signature, edge.message)
        except (InvalidSignature, ValueError):
            return False
        return True

    theirs = {edge for edge in edges() if openssl(edge)}
    mine = {edge for edge in edges() if ours(edge)}
    assert mine < theirs


def test_the_carried_file_keeps_to_the_rule() -> None:
    assert [edge for edge in edges()[::5] if carried(edge) != ours(edge)] == []


def test_the_carried_file_takes_what_counts() -> None:
    for edge in filter(ours, edges()):
        assert carried(edge)
