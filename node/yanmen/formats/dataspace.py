"""Messages of the Dataspace Protocol 2025-1 (catalogue), made of what a node declares.

Its `@context` admits no terms of others, so what DCAT says of an entry stands under whole IRIs beside the protocol's
own members; the values are those of the DCAT export (formats/dcat).
"""

from collections.abc import Iterable, Mapping

from yanmen.formats import dcat
from yanmen.formats.json_canonical import Json
from yanmen.model.governance import Listing

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
VERSION = "2025-1"
BASE = "/dsp/2025-1"
"""Where the protocol's paths begin."""
PROFILE = "urn:yanmen:contract:1"
TERMS = f"{PROFILE}:"
FORMAT = "urn:yanmen:query:1"
"""How data are used: by questions that are answered under control, never as a file."""
_OWN = frozenset({"@id", "@type", "dcat:distribution"})


def versions() -> dict[str, Json]:
    """Return which versions of the protocol are spoken, and where."""
    return {"protocolVersions": [{"version": VERSION, "path": BASE, "binding": "HTTPS"}]}


def catalog(node: str, name: str, url: str, listings: Iterable[Listing]) -> dict[str, Json]:
    """Return the catalogue of the connector `node`, which is reached under `url`."""
    found = [_dataset(entry) for entry in listings]
    said: dict[str, Json] = {
        "@context": [CONTEXT],
        "@id": f"urn:ndi:{node}#catalog",
        "@type": "Catalog",
        "participantId": node,
        f"{dcat.CONTEXT['dct']}title": name,
        "service": [_service(node, url)],
    }
    if found:
        said["dataset"] = found
    return said


def dataset(entry: Listing) -> dict[str, Json]:
    """Return one entry as a message of its own."""
    return {"@context": [CONTEXT], **_dataset(entry)}


def dataset_id(node: str, name: str) -> str:
    """Return the id of an entry, which is also what its path ends with."""
    return f"urn:yanmen:dataset:{node}:{name}"


def catalog_error(told: dict[str, Json], _: str) -> Json:
    """Return what is told of a refusal as the protocol's CatalogError."""
    return {"@context": [CONTEXT], "@type": "CatalogError", "code": told["reason"], "reason": [told]}


def _dataset(entry: Listing) -> dict[str, Json]:
    described = {name: value for name, value in dcat.dataset(entry).items() if name not in _OWN}
    return {
        "@id": dataset_id(entry.node, entry.dataset.name),
        "@type": "Dataset",
        "hasPolicy": [_policy(entry)],
        "distribution": [{"@type": "Distribution", "format": FORMAT, "accessService": _service_id(entry.node)}],
        **_expanded(described),
    }


def _policy(entry: Listing) -> Json:
    """Return what is offered to everyone: to compute, within these bounds; terms are the consumer's to offer."""
    said = entry.dataset
    constraints: list[Json] = [
        _constraint("channel", "isAnyOf", [channel.value for channel in said.channels]),
        _constraint("column", "isPartOf", [column.name for column in said.visible()]),
    ]
    if said.price_ceiling_fen:
        ceiling = {"@type": "http://www.w3.org/2001/XMLSchema#integer", "@value": str(said.price_ceiling_fen)}
        constraints.append(_constraint("priceFenPerQuery", "lteq", ceiling))
    return {
        "@id": f"urn:yanmen:policy:{entry.node}:{said.name}:{entry.version}",
        "@type": "Offer",
        "profile": PROFILE,
        "permission": [{"action": "compute", "constraint": constraints}],
    }


def _constraint(operand: str, operator: str, value: Json) -> Json:
    return {"leftOperand": TERMS + operand, "operator": operator, "rightOperand": value}


def _service(node: str, url: str) -> Json:
    return {"@id": _service_id(node), "@type": "DataService", "endpointURL": url + BASE}


def _service_id(node: str) -> str:
    return f"urn:ndi:{node}#service"


def _expanded(value: Json) -> dict[str, Json]:
    """Return an object with every name and type written out: no prefix is left to look up."""
    found = _expand(value)
    return found if isinstance(found, dict) else {}


def _expand(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {_iri(name): _iri(str(inner)) if name == "@type" else _expand(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_expand(each) for each in value]
    return value


def _iri(name: str) -> str:
    prefix, colon, rest = name.partition(":")
    return f"{dcat.CONTEXT[prefix]}{rest}" if colon and prefix in dcat.CONTEXT else name
