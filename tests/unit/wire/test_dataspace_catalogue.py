"""The catalogue in messages of the Dataspace Protocol 2025-1, as its schemas have them."""

from typing import TYPE_CHECKING

import pytest
from yanmen.formats import dataspace
from yanmen.model.refusal import Detail, Reason, Refused

from tests.unit.wire.conftest import DATASET, IDS
from tests.vectors.dataspace_schemas import problems

if TYPE_CHECKING:
    from tests.unit.wire.https_caller import Interfaces

REQUEST = {"@context": [dataspace.CONTEXT], "@type": "CatalogRequestMessage", "filter": []}
CATALOG = f"{dataspace.BASE}/catalog/request"
ENTRY = f"urn:yanmen:dataset:{IDS['node']}:{DATASET.name}"


def test_the_versions_are_told_where_others_look_for_them(interfaces: "Interfaces") -> None:
    status, said = interfaces.call("GET", "/.well-known/dspace-version")
    assert status == 200
    assert problems("common/protocol-version-schema.json", said) == []
    assert said["protocolVersions"] == [{"version": "2025-1", "path": dataspace.BASE, "binding": "HTTPS"}]


def test_the_catalogue_is_the_protocol_s(interfaces: "Interfaces") -> None:
    assert problems("catalog/catalog-request-message-schema.json", REQUEST) == []
    status, said = interfaces.call("POST", CATALOG, REQUEST)
    assert status == 200
    assert problems("catalog/catalog-schema.json", said) == []
    assert said["participantId"] == IDS["node"]
    assert said["service"][0]["endpointURL"] == f"https://health.example:7444{dataspace.BASE}"
    [entry] = said["dataset"]
    assert entry["@id"] == ENTRY
    assert interfaces.desk.calls == [("datasets", "developer")]


def test_an_entry_says_what_the_export_says_under_whole_names(interfaces: "Interfaces") -> None:
    status, said = interfaces.call("GET", f"{dataspace.BASE}/catalog/datasets/{ENTRY}")
    assert status == 200
    assert problems("catalog/dataset-schema.json", said) == []
    assert {"@language": "zh", "@value": DATASET.title_zh} in said["http://purl.org/dc/terms/title"]
    assert said["http://purl.org/dc/terms/accessRights"]["@type"] == "http://purl.org/dc/terms/RightsStatement"
    own = {"@context", "@id", "@type", "hasPolicy", "distribution"}
    assert [name for name in said if name not in own and not name.startswith(("http://", "urn:"))] == []
    assert interfaces.desk.calls == [("dataset", "developer", DATASET.name)]


def test_what_is_offered_is_to_compute_on_visible_columns_below_the_ceiling(interfaces: "Interfaces") -> None:
    _, said = interfaces.call("GET", f"{dataspace.BASE}/catalog/datasets/{ENTRY}")
    [offer] = said["hasPolicy"]
    [permission] = offer["permission"]
    held = {each["leftOperand"].rpartition(":")[2]: each["rightOperand"] for each in permission["constraint"]}
    assert permission["action"] == "compute"
    assert held["column"] == ["person", "sex", "bmi"]
    assert held["priceFenPerQuery"]["@value"] == "500"
    assert "secret_name" not in str(said)


@pytest.mark.parametrize("place", ["nafld1", f"urn:yanmen:dataset:{IDS['developer']}:nafld1"])
def test_another_node_s_entry_is_not_looked_for(interfaces: "Interfaces", place: str) -> None:
    status, said = interfaces.call("GET", f"{dataspace.BASE}/catalog/datasets/{place}")
    assert status == 404
    assert problems("catalog/catalog-error-schema.json", said) == []
    assert said["code"] == "DATASET_UNKNOWN"
    assert interfaces.desk.calls == []


def test_a_refusal_is_the_protocol_s_error_in_two_languages(interfaces: "Interfaces") -> None:
    interfaces.desk.error = Refused(Reason.DATASET_UNKNOWN, Detail("nafld1"))
    status, said = interfaces.call("GET", f"{dataspace.BASE}/catalog/datasets/{ENTRY}")
    assert status == 404
    assert problems("catalog/catalog-error-schema.json", said) == []
    [told] = said["reason"]
    assert told["message"]["en"].startswith("No such dataset here.")
    assert told["message"]["zh"].startswith("本节点没有该数据集。")


@pytest.mark.parametrize(
    "request_message",
    [
        {**REQUEST, "filter": ["all"]},
        {**REQUEST, "@type": "CatalogError"},
        {**REQUEST, "@context": ["https://w3id.org/dspace/2024/1/context.json"]},
        {**REQUEST, "more": 1},
        {"@type": "CatalogRequestMessage"},
        [REQUEST],
    ],
)
def test_a_request_of_another_shape_is_refused(interfaces: "Interfaces", request_message: object) -> None:
    status, said = interfaces.call("POST", CATALOG, request_message)
    assert status == 400
    assert said["code"] == "REQUEST_MALFORMED"
    assert interfaces.desk.calls == []


def test_the_schemas_lie_where_the_interfaces_are(interfaces: "Interfaces") -> None:
    status, said = interfaces.call("GET", "/schemas/dsp-catalog-request.schema.json")
    assert status == 200
    assert said["$schema"] == "https://json-schema.org/draft/2020-12/schema"
