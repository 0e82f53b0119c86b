"""What holds a federated question together: manifest, receipts of dealers, certified set, published total.

Nodes, aggregators, the consumer and any auditor check with these same functions. All raise
`Malformed`, `BadSignature` or `BadProof`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yanmen.crypto import documents, notes, pedersen, receipts, shamir, sharing
from yanmen.crypto.blame import blamed
from yanmen.crypto.manifests import active
from yanmen.crypto.shamir import Candidate
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, dealing, merkle, point, proof, share
from yanmen.formats import manifest as manifest_format
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.dealing import Dealing
from yanmen.formats.former_keys import key_at
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import SumPoint
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Slot
from yanmen.formats.share import WholeShare
from yanmen.formats.slots import Output
from yanmen.model.federation import (
    NOISES,
    NOTHING,
    OPENING,
    Dealt,
    Mode,
    OpenedSum,
    Opening,
    Recovered,
    SetCertificate,
    SignedManifest,
)
from yanmen.model.party import KeyUse, Party, Register
from yanmen.model.receipt import Stage


@dataclass(frozen=True, slots=True)
class Evidence:
    """A dealer's receipt as the consumer passes it on: the SD-JWT with its `output` disclosed, and its tlog-proof."""

    dealer: str
    sdjwt: str
    proof: str


@dataclass(frozen=True, slots=True)
class Word:
    """What a dealer is bound to by a receipt that verified."""

    dealt: Dealt
    dealing: Dealing


def check_evidence(evidence: Evidence, signed: SignedManifest, register: Register) -> Word:
    """Return what a dealer's receipt binds it to: signed by its key, in its log, of this manifest."""
    manifest = signed.manifest
    said = receipted(evidence, signed, register)
    word = dealing.read(said.mechanism)
    stated = (word.manifest_sha256, word.mode, word.multiplicity, word.sigma_squared)
    mode = Mode.ADDITIVE if manifest.mode is Mode.JOINED else manifest.mode
    if stated != (signed.sha256, mode, manifest.multiplicity, manifest.sigma_squared):
        raise Malformed("dealt for another manifest")
    pedersen.check(word.commitment)
    return Word(Dealt(said.dealer, said.leaf, word.commitment), word)


@dataclass(frozen=True, slots=True)
class Receipted:
    """What a verified receipt says that its dealer did, and the hash of its leaf."""

    dealer: str
    leaf: bytes
    mechanism: str


def receipted(evidence: Evidence, signed: SignedManifest, register: Register) -> Receipted:
    """Return what a dealer's receipt says, signed by its key and in its log: a node's answer, an aggregator's noise."""
    manifest = signed.manifest
    dealer = active(register, evidence.dealer)
    is_node = manifest.asks(dealer.id) is not None
    if not is_node and dealer.id not in manifest.aggregators:
        raise Malformed("dealt by nobody the manifest names")
    inclusion = proof.decode(evidence.proof)
    log = checkpoint.decode(inclusion.checkpoint.text)
    key = key_at(dealer, KeyUse.RECEIPT, log.origin, inclusion.index)
    disclosed = receipts.verify_disclosed(evidence.sdjwt, key)
    head = disclosed.leaf.head
    if head.iss != dealer.id or head.stage is not (Stage.OUTCOME if is_node else Stage.NOISE):
        raise Malformed("the receipt of another stage or dealer")
    _check_included(inclusion, log, disclosed.leaf.jws, dealer)
    mechanism = Output.read(disclosed.slots.get(Slot.OUTPUT)).mechanism
    return Receipted(dealer.id, merkle.leaf_hash(disclosed.leaf.jws), mechanism)


def check_set(certificate: SetCertificate, signed: SignedManifest) -> None:
    """Hold a certified set against its manifest: nodes it asks, enough of them, the noise of three aggregators."""
    manifest = signed.manifest
    if certificate.manifest_sha256 != signed.sha256:
        raise Malformed("set: of another manifest")
    if any(manifest.asks(item.dealer) is None for item in certificate.nodes):
        raise Malformed("set: holds a node that was not asked")
    if len(certificate.nodes) < manifest.contributors_least:
        raise Malformed("set: fewer nodes than the manifest demands")
    noise = {item.dealer for item in certificate.noise}
    if len(noise) != NOISES or not noise.issubset(manifest.aggregators):
        raise Malformed("set: the noise of an aggregator is missing")


def agreed_set(certificates: Sequence[bytes], signed: SignedManifest, register: Register) -> SetCertificate:
    """Return the set that enough aggregators of the manifest certified, one certificate each and all the same.

    In additive mode that is every aggregator; in robust mode an empty certificate stands for one that is missing.
    """
    manifest = signed.manifest
    if len(certificates) != len(manifest.aggregators):
        raise Malformed("set: not one certificate of each aggregator")
    opened: list[SetCertificate] = []
    for name, token in zip(manifest.aggregators, certificates, strict=True):
        if token:
            with blamed(name):
                opened.append(documents.open_set(token, active(register, name).signing_key))
                if opened[-1].aggregator != name:
                    raise BadSignature("set: certified for another aggregator")
    if len(opened) < manifest.mode.certifying:
        raise Malformed("set: not certified by enough aggregators")
    digests = {manifest_format.set_digest(item) for item in opened}
    if len(digests) != 1:
        raise Malformed("set: the aggregators certified different sets")
    check_set(opened[0], signed)
    return opened[0]


