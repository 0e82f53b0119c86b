"""Contracts as they arrive: believed only as far as both parties signed them."""

from collections.abc import Sequence

from yanmen.client.errors import ReplyMalformed
from yanmen.crypto import agreements, documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.party import KeyUse, Party
from yanmen.model.template import PublishedTemplate
from yanmen.wire import enums
from yanmen.wire.v1 import contract_pb2

_DENIED = frozenset({ContractStatus.DENIED})
_ACCEPTED = frozenset({ContractStatus.ACTIVE, ContractStatus.SUSPENDED, ContractStatus.REVOKED})


def opened(message: contract_pb2.Contract, node: Party, member_id: str, member_keys: Sequence[bytes]) -> Contract:
    """Return the contract in `message` once the member's offer and the node's answer to it verify."""
    try:
        return _opened(message, node, member_id, member_keys)
    except (Malformed, BadSignature) as error:
        raise ReplyMalformed(f"contract: {error}") from error


def _opened(message: contract_pb2.Contract, node: Party, member_id: str, member_keys: Sequence[bytes]) -> Contract:
    offer, acceptance = (token.encode("ascii", "replace") for token in (message.offer_jws, message.acceptance_jws))
    terms = documents.open_with(documents.open_offer, offer, member_keys)
    if (terms.id, terms.holder, terms.consumer) != (message.id, node.id, member_id):
        raise Malformed("of other parties, or under another id")
    digest = documents.digest(offer)
    if digest != message.digest:
        raise Malformed("another digest")
    status = enums.parse(enums.CONTRACT_STATUSES, message.status)
    decided_by = ""
    if acceptance:
        decision = documents.open_with(documents.open_acceptance, acceptance, every(node, KeyUse.RECEIPT))
        if (decision.contract_id, decision.holder, decision.offer_sha256) != (terms.id, node.id, digest):
            raise Malformed("an answer to another offer")
        if status not in (_DENIED if decision.decision is ContractStatus.DENIED else _ACCEPTED):
            raise Malformed("a status that the holder's answer does not allow")
        decided_by = decision.decided_by
    elif status in _ACCEPTED | _DENIED:
        raise Malformed("decided, without the holder's answer")
    return Contract(
        terms=terms, offer=offer, acceptance=acceptance, digest=digest, status=status, decided_by=decided_by
    )


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
