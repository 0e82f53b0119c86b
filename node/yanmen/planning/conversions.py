"""Casts between declared types; each is total: a value that does not fit becomes NULL."""

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.literals import iso_date
from yanmen.planning.places import refused
from yanmen.planning.syntax import Cast, CastKind
from yanmen.planning.terms import Constant, Conversion, Facts, Term, constant, null

_TYPES = {
    CastKind.INTEGER: ColumnType.INTEGER,
    CastKind.DECIMAL: ColumnType.DECIMAL,
    CastKind.TEXT: ColumnType.TEXT,
    CastKind.BOOLEAN: ColumnType.BOOLEAN,
    CastKind.DATE: ColumnType.DATE,
}
_PAIRS = frozenset(
    {
        (ColumnType.TEXT, ColumnType.BOOLEAN),
        (ColumnType.TEXT, ColumnType.DATE),
        (ColumnType.BOOLEAN, ColumnType.INTEGER),
    }
)
_WRITTEN = 64
"""Characters of a number, date or truth value as text: 38 digits, sign and point are the longest."""
_NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL)


def convert(item: Term, cast: Cast) -> Term:
    """Return `item` as the type `cast` names, or refuse the pair of types."""
    target = _TYPES.get(cast.kind)
    if target is None:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, cast.at, f"CAST {cast.kind.value}", hints.CAST_TARGET)
    limits = _limits(cast)
    if isinstance(item, Constant) and item.value is None:
        return null(limits)
    if isinstance(item, Constant) and isinstance(item.value, str) and target is ColumnType.DATE:
        return _date(item.value, cast)
    source = item.facts.type
    if source is target and target not in _NUMBERS:
        return item
    if source in _NUMBERS and target in _NUMBERS:
        return _number(item, limits)
    if target in _NUMBERS and source is ColumnType.TEXT:
        return Conversion(item, limits)
    if target is ColumnType.TEXT or (source, target) in _PAIRS:
        return Conversion(item, _plain(target, item.facts))
    raise refused(Reason.TYPE_MISMATCH, cast.at, f"CAST {cast.kind.value}", hints.TYPE)


def _date(text: str, cast: Cast) -> Term:
    value = iso_date(text)
    if value is None:
        raise refused(Reason.TYPE_MISMATCH, cast.at, text, hints.DATE_LITERAL)
    return constant(value)


def _plain(target: ColumnType, known: Facts) -> Facts:
    if target is ColumnType.INTEGER:
        return Facts(target, 0, 0, 1, declared=True, nullable=known.nullable)
    return Facts(target, nullable=known.nullable or target is not ColumnType.TEXT, length=_WRITTEN)


def _limits(cast: Cast) -> Facts:
    """Return the range of the cast's type."""
    if cast.kind is CastKind.INTEGER:
        limit: int = 2 ** (cast.precision - 1)
        return Facts(ColumnType.INTEGER, 0, -limit, limit - 1)
    if cast.kind is CastKind.DECIMAL:
        most: int = 10**cast.precision - 1
        return Facts(ColumnType.DECIMAL, cast.scale, -most, most)
    return Facts(_TYPES[cast.kind])


def _number(item: Term, limits: Facts) -> Term:
    known = item.facts
    if known.scale == limits.scale and limits.lower <= known.lower and known.upper <= limits.upper:
        if known.type is limits.type:
            return item
        return Conversion(
            item, Facts(limits.type, known.scale, known.lower, known.upper, known.declared, known.nullable)
        )
    # Rounding moves a value by less than one unit of the target.
    lower, upper = _rescaled(known.lower, known.scale, limits.scale), _rescaled(known.upper, known.scale, limits.scale)
    fits = limits.lower <= lower and upper <= limits.upper
    clipped = (max(lower, limits.lower), min(upper, limits.upper))
    if clipped[0] > clipped[1]:
        return null(limits)
    return Conversion(item, Facts(limits.type, limits.scale, *clipped, known.declared, known.nullable or not fits))


def _rescaled(value: int, source: int, target: int) -> int:
    if target >= source:
        return value * int(10 ** (target - source))
    step = int(10 ** (source - target))
    magnitude = (2 * abs(value) + step) // (2 * step)
    return magnitude if value >= 0 else -magnitude