def total(opening: Opening, signed: SignedManifest, register: Register) -> tuple[int, ...]:
    """Return the published total, once enough aggregators certified one set and it is what that set committed to."""
    return recovered(opening, signed, register).values


def recovered(opening: Opening, signed: SignedManifest, register: Register) -> Recovered:
    """Return the published total as `total` does, and which aggregators published something else, or nothing."""
    manifest = signed.manifest
    agreed = agreed_set(opening.certificates, signed, register)
    if len(opening.sums) != len(manifest.aggregators):
        raise Malformed("sum: not one of each aggregator")
    present = {
        name: published
        for name, published in zip(manifest.aggregators, opening.sums, strict=True)
        if published != NOTHING
    }
    for name, published in present.items():
        with blamed(name):
            check_partial(name, published, agreed, signed, register)
    if len(present) < (OPENING if manifest.mode is Mode.ROBUST else len(manifest.aggregators)):
        raise Malformed("sum: not of enough aggregators")
    match manifest.mode:
        case Mode.ADDITIVE:
            return _added(list(present.values()), manifest.cells, _committed(agreed))
        case Mode.ROBUST:
            return _interpolated(present, signed, _committed(agreed))
        case Mode.JOINED:
            # Nobody knew the figures, so that nobody committed to them: canary rows speak for them (crypto/joined).
            return Recovered(_revealed(list(present.values()), manifest.cells)[0])


def check_partial(
    name: str, published: OpenedSum, agreed: SetCertificate, signed: SignedManifest, register: Register
) -> None:
    """Require that the aggregator `name` signed the sum of `published` over the agreed set, and that it is one."""
    partial = documents.open_partial(published.partial, active(register, name).signing_key)
    said = (partial.aggregator, partial.manifest_sha256, partial.set_sha256, partial.share_sha256)
    digest = hashlib.sha256(published.share).hexdigest()
    if said != (name, signed.sha256, manifest_format.set_digest(agreed), digest):
        raise Malformed(f"sum: {name} signed another sum")
    manifest = signed.manifest
    match manifest.mode:
        case Mode.ADDITIVE | Mode.JOINED:
            summed = share.decode(published.share)
            if not isinstance(summed, WholeShare) or summed.cells != manifest.cells:
                raise Malformed(f"sum: what {name} published is none")
        case Mode.ROBUST:
            _point(name, published, signed)


def _point(name: str, published: OpenedSum, signed: SignedManifest) -> SumPoint:
    manifest, found = signed.manifest, point.decode(published.share)
    if not isinstance(found, SumPoint) or (found.place, found.cells) != (
        manifest.aggregators.index(name) + 1,
        manifest.cells,
    ):
        raise Malformed(f"sum: what {name} published is none")
    shamir.expand(found)
    return found


def _committed(agreed: SetCertificate) -> bytes:
    return pedersen.add(item.commitment for item in (*agreed.nodes, *agreed.noise))


def _revealed(sums: Sequence[OpenedSum], cells: int) -> tuple[tuple[int, ...], int]:
    return sharing.reveal(sharing.total((share.decode(item.share) for item in sums), cells))


def _added(sums: Sequence[OpenedSum], cells: int, committed: bytes) -> Recovered:
    values, blinding = _revealed(sums, cells)
    if pedersen.commit(values, blinding) != committed:
        raise _unproven()
    return Recovered(values)


def _interpolated(present: Mapping[str, OpenedSum], signed: SignedManifest, committed: bytes) -> Recovered:
    """Return the total that the commitments prove of those that three sums or more agree on."""
    places = {name: at for at, name in enumerate(signed.manifest.aggregators, start=1)}
    proven: list[Candidate] = []
    for candidate in shamir.candidates([_point(name, item, signed) for name, item in present.items()]):
        if pedersen.commit(candidate.values, candidate.blinding) == committed:
            proven.append(candidate)
            if len(candidate.supporters) > OPENING:
                break  # another would meet it in two supporters and the proven total: three points make it the same
    if not proven:
        raise _unproven()
    some = frozenset[int]().union(*(candidate.supporters for candidate in proven))
    all_ = proven[0].supporters.intersection(*(candidate.supporters for candidate in proven))
    return Recovered(
        values=proven[0].values,
        missing=tuple(name for name in places if name not in present),
        lied=tuple(name for name in present if places[name] not in some),
        disputed=tuple(name for name in present if places[name] in some - all_),
    )


def _unproven() -> BadSignature:
    return BadSignature("sum: the published total is not the sum of what was committed to")


def _check_included(inclusion: Proof, log: Checkpoint, leaf: bytes, dealer: Party) -> None:
    """Verify that `leaf` is in the dealer's log, under a head of its log key."""
    if checkpoint.origin_node(log.origin) != dealer.id:
        raise BadSignature("checkpoint of another node's log")
    notes.verify_checkpoint(inclusion.checkpoint, log.origin, key_at(dealer, KeyUse.LOG, log.origin, log.size - 1))
    merkle.verify_inclusion(merkle.leaf_hash(leaf), inclusion.index, log.size, inclusion.path, log.root)
