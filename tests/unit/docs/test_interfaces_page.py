"""docs/FORMATS.md, interfaces over HTTPS: the table is what the node answers."""

from typing import Any, cast

from yanmen.crypto.system import SystemClock
from yanmen.wire.api import NodeApi
from yanmen.wire.authorisation import METHODS
from yanmen.wire.https import schemas
from yanmen.wire.https.dataspace import Connector
from yanmen.wire.https.entrance import Route
from yanmen.wire.https.serving import routes

from tests.unit.docs.markdown import table
from tests.vectors.interface_messages import REQUESTS

NAME = "docs/FORMATS.md"
HEADINGS = ("verb", "path", "as", "request")
PACKAGE = "/yanmen.wire.v1."
NOBODY = cast(NodeApi, cast(Any, None))


def served() -> tuple[Route, ...]:
    """Return every interface there is; none is called here."""
    return routes(NOBODY, Connector("", "", ""), SystemClock())


def test_the_table_is_what_is_served() -> None:
    said = {(row[0], *(cell.strip("`") for cell in row[1:])) for row in table(NAME, *HEADINGS)}
    found = {
        (route.verb, route.path, route.method.removeprefix(PACKAGE), route.schema)
        for route in served()
        if not route.path.startswith("/schemas/")
    }
    found.add(("GET", "/schemas/NAME", "CatalogueService/ListDatasets", ""))
    assert said == found


def test_every_interface_has_a_row_in_the_role_table() -> None:
    assert {route.method for route in served()} <= METHODS.keys()


def test_every_message_has_its_schema_and_every_schema_its_fixture() -> None:
    asked = {route.schema for route in served() if route.verb == "POST"}
    assert asked == REQUESTS.keys()
    assert asked <= schemas.texts().keys()
    assert {route.path for route in served() if route.path.startswith("/schemas/")} == {
        f"/schemas/{name}" for name in schemas.texts()
    }
