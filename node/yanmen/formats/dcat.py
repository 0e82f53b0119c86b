"""Catalogue entries as DCAT 3 in JSON-LD, in the profile DCAT-AP 3.0: what other catalogues harvest.

The context stands in the document itself, so that nobody has to fetch one. What DCAT has no word for keeps a word of
ours, under `yanmen:`.
"""

from collections.abc import Iterable, Mapping

from yanmen.formats import ndi_codes
from yanmen.formats.json_canonical import Json
from yanmen.model.catalogue import Channel, Dataset, Sharing
from yanmen.model.governance import Listing

CONTEXT: Mapping[str, Json] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "yanmen": "urn:yanmen:catalogue:1:",
}
_EU = "http://publications.europa.eu/resource/authority"
FREQUENCIES: Mapping[str, str] = {
    "001": "CONT",
    "002": "DAILY",
    "003": "WEEKLY",
    "004": "MONTHLY",
    "005": "QUARTERLY",
    "006": "ANNUAL_2",
    "007": "ANNUAL",
    "008": "IRREG",
    "009": "NEVER",
}
"""表4 in the authority table that DCAT-AP names."""
_ACCESS: Mapping[Sharing, str] = {
    Sharing.UNCONDITIONAL: "RESTRICTED",
    Sharing.CONDITIONAL: "RESTRICTED",
    Sharing.NOT_SHARED: "NON_PUBLIC",
}
RIGHTS: Mapping[str, tuple[str, str]] = {
    "hold": ("数据资源持有权", "right to hold"),
    "use": ("数据加工使用权", "right to use"),
    "operate": ("数据产品经营权", "right to operate"),
}


def catalogue(title: tuple[str, str], publisher: str, listings: Iterable[Listing]) -> dict[str, Json]:
    """Return the catalogue of `listings`, called `title` in 中文 and English, as one JSON-LD document."""
    zh, en = title
    return {
        "@context": dict(CONTEXT),
        "@id": f"urn:yanmen:catalogue:{publisher}",
        "@type": "dcat:Catalog",
        "dct:title": _both(zh, en),
        "dct:description": _both(f"{zh}：已审核的数据目录", f"{en}: entries that were reviewed"),
        "dct:publisher": _agent(publisher, zh),
        "dcat:dataset": [dataset(entry) for entry in listings],
    }


def identifier(entry: Listing) -> str:
    """Return the IRI of an entry: its NDI id where it has one."""
    if entry.dataset.ndi_id:
        return f"urn:ndi:{entry.dataset.ndi_id}"
    return f"urn:yanmen:dataset:{entry.node}:{entry.dataset.name}"


def dataset(entry: Listing) -> dict[str, Json]:
    """Return one entry."""
    said, described = entry.dataset, entry.dataset.description
    node: dict[str, Json] = {
        "@id": identifier(entry),
        "@type": "dcat:Dataset",
        "dct:identifier": said.ndi_id or f"{entry.node}/{said.name}",
        "dct:title": _both(said.title_zh, said.title_en),
        "dct:description": _both(described.abstract_zh or said.title_zh, described.abstract_en or said.title_en),
        "dct:publisher": _agent(entry.node, said.owner),
        "dct:accessRights": _concept(f"{_EU}/access-right/{_access(said)}", "dct:RightsStatement"),
        "dct:spatial": {"@type": "dct:Location", "skos:notation": said.region},
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "rdfs:label": _text(said.source_system)},
        "dcat:keyword": [_text(word) for word in described.keywords],
        "dcat:version": entry.version,
        "dcat:distribution": [_distribution(entry)],
        **_coded(said),
        **_own(entry),
    }
    if said.registration:
        node["adms:identifier"] = {"@type": "adms:Identifier", "skos:notation": said.registration}
    if entry.earlier:
        node["dcat:previousVersion"] = {"@id": f"{identifier(entry)}#{entry.earlier[0]}", "@type": "dcat:Dataset"}
    return node


def _coded(said: Dataset) -> dict[str, Json]:
    found: dict[str, Json] = {}
    described = said.description
    if described.update:
        found["dct:accrualPeriodicity"] = _concept(f"{_EU}/frequency/{FREQUENCIES[described.update]}", "dct:Frequency")
    themes = [(name, getattr(described, name)) for name in ("topic", "scene") if getattr(described, name)]
    if themes:
        found["dcat:theme"] = [_theme(name, code) for name, code in themes]
    return found


def _theme(table: str, code: str) -> Json:
    zh, en = ndi_codes.TABLES[table][code]
    return {
        "@id": f"urn:ndi:tr-2025-06:{table}:{code}",
        "@type": "skos:Concept",
        "skos:notation": code,
        "skos:prefLabel": _both(zh, en),
        "skos:inScheme": {
            "@id": f"urn:ndi:tr-2025-06:{table}",
            "@type": "skos:ConceptScheme",
            "dct:title": _text("NDI-TR-2025-06"),
        },
    }


def _own(entry: Listing) -> dict[str, Json]:
    """Return what DCAT has no word for."""
    said = entry.dataset
    optional = {
        "yanmen:sharingReason": said.sharing_reason,
        "yanmen:legalBasis": said.legal_basis,
        "yanmen:qualityBands": entry.quality,
        "yanmen:sourceItem": said.description.item,
        "yanmen:acquisition": said.description.acquisition,
        "yanmen:delivery": said.description.delivery,
        "yanmen:securityLevel": said.description.security,
    }
    return {
        "yanmen:class": said.cls.value,
        "yanmen:grade": said.grade.value,
        "yanmen:sharing": said.sharing.value,
        "yanmen:channel": [channel.value for channel in said.channels],
        "yanmen:right": [f"{right} {RIGHTS[right][0]}" for right in said.rights],
        "yanmen:sourceAuthority": said.authority,
        "yanmen:updateCycle": said.update_cycle,
        "yanmen:qualityGrade": said.quality,
        "yanmen:priceCeilingFen": said.price_ceiling_fen,
        **{name: value for name, value in optional.items() if value},
    }


def _distribution(entry: Listing) -> Json:
    """Return how it is reached: by questions to its node, never as a file."""
    service = f"urn:ndi:{entry.node}"
    return {
        "@id": f"{identifier(entry)}#answers",
        "@type": "dcat:Distribution",
        "dct:title": _both("受控查询结果", "controlled answers"),
        "dcat:accessURL": {"@id": service},
        "dcat:accessService": {
            "@id": f"{service}#service",
            "@type": "dcat:DataService",
            "dct:title": _both("可信数据空间接入连接器", "trusted data space connector"),
            "dcat:endpointURL": {"@id": service},
        },
    }


def _access(said: Dataset) -> str:
    return "PUBLIC" if Channel.OPENING in said.channels else _ACCESS[said.sharing]


def _agent(identifier_: str, name: str) -> Json:
    return {"@id": f"urn:ndi:{identifier_}", "@type": "foaf:Agent", "foaf:name": _text(name)}


def _concept(iri: str, kind: str) -> Json:
    return {"@id": iri, "@type": kind}


def _both(zh: str, en: str) -> list[Json]:
    return [{"@language": "zh", "@value": zh}, {"@language": "en", "@value": en}]


def _text(value: str) -> Json:
    return {"@language": "en" if value.isascii() else "zh", "@value": value}
