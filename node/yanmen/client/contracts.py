"""Contracts as they arrive: believed only as far as their sides signed them."""

from dataclasses import dataclass, replace

from yanmen.client.errors import ReplyMalformed
from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import STOPPED, Contract, ContractStatus, LeftToPerson, Terms
from yanmen.model.negotiation import ActKind, missing
from yanmen.model.party import KeyUse, Party, Register
from yanmen.model.template import PublishedTemplate
from yanmen.wire import enums
from yanmen.wire.v1 import contract_pb2

_DENIED = frozenset({ContractStatus.DENIED})
_ACCEPTED = frozenset({ContractStatus.AGREED, ContractStatus.ACTIVE, ContractStatus.SUSPENDED, ContractStatus.REVOKED})
_COMPLETE = frozenset({ContractStatus.ACTIVE, ContractStatus.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Sides:
    """The node, and who reads: its consumer or a further side, with the space's register."""

    node: Party
    member: str
    member_keys: tuple[bytes, ...]
    register: Register

    def keys(self, party_id: str) -> tuple[bytes, ...]:
        """Return the keys that a side ever signed with."""
        if party_id == self.member:
            return self.member_keys
        party = self.register.find(party_id)
        if party is None:
            raise Malformed("a side that the register does not list")
        return every(party, KeyUse.MEMBER)


def opened(message: contract_pb2.Contract, sides: Sides) -> Contract:
    """Return the contract in `message` once everything that was signed over it verifies."""
    try:
        found = _opened(message, sides)
        left = tuple(LeftToPerson(each.clause, each.en, each.zh) for each in message.left_to_person)
        found = replace(found, left_to_person=left)  # the node's word, which nothing rests on
        if message.HasField("amendment"):
            amendment = _opened(message.amendment, sides)
            if amendment.terms.id != found.terms.id or amendment.terms.amends != found.digest:
                raise Malformed("an amendment of another contract or version")
            return replace(found, amendment=amendment)
        return found
    except (Malformed, BadSignature) as error:
        raise ReplyMalformed(f"contract: {error}") from error


def _opened(message: contract_pb2.Contract, sides: Sides) -> Contract:
    offer, acceptance = (token.encode("ascii", "replace") for token in (message.offer_jws, message.acceptance_jws))
    consumer = agreements.peek_terms(offer).consumer
    terms = documents.open_with(documents.open_offer, offer, sides.keys(consumer))
    if (terms.id, terms.holder) != (message.id, sides.node.id) or sides.member not in (consumer, *terms.signers):
        raise Malformed("of other parties, or under another id")
    digest = documents.digest(offer)
    if digest != message.digest:
        raise Malformed("another digest")
    status = enums.parse(enums.CONTRACT_STATUSES, message.status)
    found = Contract(terms, offer, acceptance, digest, status, counter=_countered(message, terms, sides))
    if acceptance:
        decision = documents.open_with(documents.open_acceptance, acceptance, every(sides.node, KeyUse.RECEIPT))
        if (decision.contract_id, decision.holder, decision.offer_sha256) != (terms.id, sides.node.id, digest):
            raise Malformed("an answer to another offer")
        if status not in (_DENIED if decision.decision is ContractStatus.DENIED else _ACCEPTED):
            raise Malformed("a status that the holder's answer does not allow")
        found = replace(found, decided_by="" if status in STOPPED else decision.decided_by)
    elif status in (_ACCEPTED | _DENIED) - {ContractStatus.REVOKED}:
        raise Malformed("decided, without the holder's answer")
    if status is ContractStatus.OFFERED and not found.counter:
        raise Malformed("countered, without the holder's offer")
    return replace(found, signatures=_signatures(message, found, sides))


def _countered(message: contract_pb2.Contract, terms: Terms, sides: Sides) -> bytes:
    """Return the holder's counter-offer, whose signature verifies."""
    token = message.counter_jws.encode("ascii", "replace")
    if not token:
        return b""
    said = documents.open_with(agreements.open_counter, token, every(sides.node, KeyUse.RECEIPT))
    if (said.id, said.holder, said.consumer, said.amends) != (terms.id, terms.holder, terms.consumer, terms.amends):
        raise Malformed("a counter-offer of another contract")
    return token


def _signatures(message: contract_pb2.Contract, found: Contract, sides: Sides) -> tuple[bytes, ...]:
    """Return what further sides signed; a contract in force lacks none."""
    tokens = tuple(token.encode("ascii", "replace") for token in message.signature_jws)
    signed, verified = set[str](), False
    for token in tokens:
        word = documents.open_with(agreements.open_act, token, sides.keys(agreements.peek_act(token).by))
        if (word.contract, word.node) != (found.terms.id, sides.node.id):
            raise Malformed("a word on another contract")
        if word.act is ActKind.SIGN and word.digest == found.digest:
            signed.add(word.by)
        accepted = (word.by, word.digest) == (found.terms.consumer, documents.digest(found.acceptance))
        verified = verified or (word.act is ActKind.VERIFY and accepted)
    if found.status in _COMPLETE and missing(found.terms, signed, verified=verified):
        raise Malformed("in force, and not signed by every side")
    return tokens


def opened_template(message: contract_pb2.Template, node: Party) -> PublishedTemplate:
    """Return the contract template in `message` once the node's signature verifies."""
    token = message.template_jws.encode("ascii", "replace")
    try:
        template = documents.open_with(agreements.open_template, token, every(node, KeyUse.RECEIPT))
        if template.by != node.id or template.withdrawn:
            raise Malformed("of another node, or withdrawn")
    except (Malformed, BadSignature) as error:
        raise ReplyMalformed(f"template: {error}") from error
    return PublishedTemplate(template, documents.digest(token), token)
