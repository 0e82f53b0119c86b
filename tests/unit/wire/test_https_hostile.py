"""The interfaces over HTTPS against whoever reaches the port: wrong certificates, bytes that are no request, drips."""

import json
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from yanmen.formats import dataspace
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire import errors, pacing
from yanmen.wire.https import exchange, server, telling

from tests.patience import wait_until

if TYPE_CHECKING:
    from tests.unit.wire.https_caller import Interfaces

CATALOG = f"{dataspace.BASE}/catalog/request"
REQUEST = json.dumps({"@context": [dataspace.CONTEXT], "@type": "CatalogRequestMessage"}).encode()
HEAD = b"POST " + CATALOG.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def length(body: bytes) -> bytes:
    return b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


def spoken(interfaces: "Interfaces", raw: bytes, who: str = "developer") -> bytes:
    """Send `raw` and return all that comes back until the node closes."""
    with interfaces.connect(who) as connection:
        connection.sendall(raw)
        parts = b""
        try:
            while found := connection.recv(65536):
                parts += found
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
    return parts


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ")[1])


def told_nothing(interfaces: "Interfaces", who: str) -> bool:
    """Say whether TLS ends before anything is answered; in TLS 1.3 a client hears of it with its first read."""
    try:
        return spoken(interfaces, HEAD + length(REQUEST), who) == b""
    except (ssl.SSLError, ConnectionError):
        return True


# Who.


def test_without_a_certificate_there_is_no_conversation(interfaces: "Interfaces") -> None:
    assert told_nothing(interfaces, "")
    assert interfaces.desk.calls == []


def test_a_certificate_of_another_root_is_no_certificate(interfaces: "Interfaces") -> None:
    assert told_nothing(interfaces, "stranger")
    assert interfaces.desk.calls == []


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("unregistered", "IDENTITY_UNKNOWN"),
        ("pending", "IDENTITY_PENDING"),
        ("revoked", "IDENTITY_REVOKED"),
    ],
)
def test_a_certificate_of_nobody_active_is_told_so(interfaces: "Interfaces", who: str, reason: str) -> None:
    found, said = interfaces.call("POST", CATALOG, REQUEST, who)
    assert (found, said["code"]) == (401, reason)
    assert interfaces.desk.calls == []


def test_old_tls_is_not_spoken(interfaces: "Interfaces") -> None:
    context = interfaces.context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", interfaces.port)) as raw, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(raw, server_hostname="127.0.0.1")


# Bytes that are no request of ours. None reaches the node.


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 501),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
        (HEAD + b"Content-Length: +5\r\n\r\nabcde", 400),
        (HEAD + b"Content-Length : 5\r\n\r\nabcde", 400),
        (HEAD + b" Content-Length: 5\r\n\r\nabcde", 411),
        (HEAD + b"Host: elsewhere\r\n" + length(REQUEST), 400),
        (HEAD + b"Content-Encoding: gzip\r\n" + length(REQUEST), 501),
        (HEAD + b"Upgrade: h2c\r\n" + length(REQUEST), 501),
        (HEAD + b"Expect: 100-continue\r\n" + length(REQUEST), 417),
        (HEAD + b"X-A: a\x00b\r\n" + length(REQUEST), 400),
        (HEAD + b"\r\n\r\n", 411),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + length(REQUEST), 400),
        (HEAD.replace(b"application/json", b"text/plain") + length(REQUEST), 415),
        (HEAD.replace(b"POST", b"PUT") + length(REQUEST), 405),
        (HEAD.replace(b"POST", b"GET") + length(REQUEST), 413),
        (HEAD.replace(CATALOG.encode(), b"/dsp/../catalog?x=1") + length(REQUEST), 400),
        (HEAD.replace(CATALOG.encode(), b"/%2e%2e/node.toml") + length(REQUEST), 400),
        (HEAD.replace(CATALOG.encode(), b"https://other.example/") + length(REQUEST), 400),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", 413),
        (HEAD + b"X-Long: " + b"a" * exchange.HEAD_BYTES + b"\r\n" + length(REQUEST), 431),
        (b"\x16\x03\x01 no http at all\r\n\r\n", 400),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(interfaces: "Interfaces", raw: bytes, expected: int) -> None:
    answer = spoken(interfaces, raw)
    assert status(answer) == expected
    told = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert told["reason"] == "NOT_A_REQUEST"
    assert {"en", "zh"} == told["message"].keys()
    assert interfaces.desk.calls == []


def test_a_second_request_behind_the_first_is_never_read(interfaces: "Interfaces") -> None:
    hidden = b"GET " + f"{dataspace.BASE}/catalog/datasets/x".encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answer = spoken(interfaces, HEAD + length(REQUEST) + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()
    assert interfaces.desk.calls == [("datasets", "developer")]


@pytest.mark.parametrize(
    "path", ["/", "/contractcreate", "/schemas/../node.toml", "/schemas/tls.key", "//", "/dsp/2025-1"]
)
def test_a_path_that_nothing_is_at_leads_nowhere(interfaces: "Interfaces", path: str) -> None:
    found, said = interfaces.call("GET", path)
    assert (found, said["error"]["reason"]) == (403, "METHOD_NOT_LISTED")
    assert interfaces.desk.calls == []


def test_no_header_of_an_answer_is_the_callers(interfaces: "Interfaces") -> None:
    answer = spoken(interfaces, HEAD + b"X-Injected: a\r\nSet-Cookie: b=c\r\n" + length(REQUEST))
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert status(answer) == 200
    names = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}
    allowed = {b"content-type", b"content-length", b"connection", b"cache-control", b"x-content-type-options", b"date"}
    assert names == allowed


