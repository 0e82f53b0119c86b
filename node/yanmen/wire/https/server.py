"""The port: TLS with the space's certificates, a bounded number of callers, one request each.

Python's own TLS and h11 rather than a web framework: a framework's server hands an application no client certificate,
and who calls is all that counts here. It is served by the node's own process, for a gateway before it could only
claim who called.
"""

import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore, Event, Lock, Thread

from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.https.exchange import Asked, Exchange, Gone, NotHttp, Reply
from yanmen.wire.server import Credentials

CALLERS = 32
"""Connections at once; one more is closed unanswered."""
CALLERS_OF_ONE_ADDRESS = 16
"""Strangers get as far as the handshake: one address cannot hold every place."""
HANDSHAKE_S = 5.0
EXCHANGE_S = 20.0
"""From the handshake to the last byte of the answer."""
PAUSE_S = 0.05
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all good."""

Answer = Callable[[Asked], Reply]
Plain = Callable[[HTTPStatus], Reply]


@dataclass(frozen=True, slots=True)
class Port:
    """Where to listen, with which credentials, which may be renewed, and the clock that dates answers."""

    address: str
    credentials: Credentials
    clock: Clock
    renewed: Callable[[], Credentials | None] = lambda: None


class HttpsServer:
    """Hands each request to `answer`; `plain` says what is not even a request."""

    def __init__(self, port: Port, answer: Answer, plain: Plain) -> None:
        """Hold what it works with; `start` opens the port."""
        self._port = port
        self._answer = answer
        self._plain = plain
        self._tls = _context(port.credentials)
        self._places = BoundedSemaphore(CALLERS)
        self._of_address: Counter[str] = Counter()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(max_workers=CALLERS, thread_name_prefix="https")
        self._listening: socket.socket | None = None
        self._stopping = Event()

    def start(self) -> str:
        """Listen and serve; return the address."""
        host, _, port = self._port.address.rpartition(":")
        try:
            self._listening = socket.create_server(
                (host.strip("[]"), int(port)), family=socket.AF_INET6 if "[" in host else socket.AF_INET
            )
        except OSError as error:
            raise Fault(FaultCode.CONFIG, f"cannot listen on {self._port.address}") from error
        Thread(target=self._accept, args=(self._listening,), name="https-accept", daemon=True).start()
        return f"{host}:{self._listening.getsockname()[1]}"

    def stop(self) -> None:
        """Take no more connections and wait for those that are open; each ends by itself."""
        self.cut()
        self._pool.shutdown(wait=True)

    def cut(self) -> None:
        """Close the port at once."""
        self._stopping.set()
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for the next caller
            self._listening.close()

    def _accept(self, listening: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, peer = listening.accept()
            except OSError:
                if self._stopping.wait(PAUSE_S):  # the caller went away, or too many files are open for a moment
                    return
                continue
            address = str(peer[0])
            if not self._take_place(address):
                connection.close()
                continue
            self._pool.submit(self._serve, connection, address)

    def _take_place(self, address: str) -> bool:
        with self._lock:
            if self._of_address[address] >= CALLERS_OF_ONE_ADDRESS or not self._places.acquire(blocking=False):
                return False
            self._of_address[address] += 1
            return True

    def _serve(self, connection: socket.socket, address: str) -> None:
        try:
            with connection:
                connection.settimeout(HANDSHAKE_S)
                with self._context().wrap_socket(connection, server_side=True) as secured:
                    self._exchange(secured, address)
        except (OSError, Gone):
            return  # no handshake, no certificate of this space, or no patience: nobody to answer
        finally:
            with self._lock:
                self._of_address[address] -= 1
                self._of_address += Counter()  # forgets who holds none
            self._places.release()

    def _exchange(self, secured: ssl.SSLSocket, address: str) -> None:
        exchange = Exchange(secured, EXCHANGE_S)
        try:
            verb, path, body = exchange.read()
        except NotHttp as error:
            exchange.answer(self._plain(error.status), self._port.clock.now_ms())
            exchange.linger()
            return
        certificate = ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"").encode("ascii")
        reply = self._answer(Asked(verb, path, body, certificate, address))
        exchange.answer(reply, self._port.clock.now_ms())

    def _context(self) -> ssl.SSLContext:
        """Return what the next connection is secured with; a renewed certificate counts from here on."""
        with self._lock:
            fresh = self._port.renewed()
            if fresh is not None:
                self._tls = _context(fresh)
            return self._tls


def _context(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # every connection shows its certificate
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cadata=credentials.ca_pem.decode("ascii"))
    # Python takes a key from a file only: one in memory, that no path leads to and that ends with this function.
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, credentials.key_pem + credentials.chain_pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError as error:
        raise Fault(FaultCode.KEYS, "TLS key and certificate do not fit together") from error
    finally:
        os.close(descriptor)
    return context
