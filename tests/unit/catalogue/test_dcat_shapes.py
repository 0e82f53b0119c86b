"""The DCAT export is what DCAT-AP 3.0 demands: checked by another's SHACL engine, on the triples that JSON-LD means."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import Graph
from yanmen.formats import dataspace, dcat
from yanmen.model.catalogue import Channel, Sharing

from tests.vectors import catalogue_entry

# rdflib reads JSON-LD with a class of its own that it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SHAPES = Graph().parse(Path(__file__).parents[2] / "vectors" / "dcat_ap_shapes.ttl")
LISTED = catalogue_entry.listed()
TITLE = ("山西省公共数据目录", "Public data of Shanxi")
DCAT, DCT = dcat.CONTEXT["dcat"], dcat.CONTEXT["dct"]


def exported() -> dict[str, Any]:
    """Return an export with every kind of entry."""
    plain = replace(LISTED.dataset, ndi_id="", name="opened", channels=(Channel.OPENING,), registration="")
    kept = replace(LISTED.dataset, ndi_id="", name="kept", sharing=Sharing.NOT_SHARED)
    entries = (LISTED, replace(LISTED, dataset=plain, earlier=()), replace(LISTED, dataset=kept))
    return json.loads(json.dumps(dcat.catalogue(TITLE, "shanxi.example", entries)))  # type: ignore[no-any-return]


def findings(document: object) -> str:
    """Return what the shapes find wrong, "" when nothing is."""
    graph = Graph().parse(data=json.dumps(document), format="json-ld")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=SHAPES, advanced=False, inference="none")
    return "" if conforms else str(text)


def test_the_export_conforms() -> None:
    document = exported()
    graph = Graph().parse(data=json.dumps(document), format="json-ld")
    kinds = {str(kind).rpartition("/")[2].rpartition("#")[2] for kind in graph.objects(None, None)}
    assert {"Catalog", "Dataset", "Distribution", "DataService", "Agent", "Concept", "ConceptScheme"} <= kinds
    assert findings(document) == ""


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("title", lambda d: d.pop("dct:title")),
        ("description", lambda d: d["dcat:dataset"][0].pop("dct:description")),
        ("publisher", lambda d: d.pop("dct:publisher")),
        ("name", lambda d: d["dct:publisher"].pop("foaf:name")),
        ("accessURL", lambda d: d["dcat:dataset"][0]["dcat:distribution"][0].pop("dcat:accessURL")),
        ("accrualPeriodicity", lambda d: d["dcat:dataset"][0].update({"dct:accrualPeriodicity": "monthly"})),
        ("accessRights", lambda d: d["dcat:dataset"][0]["dct:accessRights"].update({"@id": "urn:x"})),
        ("theme", lambda d: d["dcat:dataset"][0].update({"dcat:theme": [{"@id": "urn:x"}]})),
        ("title", lambda d: d["dct:title"].append({"@language": "en", "@value": "Another"})),
    ],
)
def test_what_breaks_a_demand_is_found(path: str, change: Callable[[dict[str, Any]], object]) -> None:
    document = copy.deepcopy(exported())
    change(document)
    assert path in findings(document)


def test_the_dataspace_protocol_s_entry_means_the_same_triples() -> None:
    written = {name: value for name, value in dataspace.dataset(LISTED).items() if name.startswith("http")}
    exported_ = {
        name: value for name, value in dcat.dataset(LISTED).items() if name not in ("dcat:distribution", "@type")
    }
    own = {**exported_, "@context": dict(dcat.CONTEXT), "@id": "urn:entry"}
    left = Graph().parse(data=json.dumps({**written, "@id": "urn:entry"}), format="json-ld")
    right = Graph().parse(data=json.dumps(own), format="json-ld")
    ours = {triple for triple in right if not str(triple[1]).startswith("urn:yanmen:")}
    assert len(ours) > 20
    assert {p for _, p, _ in ours} == {p for _, p, _ in left}
    assert {(str(p), str(o)) for _, p, o in ours if not o.n3().startswith("_:")} == {
        (str(p), str(o)) for _, p, o in left if not o.n3().startswith("_:")
    }
