"""What holds a federated question together: manifest, receipts of dealers, certified set, published total.

Nodes, aggregators, the consumer and any auditor check with these same functions. All raise
`Malformed`, `BadSignature` or `BadProof`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from yanmen.crypto import documents, notes, pedersen, receipts, sharing
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, dealing, json_canonical, jws, merkle, proof, share
from yanmen.formats import manifest as manifest_format
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.dealing import Dealing
from yanmen.formats.former_keys import key_at
from yanmen.formats.malformed import Malformed
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Output
from yanmen.model.federation import Dealt, OpenedSum, Opening, SetCertificate, SignedManifest
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
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


def read_manifest(token: bytes, register: Register) -> SignedManifest:
    """Return the manifest in `token`, signed by an active member, to active nodes and aggregators of the space."""
    payload = json_canonical.decode_object(jws.split(token, manifest_format.BYTES_MAX).payload, len(token))
    claimed = manifest_format.decode(payload)
    consumer = _active(register, claimed.consumer)
    if consumer.role in {PartyRole.NODE, PartyRole.AGGREGATOR}:
        raise Malformed("manifest: asked by no consumer")
    manifest = documents.open_manifest(token, consumer.signing_key)
    for invited in manifest.nodes:
        _require_role(_active(register, invited.node), PartyRole.NODE)
    aggregators = [_active(register, name) for name in manifest.aggregators]
    for party in aggregators:
        _require_role(party, PartyRole.AGGREGATOR)
    keys = tuple(party.envelope_key for party in aggregators)
    return SignedManifest(manifest, token, hashlib.sha256(token).hexdigest(), keys)


def check_evidence(evidence: Evidence, signed: SignedManifest, register: Register) -> Word:
    """Return what a dealer's receipt binds it to: signed by its key, in its log, of this manifest."""
    manifest = signed.manifest
    dealer = _active(register, evidence.dealer)
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
    word = dealing.read(Output.read(disclosed.slots.get(Slot.OUTPUT)).mechanism)
    stated = (word.manifest_sha256, word.multiplicity, word.sigma_squared)
    if stated != (signed.sha256, manifest.multiplicity, manifest.sigma_squared):
        raise Malformed("dealt for another manifest")
    pedersen.check(word.commitment)
    _check_included(inclusion, log, disclosed.leaf.jws, dealer)
    return Word(Dealt(dealer.id, merkle.leaf_hash(disclosed.leaf.jws), word.commitment), word)


def check_set(certificate: SetCertificate, signed: SignedManifest) -> None:
    """Hold a certified set against its manifest: nodes it asks, enough of them, the noise of every aggregator."""
    manifest = signed.manifest
    if certificate.manifest_sha256 != signed.sha256:
        raise Malformed("set: of another manifest")
    if any(manifest.asks(item.dealer) is None for item in certificate.nodes):
        raise Malformed("set: holds a node that was not asked")
    if len(certificate.nodes) < manifest.contributors_least:
        raise Malformed("set: fewer nodes than the manifest demands")
    if tuple(item.dealer for item in certificate.noise) != manifest.aggregators:
        raise Malformed("set: the noise of an aggregator is missing")


def agreed_set(certificates: Sequence[bytes], signed: SignedManifest, register: Register) -> SetCertificate:
    """Return the set that every aggregator of the manifest certified, one certificate each and all the same."""
    manifest = signed.manifest
    opened = [
        documents.open_set(token, _active(register, name).signing_key)
        for name, token in zip(manifest.aggregators, certificates, strict=False)
    ]
    if len(certificates) != len(manifest.aggregators) or len(opened) != len(certificates):
        raise Malformed("set: not one certificate of each aggregator")
    if tuple(item.aggregator for item in opened) != manifest.aggregators:
        raise BadSignature("set: certified for another aggregator")
    digests = {manifest_format.set_digest(item) for item in opened}
    if len(digests) != 1:
        raise Malformed("set: the aggregators certified different sets")
    check_set(opened[0], signed)
    return opened[0]


def total(opening: Opening, signed: SignedManifest, register: Register) -> tuple[int, ...]:
    """Return the published total, once all aggregators certified one set and it is what that set committed to."""
    manifest = signed.manifest
    agreed = agreed_set(opening.certificates, signed, register)
    if len(opening.sums) != len(manifest.aggregators):
        raise Malformed("sum: not one of each aggregator")
    for name, published in zip(manifest.aggregators, opening.sums, strict=True):
        _check_partial(name, published, agreed, signed, _active(register, name).signing_key)
    shares = (share.decode(published.share) for published in opening.sums)
    values, blinding = sharing.reveal(sharing.total(shares, manifest.cells))
    committed = pedersen.add(item.commitment for item in (*agreed.nodes, *agreed.noise))
    if pedersen.commit(values, blinding) != committed:
        raise BadSignature("sum: the published total is not the sum of what was committed to")
    return values


def _check_partial(name: str, published: OpenedSum, agreed: SetCertificate, signed: SignedManifest, key: bytes) -> None:
    partial = documents.open_partial(published.partial, key)
    said = (partial.aggregator, partial.manifest_sha256, partial.set_sha256, partial.share_sha256)
    digest = hashlib.sha256(published.share).hexdigest()
    if said != (name, signed.sha256, manifest_format.set_digest(agreed), digest):
        raise Malformed(f"sum: {name} signed another sum")


def _check_included(inclusion: Proof, log: Checkpoint, leaf: bytes, dealer: Party) -> None:
    """Verify that `leaf` is in the dealer's log, under a head of its log key."""
    if checkpoint.origin_node(log.origin) != dealer.id:
        raise BadSignature("checkpoint of another node's log")
    notes.verify_checkpoint(inclusion.checkpoint, log.origin, key_at(dealer, KeyUse.LOG, log.origin, log.size - 1))
    merkle.verify_inclusion(merkle.leaf_hash(leaf), inclusion.index, log.size, inclusion.path, log.root)


def _active(register: Register, party_id: str) -> Party:
    party = register.find(party_id)
    if party is None or party.status is not PartyStatus.ACTIVE:
        raise Malformed(f"{party_id} is no active party of this space")
    return party


def _require_role(party: Party, role: PartyRole) -> None:
    if party.role is not role:
        raise Malformed(f"{party.id} is no {role.value}")
