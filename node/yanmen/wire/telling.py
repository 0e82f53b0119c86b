"""Figures and readiness for the operator's programs, over HTTP on this host alone.

/metrics   what Prometheus reads      /ready   200, or 503 and what is in the way      /live   200 while it serves
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import ClassVar, Self, cast

from typing_extensions import override

from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.readiness import Obstacle

CALLERS_MAX = 8
"""Programs of this host that look every few seconds."""
TIMEOUT_S = 5
PROMETHEUS = "text/plain; version=1.0.0; charset=utf-8"

Look = Callable[[], Mapping[str, Obstacle]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "yanmen"
    sys_version = ""
    timeout: ClassVar[float | None] = TIMEOUT_S

    def do_GET(self) -> None:
        """Answer one of three paths, to who asked for this very address."""
        here = cast("TellingServer", self.server)
        if self.headers.get("Host") != here.address:
            # A page in a browser of this host would ask under another name.
            self._answer(HTTPStatus.FORBIDDEN, b"", PROMETHEUS)
            return
        match self.path:
            case "/metrics":
                self._answer(HTTPStatus.OK, here.figures(), PROMETHEUS)
            case "/ready":
                found = here.look()
                status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
                self._answer(status, _said(found), "application/json; charset=utf-8")
            case "/live":
                self._answer(HTTPStatus.OK, b"{}\n", "application/json; charset=utf-8")
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"", PROMETHEUS)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: whoever looks is nobody's business."""

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self.wfile.write(body)


def _said(found: Mapping[str, Obstacle]) -> bytes:
    said = {"ready": not found, "in_the_way": {name: asdict(obstacle) for name, obstacle in found.items()}}
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


class TellingServer(ThreadingHTTPServer):
    """Serves one party's figures and readiness; use it as a context manager."""

    daemon_threads = True

    def __init__(self, address: str, figures: Callable[[], bytes], look: Look) -> None:
        """Listen at `address`, which only this host reaches."""
        host, _, port = address.rpartition(":")
        plain = ip_address(host.strip("[]"))
        if not plain.is_loopback:
            raise Fault(FaultCode.CONFIG, f"operations.address: {host} is not of this host alone")
        self.figures, self.look = figures, look
        self.address_family = 10 if plain.version == 6 else 2
        self._callers = BoundedSemaphore(CALLERS_MAX)
        try:
            super().__init__((str(plain), int(port)), _Handler)
        except OSError as error:
            raise Fault(FaultCode.CONFIG, f"cannot listen on {address}: {error.strerror}") from error
        self.address = f"{host}:{self.server_address[1]}"

    @override
    def process_request(self, request: object, client_address: object) -> None:
        if not self._callers.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]
            return
        super().process_request(request, client_address)  # type: ignore[arg-type]

    @override
    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._callers.release()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that went away."""

    @override
    def __enter__(self) -> Self:
        """Serve in a thread of its own."""
        Thread(target=self.serve_forever, name="telling", daemon=True).start()
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
