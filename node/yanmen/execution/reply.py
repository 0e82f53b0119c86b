"""Reads what a job sent back, as hostile bytes: exact shape, exact types, capped counts, nothing spare."""

import json
import math
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import cast

from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.refusal import JobCode, JobFailed

INTEGER_MAX = 2**127 - 1
"""DuckDB's HUGEINT, the widest integer an aggregate of ours yields."""
TEXT_MAX = 64 * 1024
"""Longest text cell read."""

DONE = b'{"ok":true}\n'
"""What stands before the text of a vetting job."""

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{1,38})?", re.ASCII)
_QUALITY = re.compile(r"(?:[A-D]{3})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

_ADMITTED_CODES = frozenset(
    {JobCode.BAD_SQL, JobCode.BAD_SOURCE, JobCode.FAILED, JobCode.MEMORY, JobCode.TIME, JobCode.OUTPUT}
)
"""What a job may say of itself; the other codes are for the outside to find."""


def decode(data: bytes) -> dict[str, object]:
    """Return the members of a successful reply, or raise JobFailed with the job's code or BAD_REPLY."""
    try:
        document: object = json.loads(data.decode("utf-8"))
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError):
        raise _bad() from None
    # Equal bytes rule out duplicate members, spare white space, other escapes and trailing bytes.
    if not isinstance(document, dict) or written != data:
        raise _bad()
    match document:
        case {"code": str(code), **rest} if not rest:
            raise JobFailed(_code(code))
        case {"ok": True, **rest}:
            return {str(name): value for name, value in rest.items()}
        case _:
            raise _bad()


def text(data: bytes) -> str:
    """Return the text of a reply that is nothing else: it follows the line that says the job is done."""
    if not data.startswith(DONE):
        decode(data)  # the job's own code, if it says one
        raise _bad()
    try:
        return data[len(DONE) :].decode("utf-8")
    except UnicodeDecodeError:
        raise _bad() from None


def quality(data: bytes) -> str:
    """Return the bands of quality that an import found, one letter each, or nothing: no figure comes back."""
    members = decode(data)
    if set(members) != {"quality"}:
        raise _bad()
    return _matching(members["quality"], _QUALITY)


def array(data: bytes, member: str, cap: int) -> list[object]:
    """Return the one array `member` of a reply, of at most `cap` elements."""
    members = decode(data)
    value = members.get(member)
    if set(members) != {member} or not isinstance(value, list) or len(value) > cap:
        raise _bad()
    return value


def table(data: bytes, types: Sequence[ColumnType | None], cap: int) -> tuple[tuple[Cell | float, ...], ...]:
    """Return the rows of a reply with cells of `types`; None stands for a 64-bit float."""
    values = array(data, "rows", cap)
    rows = [value for value in values if isinstance(value, list) and len(value) == len(types)]
    if len(rows) < len(values):
        raise _bad()
    columns = [_column([row[at] for row in rows], kind) for at, kind in enumerate(types)]
    return tuple(zip(*columns, strict=True)) if columns else tuple(() for _ in rows)


def cells(data: bytes, types: Sequence[ColumnType], cap: int) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of a reply with cells of `types`, none of them a float."""
    return cast("tuple[tuple[Cell, ...], ...]", table(data, types, cap))


def row(value: object, types: Sequence[ColumnType | None]) -> tuple[Cell | float, ...]:
    """Return `value` as a row of cells of `types`."""
    if not isinstance(value, list) or len(value) != len(types):
        raise _bad()
    return tuple(cell(item, kind) for item, kind in zip(value, types, strict=True))


def cell(value: object, kind: ColumnType | None) -> Cell | float:
    """Return `value` as a cell of `kind`, or raise JobFailed(BAD_REPLY)."""
    if value is None:
        return None
    match kind:
        case None:
            return _float(value)
        case ColumnType.INTEGER:
            return _integer(value)
        case ColumnType.DECIMAL:
            return Decimal(_matching(value, _DECIMAL))
        case ColumnType.TEXT:
            return _text(value)
        case ColumnType.BOOLEAN:
            return _boolean(value)
        case ColumnType.DATE:
            return _date(value)


def _column(values: list[object], kind: ColumnType | None) -> Sequence[Cell | float]:
    """Return `values` as cells of `kind`; integers and texts, of which there may be many, are looked at all at once."""
    match kind:
        case ColumnType.INTEGER:
            whole = [value for value in values if type(value) is int]
            if len(whole) + values.count(None) < len(values) or (whole and max(max(whole), -min(whole)) > INTEGER_MAX):
                raise _bad()
        case ColumnType.TEXT:
            texts = [value for value in values if type(value) is str]
            if len(texts) + values.count(None) < len(values) or max(map(len, texts), default=0) > TEXT_MAX:
                raise _bad()
        case _:
            return [cell(value, kind) for value in values]
    return cast("list[Cell]", values)


def _float(value: object) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        raise _bad()
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _bad()
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > INTEGER_MAX:
        raise _bad()
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise _bad()
    return value


def _matching(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _bad()
    return value


def _date(value: object) -> date:
    try:
        return date.fromisoformat(_matching(value, _DATE))
    except ValueError:
        raise _bad() from None


def _code(code: str) -> JobCode:
    try:
        found = JobCode(code)
    except ValueError:
        return JobCode.BAD_REPLY
    return found if found in _ADMITTED_CODES else JobCode.BAD_REPLY


def _bad() -> JobFailed:
    return JobFailed(JobCode.BAD_REPLY)
