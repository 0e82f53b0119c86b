"""The console's process: where it listens, how it is entered, how it ends."""

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from yanmen.console import application, assets
from yanmen.console.books import Books
from yanmen.console.door import ENTRY, Access
from yanmen.console.logins import Logins
from yanmen.ledger.daybook import CONSOLE, Daybook
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

TOKEN_BYTES = 32
CALLS_AT_ONCE = 64
HEADER_BYTES_MAX = 16 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where the console listens: a loopback address or a unix socket; a TLS proxy in front serves it under `names`."""

    address: str = "127.0.0.1"
    port: int = 0
    path: Path | None = None
    names: tuple[str, ...] = ()


def serve(
    books: Books, place: Place, randomness: Randomness, tell: Callable[[str], None], log: Path | None = None
) -> None:
    """Serve until stopped; `tell` gets the link that opens the console, once it answers."""
    files = assets.load()
    if books.lacks("/receipts") is None:
        with books.look():
            pass  # a ledger that cannot be read is told now, not on every page
    listening = _listen(place)
    token = randomness.token(TOKEN_BYTES).hex()
    daybook = Daybook(log or books.folder, CONSOLE, books.clock, books.config.log_days)
    own = _own_names(place, listening)
    access = Access(token, frozenset({*own, *place.names}), frozenset(place.names))
    config = uvicorn.Config(
        application.build(books, access, files, Logins(books.folder, books.clock, randomness, daybook)),
        access_log=False,  # the entry link has the token in it
        log_level="warning",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CALLS_AT_ONCE,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        timeout_graceful_shutdown=3,
    )
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _stopped)
    listening.listen(CALLS_AT_ONCE)
    tell(f"{_site(place, own)}/?{ENTRY}={token}")
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
        if place.path is not None:
            place.path.unlink(missing_ok=True)


def _stopped(_: int, __: object) -> None:
    """Go on to the end: uvicorn raises the signal again once it has stopped."""


def _listen(place: Place) -> socket.socket:
    if place.path is not None:
        return _listen_on_file(place.path)
    try:
        loopback = ip_address(place.address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        note = f"the console listens on a loopback address only, not {place.address}: put a TLS proxy before it"
        raise Fault(FaultCode.CONFIG, note)
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((place.address, place.port))
    except OSError as error:
        listening.close()
        raise Fault(FaultCode.CONFIG, f"cannot listen on {place.address}:{place.port}: {error.strerror}") from error
    return listening


def _listen_on_file(path: Path) -> socket.socket:
    """Listen on a new socket file of mode 0600."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise Fault(FaultCode.CONFIG, f"cannot listen on {path}: {error.strerror}") from error
    finally:
        os.umask(before)
    return listening


def _own_names(place: Place, listening: socket.socket) -> tuple[str, ...]:
    """Return the values of `Host` under which a browser on this machine reaches the console."""
    if place.path is not None:
        return ()
    port = listening.getsockname()[1]
    literal = f"[{place.address}]" if ":" in place.address else place.address
    return (f"{literal}:{port}", f"localhost:{port}")


def _site(place: Place, own: tuple[str, ...]) -> str:
    return f"https://{place.names[0]}" if not own else f"http://{own[0]}"
