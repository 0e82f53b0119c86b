"""Contract terms (数字合约) as an ODRL document of a closed profile, and the holder's answer to it.

The shape is the Dataspace Protocol's (2025-1): one permission to `compute` on asset collections,
under constraints `{leftOperand, operator, rightOperand}`. The profile is closed: every constraint
listed here stands exactly once and in this order, and anything else is refused with its path, so
nothing can be signed that would not be enforced. Signing is in `yanmen.crypto.documents`.
"""

import re
from dataclasses import dataclass, replace

from yanmen.formats import (
    connector_id,
    contract_constraints,
    contract_negotiation,
    contract_tariff,
    json_members,
    usage_control,
)
from yanmen.formats.contract_constraints import At, MalformedTerms
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.formats.spec import NAME as DATASET
from yanmen.formats.spec_columns import NAME as COLUMN
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Bounds, ContractStatus, Grant, Terms
from yanmen.model.usage_control import Action, Control, Rules

OFFER_TYP = "yanmen-offer+jws"
ACCEPTANCE_TYP = "yanmen-acceptance+jws"
COUNTER_TYP = "yanmen-counter+jws"
BYTES_MAX = 64 * 1024
"""Longest offer or acceptance: a contract over some dozens of datasets."""
GRANTS_MAX = 64
COLUMNS_MAX = 512
TEXT_MAX = 2000
RULE = "owner's rule 数源部门规则"
"""Who decided, when the owner's rule did."""
GRANT = "grant of operation 授权运营"
"""Who decided, when the holder's grant to an operator did."""
AUTOMATIC = frozenset({RULE, GRANT})
"""What decides without a person; no person may go by one of these names."""
_CONTEXT: tuple[Json, ...] = (
    "https://w3id.org/dspace/2025/1/context.jsonld",
    {"yanmen": "urn:yanmen:contract:1:"},
)
_WITH_RULES: tuple[Json, ...] = (
    _CONTEXT[0],
    {"tc609": usage_control.NAMESPACE, "yanmen": "urn:yanmen:contract:1:"},
)
"""The context of a document that says something in the words of TC609-6-2025-14."""
_PROFILE = "urn:yanmen:contract:1"
_UUID = re.compile(r"urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DOCUMENT = frozenset({"@context", "@id", "@type", "assignee", "assigner", "permission", "profile"})
_RULES = frozenset({"obligation", "prohibition"})
_PERMISSION = frozenset({"action", "constraint", "target"})
_TARGET = frozenset({"@type", "refinement", "source"})
_ACCEPTANCE = frozenset({"contract", "decided_by", "decision", "holder", "offer_sha256", "reasons", "time_ms"})
_REASONS = frozenset({"legality", "necessity", "security"})
_DECISIONS = {status.value: status for status in (ContractStatus.ACTIVE, ContractStatus.DENIED)}


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a person approved: 必要性, 合法性, 安全性; all three are needed for important data."""

    necessity: str = ""
    legality: str = ""
    security: str = ""

    def complete(self) -> bool:
        """Say whether each of the three is given."""
        return all(reason.strip() for reason in (self.necessity, self.legality, self.security))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The holder's decision on the offer with the hex SHA-256 `offer_sha256`: active or denied."""

    contract_id: str
    holder: str
    offer_sha256: str
    decision: ContractStatus
    decided_by: str
    reasons: Reasons
    time_ms: int


def encode(terms: Terms) -> dict[str, Json]:
    """Return the ODRL document of `terms`; terms that `decode` would refuse are refused here."""
    document = _encode(terms)
    decode(document)
    return document


def decode(document: Json) -> Terms:
    """Return the terms in `document`; the error names the path of what is not in the profile."""
    with At("") as at:
        members = json_members.exact(document, _DOCUMENT, _RULES)
        context = members["@context"]
        at.require(context in (list(_CONTEXT), list(_WITH_RULES)), "@context", "not the profile's context")
        at.require(members["@type"] == "Offer", "@type", "not an Offer")
        at.require(members["profile"] == _PROFILE, "profile", "not the profile's name")
        permissions = json_members.items(members, "permission")
        at.require(bool(permissions), "permission", "not exactly one of compute")
        match = _UUID.fullmatch(json_members.text(members, "@id"))
        if match is None:
            raise Malformed("member '@id' is not a UUID as a URN")
        holder = connector_id.check(json_members.text(members, "assigner"))
        consumer = connector_id.check(json_members.text(members, "assignee"))
        at.require(holder != consumer, "assignee", "is the assigner itself")
    grants, constraints, controls = _permission(permissions[0])
    rules = Rules(
        permitted=usage_control.decode_actions("permission", permissions[1:]) if permissions[1:] else (),
        prohibited=_actions(members, "prohibition"),
        obliged=_actions(members, "obligation"),
        controls=controls,
    )
    terms = replace(constraints.terms("".join(match.groups()), holder, consumer, grants), rules=rules)
    _check(terms)
    if _encode(terms) != document:
        raise MalformedTerms("permission/0/constraint", "not in the profile's order")
    return terms


def _actions(members: json_members.Object, name: str) -> tuple[Action, ...]:
    if name not in members:
        return ()
    with At(name):
        rules = json_members.items(members, name, len(Action))
    return usage_control.decode_actions(name, rules)


def encode_acceptance(acceptance: Acceptance) -> dict[str, Json]:
    """Return the payload of `acceptance`; one that `decode_acceptance` would refuse is refused here."""
    payload: dict[str, Json] = {
        "contract": acceptance.contract_id,
        "decided_by": acceptance.decided_by,
        "decision": acceptance.decision.value,
        "holder": acceptance.holder,
        "offer_sha256": acceptance.offer_sha256,
        "reasons": {
            "legality": acceptance.reasons.legality,
            "necessity": acceptance.reasons.necessity,
            "security": acceptance.reasons.security,
        },
        "time_ms": acceptance.time_ms,
    }
    decode_acceptance(payload)
    return payload


def decode_acceptance(payload: Json) -> Acceptance:
    """Return the holder's decision."""
    members = json_members.exact(payload, _ACCEPTANCE)
    reasons = json_members.exact(members["reasons"], _REASONS)
    decision = _DECISIONS.get(json_members.text(members, "decision"))
    if decision is None:
        raise Malformed("member 'decision' is neither active nor denied")
    digest = json_members.text(members, "offer_sha256")
    if _SHA256.fullmatch(digest) is None:
        raise Malformed("member 'offer_sha256' is not hex SHA-256")
    return Acceptance(
        contract_id=json_members.text(members, "contract", 32),
        holder=connector_id.check(json_members.text(members, "holder")),
        offer_sha256=digest,
        decision=decision,
        decided_by=_nonempty(json_members.text(members, "decided_by", 200)),
        reasons=Reasons(
            necessity=json_members.text(reasons, "necessity", TEXT_MAX),
            legality=json_members.text(reasons, "legality", TEXT_MAX),
            security=json_members.text(reasons, "security", TEXT_MAX),
        ),
        time_ms=json_members.integer(members, "time_ms"),
    )


def _nonempty(text: str) -> str:
    if not text.strip():
        raise Malformed("member 'decided_by' names nobody")
    return text


def _encode(terms: Terms) -> dict[str, Json]:
    identifier = terms.id
    parts = (identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:])
    rules = terms.rules
    said = (("obligation", rules.obliged), ("prohibition", rules.prohibited))
    return {
        "@context": list(_WITH_RULES if rules else _CONTEXT),
        "@id": "urn:uuid:" + "-".join(parts),
        "@type": "Offer",
        "assignee": terms.consumer,
        "assigner": terms.holder,
        "permission": [
            {
                "action": "compute",
                "constraint": contract_constraints.encode(terms) + usage_control.encode_controls(rules.controls),
                "target": [_target(grant) for grant in terms.grants],
            },
            *usage_control.encode_actions(rules.permitted),
        ],
        "profile": _PROFILE,
        **{name: usage_control.encode_actions(actions) for name, actions in said if actions},
    }


