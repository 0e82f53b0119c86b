"""The witness's HTTP service: two paths, small bodies, a bounded number of callers at once."""

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import ClassVar, Self, cast

from typing_extensions import override

from yanmen.formats import add_checkpoint, decimals
from yanmen.formats.malformed import Malformed
from yanmen.ledger.witness_book import WitnessBook
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault
from yanmen.witness import cosigner
from yanmen.witness.cosigner import Reply

CALLERS_MAX = 32
"""A call takes milliseconds; whoever holds a connection longer than the timeout loses it."""
TIMEOUT_S = 10

_ADD = "/add-checkpoint"
_CHECKPOINT = "/checkpoint"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "yanmen-witness"
    sys_version = ""
    timeout: ClassVar[float | None] = TIMEOUT_S

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        if self.path != _ADD:
            self._answer(Reply(HTTPStatus.NOT_FOUND), close=True)
            return
        try:
            length = decimals.decode(self.headers.get("Content-Length", ""))
        except Malformed:
            self._answer(Reply(HTTPStatus.LENGTH_REQUIRED), close=True)
            return
        if length > add_checkpoint.BYTES_MAX or "Transfer-Encoding" in self.headers:
            self._answer(Reply(HTTPStatus.BAD_REQUEST, b"too long, or not of a stated length\n"), close=True)
            return
        body = self.rfile.read(length)
        here = cast("WitnessServer", self.server)
        try:
            reply = cosigner.add(here.book, here.clock, body)
        except Fault as fault:
            here.complain(fault)
            reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._answer(reply)

    def do_GET(self) -> None:
        """Answer with the newest head cosigned of one log."""
        here = cast("WitnessServer", self.server)
        digest = self.path.removeprefix("/").removesuffix(_CHECKPOINT)
        if self.path != f"/{digest}{_CHECKPOINT}":
            self._answer(Reply(HTTPStatus.NOT_FOUND))
            return
        try:
            reply = cosigner.latest(here.book, digest)
        except Fault as fault:
            here.complain(fault)
            reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._answer(reply)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: whoever asks is nobody's business, faults are told by `complain`."""

    def _answer(self, reply: Reply, *, close: bool = False) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if close:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness's book."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], book: WitnessBook, clock: Clock) -> None:
        """Listen at `address` (port 0 takes a free one)."""
        self.book = book
        self.clock = clock
        self._callers = BoundedSemaphore(CALLERS_MAX)
        super().__init__(address, _Handler)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.server_address[1])

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
        """Say nothing of callers that went away; what is ours is a `Fault` and told."""

    def complain(self, fault: Fault) -> None:
        """Tell the operator of a fault."""
        print(f"witness: {fault.code.value} {fault.note}", file=sys.stderr, flush=True)  # noqa: T201 - the operator's log

    @override
    def __enter__(self) -> Self:
        """Serve in a thread of its own."""
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