# JSON.


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + REQUEST,
        REQUEST[:-1] + b', "@type": "CatalogRequestMessage"}',
        REQUEST[:-1] + b', "filter": NaN}',
        REQUEST[:-1] + b', "filter": 1e9}',
        REQUEST[:-1] + b', "filter": 12345678901234567890}',
        REQUEST[:-1] + b', "filter": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"@type": "' + b"a" * 200_000 + b'"}',
    ],
)
def test_json_that_two_readers_might_read_differently_is_refused(interfaces: "Interfaces", body: bytes) -> None:
    found, said = interfaces.call("POST", CATALOG, body)
    assert (found, said["code"]) == (400, "REQUEST_MALFORMED")
    assert interfaces.desk.calls == []


def test_nothing_of_a_malformed_message_comes_back(interfaces: "Interfaces") -> None:
    _, said = interfaces.call("POST", CATALOG, {"@context": [dataspace.CONTEXT], "@type": "canary-value"})
    assert "canary-value" not in json.dumps(said)


# Time and number.


def test_who_drips_is_cut_off(interfaces: "Interfaces", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_S", 0.3)
    with interfaces.connect() as connection:
        connection.sendall(HEAD)  # and never the rest
        assert connection.recv(1) == b""
    assert interfaces.desk.calls == []


def test_who_does_not_finish_the_handshake_is_cut_off(
    interfaces: "Interfaces", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_S", 0.3)
    with socket.create_connection(("127.0.0.1", interfaces.port), timeout=60) as raw:
        assert raw.recv(1) == b""


def test_one_address_cannot_hold_every_place(interfaces: "Interfaces", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CALLERS_OF_ONE_ADDRESS", 2)
    held = [socket.create_connection(("127.0.0.1", interfaces.port), timeout=60) for _ in range(2)]
    with socket.create_connection(("127.0.0.1", interfaces.port), timeout=60) as one_more:
        assert one_more.recv(1) == b""
    for each in held:
        each.close()
    wait_until(lambda: is_answered(interfaces))


def is_answered(interfaces: "Interfaces") -> bool:
    """Say whether a call finds a place: before the server saw who left, it is cut off."""
    try:
        return interfaces.call("POST", CATALOG, REQUEST)[0] == 200
    except (ssl.SSLError, ConnectionError):
        return False


def test_calls_are_paced_together_with_those_over_grpc(interfaces: "Interfaces") -> None:
    gate = interfaces.server._gate
    gate._pacing = pacing.Pacing(gate._clock, 1)
    with gate.pace(
        gate.begin("x"), next(each for each in interfaces.desk.parties.values() if each.alias == "developer")
    ):
        pass  # a call of gRPC
    found, said = interfaces.call("POST", CATALOG, REQUEST)
    assert (found, said["code"]) == (429, "RATE_LIMITED")


def test_a_closed_node_answers_nobody(interfaces: "Interfaces") -> None:
    interfaces.server.cut()
    with pytest.raises(ConnectionRefusedError):
        interfaces.call("POST", CATALOG, REQUEST)


# What is written and told.


def test_a_call_s_line_says_who_and_by_which_way(interfaces: "Interfaces") -> None:
    interfaces.call("POST", CATALOG, REQUEST)
    [line] = interfaces.lines()
    assert (line["method"], line["status"], line["over"]) == (
        "/yanmen.wire.v1.CatalogueService/ListDatasets",
        "OK",
        "https",
    )


def test_what_breaks_inside_is_not_told(interfaces: "Interfaces") -> None:
    interfaces.desk.error = ValueError("a value of somebody's")
    found, said = interfaces.call("POST", CATALOG, REQUEST)
    assert (found, said["code"]) == (500, FaultCode.INTERNAL.value)
    assert "somebody" not in json.dumps(said) + interfaces.log.getvalue()
    interfaces.desk.error = Fault(FaultCode.STORAGE, "where")
    assert "where" not in json.dumps(interfaces.call("POST", CATALOG, REQUEST)[1])


def test_every_refusal_and_fault_has_its_http_status() -> None:
    given = {*errors.REASON_STATUS.values(), *errors.FAULT_STATUS.values()}
    assert given == telling.HTTP_STATUS.keys()
    assert all(len(text) for pair in telling.NOT_HTTP.values() for text in pair)


def test_limits_leave_room_for_a_whole_contract() -> None:
    assert exchange.BODY_BYTES >= 3 * 64 * 1024
    assert NodeLimits().message_bytes >= exchange.BODY_BYTES