def _target(grant: Grant) -> dict[str, Json]:
    columns = {"leftOperand": "yanmen:column", "operator": "isAnyOf", "rightOperand": list(grant.columns)}
    return {"@type": "AssetCollection", "refinement": [columns], "source": grant.dataset}


def _permission(value: Json) -> tuple[tuple[Grant, ...], contract_constraints.Constraints, tuple[Control, ...]]:
    with At("permission/0") as at:
        members = json_members.exact(value, _PERMISSION)
        at.require(members["action"] == "compute", "action", "not compute")
        targets = json_members.items(members, "target", GRANTS_MAX)
        at.require(bool(targets), "target", "grants nothing")
        found = json_members.items(members, "constraint", contract_constraints.COUNT_MAX + usage_control.CONTROLS_MAX)
    grants = tuple(_grant(f"permission/0/target/{index}", target) for index, target in enumerate(targets))
    path = "permission/0/constraint"
    own = tuple(each for each in found if not usage_control.is_control(each))
    controls = tuple(
        usage_control.decode_control(f"{path}/{index}", each)
        for index, each in enumerate(found)
        if usage_control.is_control(each)
    )
    if len(set(controls)) != len(controls):
        raise MalformedTerms(path, "a constraint stands twice")
    return grants, contract_constraints.decode(path, own), controls


