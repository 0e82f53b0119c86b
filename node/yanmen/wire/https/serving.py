"""Puts the interfaces together: the port, the entrance behind the gate, what is answered where."""

import json
from functools import partial

from yanmen.formats.json_canonical import Json
from yanmen.model.config import Config
from yanmen.model.ports import Clock
from yanmen.wire.api import NodeApi
from yanmen.wire.gate import Gate
from yanmen.wire.https import schemas
from yanmen.wire.https.contracts import Contracts
from yanmen.wire.https.dataspace import LIST, Connector, Dataspace
from yanmen.wire.https.entrance import Entrance, Route, Visit, no_request, plain
from yanmen.wire.https.negotiation import Negotiation
from yanmen.wire.https.server import HttpsServer, Port
from yanmen.wire.https.usage import UsageControl


def routes(api: NodeApi, me: Connector, clock: Clock) -> tuple[Route, ...]:
    """Return every interface of a node."""
    return (
        *Dataspace(api, me).routes(),
        *Negotiation(api, me).routes(),
        *Contracts(api, clock).routes(),
        *UsageControl(api, clock).routes(),
        *_schema_routes(),
    )


def server(api: NodeApi, config: Config, port: Port, gate: Gate) -> HttpsServer:
    """Return the server of one node's interfaces."""
    me = Connector(config.id, config.name, config.https.url)
    entrance = Entrance(gate, schemas.load(), routes(api, me, port.clock))
    return HttpsServer(port, entrance.answer, no_request)


def _schema_routes() -> tuple[Route, ...]:
    """Return the schemas themselves as interfaces, each under its file name."""

    def shown(document: Json, _: Visit) -> Json:
        return document

    return tuple(
        Route(
            "GET",
            f"/schemas/{name}",
            LIST,
            "",
            partial(shown, json.loads(text)),
            plain,
            content_type="application/schema+json",
        )
        for name, text in schemas.texts().items()
    )
