"""Deal a table to the aggregators of a manifest: shares, envelopes, one commitment; and open what was dealt."""

from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.crypto import envelopes, pedersen, sharing
from yanmen.crypto.envelopes import Opener
from yanmen.formats import share as share_format
from yanmen.formats.dealing import Dealing
from yanmen.formats.malformed import Malformed
from yanmen.formats.share import MAGIC, Share
from yanmen.model.federation import Manifest, SignedManifest
from yanmen.model.ports import Randomness

_WIDE = 64


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
    shares = sharing.split(values, blinding, len(manifest.aggregators), randomness)
    dealing = Dealing(
        signed.sha256,
        manifest.multiplicity,
        manifest.sigma_squared,
        pedersen.commit(values, blinding),
        tuple(map(sharing.digest, shares)),
    )
    sealed = tuple(
        envelopes.seal(key, share_format.encode(share), place(signed.sha256, dealer, to))
        for to, key, share in zip(manifest.aggregators, signed.keys, shares, strict=True)
    )
    return Dealt(dealing, sealed)


def open_share(envelope: bytes, opener: Opener, manifest: Manifest, dealing: Dealing, dealer: str, me: str) -> Share:
    """Return the share `dealer` sealed for the aggregator `me`: of this manifest's size, and the one it is bound to."""
    share = share_format.decode(opener.open(envelope, place(dealing.manifest_sha256, dealer, me)))
    if share.cells != manifest.cells:
        raise Malformed("share: of another table")
    if sharing.digest(share) != dealing.shares[manifest.aggregators.index(me)]:
        raise Malformed("share: not the one its dealer's receipt names")
    sharing.expand(share)
    return share


def place(manifest_sha256: str, dealer: str, aggregator: str) -> bytes:
    """Return what binds an envelope to its question and its two ends."""
    return MAGIC + "\n".join((manifest_sha256, dealer, aggregator)).encode("ascii")
