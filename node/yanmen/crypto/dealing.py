"""Deal a table to the aggregators of a manifest: shares, envelopes, one commitment; open and add what was dealt."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yanmen.crypto import envelopes, pedersen, shamir, sharing
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.mersenne import P
from yanmen.crypto.shamir import Degree
from yanmen.formats import point as point_format
from yanmen.formats import share as share_format
from yanmen.formats.dealing import DEGREE_BYTES, Dealing
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import MASKS, Point
from yanmen.formats.share import MAGIC
from yanmen.model.federation import Manifest, Mode, SignedManifest
from yanmen.model.ports import Randomness

_WIDE = 64
_NARROW_BYTES, _WIDE_BYTES = 8, 32
"""Bytes of a published coefficient over 2^61 - 1, and of one modulo the group's order."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """What a dealer sends: its binding words for the receipt, and an envelope for each aggregator in order."""

    dealing: Dealing
    envelopes: tuple[bytes, ...]


def deal(values: Sequence[int], signed: SignedManifest, dealer: str, randomness: Randomness) -> Dealt:
    """Split `values` among the manifest's aggregators, seal each share for its own, and commit to the table."""
    manifest = signed.manifest
    if len(values) != manifest.cells:
        raise ValueError("not the manifest's table")
    blinding = int.from_bytes(randomness.token(_WIDE), "little") % pedersen.ORDER
    commitment = pedersen.commit(values, blinding)
    match manifest.mode:
        case Mode.ADDITIVE | Mode.JOINED:
            shares = sharing.split(values, blinding, len(manifest.aggregators), randomness)
            return _dealt(signed, dealer, commitment, tuple(map(share_format.encode, shares)), ())
        case Mode.ROBUST:
            points = shamir.split(values, blinding, randomness)
            return _dealt(signed, dealer, commitment, tuple(map(point_format.encode, points)), points)


def open_share(envelope: bytes, opener: Opener, manifest: Manifest, dealing: Dealing, dealer: str, me: str) -> None:
    """Require that `dealer` sealed for the aggregator `me` a share of this manifest's table, the one it is bound to.

    In robust mode the share must also lie where the polynomials say that the dealer published.
    """
    content = opener.open(envelope, place(dealing.manifest_sha256, dealer, me))
    at = manifest.aggregators.index(me)
    if hashlib.sha256(content).digest() != dealing.shares[at]:
        raise Malformed(f"share: not the one that the receipt of {dealer} names")
    match manifest.mode:
        case Mode.ADDITIVE | Mode.JOINED:
            share = share_format.decode(content)
            if share.cells != manifest.cells:
                raise Malformed("share: of another table")
            sharing.expand(share)
        case Mode.ROBUST:
            shamir.total([point_format.decode(content)], at + 1, manifest.cells)
            coin = shamir.challenge(dealing.manifest_sha256, dealer, dealing.commitment, dealing.shares)
            if not shamir.on_degree(point_format.decode(content), coin, read_degree(dealing.degree)):
                raise Malformed(f"share: what {dealer} dealt is on no polynomial of the degree it must have")


def summed(contents: Iterable[bytes], manifest: Manifest, me: str) -> bytes:
    """Return the sum of the shares in `contents`, as the aggregator `me` publishes it."""
    match manifest.mode:
        case Mode.ADDITIVE | Mode.JOINED:
            return share_format.encode(sharing.total(map(share_format.decode, contents), manifest.cells))
        case Mode.ROBUST:
            points = map(point_format.decode, contents)
            return point_format.encode(shamir.total(points, manifest.aggregators.index(me) + 1, manifest.cells))


def place(manifest_sha256: str, dealer: str, aggregator: str) -> bytes:
    """Return what binds an envelope to its question and its two ends."""
    return MAGIC + "\n".join((manifest_sha256, dealer, aggregator)).encode("ascii")


def write_degree(degree: Degree) -> bytes:
    """Return the bytes of `degree`, row by row."""
    rows = (number.to_bytes(_NARROW_BYTES, "big") for row in degree.rows for number in row)
    return b"".join((*rows, *(number.to_bytes(_WIDE_BYTES, "big") for number in degree.blinding)))


def read_degree(encoded: bytes) -> Degree:
    """Return the polynomials that `encoded` holds, each coefficient reduced."""
    if len(encoded) != DEGREE_BYTES:
        raise Malformed("dealing: not the polynomials of a degree test")
    narrow = shamir.COEFFICIENTS * _NARROW_BYTES
    rows = tuple(_numbers(encoded[at : at + narrow], _NARROW_BYTES, P) for at in range(0, MASKS * narrow, narrow))
    return Degree(rows, _numbers(encoded[MASKS * narrow :], _WIDE_BYTES, pedersen.ORDER))


def _numbers(encoded: bytes, size: int, modulus: int) -> tuple[int, ...]:
    numbers = tuple(int.from_bytes(encoded[at : at + size], "big") for at in range(0, len(encoded), size))
    if max(numbers) >= modulus:
        raise Malformed("dealing: a coefficient is not reduced")
    return numbers


def _dealt(
    signed: SignedManifest, dealer: str, commitment: bytes, contents: tuple[bytes, ...], points: Sequence[Point]
) -> Dealt:
    """Return what the dealer binds itself to, and the envelopes: the coin of the degree test comes last."""
    manifest, degree = signed.manifest, b""
    digests = tuple(hashlib.sha256(content).digest() for content in contents)
    if points:
        coin = shamir.challenge(signed.sha256, dealer, commitment, digests)
        degree = write_degree(shamir.degree(points, coin))
    word = Dealing(signed.sha256, manifest.multiplicity, manifest.sigma_squared, commitment, digests, degree)
    sealed = tuple(
        envelopes.seal(key, content, place(signed.sha256, dealer, to))
        for to, key, content in zip(manifest.aggregators, signed.keys, contents, strict=True)
    )
    return Dealt(word, sealed)
