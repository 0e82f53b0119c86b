"""JSON as other programs write it, taken strictly: nothing that two readers might read differently.

Members stand in any order, with any white space. No member twice, no fraction, no exponent, no NaN, no lone surrogate,
no byte order mark, integers within ±(2^53 - 1), at most `DEPTH_MAX` levels, counted before anything is built.
"""

import json
import re
from typing import NoReturn

from yanmen.formats.json_canonical import INTEGER_MAX, Json
from yanmen.formats.malformed import Malformed

DEPTH_MAX = 16
"""Deepest nesting read: a message around a contract reaches 9."""
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
"""Strings whole, so that what stands in them does not count, and brackets."""


def decode(data: bytes, max_bytes: int) -> Json:
    """Return the value of `data`; the error says which rule it breaks and quotes nothing of it."""
    if len(data) > max_bytes:
        raise Malformed("JSON: too long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("JSON: not UTF-8") from error
    _check_depth(text)
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_unique, parse_float=_refused, parse_constant=_refused, parse_int=_integer
        )
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("JSON: not well-formed") from error
    _check_texts(value)
    return value


def encode(value: Json) -> bytes:
    """Return `value` as compact JSON in UTF-8, members in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _check_depth(text: str) -> None:
    """Count brackets outside strings: nesting is refused before a recursive reader meets it."""
    depth = 0
    for mark in _NESTING.findall(text):
        if mark in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise Malformed("JSON: nested too deep")
        elif mark in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("JSON: a member stands twice")
    return found


def _refused(_: str) -> NoReturn:
    raise Malformed("JSON: a number that is no integer")


def _integer(digits: str) -> int:
    if len(digits) > len(str(-INTEGER_MAX)) or abs(int(digits)) > INTEGER_MAX:
        raise Malformed("JSON: integer beyond 2^53 - 1")
    return int(digits)


def _check_texts(value: Json) -> None:
    """Refuse half characters: they cannot be written again."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("JSON: lone surrogate") from error
