"""What the JSON Schemas of the Dataspace Protocol 2025-1 demand, written again from them constraint by constraint.

Catalogue and contract negotiation, under the ids of eclipse-dataspace-protocol-base/DataspaceProtocol,
artifacts/src/main/resources; theirs are draft 2019-09, these 2020-12, which mean the same here. Where two states of the
offer message differ (is `callbackAddress` demanded beside `consumerPid`?) the later one is taken.
"""

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

BASE = "https://w3id.org/dspace/2025/1/"
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
TEXT = {"type": "string"}
DATE_TIME = (
    r"-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]+)?|(24:00:00(\.0+)?))(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
)
OPERATORS = (
    *("eq", "gt", "gteq", "lteq", "hasPart", "isA", "isAllOf", "isAnyOf", "isNoneOf", "isPartOf", "lt", "term-lteq"),
    "neq",
)
STATES = ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED")

Schema = dict[str, Any]


def of(place: str) -> Schema:
    """Return a reference to a definition in another file."""
    return {"$ref": f"{BASE}{place}"}


def some(items: Schema) -> Schema:
    """Return a list of at least one."""
    return {"type": "array", "items": items, "minItems": 1}


def members(required: tuple[str, ...], **properties: Schema) -> Schema:
    """Return an object; `at_id` stands for `@id` and so on."""
    named = {name.replace("at_", "@"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": [name.replace("at_", "@") for name in required]}


def message(kind: str, required: tuple[str, ...], **properties: Schema) -> Schema:
    """Return a message of one type."""
    return members(
        ("at_context", "at_type", *required),
        at_context=of("common/context-schema.json"),
        at_type={"const": kind},
        **properties,
    )


def one_of(*names: str) -> Schema:
    """Return that at least one of these members stands."""
    return {"anyOf": [{"required": [name]} for name in names]}


def policies() -> dict[str, Schema]:
    """Return the definitions of ODRL in the protocol's shape."""
    rule: dict[str, Schema] = {"action": TEXT, "constraint": {"type": "array", "items": {"$ref": "#/$defs/Constraint"}}}
    duties: Schema = {"type": "array", "items": {"$ref": "#/$defs/Duty"}}
    logical: Schema = {"type": "array", "items": {"$ref": "#/$defs/Constraint"}}
    policy: Schema = {"$ref": "#/$defs/PolicyClass"}
    ruled = one_of("permission", "prohibition")
    joins = ("and", "andSequence", "or", "xone")
    return {
        "PolicyClass": members(
            ("at_id",),
            at_id=TEXT,
            profile={"oneOf": [{"type": "array", "items": TEXT}, TEXT]},
            permission=some({"$ref": "#/$defs/Permission"}),
            prohibition=some({"$ref": "#/$defs/Prohibition"}),
            obligation=some({"$ref": "#/$defs/Duty"}),
        ),
        "MessageOffer": {"allOf": [policy, members(("at_type",), at_type={"const": "Offer"}, target=TEXT), ruled]},
        "Offer": {
            "allOf": [policy, members((), at_type={"const": "Offer"}), ruled],
            "not": {"required": ["target"]},
        },
        "Agreement": {
            "allOf": [
                policy,
                members(
                    ("at_type", "target", "assignee", "assigner"),
                    at_type={"const": "Agreement"},
                    target=TEXT,
                    assigner=TEXT,
                    assignee=TEXT,
                    timestamp={"type": "string", "pattern": DATE_TIME},
                ),
                ruled,
            ]
        },
        "Permission": members(("action",), **rule, duty=duties),
        "Prohibition": members(("action",), **rule, remedy=duties),
        "Duty": members(("action",), **rule, consequence=duties),
        "Constraint": {
            "type": "object",
            "oneOf": [
                {
                    "properties": dict.fromkeys(joins, logical),
                    "oneOf": [{"required": [name]} for name in joins],
                },
                members(
                    ("leftOperand", "operator", "rightOperand"),
                    leftOperand=TEXT,
                    operator={"enum": list(OPERATORS)},
                    rightOperand={"oneOf": [TEXT, {"type": "object"}, {"type": "array"}]},
                ),
            ],
        },
    }


def catalogues() -> dict[str, Schema]:
    """Return the definitions of DCAT in the protocol's shape."""
    policy = some(of("negotiation/contract-schema.json#/$defs/Offer"))
    resource = members(("at_id",), at_id=TEXT)
    return {
        "AbstractDataset": {
            "allOf": [resource, members((), hasPolicy=policy, distribution=some({"$ref": "#/$defs/Distribution"}))]
        },
        "Dataset": {"$ref": "#/$defs/AbstractDataset", "required": ["hasPolicy", "distribution"]},
        "Distribution": members(
            ("accessService", "format"),
            hasPolicy=policy,
            accessService={"oneOf": [TEXT, {"$ref": "#/$defs/DataService"}]},
            format=TEXT,
        ),
        "DataService": members(
            ("at_id", "at_type", "endpointURL"),
            at_id=TEXT,
            at_type={"const": "DataService"},
            endpointURL=TEXT,
            servesDataset=some({"$ref": "#/$defs/Dataset"}),
        ),
        "Catalog": {
            "$ref": "#/$defs/AbstractDataset",
            "properties": {
                "@type": {"const": "Catalog"},
                "dataset": some({"$ref": "#/$defs/Dataset"}),
                "catalog": some({"$ref": "#/$defs/Catalog"}),
                "service": some({"$ref": "#/$defs/DataService"}),
            },
            "required": ["@id", "@type"],
            "not": {"required": ["hasPolicy"]},
        },
    }


def by_name() -> dict[str, Schema]:
    """Return the schemas of messages by the protocol's own file names."""
    offer = of("negotiation/contract-schema.json#/$defs/MessageOffer")
    pids = {"providerPid": TEXT, "consumerPid": TEXT}
    both = ("providerPid", "consumerPid")
    ended: Schema = {"code": TEXT, "reason": {"type": "array", "minItems": 1}}
    by_id = {**members(("at_id",), at_id=TEXT), "not": one_of("permission", "prohibition")}
    context = of("common/context-schema.json")
    return {
        "common/context-schema.json": {"type": "array", "items": TEXT, "contains": {"const": CONTEXT}},
        "common/protocol-version-schema.json": members(
            ("protocolVersions",),
            protocolVersions=some(
                members(
                    ("version", "path", "binding"),
                    version=TEXT,
                    path=TEXT,
                    binding={"enum": ["HTTPS"]},
                    identifierType=TEXT,
                    serviceId=TEXT,
                    auth=members(
                        ("protocol", "version"), protocol=TEXT, version=TEXT, profile={"type": "array", "items": TEXT}
                    ),
                )
            ),
        ),
        "catalog/catalog-request-message-schema.json": message("CatalogRequestMessage", (), filter={"type": "array"}),
        "catalog/catalog-error-schema.json": message("CatalogError", (), code=TEXT, reason={"type": "array"}),
        "catalog/dataset-schema.json": {
            "$ref": "#/$defs/Dataset",
            "properties": {"@context": context},
            "required": ["@context"],
            "$defs": catalogues(),
        },
        "catalog/catalog-schema.json": {
            "$ref": "#/$defs/Catalog",
            "properties": {"@context": context, "participantId": TEXT},
            "required": ["@context", "participantId"],
            "$defs": catalogues(),
        },
        "negotiation/contract-schema.json": {"$defs": policies()},
        "negotiation/contract-request-message-schema.json": message(
            "ContractRequestMessage",
            ("consumerPid", "offer", "callbackAddress"),
            **pids,
            offer={"oneOf": [offer, by_id]},
            callbackAddress=TEXT,
        ),
        "negotiation/contract-offer-message-schema.json": {
            **message(
                "ContractOfferMessage",
                ("providerPid", "offer"),
                **pids,
                offer={"allOf": [offer, members(("at_id", "target"), at_id=TEXT, target=TEXT)]},
                callbackAddress=TEXT,
            ),
            "oneOf": [{"required": ["callbackAddress"]}, {"required": ["consumerPid"]}],
        },
        "negotiation/contract-agreement-message-schema.json": message(
            "ContractAgreementMessage",
            (*both, "agreement", "callbackAddress"),
            **pids,
            agreement=of("negotiation/contract-schema.json#/$defs/Agreement"),
            callbackAddress=TEXT,
        ),
        "negotiation/contract-agreement-verification-message-schema.json": message(
            "ContractAgreementVerificationMessage", both, **pids
        ),
        "negotiation/contract-negotiation-event-message-schema.json": message(
            "ContractNegotiationEventMessage",
            (*both, "eventType"),
            **pids,
            eventType={"enum": ["ACCEPTED", "FINALIZED"]},
        ),
        "negotiation/contract-negotiation-termination-message-schema.json": message(
            "ContractNegotiationTerminationMessage", both, **pids, **ended
        ),
        "negotiation/contract-negotiation-error-schema.json": message(
            "ContractNegotiationError", both, **pids, **ended
        ),
        "negotiation/contract-negotiation-schema.json": message(
            "ContractNegotiation", (*both, "state"), **pids, state={"enum": list(STATES)}
        ),
    }


SCHEMAS = {name: {"$id": BASE + name, **schema} for name, schema in by_name().items()}
REGISTRY: Any = Registry().with_resources(
    (schema["$id"], DRAFT202012.create_resource(schema)) for schema in SCHEMAS.values()
)


def problems(name: str, value: object) -> list[str]:
    """Return what is wrong with `value` by the protocol's schema `name`."""
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]
