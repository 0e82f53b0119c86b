"""How tests call a node's interfaces over HTTPS: with Python's own client, or byte by byte."""

import http.client
import io
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yanmen.wire.server import Server

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Desk


@dataclass
class Interfaces:
    """Where tests call a node's interfaces over HTTPS."""

    folder: Path
    desk: "Desk"
    log: io.StringIO
    server: Server
    port: int

    def context(self, who: str = "developer") -> ssl.SSLContext:
        """Return what a client with the certificate of `who` connects with; "" has none."""
        context = ssl.create_default_context(cadata=(self.folder / "root.pem").read_text())
        if who:
            context.load_cert_chain(self.folder / f"{who}.crt", self.folder / f"{who}.key")
        return context

    def connect(self, who: str = "developer") -> ssl.SSLSocket:
        """Open a connection to write bytes of one's own on."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return self.context(who).wrap_socket(raw, server_hostname="127.0.0.1")

    def call(self, verb: str, path: str, said: object = None, who: str = "developer") -> tuple[int, Any]:
        """Call as `who` and return status and body."""
        client = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context(who))
        body = None if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        client.request(verb, path, body, headers)
        response = client.getresponse()
        found = response.read()
        client.close()
        return response.status, json.loads(found)

    def lines(self) -> list[dict[str, object]]:
        """Return the server's log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]
