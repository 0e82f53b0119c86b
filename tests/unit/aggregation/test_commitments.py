"""Commitments against libsodium, shares against addition, envelopes against every other place."""

import hashlib
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_from_uniform,
    crypto_scalarmult_ed25519_noclamp,
)
from yanmen.aggregation.calibration import variances
from yanmen.crypto import envelopes, pedersen, sharing
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import dealing, share
from yanmen.formats.dealing import Dealing
from yanmen.formats.malformed import Malformed
from yanmen.formats.share import SeedShare, WholeShare

RANDOM = SystemRandomness()
CELLS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20)
BLINDING = st.integers(0, pedersen.ORDER - 1)


def generator(name: bytes) -> bytes:
    return crypto_core_ed25519_from_uniform(hashlib.sha512(b"yanmen-pedersen-1" + name).digest()[:32])


def by_libsodium(values: list[int], blinding: int) -> bytes:
    """Return the commitment, term by term with libsodium; its scalars must not be zero."""
    total = crypto_scalarmult_ed25519_noclamp(blinding.to_bytes(32, "little"), generator(b"blinding"))
    for at, value in enumerate(values):
        if value:
            scalar = (value % pedersen.ORDER).to_bytes(32, "little")
            term = crypto_scalarmult_ed25519_noclamp(scalar, generator(b"cell" + at.to_bytes(8, "big")))
            total = crypto_core_ed25519_add(total, term)
    return total


@settings(deadline=None, max_examples=40)
@given(values=CELLS, blinding=st.integers(1, pedersen.ORDER - 1))
def test_a_commitment_is_what_libsodium_computes(values: list[int], blinding: int) -> None:
    assert pedersen.commit(values, blinding) == by_libsodium(values, blinding)


@settings(deadline=None, max_examples=20)
@given(pairs=st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40)), min_size=1, max_size=9))
def test_commitments_add_as_their_tables_do(pairs: list[tuple[int, int]]) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    s, t = (1 + secrets.randbelow(pedersen.ORDER - 1) for _ in "st")
    whole = pedersen.commit([a + b for a, b in pairs], (s + t) % pedersen.ORDER)
    assert pedersen.add([pedersen.commit(left, s), pedersen.commit(right, t)]) == whole


def test_a_large_table_uses_several_windows() -> None:
    values = [secrets.randbelow(2**40) - 2**39 for _ in range(300)]
    blinding = 1 + secrets.randbelow(pedersen.ORDER - 1)
    assert pedersen.commit(values, blinding) == by_libsodium(values, blinding)


@pytest.mark.parametrize(
    "encoded",
    [
        bytes(32),
        b"\x01" + bytes(31),  # the neutral point
        (2**255 - 19 - 1).to_bytes(32, "little"),  # of order 2
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # of order 8
        b"\xff" * 32,
        b"\x02" * 31,
    ],
)
def test_what_is_no_point_of_the_group_is_refused(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        pedersen.check(encoded)
    with pytest.raises(Malformed):
        pedersen.add([encoded])


def test_values_and_blindings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        pedersen.commit([2**64], 1)
    with pytest.raises(ValueError, match="reduced"):
        pedersen.commit([1], pedersen.ORDER)


@settings(deadline=None)
@given(values=CELLS, blinding=BLINDING, parties=st.integers(2, 5))
def test_all_shares_add_up_and_encode_alike(values: list[int], blinding: int, parties: int) -> None:
    shares = sharing.split(values, blinding, parties, RANDOM)
    for one in shares:
        assert share.decode(share.encode(one)) == one
    assert sharing.reveal(sharing.total(shares, len(values))) == (tuple(values), blinding)


def test_a_share_takes_little_more_than_eight_bytes_a_cell() -> None:
    cells = 10_000
    shares = sharing.split([1] * cells, 5, 3, RANDOM)
    sent = sum(len(share.encode(one)) + envelopes.OVERHEAD for one in shares)
    assert sent / cells <= 8.5
    opener = Opener(RANDOM.token(envelopes.SECRET_BYTES))
    sealed = envelopes.seal(opener.public, share.encode(shares[0]), b"here")
    assert len(sealed) == len(share.encode(shares[0])) + envelopes.OVERHEAD


@given(data=st.binary(max_size=200) | st.binary(max_size=90).map(lambda rest: share.MAGIC + rest))
def test_bytes_that_are_no_share_are_refused_or_encode_the_same(data: bytes) -> None:
    try:
        read = share.decode(data)
    except Malformed:
        return
    assert share.encode(read) == data


def test_a_share_of_another_table_or_with_a_wide_blinding_is_refused() -> None:
    with pytest.raises(Malformed):
        sharing.total([SeedShare(3, bytes(32))], 4)
    with pytest.raises(Malformed):
        sharing.total([WholeShare(b"\xff" * 32, bytes(32))], 4)


def test_an_envelope_opens_for_its_key_and_place_only() -> None:
    one, other = (Opener(RANDOM.token(envelopes.SECRET_BYTES)) for _ in "ab")
    sealed = envelopes.seal(one.public, b"share", b"here")
    assert one.open(sealed, b"here") == b"share"
    for opener, envelope, info in (
        (other, sealed, b"here"),
        (one, sealed, b"there"),
        (one, sealed[:-1], b"here"),
        (one, bytes([sealed[0] ^ 1]) + sealed[1:], b"here"),
        (one, b"", b"here"),
    ):
        with pytest.raises(Malformed):
            opener.open(envelope, info)
    with pytest.raises(Malformed):
        envelopes.seal(bytes(1215), b"share", b"here")


def test_the_line_of_a_dealing_is_read_as_written_and_no_other() -> None:
    said = Dealing("0" * 64, 3, (4, 5), bytes(32), (bytes(32), b"\x01" * 32, b"\x02" * 32))
    assert dealing.read(said.text()) == said
    for wrong in (said.text() + " ", said.text().upper(), said.text().replace("-1 ", "-2 "), "discrete-gaussian", ""):
        with pytest.raises(Malformed):
            dealing.read(wrong)


@given(l2=st.lists(st.integers(1, 10**6), min_size=1, max_size=5), rho=st.integers(1_000, 10**6), m=st.integers(1, 9))
def test_the_noise_costs_no_more_than_is_charged_and_not_much_less(l2: list[int], rho: int, m: int) -> None:
    found = variances(l2, rho, m)
    cost = sum(m * m * squared / (2 * variance) for squared, variance in zip(l2, found, strict=True))
    assert cost <= rho / 10**6 * (1 + 1e-12)
    assert all(
        variance == 1 or m * m * squared / (2 * (variance - 1)) > rho / 10**6 / len(l2)
        for squared, variance in zip(l2, found, strict=True)
    )
