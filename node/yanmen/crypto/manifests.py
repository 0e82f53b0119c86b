"""Manifests of questions to many nodes and statements of what may be joined, as signed: who, and that each may."""

import hashlib

from yanmen.crypto import documents
from yanmen.formats import connector_id, joinable, json_canonical, jws
from yanmen.formats import manifest as manifest_format
from yanmen.formats.joinable import Statement
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Manifest, Mode, SignedManifest
from yanmen.model.party import Party, PartyRole, PartyStatus, Register


def read(token: bytes, register: Register) -> SignedManifest:
    """Return the manifest in `token`, signed by an active member, to active nodes and aggregators of the space."""
    payload = json_canonical.decode_object(jws.split(token, manifest_format.BYTES_MAX).payload, len(token))
    claimed = manifest_format.decode(payload)
    consumer = active(register, claimed.consumer)
    if consumer.role in {PartyRole.NODE, PartyRole.AGGREGATOR}:
        raise Malformed("manifest: asked by no consumer")
    manifest = documents.open_manifest(token, consumer.signing_key)
    for invited in manifest.nodes:
        _require_role(active(register, invited.node), PartyRole.NODE)
    aggregators = [active(register, name) for name in manifest.aggregators]
    for party in aggregators:
        _require_role(party, PartyRole.AGGREGATOR)
    if manifest.mode is Mode.JOINED:
        _require_apart(manifest)
    keys = tuple(party.envelope_key for party in aggregators)
    return SignedManifest(manifest, token, hashlib.sha256(token).hexdigest(), keys)


def read_statement(token: bytes, register: Register) -> Statement:
    """Return what an active node of the space states of its tables."""
    payload = json_canonical.decode_object(jws.split(token, joinable.BYTES_MAX).payload, joinable.BYTES_MAX)
    node = active(register, joinable.decode(payload).node)
    if node.role is not PartyRole.NODE:
        raise Malformed(f"{node.id}: no node")
    return documents.open_joinable(token, node.signing_key)


def active(register: Register, party_id: str) -> Party:
    """Return the party with `party_id`, which must be active."""
    party = register.find(party_id)
    if party is None or party.status is not PartyStatus.ACTIVE:
        raise Malformed(f"{party_id} is no active party of this space")
    return party


def _require_apart(manifest: Manifest) -> None:
    """Refuse aggregators of a join that are one institution, or a department of it: nothing holds if they collude."""
    seen = {connector_id.decode(invited.node).subject: invited.node for invited in manifest.nodes}
    for name in manifest.aggregators:
        other = seen.setdefault(connector_id.decode(name).subject, name)
        if other != name:
            en = f"{other} and {name} are of one institution; name aggregators of three, none of them a department's"
            raise Malformed(f"{en}（{other} 与 {name} 属同一机构；请指定三家互不相同且非参与部门的聚合方）")


def _require_role(party: Party, role: PartyRole) -> None:
    if party.role is not role:
        raise Malformed(f"{party.id} is no {role.value}")
