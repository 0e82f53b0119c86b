"""The export is DCAT 3 in JSON-LD: every term is one of its vocabularies', and what DCAT-AP 3.0 demands stands."""

import json
from collections.abc import Iterator
from typing import Any

from yanmen.formats import dcat, declared
from yanmen.model.governance import Listing

from tests.unit.catalogue.hall import DESCRIBED
from tests.unit.ledger.scene import NODE, dataset

TERMS = {
    "dcat": "accessService accessURL dataset distribution endpointURL keyword previousVersion theme version",
    "dct": "accessRights accrualPeriodicity description identifier provenance publisher spatial title",
    "foaf": "name",
    "adms": "identifier",
    "skos": "inScheme notation prefLabel",
    "rdfs": "label",
}
"""Properties used, each one defined in its vocabulary (DCAT 3 §6, DCMI terms, FOAF, ADMS, SKOS, RDF Schema)."""
CLASSES = {
    *("dcat:Catalog", "dcat:Dataset", "dcat:Distribution", "dcat:DataService", "foaf:Agent", "adms:Identifier"),
    *("dct:Location", "dct:ProvenanceStatement", "dct:RightsStatement", "dct:Frequency", "skos:Concept"),
    "skos:ConceptScheme",
}
MANDATORY = {
    "dcat:Catalog": {"dct:title", "dct:description", "dct:publisher"},
    "dcat:Dataset": {"dct:title", "dct:description"},
    "dcat:Distribution": {"dcat:accessURL"},
    "dcat:DataService": {"dct:title", "dcat:endpointURL"},
    "foaf:Agent": {"foaf:name"},
    "skos:Concept": {"skos:prefLabel"},
    "skos:ConceptScheme": {"dct:title"},
}
"""What DCAT-AP 3.0 §7 makes mandatory of each class."""


def entry(**other: Any) -> Listing:
    made = dataset(description=DESCRIBED, legal_basis="数据安全法", ndi_id="", **other)
    return Listing(NODE, declared.public(made), "v3", ("v2", "v1"), "AAB", 1_780_000_000)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every node object of a document."""
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)
    elif isinstance(value, dict) and "@value" not in value:
        yield value
        for name, each in value.items():
            if name != "@context":
                yield from nodes(each)


def document() -> dict[str, Any]:
    made = dcat.catalogue(("目录", "Catalogue"), NODE, [entry(), entry(name="other")])
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def test_every_term_is_one_of_its_vocabulary_or_ours() -> None:
    prefixes = set(document()["@context"])
    for node in nodes(document()):
        kind = node.get("@type")
        assert kind is None or kind in CLASSES
        for name in set(node) - {"@context", "@id", "@type"}:
            prefix, _, local = name.partition(":")
            assert prefix in prefixes
            assert prefix == "yanmen" or local in TERMS[prefix].split(), name


def test_what_the_profile_demands_is_there() -> None:
    seen = set()
    for node in nodes(document()):
        kind = node.get("@type", "")
        # A version is only named; its own record lies with the entry that it was.
        if "#v" not in node.get("@id", "") and not node.get("@id", "").startswith("http"):
            assert set(node) >= MANDATORY.get(kind, set()), kind
            seen.add(kind)
    assert seen >= set(MANDATORY)


def test_literals_carry_their_language_and_links_are_iris() -> None:
    shown = dcat.dataset(entry())
    assert shown["dct:title"] == [
        {"@language": "zh", "@value": "人口"},
        {"@language": "en", "@value": "Persons"},
    ]
    assert shown["dct:accrualPeriodicity"] == {
        "@id": "http://publications.europa.eu/resource/authority/frequency/MONTHLY",
        "@type": "dct:Frequency",
    }
    assert shown["yanmen:grade"] == "general"
    assert shown["yanmen:legalBasis"] == "数据安全法"
    assert shown["yanmen:qualityBands"] == "AAB"
    for node in nodes(shown):
        assert ":" in node.get("@id", "urn:")


def test_nothing_of_rows_or_hidden_columns_is_in_it() -> None:
    text = json.dumps(document(), ensure_ascii=False)
    assert "太原" not in text
    assert "domain" not in text
