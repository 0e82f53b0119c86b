"""Documents by which two or three sides come to a contract, signed and opened, each under its own type."""

from collections.abc import Mapping

from yanmen.crypto import jose, keys
from yanmen.formats import contract, contract_act, json_canonical, jws, template
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Terms
from yanmen.model.negotiation import ContractAct
from yanmen.model.ports import Signer
from yanmen.model.template import Template


def sign_template(value: Template, node: Signer) -> bytes:
    """Return a contract template, signed by the holder's receipt key."""
    return _sign(template.encode(value), node, template.TYP)


def open_template(token: bytes, node_key: bytes) -> Template:
    """Return the template signed by `node_key`."""
    return template.decode(jose.verify_jws(token, node_key, template.TYP, template.BYTES_MAX))


def sign_counter(terms: Terms, holder: Signer) -> bytes:
    """Return the terms as a counter-offer, signed by the holder's receipt key."""
    return _sign(contract.encode(terms), holder, contract.COUNTER_TYP)


def open_counter(token: bytes, holder_key: bytes) -> Terms:
    """Return the terms of a counter-offer signed by `holder_key`."""
    return contract.decode(jose.verify_jws(token, holder_key, contract.COUNTER_TYP, contract.BYTES_MAX))


def sign_act(value: ContractAct, side: Signer) -> bytes:
    """Return a side's act about a contract, signed by its member key."""
    return _sign(contract_act.encode(value), side, contract_act.TYP)


def open_act(token: bytes, side_key: bytes) -> ContractAct:
    """Return the act signed by `side_key`."""
    return contract_act.decode(jose.verify_jws(token, side_key, contract_act.TYP, contract_act.BYTES_MAX))


def peek_act(token: bytes) -> ContractAct:
    """Return what `token` claims to be, to find the key it must verify with; believe nothing of it yet."""
    payload = jws.split(token, contract_act.BYTES_MAX).payload
    return contract_act.decode(json_canonical.decode_object(payload, contract_act.BYTES_MAX))


def peek_terms(token: bytes) -> Terms:
    """Return the terms that `token` claims to hold, to find whose they are; believe nothing of it yet."""
    payload = jws.split(token, contract.BYTES_MAX).payload
    return contract.decode(json_canonical.decode_object(payload, contract.BYTES_MAX))


def _sign(payload: Mapping[str, Json], signer: Signer, typ: str) -> bytes:
    return jose.sign_jws({}, payload, signer, keys.thumbprint(signer.public), typ)
