"""Every document a party signs, each under its own type, so that none can stand for another.

Opening raises `Malformed` when the bytes are no such document and `BadSignature` when this key did
not sign it as such.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from yanmen.crypto import jose, keys
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import (
    abilities,
    acknowledgement,
    bill,
    blinded,
    contract,
    heartbeat,
    inspection,
    joinable,
    json_canonical,
    jws,
    key_change,
    manifest,
    notice,
    register,
    request,
)
from yanmen.formats.acknowledgement import Acknowledgement
from yanmen.formats.bill import Bill
from yanmen.formats.blinded import Blinded, Matched
from yanmen.formats.contract import Acceptance
from yanmen.formats.heartbeat import Heartbeat
from yanmen.formats.joinable import Statement
from yanmen.formats.json_canonical import Json
from yanmen.formats.key_change import KeyChange, Signed
from yanmen.formats.malformed import Malformed
from yanmen.formats.notice import Notice
from yanmen.formats.request import RequestClaims, SessionClaims
from yanmen.model.ability import Abilities
from yanmen.model.contract import Terms
from yanmen.model.federation import Manifest, PartialSum, SetCertificate
from yanmen.model.inspection import Step
from yanmen.model.party import KeyEnd, Register
from yanmen.model.ports import Signer

T = TypeVar("T")
REGISTER_BYTES_MAX = 2 * 1024 * 1024
OPENED = 128
"""Documents opened lately and remembered, of those that every question looks at again: by all their bytes and the key,
on which alone it depends what they say and whether that key signed it. What does not open is not remembered."""


def sign_register(value: Register, space: Signer) -> bytes:
    """Return the register signed by the space's key."""
    return _sign(register.encode(value), space, register.TYP)


def open_register(token: bytes, space_key: bytes) -> Register:
    """Return the register in `token`, signed by `space_key`."""
    return register.decode(jose.verify_jws(token, space_key, register.TYP, REGISTER_BYTES_MAX))


def sign_request(claims: RequestClaims, member: Signer) -> bytes:
    """Return one question's authorisation, signed by the member."""
    return _sign(request.encode_request(claims), member, request.REQUEST_TYP)


def open_request(token: bytes, member_key: bytes) -> RequestClaims:
    """Return the claims of a question signed by `member_key`."""
    return request.decode_payload(jose.verify_bytes(token, member_key, request.REQUEST_TYP, request.BYTES_MAX))


def sign_session(claims: SessionClaims, member: Signer) -> bytes:
    """Return a session grant, signed by the member."""
    return _sign(request.encode_session(claims), member, request.SESSION_TYP)


@lru_cache(OPENED)
def open_session(token: bytes, member_key: bytes) -> SessionClaims:
    """Return the claims of a session grant signed by `member_key`."""
    return request.decode_session(jose.verify_jws(token, member_key, request.SESSION_TYP, request.BYTES_MAX))


def sign_offer(terms: Terms, consumer: Signer) -> bytes:
    """Return the terms as an offer, signed by the consumer."""
    return _sign(contract.encode(terms), consumer, contract.OFFER_TYP)


@lru_cache(OPENED)
def open_offer(token: bytes, consumer_key: bytes) -> Terms:
    """Return the terms of an offer signed by `consumer_key`."""
    return contract.decode(jose.verify_jws(token, consumer_key, contract.OFFER_TYP, contract.BYTES_MAX))


def sign_acceptance(acceptance: Acceptance, holder: Signer) -> bytes:
    """Return the holder's decision, signed by its receipt key."""
    return _sign(contract.encode_acceptance(acceptance), holder, contract.ACCEPTANCE_TYP)


@lru_cache(OPENED)
def open_acceptance(token: bytes, holder_key: bytes) -> Acceptance:
    """Return the decision signed by `holder_key`."""
    payload = jose.verify_jws(token, holder_key, contract.ACCEPTANCE_TYP, contract.BYTES_MAX)
    return contract.decode_acceptance(payload)


