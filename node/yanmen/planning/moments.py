"""Variances, covariances, correlations and regressions, each written as arithmetic on bounded sums.

Columns are centred on the middle of their declared bounds before they are multiplied: the sums are
then as small as they can be, so is what one unit can move them by, and little is lost by subtraction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.syntax import Apply, Expression, Literal, LiteralKind, Op
from yanmen.planning.terms import I64, Facts

FactsOf = Callable[[Expression], Facts]


def made_of(call: Apply, facts_of: FactsOf, rows_upto: int) -> Expression:
    """Return the moment `call` as an expression over COUNT and SUM, or refuse unbounded columns."""
    measures = [_Measure(arg, _bounded(facts_of(arg), call)) for arg in call.args]
    y, x = measures[0], measures[-1]
    pairs = _Pairs(y, x, facts_of, rows_upto, call.at)
    return _FORMULAS[call.op](pairs)


def _bounded(facts: Facts, call: Apply) -> Facts:
    if not facts.numeric:
        raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
    if not facts.declared:
        raise refused(Reason.MEASURE_WITHOUT_BOUNDS, call.at, call.op.value, hints.MEASURE_BOUNDS)
    return facts


def _number(value: Decimal | int) -> Literal:
    return Literal(LiteralKind.NUMBER, format(Decimal(value), "f"))


def _op(op: Op, *args: Expression) -> Apply:
    return Apply(op, args)


def _minus(left: Expression, right: Expression) -> Apply:
    return _op(Op.SUBTRACT, left, right)


def _over(left: Expression, right: Expression) -> Apply:
    return _op(Op.DIVIDE, left, right)


def _times(left: Expression, right: Expression) -> Apply:
    return _op(Op.MULTIPLY, left, right)


@dataclass(frozen=True, slots=True)
class _Measure:
    item: Expression
    facts: Facts

    @property
    def middle(self) -> Decimal:
        """The whole number of units in the middle of the bounds."""
        return Decimal((self.facts.lower + self.facts.upper) // 2).scaleb(-self.facts.scale)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Sums over the rows in which neither `y` nor `x` is NULL, both centred."""

    y: _Measure
    x: _Measure
    facts_of: FactsOf
    rows_upto: int
    at: Place

    def centred(self, measure: _Measure) -> Expression:
        """Return `measure` less its middle, NULL where the other one is NULL."""
        moved = _minus(measure.item, _number(measure.middle)) if measure.middle else measure.item
        other = self.x if measure is self.y else self.y
        if other.item == measure.item or not other.facts.nullable:
            return moved
        absent = Literal(LiteralKind.NULL, "")
        return _op(Op.CASE, _op(Op.IS_NOT_NULL, other.item), moved, absent)

    def count(self) -> Expression:
        """Return how many pairs there are."""
        return _op(Op.COUNT, self.centred(self.y))

    def sum(self, measure: _Measure) -> Expression:
        """Return the sum of a centred measure."""
        return _op(Op.SUM, self.centred(measure))

    def product(self, left: _Measure, right: _Measure) -> Expression:
        """Return the sum of products, in units so large that 64 bits hold it."""
        item = _times(self.centred(left), self.centred(right))
        facts = self.facts_of(item)
        most = max(1, abs(facts.lower), abs(facts.upper)) * self.rows_upto
        dropped = max(0, len(str(most // I64)) if most > I64 else 0)
        if dropped == 0 and facts.scale <= 18:
            return _op(Op.SUM, item)
        dropped = max(dropped, facts.scale - 18)
        places = facts.scale - dropped
        if places >= 0:
            return _op(Op.SUM, _op(Op.ROUND, item, _number(places)))
        small = _op(Op.ROUND, _times(item, _number(Decimal(1).scaleb(places))), _number(0))
        return _times(_op(Op.SUM, small), _number(Decimal(1).scaleb(-places)))

    def spread(self, left: _Measure, right: _Measure) -> Expression:
        """Return the sum of products of deviations from the means; of squares, where noise leaves it from zero up."""
        found = _minus(
            self.product(left, right), _over(_times(self.sum(left), self.sum(right)), self.positive(self.count()))
        )
        return _when(_op(Op.GREATER_EQUAL, found, _number(0)), found) if left.item == right.item else found

    def mean(self, measure: _Measure) -> Expression:
        """Return the mean of a measure over the pairs."""
        return _op(Op.ADD, _over(self.sum(measure), self.positive(self.count())), _number(measure.middle))

    def slope(self) -> Expression:
        """Return the slope of y over x."""
        return _over(self.spread(self.y, self.x), self.positive(self.spread(self.x, self.x)))

    def positive(self, value: Expression) -> Expression:
        """Return `value` where noise has not made it zero or less, else NULL."""
        return _when(_op(Op.GREATER, value, _number(0)), value)


def _when(condition: Expression, value: Expression) -> Expression:
    return _op(Op.CASE, condition, value, Literal(LiteralKind.NULL, ""))


def _population(pairs: _Pairs) -> Expression:
    count = pairs.count()
    return _when(_op(Op.GREATER, count, _number(0)), _over(pairs.spread(pairs.y, pairs.x), count))


def _sample(pairs: _Pairs) -> Expression:
    count = pairs.count()
    value = _over(pairs.spread(pairs.y, pairs.x), _minus(count, _number(1)))
    return _when(_op(Op.GREATER, count, _number(1)), value)


def _root(formula: Callable[[_Pairs], Expression]) -> Callable[[_Pairs], Expression]:
    return lambda pairs: _op(Op.SQRT, formula(pairs))


def _correlation(pairs: _Pairs) -> Expression:
    both = _times(pairs.positive(pairs.spread(pairs.x, pairs.x)), pairs.positive(pairs.spread(pairs.y, pairs.y)))
    return _over(pairs.spread(pairs.y, pairs.x), _op(Op.SQRT, both))


def _determination(pairs: _Pairs) -> Expression:
    root = _correlation(pairs)
    return _times(root, root)


def _intercept(pairs: _Pairs) -> Expression:
    return _minus(pairs.mean(pairs.y), _times(pairs.slope(), pairs.mean(pairs.x)))


_FORMULAS: dict[Op, Callable[[_Pairs], Expression]] = {
    **dict.fromkeys((Op.VAR_POP, Op.COVAR_POP), _population),
    **dict.fromkeys((Op.VAR_SAMP, Op.COVAR_SAMP), _sample),
    Op.STDDEV_POP: _root(_population),
    Op.STDDEV_SAMP: _root(_sample),
    Op.CORR: _correlation,
    Op.REGR_COUNT: lambda pairs: pairs.count(),
    Op.REGR_AVGX: lambda pairs: pairs.mean(pairs.x),
    Op.REGR_AVGY: lambda pairs: pairs.mean(pairs.y),
    Op.REGR_SXX: lambda pairs: pairs.spread(pairs.x, pairs.x),
    Op.REGR_SYY: lambda pairs: pairs.spread(pairs.y, pairs.y),
    Op.REGR_SXY: lambda pairs: pairs.spread(pairs.y, pairs.x),
    Op.REGR_SLOPE: lambda pairs: pairs.slope(),
    Op.REGR_INTERCEPT: _intercept,
    Op.REGR_R2: _determination,
}
