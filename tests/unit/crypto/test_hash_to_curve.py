"""Hashing to curve25519 and blinding: the vectors of RFC 9380 and RFC 7748, and points that must not be taken."""

import pytest
from gmpy2 import legendre
from yanmen.crypto import blinding, curve25519
from yanmen.crypto.curve25519 import FIELD
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.malformed import Malformed

DST = b"QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_"
VECTORS = {
    # RFC 9380, appendix J.4.2: message -> Q.x, what it is mapped to, and P.x, 8 times that
    b"": (
        0x51125222DA5E763D97F3C10FCC92EA6860B9CCBBD2EB1285728F566721C1E65B,
        0x1BB913F0C9DAEFA0B3375378FFA534BDA5526C97391952A7789EB976EDFE4D08,
    ),
    b"abc": (
        0x7D56D1E08CB0CCB92BAF069C18C49BB5A0DCD927EFF8DCF75CA921EF7F3E6EEB,
        0x7C22950B7D900FA866334262FCAEA47A441A578DF43B894B4625C9B450F9A026,
    ),
    b"abcdef0123456789": (
        0x3FBE66B9C9883D79E8407150E7C2A1C8680BEE496C62FABE4619A72B3CABE90F,
        0x31AD08A8B0DEEB2A4D8B0206CA25F567AB4E042746F792F4B7973F3AE2096C52,
    ),
    b"q128_" + b"q" * 128: (
        0x227E0BB89DE700385D19EC40E857DB6E6A3E634B1C32962F370D26F84FF19683,
        0x027877759D155B1997D0D84683A313EB78BDB493271D935B622900459D52CEAA,
    ),
    b"a512_" + b"a" * 512: (
        0x3BCD651EE54D5F7B6013898AAB251EE8ECC0688166FCE6E9548D38472F6BD196,
        0x5FD892C0958D1A75F54C3182A18D286EFAB784E774D1E017BA2FB252998B5DC1,
    ),
}
ORDER = 2**252 + 27742317777372353535851937790883648493
LOW_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    FIELD - 1,
)
"""https://cr.yp.to/ecdh.html: u-coordinates of the points of order 1, 2, 4 and 8, and of their twist's."""
RANDOM = SystemRandomness()


def test_the_vectors_of_rfc_9380_hold() -> None:
    found = curve25519.mapped(list(VECTORS), DST)
    assert [int.from_bytes(point, "little") for point in found] == [mapped for mapped, _ in VECTORS.values()]


@pytest.mark.parametrize("message", list(VECTORS))
def test_blinding_what_was_mapped_is_multiplying_what_rfc_9380_hashes_to(message: bytes) -> None:
    """X25519 clears the cofactor: under the key 8m comes m times P, as under another key that is m modulo the order."""
    mapped, hashed = VECTORS[message]
    key, other = _keys()
    once = blinding.blind_again(key, mapped.to_bytes(32, "little"))
    assert once == blinding.blind_again(other, hashed.to_bytes(32, "little"))


def _keys() -> tuple[bytes, bytes]:
    """Return two keys as they are after clamping, the second being the first divided by 8, modulo the order."""
    while True:
        one = 2**254 + 8 * int.from_bytes(RANDOM.token(31), "little")
        other = one * pow(8, -1, ORDER) % ORDER
        # The same multiple of a point of prime order, written as a multiple of 8 of the length X25519 clamps to.
        for times in range(16):
            if (other + times * ORDER) % 8 == 0 and 2**254 <= other + times * ORDER < 2**255:
                return one.to_bytes(32, "little"), (other + times * ORDER).to_bytes(32, "little")


def test_one_message_hashes_alike_alone_and_among_others() -> None:
    messages = [b"%d" % at for at in range(100)]
    assert curve25519.mapped(messages, DST) == [curve25519.mapped([one], DST)[0] for one in messages]


def test_a_vector_of_rfc_7748_holds() -> None:
    key = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    product = bytes.fromhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    assert blinding.blind_again(key, point) == product


def test_the_order_in_which_parties_blind_does_not_matter() -> None:
    keys = [blinding.secret(RANDOM) for _ in range(3)]
    messages = [b"u" + bytes([at]) for at in range(50)]
    ways = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    ends = set()
    for first, second, third in ways:
        points = b"".join(blinding.blind(keys[first], messages))
        ends.add(blinding.blind_again(keys[third], blinding.blind_again(keys[second], points)))
    assert len(ends) == 1
    (points,) = ends
    assert len({points[at : at + 32] for at in range(0, len(points), 32)}) == len(messages)


def test_every_hash_is_on_the_curve_so_that_no_bit_of_it_outlives_blinding() -> None:
    """A hash taken as a u-coordinate as it stands is on the curve half the time, whatever it is multiplied by."""
    points = [int.from_bytes(one, "little") for one in curve25519.mapped([b"%d" % at for at in range(300)], DST)]
    assert all(legendre(u * (u * u + 486662 * u + 1), FIELD) == 1 for u in points)


@pytest.mark.parametrize("u", LOW_ORDER)
def test_points_of_low_order_are_refused(u: int) -> None:
    with pytest.raises(Malformed):
        blinding.blind_again(blinding.secret(RANDOM), u.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "point", [(FIELD + 9).to_bytes(32, "little"), (2).to_bytes(32, "little"), bytes(31), b"\xff" * 32]
)
def test_what_is_no_canonical_point_of_the_curve_is_refused(point: bytes) -> None:
    good = curve25519.mapped([b"x"], DST)[0]
    with pytest.raises(Malformed):
        blinding.blind_again(blinding.secret(RANDOM), good + point)
