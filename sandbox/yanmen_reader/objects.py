"""One object per process: `python -I -B -m yanmen_reader.objects REPLY_FD NODE_PID ACCOUNT`, the order on descriptor 0.

The order has one request, signed already, for one object: no key that could sign another. Once it is sent, and before a
byte of the answer is read, the process gives up every file, new connection, program and thread.
"""

import json
import os
import re
import socket
import ssl
import sys
from enum import Enum, unique
from http import client
from typing import NamedTuple

from yanmen_sandbox import apart
from yanmen_sandbox.request import read_frame

from yanmen_reader import confinement
from yanmen_reader.order import Bounds
from yanmen_reader.target import Full, Target

CHUNK = 1 << 18
CONNECT_S = 15
STATUS = {
    200: "",
    403: "FORBIDDEN",
    401: "FORBIDDEN",
    404: "MISSING",
    412: "CHANGED",
    301: "ELSEWHERE",
    307: "ELSEWHERE",
}
ETAG = re.compile(r'(?:W/)?"?([!#-~]{1,128})"?', re.ASCII)
VERSION = re.compile(r"[!-~]{1,1024}", re.ASCII)


@unique
class Trouble(Enum):
    """Why there is no object; the node knows no others."""

    UNREACHABLE = "UNREACHABLE"
    TLS = "TLS"
    FORBIDDEN = "FORBIDDEN"
    MISSING = "MISSING"
    CHANGED = "CHANGED"
    ELSEWHERE = "ELSEWHERE"
    STATUS = "STATUS"
    LENGTH = "LENGTH"
    CUT = "CUT"
    TIMEOUT = "TIMEOUT"
    ROOM = "ROOM"
    FAILED = "FAILED"


class Ended(Exception):
    """The reader ends with a `trouble`; `status` is what the store answered, 0 before it did."""

    def __init__(self, trouble: Trouble, status: int = 0) -> None:
        """Hold what is told."""
        self.trouble = trouble
        self.status = status
        super().__init__(trouble.value)


class Order(NamedTuple):
    """One order: where to, over TLS or not, trusting whom ("": who the system does), what to send, where to write."""

    host: str
    port: int
    tls: bool
    authority: str
    request: bytes
    timeout_ms: int
    target: int
    bounds: Bounds


def main(reply_fd: int, parent: int, account: str) -> None:
    """Read the order, connect, ask, close in, read the object, reply."""
    order = _parse(read_frame(0))
    try:
        reply = _object(order, reply_fd, parent, account)
    except Ended as failure:
        reply = {"trouble": failure.trouble.value, "status": failure.status}
    except Exception:  # noqa: BLE001 - whatever broke, its text may quote a value
        reply = {"trouble": Trouble.FAILED.value, "status": 0}
    data = json.dumps(reply, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    view = memoryview(len(data).to_bytes(4, "big") + data)
    while view:
        view = view[os.write(reply_fd, view) :]
    os.read(0, 1)  # the node measures, then hangs up


def _parse(frame: bytes) -> Order:
    found = json.loads(frame.decode("utf-8"))
    return Order(
        host=str(found["host"]),
        port=int(found["port"]),
        tls=found["tls"] is True,
        authority=str(found["authority"]),
        request=str(found["request"]).encode("ascii"),
        timeout_ms=int(found["timeout_ms"]),
        target=int(found["target"]),
        bounds=Bounds(**{name: int(found["bounds"][name]) for name in Bounds._fields}),
    )


def _object(order: Order, reply_fd: int, parent: int, account: str) -> dict[str, object]:
    _warm_up()
    confinement.connecting(parent, order.bounds, ())
    with _connected(order) as connection:
        connection.settimeout(order.timeout_ms / 1000)
        connection.sendall(order.request)
        confinement.reading(apart.account(account), reply_fd)
        response = client.HTTPResponse(connection, method="GET")
        try:
            response.begin()
            size = _size(response, order.bounds.file)
            _copy(response, size, order.target)
        except TimeoutError:
            raise Ended(Trouble.TIMEOUT) from None
        except (OSError, client.HTTPException):
            raise Ended(Trouble.CUT) from None
        return {
            "ok": True,
            "bytes": size,
            "etag": _header(response, "etag", ETAG),
            "version": _header(response, "x-amz-version-id", VERSION),
        }


def _connected(order: Order) -> socket.socket:
    """Connect; over TLS the name of the host is held to its certificate."""
    try:
        plain = socket.create_connection((order.host, order.port), CONNECT_S)
        if not order.tls:
            return plain
        context = ssl.create_default_context(cadata=order.authority or None)
        return context.wrap_socket(plain, server_hostname=order.host)
    except ssl.SSLError:
        raise Ended(Trouble.TLS) from None
    except OSError:
        raise Ended(Trouble.UNREACHABLE) from None


def _size(response: client.HTTPResponse, most: int) -> int:
    """Return how many bytes the object has, or end with why it is not to be had."""
    if response.status != client.OK:
        raise Ended(Trouble(STATUS.get(response.status, "STATUS")), response.status)
    if response.chunked or response.length is None:
        raise Ended(Trouble.LENGTH)
    if response.length > most:
        raise Ended(Trouble.ROOM)
    return response.length


def _copy(response: client.HTTPResponse, size: int, fd: int) -> None:
    target, buffer = Target(fd), bytearray(CHUNK)
    view, left = memoryview(buffer), size
    while left:
        got = response.readinto(view[: min(left, CHUNK)])
        if not got:
            raise Ended(Trouble.CUT)
        try:
            target.write(view[:got])
        except Full as error:
            raise Ended(Trouble.ROOM if error.room else Trouble.FAILED) from None
        left -= got


def _header(response: client.HTTPResponse, name: str, form: "re.Pattern[str]") -> str:
    """Return a header of the form, "" where there is none: what else it says is not told."""
    match = form.fullmatch(response.getheader(name, ""))
    return "" if match is None else match[match.lastindex or 0]


def _warm_up() -> None:
    """Read an answer once: what Python loads for it, it loads while files can still be opened."""
    "localhost".encode("idna")  # as names of hosts are, in which Python loads tables
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 1\r\n\r\nx')
        ours.settimeout(1)
        response = client.HTTPResponse(ours, method="GET")
        response.begin()
        response.readinto(bytearray(1))
        response.getheader("etag", "")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)