def sign_statement(value: Bill, holder: Signer) -> bytes:
    """Return the statement of account, signed by the node's receipt key."""
    return _sign(bill.encode(value), holder, bill.TYP)


def open_statement(token: bytes, holder_key: bytes) -> Bill:
    """Return the statement of account signed by `holder_key`."""
    return bill.decode(jose.verify_jws(token, holder_key, bill.TYP, bill.BYTES_MAX))


def sign_manifest(value: Manifest, member: Signer) -> bytes:
    """Return the manifest of a federated question, signed by the member who asks it."""
    return _sign(manifest.encode(value), member, manifest.MANIFEST_TYP)


def open_manifest(token: bytes, member_key: bytes) -> Manifest:
    """Return the manifest signed by `member_key`."""
    return manifest.decode(jose.verify_jws(token, member_key, manifest.MANIFEST_TYP, manifest.BYTES_MAX))


def sign_set(value: SetCertificate, aggregator: Signer) -> bytes:
    """Return the set certificate signed by the aggregator's key."""
    return _sign(manifest.encode_set(value), aggregator, manifest.SET_TYP)


def open_set(token: bytes, aggregator_key: bytes) -> SetCertificate:
    """Return the set certificate signed by `aggregator_key`."""
    return manifest.decode_set(jose.verify_jws(token, aggregator_key, manifest.SET_TYP, manifest.BYTES_MAX))


def sign_partial(value: PartialSum, aggregator: Signer) -> bytes:
    """Return the partial sum's words signed by the aggregator's key."""
    return _sign(manifest.encode_partial(value), aggregator, manifest.PARTIAL_TYP)


def open_partial(token: bytes, aggregator_key: bytes) -> PartialSum:
    """Return the partial sum's words signed by `aggregator_key`."""
    return manifest.decode_partial(jose.verify_jws(token, aggregator_key, manifest.PARTIAL_TYP, manifest.BYTES_MAX))


def sign_joinable(value: Statement, node: Signer) -> bytes:
    """Return what a node states of its tables, signed by its receipt key."""
    return _sign(joinable.encode(value), node, joinable.TYP)


def open_joinable(token: bytes, node_key: bytes) -> Statement:
    """Return what the holder of `node_key` states of its tables."""
    return joinable.decode(jose.verify_jws(token, node_key, joinable.TYP, joinable.BYTES_MAX))


def sign_blinded(value: Blinded, node: Signer) -> bytes:
    """Return the word on a list blinded again, signed by the node's receipt key."""
    return _sign(blinded.encode_blinded(value), node, blinded.BLINDED_TYP)


def open_blinded(token: bytes, node_key: bytes) -> Blinded:
    """Return the word on a list blinded again, signed by `node_key`."""
    return blinded.decode_blinded(jose.verify_jws(token, node_key, blinded.BLINDED_TYP, blinded.BYTES_MAX))


def sign_matched(value: Matched, aggregator: Signer) -> bytes:
    """Return the word on which rows met, signed by the aggregator's key."""
    return _sign(blinded.encode_matched(value), aggregator, blinded.MATCHED_TYP)


def open_matched(token: bytes, aggregator_key: bytes) -> Matched:
    """Return the word on which rows met, signed by `aggregator_key`."""
    return blinded.decode_matched(jose.verify_jws(token, aggregator_key, blinded.MATCHED_TYP, blinded.BYTES_MAX))


def sign_acknowledgement(value: Acknowledgement, consumer: Signer) -> bytes:
    """Return the consumer's acknowledgement of a receipt, signed by the key that the receipt names."""
    return _sign(acknowledgement.encode(value), consumer, acknowledgement.TYP)


def open_acknowledgement(token: bytes, consumer_key: bytes) -> Acknowledgement:
    """Return the acknowledgement signed by `consumer_key`."""
    payload = jose.verify_bytes(token, consumer_key, acknowledgement.TYP, acknowledgement.BYTES_MAX)
    return acknowledgement.decode_payload(payload)


