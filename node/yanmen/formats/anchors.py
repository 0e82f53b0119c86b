"""Anchors as text: what a node says it wrote into a chain, and what an auditor read there.

anchors.txt   one line for each anchored head: its size and the hook's answer        120 0x9f3c…
read back     one line for each: the answer and the root found there, in hex         0x9f3c… 5be0…
"""

import re
from collections.abc import Iterable

from yanmen.formats import decimals
from yanmen.formats.malformed import Malformed

ANSWER_MAX = 200
LINES_MAX = 100_000
BYTES_MAX = LINES_MAX * (ANSWER_MAX + 70)
ROOT_BYTES = 32
_ANSWER = re.compile(rf"[!-~]{{1,{ANSWER_MAX}}}", re.ASCII)
_ROOT = re.compile(r"[0-9a-f]{64}", re.ASCII)


def answer(data: bytes) -> str:
    """Return the hook's answer: one line of printable ASCII without spaces."""
    text = data.removesuffix(b"\n").decode("ascii", "replace")
    if _ANSWER.fullmatch(text) is None:
        raise Malformed(f"anchor: not one word of at most {ANSWER_MAX} printable ASCII characters")
    return text


def encode(anchors: Iterable[tuple[int, str]]) -> bytes:
    """Return the bytes of `anchors.txt`: sizes go up."""
    return "".join(f"{decimals.encode(size)} {given}\n" for size, given in anchors).encode("ascii")


def decode(data: bytes) -> tuple[tuple[int, str], ...]:
    """Return the anchors that `anchors.txt` lists."""
    found: list[tuple[int, str]] = []
    for line in _lines(data):
        size, _, given = line.partition(" ")
        found.append((decimals.decode(size), answer(given.encode("ascii"))))
    sizes = [size for size, _ in found]
    if sizes != sorted(set(sizes)) or 0 in sizes:
        raise Malformed("anchors: sizes do not go up")
    return tuple(found)


def read_back(data: bytes) -> dict[str, bytes]:
    """Return the root that an auditor found under each answer."""
    found: dict[str, bytes] = {}
    for line in _lines(data):
        given, _, root = line.partition(" ")
        if answer(given.encode("ascii")) in found or _ROOT.fullmatch(root) is None:
            raise Malformed("anchors: an answer twice, or a root that is not 64 hexadecimal digits")
        found[given] = bytes.fromhex(root)
    return found


def _lines(data: bytes) -> list[str]:
    if len(data) > BYTES_MAX:
        raise Malformed("anchors: too long")
    try:
        *lines, last = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed("anchors: not ASCII") from error
    if last or len(lines) > LINES_MAX:
        raise Malformed("anchors: the last line does not end, or there are too many")
    return lines
