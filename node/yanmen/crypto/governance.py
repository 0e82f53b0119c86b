"""Documents that govern a catalogue and what is operated from it, signed and opened, each under its own type."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from yanmen.crypto import jose, keys
from yanmen.formats import (
    consent,
    evidence,
    json_canonical,
    jws,
    listing,
    need,
    negative_list,
    objection,
    office,
    operation,
    product,
    review,
)
from yanmen.formats.json_canonical import Json
from yanmen.model.consent import Consent
from yanmen.model.evidence import EvidenceReceipt, EvidenceReport
from yanmen.model.governance import Listing, NegativeList, Objection, Review
from yanmen.model.need import NeedStep
from yanmen.model.office import OfficeStep
from yanmen.model.operation import Endorsement, OperatingGrant, Product
from yanmen.model.ports import Signer

T = TypeVar("T")


def sign_listing(entry: Listing, node: Signer) -> bytes:
    """Return a catalogue entry, signed by the node's receipt key."""
    return _sign(listing.payload(entry), node, listing.TYP)


def open_listing(token: bytes, node_key: bytes) -> Listing:
    """Return the catalogue entry signed by `node_key`."""
    return listing.parse(jose.verify_jws(token, node_key, listing.TYP, listing.BYTES_MAX))


def sign_review(value: Review, authority: Signer) -> bytes:
    """Return a review, signed by the data authority."""
    return _sign(review.encode(value), authority, review.TYP)


def open_review(token: bytes, authority_key: bytes) -> Review:
    """Return the review signed by `authority_key`."""
    return review.decode(jose.verify_jws(token, authority_key, review.TYP, review.BYTES_MAX))


def peek_review(token: bytes) -> Review:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, review.decode, review.BYTES_MAX)


def sign_negative_list(value: NegativeList, authority: Signer) -> bytes:
    """Return a negative list, signed by the data authority."""
    return _sign(negative_list.encode(value), authority, negative_list.TYP)


def open_negative_list(token: bytes, authority_key: bytes) -> NegativeList:
    """Return the negative list signed by `authority_key`."""
    return negative_list.decode(jose.verify_jws(token, authority_key, negative_list.TYP, negative_list.BYTES_MAX))


def peek_negative_list(token: bytes) -> NegativeList:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, negative_list.decode, negative_list.BYTES_MAX)


def sign_office(value: OfficeStep, officer: Signer) -> bytes:
    """Return an officer's act about a contract, signed by the officer's key."""
    return _sign(office.encode(value), officer, office.TYP)


def open_office(token: bytes, officer_key: bytes) -> OfficeStep:
    """Return the act signed by `officer_key`."""
    return office.decode(jose.verify_jws(token, officer_key, office.TYP, office.BYTES_MAX))


def peek_office(token: bytes) -> OfficeStep:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, office.decode, office.BYTES_MAX)


def sign_grant(value: OperatingGrant, node: Signer) -> bytes:
    """Return a grant of operation, signed by the holder's receipt key."""
    return _sign(operation.encode(value), node, operation.GRANT_TYP)


def open_grant(token: bytes, node_key: bytes) -> OperatingGrant:
    """Return the grant of operation signed by `node_key`."""
    return operation.decode(jose.verify_jws(token, node_key, operation.GRANT_TYP, operation.BYTES_MAX))


def sign_product(value: Product, node: Signer) -> bytes:
    """Return an approved product, signed by the holder's receipt key."""
    return _sign(product.encode(value), node, product.TYP)


def open_product(token: bytes, node_key: bytes) -> Product:
    """Return the product signed by `node_key`."""
    return product.decode(jose.verify_jws(token, node_key, product.TYP, product.BYTES_MAX))


def sign_endorsement(value: Endorsement, operator: Signer) -> bytes:
    """Return an endorsement of a contract, signed by the operator."""
    return _sign(operation.encode_endorsement(value), operator, operation.ENDORSEMENT_TYP)


def open_endorsement(token: bytes, operator_key: bytes) -> Endorsement:
    """Return the endorsement signed by `operator_key`."""
    payload = jose.verify_jws(token, operator_key, operation.ENDORSEMENT_TYP, operation.BYTES_MAX)
    return operation.decode_endorsement(payload)


def peek_endorsement(token: bytes) -> Endorsement:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, operation.decode_endorsement, operation.BYTES_MAX)


def peek_product(token: bytes) -> Product:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, product.decode, product.BYTES_MAX)


def peek_grant(token: bytes) -> OperatingGrant:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, operation.decode, operation.BYTES_MAX)


def sign_objection(value: Objection, member: Signer) -> bytes:
    """Return an objection, signed by the member."""
    return _sign(objection.encode(value), member, objection.TYP)


def open_objection(token: bytes, member_key: bytes) -> Objection:
    """Return the objection signed by `member_key`."""
    return objection.decode(jose.verify_jws(token, member_key, objection.TYP, objection.BYTES_MAX))


def sign_need(value: NeedStep, signer: Signer) -> bytes:
    """Return one step of a need, signed by the party that takes it."""
    return _sign(need.encode(value), signer, need.TYP)


def open_need(token: bytes, key: bytes) -> NeedStep:
    """Return the step of a need signed by `key`."""
    return need.decode(jose.verify_jws(token, key, need.TYP, need.BYTES_MAX))


def peek_need(token: bytes) -> NeedStep:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, need.decode, need.BYTES_MAX)


def sign_consent(value: Consent, node: Signer) -> bytes:
    """Return what a unit decided, signed by the receipt key of the node that took it in."""
    return _sign(consent.encode(value), node, consent.TYP)


def open_consent(token: bytes, node_key: bytes) -> Consent:
    """Return what a unit decided, signed by `node_key`."""
    return consent.decode(jose.verify_jws(token, node_key, consent.TYP, consent.BYTES_MAX))


def sign_evidence(value: EvidenceReport, node: Signer) -> bytes:
    """Return a report of evidence, signed by the node's receipt key."""
    return _sign(evidence.encode(value), node, evidence.TYP)


def open_evidence(token: bytes, node_key: bytes) -> EvidenceReport:
    """Return the report of evidence signed by `node_key`."""
    return evidence.decode(jose.verify_jws(token, node_key, evidence.TYP, evidence.BYTES_MAX))


def peek_evidence(token: bytes) -> EvidenceReport:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, evidence.decode, evidence.BYTES_MAX)


def sign_evidence_receipt(value: EvidenceReceipt, authority: Signer) -> bytes:
    """Return the platform's receipt for a report, signed by a data authority."""
    return _sign(evidence.encode_receipt(value), authority, evidence.RECEIPT_TYP)


def open_evidence_receipt(token: bytes, authority_key: bytes) -> EvidenceReceipt:
    """Return the receipt for a report signed by `authority_key`."""
    payload = jose.verify_jws(token, authority_key, evidence.RECEIPT_TYP, evidence.BYTES_MAX)
    return evidence.decode_receipt(payload)


def peek_evidence_receipt(token: bytes) -> EvidenceReceipt:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    return _peek(token, evidence.decode_receipt, evidence.BYTES_MAX)


def _peek(token: bytes, decode: Callable[[Json], T], bytes_max: int) -> T:
    return decode(json_canonical.decode_object(jws.split(token, bytes_max).payload, bytes_max))


def _sign(payload: Mapping[str, Json], signer: Signer, typ: str) -> bytes:
    return jose.sign_jws({}, payload, signer, keys.thumbprint(signer.public), typ)