def _grant(path: str, value: Json) -> Grant:
    with At(path) as at:
        members = json_members.exact(value, _TARGET)
        at.require(members["@type"] == "AssetCollection", "@type", "not an AssetCollection")
        source = json_members.text(members, "source")
        at.require(DATASET.fullmatch(source) is not None, "source", "not a dataset name")
        refinements = json_members.items(members, "refinement")
        at.require(len(refinements) == 1, "refinement", "not exactly one")
    with At(f"{path}/refinement/0") as at:
        refinement = json_members.exact(refinements[0], contract_constraints.MEMBERS)
        pair = (refinement["leftOperand"], refinement["operator"])
        at.require(pair == ("yanmen:column", "isAnyOf"), "leftOperand", "unknown constraint")
        columns = json_members.texts(refinement, "rightOperand", COLUMNS_MAX)
        at.require(bool(columns) and all(map(COLUMN.fullmatch, columns)), "rightOperand", "not column names")
        distinct = len({column.lower() for column in columns}) == len(columns)
        at.require(distinct, "rightOperand", "names a column twice")
    return Grant(source, columns)


def _check(terms: Terms) -> None:
    """Hold the terms to what their fields say together."""
    with At("permission/0") as at:
        names = [grant.dataset for grant in terms.grants]
        at.require(len(set(names)) == len(names), "target", "names a dataset twice")
    with At("permission/0/constraint") as at:
        at.require(terms.not_before_ms < terms.not_after_ms, "dateTime", "ends before it begins")
        ordered = terms.micro_rho_per_query <= terms.micro_rho_per_query_max <= terms.micro_rho
        at.require(ordered, "yanmen:microRhoPerQuery", "usual charge, highest charge and budget are not in order")
        at.require(1 <= terms.queries_per_day <= terms.queries, "count", "a day's count is above the whole count")
        slots = {slot.value for slot in Slot}
        disclosed = terms.regulator_discloses
        known = set(disclosed) <= slots and list(disclosed) == sorted(set(disclosed))
        at.require(known, "yanmen:regulatorDiscloses", "not slots of a receipt in order")
        for name in Bounds.__slots__:
            least = 0 if name == "spill_bytes" else 1
            bound = getattr(terms.bounds, name)
            at.require(bound is None or bound >= least, name, "allows nothing")
        digest = terms.paper_sha256
        at.require(not digest or _SHA256.fullmatch(digest) is not None, "yanmen:paperSha256", "not hex SHA-256")
        hangs = terms.operated is None or terms.channel is Channel.AUTHORISED_OPERATION
        at.require(hangs, "yanmen:operation", "goes with the channel authorised-operation")
    with At("permission/0/constraint/yanmen:signers"):
        contract_negotiation.check(terms)
    if terms.tariff is not None:
        with At("permission/0/constraint/yanmen:tariff"):
            contract_tariff.check_tariff(terms.tariff, terms.price_per_query_fen, terms.consumer)
    if terms.split is not None:
        with At("permission/0/constraint/yanmen:split"):
            contract_tariff.check_split(terms.split, names)
