"""One request and its answer over one connection, as HTTP/1.1 has it (RFC 9112), read strictly.

A connection carries one request: what follows it is never read, so that nobody can hide a second one in the first.
A body has its length said beforehand; whatever would let two readers see two bodies (a transfer coding, two lengths,
a coding of the content) is refused.
"""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import h11

HEAD_BYTES = 16 * 1024
"""Request line and headers together."""
BODY_BYTES = 256 * 1024
"""A contract's signed offer is at most 64 KiB, stands in a message once in base64 and once in clear."""
CHUNK_BYTES = 16 * 1024
TARGET = re.compile(rb"/[A-Za-z0-9._~:*/-]{0,511}", re.ASCII)
"""Paths of ours: no query, no escape, nothing to decode twice."""
LINGER_BYTES = 1024 * 1024
"""Read and thrown away after a refusal, so that its sender is still there to hear it."""
LINGER_S = 1.0
JSON = "application/json"
_ONCE = frozenset({b"host", b"content-type", b"content-length"})
_CODED = frozenset({b"transfer-encoding", b"content-encoding", b"upgrade"})
"""Headers that say the body is something else than the bytes that follow."""


class NotHttp(Exception):
    """The request breaks a rule of HTTP, or of ours about it; `status` says which."""

    def __init__(self, status: HTTPStatus) -> None:
        """Hold what is answered."""
        super().__init__(status.phrase)
        self.status = status


class Gone(Exception):
    """The caller hung up, or took too long."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: verb, path, body, and who sent it from where."""

    verb: str
    path: str
    body: bytes
    certificate_pem: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = JSON


class Exchange:
    """One request on one open connection; everything together ends at a deadline, however slowly it drips."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        """Begin to read from `connection` for at most `seconds`."""
        self._socket = connection
        self._until = time.monotonic() + seconds
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)

    def read(self) -> tuple[str, str, bytes]:
        """Return verb, path and body."""
        try:
            request = self._next()
            if not isinstance(request, h11.Request):
                raise Gone
            length = _checked(request)
            return request.method.decode("ascii"), request.target.decode("ascii"), self._body(length)
        except h11.RemoteProtocolError as error:
            raise NotHttp(HTTPStatus(error.error_status_hint)) from error

    def answer(self, reply: Reply, now_ms: int) -> None:
        """Send `reply` and end the connection."""
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("Connection", "close"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Date", formatdate(now_ms / 1000, usegmt=True)),
        ]
        self._send(h11.Response(status_code=reply.status, headers=headers))
        self._send(h11.Data(data=reply.body))
        self._send(h11.EndOfMessage())

    def linger(self) -> None:
        """Throw away what still comes after a refusal: closing at once would take our answer from its reader."""
        self._until = min(self._until, time.monotonic() + LINGER_S)
        left = LINGER_BYTES
        try:
            with self._timed():
                self._socket.shutdown(socket.SHUT_WR)  # the caller hears that nothing more comes; TLS ends here too
            while left > 0:
                found = self._receive()
                if not found:
                    return
                left -= len(found)
        except Gone:
            return

    def _body(self, length: int) -> bytes:
        parts = bytearray()
        while True:
            event = self._next()
            if isinstance(event, h11.Data):
                parts += event.data
            elif isinstance(event, h11.EndOfMessage):
                return bytes(parts)
            else:
                raise Gone
            if len(parts) > length:
                raise NotHttp(HTTPStatus.BAD_REQUEST)

    def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._receive())
        return event

    def _receive(self) -> bytes:
        with self._timed():
            return self._socket.recv(CHUNK_BYTES)

    def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._http.send(event)
        if data:
            with self._timed():
                self._socket.sendall(data)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Gone
        self._socket.settimeout(left)
        try:
            yield
        except OSError as error:  # a timeout, a reset, an end in the middle of TLS
            raise Gone from error


def _checked(request: h11.Request) -> int:
    """Return how long the body is, once nothing about the request can be read in two ways."""
    names = [name for name, _ in request.headers]
    found = dict(request.headers)
    length = int(found.get(b"content-length", b"0"))
    posts = request.method == b"POST"
    twice = any(names.count(name) > 1 for name in _ONCE)
    head = sum(len(name) + len(value) for name, value in request.headers)
    for broken, status in (
        (head > HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        (request.http_version != b"1.1" or twice, HTTPStatus.BAD_REQUEST),
        (TARGET.fullmatch(request.target) is None, HTTPStatus.BAD_REQUEST),
        (not _CODED.isdisjoint(names), HTTPStatus.NOT_IMPLEMENTED),
        (b"expect" in found, HTTPStatus.EXPECTATION_FAILED),
        (request.method not in (b"GET", b"POST"), HTTPStatus.METHOD_NOT_ALLOWED),
        (posts and b"content-length" not in found, HTTPStatus.LENGTH_REQUIRED),
        (length > (BODY_BYTES if posts else 0), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (posts and not _is_json(found.get(b"content-type", b"")), HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    ):
        if broken:
            raise NotHttp(status)
    return length


def _is_json(content_type: bytes) -> bool:
    return content_type.lower().replace(b" ", b"") in (b"application/json", b"application/json;charset=utf-8")
