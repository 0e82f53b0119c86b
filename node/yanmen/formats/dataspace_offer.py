"""A contract's offer and agreement as messages of the Dataspace Protocol 2025-1 have them.

They say what the signed document says, in the protocol's own form: one `target` beside rules without one, no prefix to
look up, and the columns as a constraint. The signed bytes stand beside it, for they are what counts.
"""

from collections.abc import Mapping

from yanmen.formats import contract, usage_control
from yanmen.formats.dataspace import CONTEXT, PROFILE, TERMS, dataset_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Terms

SIGNED_OFFER = TERMS + "signedOffer"
SIGNED_ACCEPTANCE = TERMS + "signedAcceptance"
SIGNED_ACT = TERMS + "signedAct"
PREFIXES: Mapping[str, str] = {
    "yanmen:": TERMS,
    usage_control.PREFIX: usage_control.NAMESPACE,
    "xsd:": "http://www.w3.org/2001/XMLSchema#",
}


def consumer_pid(terms_id: str) -> str:
    """Return a negotiation's id at its consumer: that of the offer itself."""
    parts = (terms_id[:8], terms_id[8:12], terms_id[12:16], terms_id[16:20], terms_id[20:])
    return "urn:uuid:" + "-".join(parts)


def provider_pid(node: str, terms_id: str) -> str:
    """Return a negotiation's id at the node."""
    return f"urn:yanmen:negotiation:{node}:{terms_id}"


def offer(terms: Terms, token: str) -> dict[str, Json]:
    """Return the offer that the consumer signed as `token`."""
    document = contract.encode(terms)
    return {
        "@id": document["@id"],
        "@type": "Offer",
        "assigner": terms.holder,
        "assignee": terms.consumer,
        "profile": PROFILE,
        **_rules(terms, document),
        SIGNED_OFFER: token,
    }


def agreement(terms: Terms, offer_token: str, acceptance_token: str, timestamp: str) -> dict[str, Json]:
    """Return what both signed."""
    return {
        "@id": f"urn:yanmen:agreement:{terms.holder}:{terms.id}",
        "@type": "Agreement",
        "assigner": terms.holder,
        "assignee": terms.consumer,
        "timestamp": timestamp,
        "profile": PROFILE,
        **_rules(terms, contract.encode(terms)),
        SIGNED_OFFER: offer_token,
        SIGNED_ACCEPTANCE: acceptance_token,
    }


def negotiation(terms: Terms, state: str) -> dict[str, Json]:
    """Return how a negotiation stands."""
    return {**_message("ContractNegotiation", terms), "state": state}


def agreement_message(terms: Terms, agreed: Mapping[str, Json], url: str) -> dict[str, Json]:
    """Return the message by which a provider agrees."""
    return {**_message("ContractAgreementMessage", terms), "agreement": agreed, "callbackAddress": url}


def offer_message(terms: Terms, token: str) -> dict[str, Json]:
    """Return the message by which a provider offers other terms, which it signed as `token`."""
    return {**_message("ContractOfferMessage", terms), "offer": offer(terms, token)}


def event_message(terms: Terms) -> dict[str, Json]:
    """Return the message by which a provider says that the contract is in force."""
    return {**_message("ContractNegotiationEventMessage", terms), "eventType": "FINALIZED"}


def termination_message(terms: Terms, code: str, reason: str) -> dict[str, Json]:
    """Return the message by which a provider says that a negotiation ended without a contract."""
    return {**_message("ContractNegotiationTerminationMessage", terms), "code": code, "reason": [reason]}


def error(provider: str, consumer: str, told: dict[str, Json]) -> Json:
    """Return what is told of a refusal as the protocol's ContractNegotiationError."""
    return {
        "@context": [CONTEXT],
        "@type": "ContractNegotiationError",
        "providerPid": provider,
        "consumerPid": consumer,
        "code": told["reason"],
        "reason": [told],
    }


def _message(kind: str, terms: Terms) -> dict[str, Json]:
    return {
        "@context": [CONTEXT],
        "@type": kind,
        "providerPid": provider_pid(terms.holder, terms.id),
        "consumerPid": consumer_pid(terms.id),
    }


def _rules(terms: Terms, document: Mapping[str, Json]) -> dict[str, Json]:
    """Return target and rules of a signed document; the protocol negotiates about one dataset at a time."""
    if len(terms.grants) != 1:
        raise Malformed("offer: the protocol negotiates about one dataset at a time")
    (grant,) = terms.grants
    columns: dict[str, Json] = {
        "leftOperand": TERMS + "column",
        "operator": "isAnyOf",
        "rightOperand": list(grant.columns),
    }
    (compute, *others) = _items(document["permission"])
    permission: dict[str, Json] = {
        "action": "compute",
        "constraint": [columns, *(_written_out(each) for each in _items(compute.get("constraint")))],
    }
    rules = {name: _items(document.get(name, [])) for name in ("prohibition", "obligation")}
    return {
        "target": dataset_id(terms.holder, grant.dataset),
        "permission": [permission, *(_written_out(each) for each in others)],
        **{name: [_written_out(each) for each in said] for name, said in rules.items() if said},
    }


def _items(value: Json) -> list[Mapping[str, Json]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _written_out(rule: Mapping[str, Json]) -> dict[str, Json]:
    """Return a rule or constraint without prefixes, in its names and in the types of its values."""
    return {name: _value(name, value) for name, value in rule.items()}


def _value(name: str, value: Json) -> Json:
    if isinstance(value, Mapping):
        return {inner: _value(inner, each) for inner, each in value.items()}
    if isinstance(value, str) and name in ("action", "leftOperand", "@type"):
        return _iri(value)
    return value


def _iri(name: str) -> str:
    for prefix, namespace in PREFIXES.items():
        if name.startswith(prefix):
            return namespace + name.removeprefix(prefix)
    return name
