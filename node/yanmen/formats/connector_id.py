"""32-character connector ids of the National Data Infrastructure with their MOD 37-2 check character.

An id is type (1), subject (18: 统一社会信用代码 or an encrypted id), region or industry (4: GB/T 2260,
first four digits; an industry is `00` and two digits), a random part (8) and the check character
of GB/T 17710 (ISO/IEC 7064 MOD 37-2).
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from functools import lru_cache

from yanmen.formats.malformed import Malformed

LENGTH = 32
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
"""Check characters by value; `*` occurs only as a check character."""

_BODY = re.compile(r"[0-9A-Z]*", re.ASCII)
_REGION = re.compile(r"[0-9]{4}", re.ASCII)


@unique
class NodeType(Enum):
    """First character: what the identified platform is."""

    GLOBAL = "1"
    REGION = "2"
    INDUSTRY = "3"
    BUSINESS = "4"
    CONNECTOR = "5"


@dataclass(frozen=True, slots=True)
class ConnectorId:
    """The parts of an id, check character left out."""

    type: NodeType
    subject: str
    region: str
    random: str


def check_character(body: str) -> str:
    """Return the MOD 37-2 check character of `body`."""
    if _BODY.fullmatch(body) is None:
        raise Malformed("connector id: character outside 0-9 and A-Z")
    total = 0
    for character in body:
        total = (total + ALPHABET.index(character)) * 2 % 37
    return ALPHABET[(1 - total) % 37]


def encode(parts: ConnectorId) -> str:
    """Return the id that consists of `parts`."""
    if len(parts.subject) != 18 or len(parts.random) != 8:
        raise Malformed("connector id: subject has not 18 characters, or random part not 8")
    if _REGION.fullmatch(parts.region) is None:
        raise Malformed("connector id: region is not four digits")
    body = parts.type.value + parts.subject + parts.region + parts.random
    return body + check_character(body)


def build(node_type: str, subject: str, region: str, random8: str) -> str:
    """Return the id of the given type, subject, region and random part.

    One id in 37 ends in `*`, which URIs and file names do not like: draw another random part then.
    """
    return encode(ConnectorId(_type(node_type), subject, region, random8))


def decode(text: str) -> ConnectorId:
    """Return the parts of the id `text`."""
    if len(text) != LENGTH:
        raise Malformed("connector id: not 32 characters")
    body = text[:-1]
    if check_character(body) != text[-1]:
        raise Malformed("connector id: check character does not belong to the rest")
    if _REGION.fullmatch(body[19:23]) is None:
        raise Malformed("connector id: region is not four digits")
    return ConnectorId(type=_type(body[0]), subject=body[1:19], region=body[19:23], random=body[23:])


@lru_cache(maxsize=1024)
def check(text: str) -> str:
    """Return `text` when it is a connector id."""
    decode(text)
    return text


def _type(character: str) -> NodeType:
    try:
        return NodeType(character)
    except ValueError as error:
        raise Malformed("connector id: unknown type") from error
