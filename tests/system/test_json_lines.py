"""What a serving node writes to standard error is one JSON document a line, whoever knocks at its port."""

import json
import socket
import ssl
from contextlib import suppress

import yanmen

from tests.patience import wait_until
from tests.system.town import Town


def knock(host: str, port: int) -> None:
    """Come without TLS, and with TLS and no certificate."""
    with socket.create_connection((host, port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(1024)
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    stranger.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, port)) as plain,
        stranger.wrap_socket(plain) as tls,
        suppress(OSError),  # a reset, an alert or an end, as the kernel has it
    ):
        tls.recv(1024)


def test_every_line_is_json(town: Town) -> None:
    host, _, port = (town.node / "serving.address").read_text().strip().rpartition(":")
    for _ in range(3):
        knock(host, int(port))
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        node.checkpoint()
    wait_until(lambda: "GetCheckpoint" in town.log())
    lines = town.log().splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict), line
