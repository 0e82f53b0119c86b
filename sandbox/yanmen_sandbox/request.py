"""The node's order: one length-prefixed JSON document on descriptor 0."""

import json
import os
from typing import NamedTuple

REQUEST_BYTES = 64 * 1024 * 1024
"""More than any order needs: released cells are capped long before."""


class Limits(NamedTuple):
    """What the job may use; the node sets every figure."""

    memory: int
    address: int
    cpu: int
    wall_ms: int
    file: int
    reply: int
    threads: int


class Request(NamedTuple):
    """One order: the job's name, its limits and its own arguments; `uses` questions follow it in a session."""

    job: str
    limits: Limits
    body: dict[str, object]
    uses: int = 0


def read_frame(fd: int) -> bytes:
    """Read one frame: four bytes of big-endian length, then that many bytes."""
    size = int.from_bytes(_exactly(fd, 4), "big")
    if size > REQUEST_BYTES:
        raise ValueError("request too long")
    return _exactly(fd, size)


def _exactly(fd: int, size: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < size:
        chunk = os.read(fd, size - len(chunks))
        if not chunk:
            raise ValueError("request cut short")
        chunks += chunk
    return bytes(chunks)


def parse(frame: bytes) -> Request:
    """Return the order in `frame`, or raise ValueError."""
    document = json.loads(frame.decode("utf-8"))
    if not isinstance(document, dict):
        raise TypeError("request is not an object")
    job, limits = document.pop("job"), document.pop("limits")
    if not isinstance(job, str) or not isinstance(limits, dict) or set(limits) != set(Limits._fields):
        raise TypeError("request lacks its job or limits")
    uses = integer(document, "uses") if "uses" in document else 0
    document.pop("uses", None)
    return Request(job, Limits(**{name: integer(limits, name) for name in Limits._fields}), document, uses)


def next_question(fd: int, order: Request) -> Request | None:
    """Read the next question of a session, None when the node has hung up."""
    header = os.read(fd, 4)
    if not header:
        return None
    size = int.from_bytes(header + _exactly(fd, 4 - len(header)), "big")
    if size > REQUEST_BYTES:
        raise ValueError("question too long")
    body = json.loads(_exactly(fd, size).decode("utf-8"))
    if not isinstance(body, dict):
        raise TypeError("question is not an object")
    return order._replace(body=body)


def integer(body: dict[str, object], name: str) -> int:
    """Return the integer `name` of `body`."""
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(name)
    return value


def text(body: dict[str, object], name: str) -> str:
    """Return the text `name` of `body`."""
    value = body[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def flag(body: dict[str, object], name: str) -> bool:
    """Return the boolean `name`, which the caller always sends."""
    value = body[name]
    if not isinstance(value, bool):
        raise TypeError(name)
    return value


def array(body: dict[str, object], name: str) -> list[object]:
    """Return the array `name` of `body`."""
    value = body[name]
    if not isinstance(value, list):
        raise TypeError(name)
    return value


def pair_of_text(value: object) -> tuple[str, str]:
    """Return `value` as two texts."""
    match value:
        case [str(first), str(second)]:
            return first, second
        case _:
            raise TypeError("not a pair of texts")
