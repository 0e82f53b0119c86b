"""Canonical JSON (RFC 8785) for the subset signed here: no floats, ASCII member names, bounded.

The bytes are the value: `encode(decode(b)) == b` for every `b` that `decode` accepts, which also
rules out duplicate members, spare white space and alternative escapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import msgspec

from yanmen.formats.malformed import Malformed

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

INTEGER_MAX = 2**53 - 1
"""RFC 8785 §3.2.2.3 writes numbers as IEEE doubles do; integers above this would be rounded."""
BYTES_MAX = 1024 * 1024
"""Largest text read unless a caller asks for less or more: a register of a few thousand members."""
DEPTH_MAX = 12
"""Deepest nesting read: contracts reach 6."""


def encode(value: Json) -> bytes:
    """Return the canonical bytes of `value`."""
    data = _quickly(value)
    if data is None:
        _check(value, DEPTH_MAX)
        data = _dump(value)
    return data


def _quickly(value: Json) -> bytes | None:
    """Return the bytes of a value that plainly is what they say; None for one that has to be looked at."""
    try:
        data = _ENCODER.encode(value)
        return data if _is_plain(data) and _DECODER.decode(data) == value else None
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


def encode_each(values: Sequence[Json]) -> list[bytes]:
    """Return the canonical bytes of each of `values`, which are read again together."""
    try:
        lines = _ENCODER.encode_lines(values)
        if _DECODER.decode_lines(lines) != values:
            return [encode(value) for value in values]
    except (TypeError, ValueError, OverflowError, RecursionError):
        return [encode(value) for value in values]  # which says what is wrong
    texts = lines.split(b"\n")[:-1]  # inside a text a line end is escaped
    # An array opens at least one bracket of all there are, so none can have more than the others leave.
    arrays = lines.count(b"\n[") + lines.startswith(b"[")
    flat = lines.count(b"[") + lines.count(b"{") - arrays < DEPTH_MAX
    small = _is_small(lines)
    if not (flat and small):
        for value, text in zip(values, texts, strict=True):
            if not ((flat or _is_flat(text)) and (small or _is_small(text))):
                _check(value, DEPTH_MAX)
    return texts


def decode(data: bytes, max_bytes: int = BYTES_MAX) -> Json:
    """Return the value of `data`, refusing whatever is not its canonical form."""
    if len(data) > max_bytes:
        raise Malformed("JSON: too long")
    try:
        value: Json = _DECODER.decode(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("JSON: not well-formed, or a number outside the subset") from error
    if not _is_plain(data):
        _check(value, DEPTH_MAX)
    if _dump(value) != data:
        raise Malformed("JSON: not in canonical form")
    return value


def decode_each(texts: Sequence[bytes]) -> Sequence[Json]:
    """Return the value of each of `texts`, which are read together, refusing what `decode` refuses."""
    whole = b"[%b]" % b",".join(texts)
    try:
        values: list[Json] = _DECODER.decode(whole)
        # Each is what the value in its place is written as, so none ends in another.
        if (
            _is_small(whole)
            and all(map(_is_flat, texts))
            and _ENCODER.encode_lines(values) == b"\n".join([*texts, b""])
        ):
            return values
    except (ValueError, RecursionError, UnicodeEncodeError):
        pass  # as the next line says of the one that is to blame
    return [decode(text) for text in texts]


def _is_plain(data: bytes) -> bool:
    """Say whether nothing in `data`, which holds no other number than integers, can be outside the subset."""
    return _is_flat(data) and _is_small(data)


def _is_flat(data: bytes) -> bool:
    """Say whether `data` cannot be nested too deep."""
    return data.count(b"[") + data.count(b"{") <= DEPTH_MAX


def _is_small(data: bytes) -> bool:
    """Say whether every name in `data` is ASCII and no number too large."""
    return data.isascii() and _LONG not in data.translate(_DIGITS)


def decode_object(data: bytes, max_bytes: int = BYTES_MAX) -> dict[str, Json]:
    """Return the object that `data` is."""
    value = decode(data, max_bytes)
    if not isinstance(value, dict):
        raise Malformed("JSON: not an object")
    return value


def _dump(value: Json) -> bytes:
    # The encoder escapes exactly what RFC 8785 §3.2.2.2 escapes, and for ASCII names sorting
    # by code point is the RFC's sorting by UTF-16 unit.
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise Malformed("JSON: lone surrogate") from error


def _refused(_: str) -> NoReturn:
    raise Malformed("JSON: value outside the subset")


_DECODER = msgspec.json.Decoder(float_hook=_refused)
_ENCODER = msgspec.json.Encoder(order="sorted")
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * len(str(INTEGER_MAX))


_LEAVES = frozenset({str, bool, type(None)})


def _check(value: object, depth: int) -> None:
    """Hold `value` to the subset, at most `depth` levels deep."""
    if type(value) in _LEAVES or isinstance(value, str):
        return
    if isinstance(value, dict):
        _check_names(value)
        _check_all(value.values(), depth)
    elif isinstance(value, list | tuple):
        _check_all(value, depth)
    elif not isinstance(value, int):
        raise Malformed("JSON: value outside the subset")
    elif abs(value) > INTEGER_MAX:
        raise Malformed("JSON: integer beyond 2^53 - 1")


def _check_all(values: Iterable[object], depth: int) -> None:
    if depth == 0:
        raise Malformed("JSON: nested too deep")
    for value in values:
        if type(value) not in _LEAVES:
            _check(value, depth - 1)


def _check_names(value: Mapping[object, object]) -> None:
    for name in value:
        if not (isinstance(name, str) and name.isascii()):
            raise Malformed("JSON: member name is not ASCII text")