def sign_step(step: Step, signer: Signer) -> bytes:
    """Return one step of an inspection's finding, signed by the party that takes it."""
    return _sign(inspection.encode(step), signer, inspection.TYP)


def open_step(token: bytes, key: bytes) -> Step:
    """Return the step of an inspection signed by `key`."""
    return inspection.decode(jose.verify_jws(token, key, inspection.TYP, inspection.BYTES_MAX))


def peek_step(token: bytes) -> Step:
    """Return what `token` claims to be, so that the key it must verify with can be found; believe nothing of it yet."""
    payload = jws.split(token, inspection.BYTES_MAX).payload
    return inspection.decode(json_canonical.decode_object(payload, inspection.BYTES_MAX))


def sign_abilities(said: Abilities, signer: Signer) -> bytes:
    """Return a connector's ability record, signed by its receipt key."""
    return _sign(abilities.encode(said), signer, abilities.TYP)


def open_abilities(token: bytes, key: bytes) -> Abilities:
    """Return the ability record signed by `key`."""
    return abilities.decode(jose.verify_jws(token, key, abilities.TYP, abilities.BYTES_MAX))


def peek_abilities(token: bytes) -> Abilities:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    payload = jws.split(token, abilities.BYTES_MAX).payload
    return abilities.decode(json_canonical.decode_object(payload, abilities.BYTES_MAX))


def sign_heartbeat(beat: Heartbeat, signer: Signer) -> bytes:
    """Return a node's heartbeat, signed by its receipt key."""
    return _sign(heartbeat.encode(beat), signer, heartbeat.TYP)


def open_heartbeat(token: bytes, key: bytes) -> Heartbeat:
    """Return the heartbeat signed by `key`."""
    return heartbeat.decode(jose.verify_jws(token, key, heartbeat.TYP, heartbeat.BYTES_MAX))


def sign_notice(value: Notice, holder: Signer) -> bytes:
    """Return a notice of an incident, signed by the node's receipt key."""
    return _sign(notice.encode(value), holder, notice.TYP)


def open_notice(token: bytes, key: bytes) -> Notice:
    """Return the notice signed by `key`."""
    return notice.decode(jose.verify_jws(token, key, notice.TYP, notice.BYTES_MAX))


def sign_key_change(change: KeyChange, new: Signer, old: Signer) -> Signed:
    """Return `change` signed by the new key, and by the old one where that can still be believed."""
    payload = key_change.encode(change)
    by_old = _sign(payload, old, key_change.TYP) if change.end is KeyEnd.ROTATED else b""
    return Signed(_sign(payload, new, key_change.TYP), by_old)


def open_key_change(signed: Signed) -> KeyChange:
    """Return the change that the new key signed, and the old one too unless it was revoked."""
    parts = jws.split(signed.by_new, key_change.BYTES_MAX)
    change = key_change.decode(json_canonical.decode_object(parts.payload, key_change.BYTES_MAX))
    jose.verify_jws(signed.by_new, change.new, key_change.TYP, key_change.BYTES_MAX)
    if change.end is KeyEnd.REVOKED:
        if signed.by_old:
            raise Malformed("key change: a revoked key does not speak")
        return change
    if key_change.decode(jose.verify_jws(signed.by_old, change.old, key_change.TYP, key_change.BYTES_MAX)) != change:
        raise Malformed("key change: the old key signed another")
    return change


def open_with(open_: Callable[[bytes, bytes], T], token: bytes, keys: Sequence[bytes]) -> T:
    """Return what `open_` makes of `token` with the first of `keys` that signed it."""
    for key in keys[:-1]:
        try:
            return open_(token, key)
        except BadSignature:
            continue
    return open_(token, keys[-1])


def digest(token: bytes) -> str:
    """Return the hex SHA-256 by which an acceptance names the offer `token`."""
    return hashlib.sha256(token).hexdigest()


def _sign(payload: Mapping[str, Json], signer: Signer, typ: str) -> bytes:
    return jose.sign_jws({}, payload, signer, keys.thumbprint(signer.public), typ)
