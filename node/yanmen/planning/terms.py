"""Typed expressions over rows, with public facts: type, scale, range, whether declared bounds imply it.

Numbers are exact: every numeric term is an integer in units of 10^-scale, and `lower`..`upper` in
those units is proven from declarations by interval arithmetic, so nothing can overflow at run time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from yanmen.model.catalogue import TEXT_MAX, Cell, Column, ColumnType
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.syntax import Op

I64 = 2**63 - 1
I128 = 2**126
"""Half of what HUGEINT holds: room for one rounding step."""
DECIMAL_MAX = 10**18 - 1
"""DECIMAL(18,s) in units of 10^-s."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is publicly known of a term's values; `declared` = the range follows from declared bounds.

    `length` is the most characters of a text. `weight` is how many terms the engine may write for a column that a
    query inside computes.
    """

    type: ColumnType
    scale: int = 0
    lower: int = 0
    upper: int = 0
    declared: bool = False
    nullable: bool = True
    length: int = TEXT_MAX
    weight: int = 1

    @property
    def numeric(self) -> bool:
        """Whether this is a number."""
        return self.type in (ColumnType.INTEGER, ColumnType.DECIMAL)

    @property
    def wide(self) -> bool:
        """Whether the values need HUGEINT."""
        return self.lower < -I64 - 1 or self.upper > I64


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the table at position `table`; the engine holds a number as an integer in units of 10^-scale."""

    table: int
    column: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Constant:
    """A typed literal; a number is an integer in units of 10^-scale."""

    value: Cell
    facts: Facts


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation over terms; CASE as in `syntax.Apply`."""

    op: Op
    args: tuple["Term", ...]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Conversion:
    """A total cast: what does not fit the facts is NULL."""

    item: "Term"
    facts: Facts


Term = Field | Constant | Operation | Conversion


def parts(term: Term) -> Iterable[Term]:
    """Yield `term` and every term inside it."""
    yield term
    match term:
        case Operation(args=args):
            for arg in args:
                yield from parts(arg)
        case Conversion(item=item):
            yield from parts(item)
        case _:
            return


def scaled(value: Decimal, scale: int) -> int:
    """Return `value` in units of 10^-scale, rounded down: exact at any number of digits."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a finite number")
    units = int("".join(map(str, digits))) * (-1 if sign else 1)
    shift = exponent + scale
    factor: int = 10 ** abs(shift)
    return units * factor if shift >= 0 else units // factor


def null(facts: Facts | None = None) -> Constant:
    """Return NULL of the type in `facts` (text when nothing is known)."""
    known = facts if facts is not None else Facts(ColumnType.TEXT)
    return Constant(None, Facts(known.type, known.scale, declared=True, length=0))


def number(text: str) -> Constant:
    """Return the exact numeric constant `text` (as `literals` writes it: no trailing zeroes)."""
    scale = len(text.partition(".")[2])
    units = int(text.replace(".", ""))
    kind = ColumnType.DECIMAL if scale else ColumnType.INTEGER
    return Constant(units, Facts(kind, scale, units, units, declared=True, nullable=False))


def constant(value: Cell) -> Constant:
    """Return a constant that is neither a number nor NULL."""
    kind = {bool: ColumnType.BOOLEAN, str: ColumnType.TEXT}.get(type(value), ColumnType.DATE)
    length = len(value) if isinstance(value, str) else 0
    return Constant(value, Facts(kind, declared=True, nullable=False, length=length))


def column_facts(column: Column) -> Facts:
    """Return what the declaration of `column` proves."""
    match column.type:
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            return _numeric_column(column)
        case ColumnType.TEXT:
            texts = [len(cell) for cell in column.domain or () if isinstance(cell, str)]
            return Facts(column.type, length=max(texts, default=TEXT_MAX))
        case ColumnType.BOOLEAN | ColumnType.DATE:
            return Facts(column.type)


def _numeric_column(column: Column) -> Facts:
    scale = column.scale if column.type is ColumnType.DECIMAL else 0
    limit = DECIMAL_MAX if column.type is ColumnType.DECIMAL else I64
    bounds = _declared(column, scale)
    if bounds is None:
        return Facts(column.type, scale, -limit - 1, limit)
    return Facts(column.type, scale, *bounds, declared=True)


def _declared(column: Column, scale: int) -> tuple[int, int] | None:
    if column.lower is not None and column.upper is not None:
        # Outward, so that a bound with more places than the column keeps is still a bound.
        return scaled(column.lower, scale), -scaled(-column.upper, scale)
    numbers = [
        value for value in column.domain or () if isinstance(value, int | Decimal) and not isinstance(value, bool)
    ]
    if column.domain is None or not numbers:
        return None
    units = [scaled(Decimal(value), scale) for value in numbers]
    return min(units), max(units)


def ranged(kind: ColumnType, scale: int, ends: Iterable[int], like: Iterable[Facts], at: Place) -> Facts:
    """Return numeric facts for values between `ends`, refusing what could overflow."""
    values = tuple(ends)
    known = tuple(like)
    if max(abs(value) for value in values) > I128 or scale > 36:
        raise refused(Reason.MEASURE_WITHOUT_BOUNDS, at, "", hints.TOO_WIDE)
    return Facts(
        kind,
        scale,
        min(values),
        max(values),
        declared=all(facts.declared for facts in known),
        nullable=any(facts.nullable for facts in known),
    )
