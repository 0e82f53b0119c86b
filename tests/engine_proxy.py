"""Stands between a node and the container engine: sees each call, holds it back, changes an answer."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

Calls = Callable[[str], None]
"""Told the name of a call, such as `create`, before it reaches the engine, or before its answer reaches the caller."""
CALL = re.compile(rb"(?:POST|GET|DELETE|PUT) (?:/v[0-9.]+)?/containers/(?:[0-9a-f]{64}/)?([a-z]+)[? ]")
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def nothing(_: str) -> None:
    """Let it pass."""


@contextmanager
def between(
    engine: str, folder: Path, *, before: Calls = nothing, after: Calls = nothing, said: dict[str, object] | None = None
) -> Iterator[str]:
    """Listen in `folder` and yield the socket's path; `said` is added to what the engine answers to `create`."""
    path = str(folder / "engine.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listener.accept()
                    Thread(target=_one, args=(caller, engine, before, after, said or {}), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _one(caller: socket.socket, engine: str, before: Calls, after: Calls, said: dict[str, object]) -> None:
    """Pass one call on, and its answer back; the connection ends with it."""
    with caller, socket.socket(socket.AF_UNIX) as towards, suppress(OSError):
        request = _whole(caller)
        found = CALL.match(request)
        name = found[1].decode() if found else ""
        before(name)
        towards.connect(engine)
        towards.sendall(re.sub(rb"\r\n", b"\r\nConnection: close\r\n", request, count=1))
        answer = b"".join(iter(lambda: towards.recv(1 << 16), b""))
        if name == "create" and said:
            answer = _amended(answer, said)
        after(name)
        caller.sendall(answer)


def _whole(caller: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(caller)
    head, _, body = data.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    while len(body) < (int(length[1]) if length else 0):
        body += _more(caller)
    return head + b"\r\n\r\n" + body


def _more(caller: socket.socket) -> bytes:
    data = caller.recv(1 << 16)
    if not data:
        raise ConnectionResetError
    return data


def _amended(answer: bytes, said: dict[str, object]) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    written = json.dumps({**json.loads(body), **said}).encode()
    return LENGTH.sub(b"\r\nContent-Length: %d" % len(written), head) + b"\r\n\r\n" + written
