"""A served node's interfaces over HTTPS: the same members, roles, contracts and log as over gRPC."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from yanmen.formats import dataspace
from yanmen.model.config import Interfaces

from tests.system.town import CANARY, Town
from tests.vectors.dataspace_schemas import problems

URL = "https://clinic.example:7444"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Serve a town that answers JSON too."""
    town = Town(tmp_path_factory.mktemp("interfaces"))
    town.build()
    town.configure(https=Interfaces("127.0.0.1:0", URL))
    town.serve()
    yield town
    if town.process is not None:
        town.stop()


def context(folder: Path) -> ssl.SSLContext:
    """Return what the member in `folder` connects with."""
    found = ssl.create_default_context(cafile=folder / "ca.crt")
    found.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return found


def call(town: Town, verb: str, path: str, said: object = None, member: str = "alice") -> tuple[int, Any]:
    """Call an interface as a member."""
    host, _, port = (town.node / "serving.https").read_text().strip().rpartition(":")
    client = http.client.HTTPSConnection(host, int(port), timeout=60, context=context(town.root / member))
    body = None if said is None else json.dumps(said).encode()
    client.request(verb, path, body, {"Content-Type": "application/json"} if body else {})
    response = client.getresponse()
    return response.status, json.loads(response.read())


def test_a_served_node_shows_its_catalogue(served: Town) -> None:
    request = {"@context": [dataspace.CONTEXT], "@type": "CatalogRequestMessage"}
    status, said = call(served, "POST", f"{dataspace.BASE}/catalog/request", request)
    assert status == 200
    assert problems("catalog/catalog-schema.json", said) == []
    [entry] = said["dataset"]
    assert call(served, "GET", f"{dataspace.BASE}/catalog/datasets/{entry['@id']}")[0] == 200
    assert said["service"][0]["endpointURL"] == URL + dataspace.BASE
    assert CANARY not in json.dumps(said)


def test_a_renewed_certificate_is_served_without_a_restart(served: Town) -> None:
    before = (served.node / "tls.crt").read_bytes()
    served.admit(served.node, "node")
    assert (served.node / "tls.crt").read_bytes() != before
    host, _, port = (served.node / "serving.https").read_text().strip().rpartition(":")
    client = http.client.HTTPSConnection(host, int(port), timeout=60, context=context(served.root / "alice"))
    client.connect()
    assert client.sock is not None
    shown = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True) or b"")
    client.close()
    assert shown in (served.node / "tls.crt").read_text()
