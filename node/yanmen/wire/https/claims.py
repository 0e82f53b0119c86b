"""What a message says beside what is signed: held against the signed documents, and refused where it differs."""

from collections.abc import Mapping

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import (
    connector_id,
    contract,
    contract_act,
    contract_number,
    control_values,
    deletion,
    json_canonical,
    jws,
)
from yanmen.formats.contract import Acceptance
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Contract, Terms
from yanmen.model.deletion import DeletionProof
from yanmen.model.negotiation import ContractAct
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi

Message = Mapping[str, Json]


def differs(member: str) -> Refused:
    """Return the refusal of a member that is not what was signed."""
    hint_en, hint_zh = "It is not what was signed.", "与已签署的内容不一致。"
    return Refused(Reason.CONTRACT_MALFORMED, Detail(member, hint_en=hint_en, hint_zh=hint_zh))


def require(member: str, *, same: bool) -> None:
    """Refuse a message whose `member` is not what it must be."""
    if not same:
        raise differs(member)


def text(message: Message, name: str) -> str:
    """Return a member that the schema says is text; "" where it may be left out and was."""
    value = message.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name}: not text")
    return value


def part(message: Message, name: str) -> Message:
    """Return a member that the schema says is an object."""
    value = message.get(name, {})
    if not isinstance(value, Mapping):
        raise Malformed(f"{name}: not an object")
    return value


def parts(message: Message, name: str) -> tuple[Message, ...]:
    """Return a member that the schema says is a list of objects."""
    value = message.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise Malformed(f"{name}: not a list of objects")
    return tuple(value)


def ascii_bytes(token: str) -> bytes:
    """Return a token's bytes."""
    try:
        return token.encode("ascii")
    except UnicodeEncodeError as error:
        raise Malformed("a token that is not ASCII") from error


def offered(token: str) -> Terms:
    """Return what a signed offer says; whether its signature counts, the node finds out when it takes it."""
    payload = jws.split(ascii_bytes(token), contract.BYTES_MAX * 2).payload
    return contract.decode(json_canonical.decode(payload, contract.BYTES_MAX))


def accepted(held: Contract) -> Acceptance:
    """Return what the holder signed; admission checks the signature before each use."""
    payload = jws.split(held.acceptance, contract.BYTES_MAX * 2).payload
    return contract.decode_acceptance(json_canonical.decode(payload, contract.BYTES_MAX))


def acted(token: bytes) -> ContractAct:
    """Return what a side's signed word claims; whether its signature counts, the node finds out when it takes it."""
    payload = jws.split(token, contract_act.BYTES_MAX * 2).payload
    return contract_act.decode(json_canonical.decode(payload, contract_act.BYTES_MAX))


def proved(token: bytes) -> DeletionProof:
    """Return what a proof of deletion claims; whether its signature counts, the node finds out when it takes it."""
    return deletion.decode(json_canonical.decode_object(jws.split(token, deletion.BYTES_MAX).payload))


def acknowledged(token: bytes, receipt: Receipt, party: Party) -> None:
    """Refuse an acknowledgement by another key, or of another receipt; the ledger holds it to the very bytes."""
    try:
        said = documents.open_acknowledgement(token, party.signing_key)
    except (Malformed, BadSignature) as error:
        raise Refused(Reason.SIGNATURE_INVALID, Detail("signature")) from error
    require("signature", same=said.jti == receipt.jti)


def moment(message: Message, name: str) -> int:
    """Return the time a member names."""
    return control_values.moment(text(message, name))


def check_issuer(message: Message, party: Party) -> None:
    """Refuse a message in somebody else's name."""
    require("issuerId", same=text(message, "issuerId") == party.id)
    require("issuerEntityId", same=text(message, "issuerEntityId") == connector_id.decode(party.id).subject)


def check_name(message: Message, terms: Terms) -> None:
    """Refuse a name of the contract that is not that of its one scenario."""
    require("contractName", same=text(message, "contractName") == terms.scenario.id)


def numbered(message: Message, party: Party, api: NodeApi) -> Contract:
    """Return the caller's own contract of the number that the message names."""
    number = text(message, "contractId")
    for held in api.contracts(party):
        if contract_number.of(held.terms) == number:
            return held
    raise Refused(Reason.CONTRACT_UNKNOWN, Detail(number))
