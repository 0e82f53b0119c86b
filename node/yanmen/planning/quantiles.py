"""Medians and quantiles read off released histograms: a count in each bin of a public domain, and nothing else of rows.

The value is the bin where the noisy cumulated count passes the wanted share of the noisy total. Its ± covers, at 95 %,
the bins that could be the true one: those at whose end the share may be reached, and before which it may not have been.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass
from yanmen.model.refusal import Reason
from yanmen.model.stages import AggregateKind
from yanmen.planning import hints
from yanmen.planning.blocks import Asked, Blocks
from yanmen.planning.domains import domain
from yanmen.planning.figures import Figure, GroupKey
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import narrowed
from yanmen.planning.places import refused
from yanmen.planning.released_terms import width_column
from yanmen.planning.row_source import rows
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import quoted, select
from yanmen.planning.syntax import Apply, Expression, Literal, LiteralKind, Op
from yanmen.planning.terms import Term
from yanmen.planning.typed import RowTyper

PLACES_MAX = 6
"""Decimal places of a share."""
_MEDIAN = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class _Quantile:
    """The released column `name`: the value of the bins of `term` below which `share` of the rows lie."""

    name: str
    term: Term
    share: Fraction
    call: Apply


class Quantiles:
    """Collects the quantiles of one question; those of equal bins share one histogram."""

    def __init__(self, scope: Scope, joined: Joined, filters: Sequence[Term], keys: tuple[GroupKey, ...]) -> None:
        """Read over the rows of `joined` that pass `filters`, in each group of `keys`."""
        self._scope = scope
        self._joined = joined
        self._filters = tuple(filters)
        self._keys = keys
        self._typer = RowTyper(scope)
        self.found: list[_Quantile] = []

    def column(self, call: Apply) -> tuple[str, ColumnType]:
        """Return the released column and its type for the resolved `call`, or refuse."""
        if self._joined.release is not DatasetClass.PERSONAL:
            raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.QUANTILE)
        if any(not key.domain for key in self._keys):
            raise refused(Reason.KEY_WITHOUT_DOMAIN, call.at, call.op.value, hints.OPEN_KEY)
        term, share = self._typer.term(call.args[0]), share_of(call)
        if not term.facts.numeric:
            raise refused(Reason.TYPE_MISMATCH, call.at, call.op.value, hints.TYPE)
        self._bins(term, call)
        known = next((item.name for item in self.found if (item.term, item.share) == (term, share)), None)
        if known is None:
            known = f"q{len(self.found)}"
            self.found.append(_Quantile(known, term, share, call))
        return known, term.facts.type

    def _bins(self, term: Term, call: Apply) -> tuple[Cell, ...]:
        """Return the public values of the bins; rows without a bin count nowhere."""
        values = domain(self._scope, term, self._filters)
        kept = () if values is None else narrowed(values, term, self._filters)
        bins = tuple(value for value in kept if value is not None)
        if not bins:
            raise refused(Reason.KEY_WITHOUT_DOMAIN, call.at, call.op.value, hints.QUANTILE)
        return bins

    def joined_to(self, cells: str, blocks: Blocks) -> str:
        """Return `cells` ("" = there are none) with a column and its width for each quantile, as what FROM names."""
        histograms: dict[Term, tuple[Asked, str]] = {}
        for item in self.found:
            if item.term not in histograms:
                asked = self._histogram(item, blocks)
                histograms[item.term] = (asked, blocks.cells(asked, ()))
        names = [quoted(key.name) for key in self._keys]
        if not cells:
            asked, held = histograms[self.found[0].term]
            own = [f"{quoted(key.name)} AS {name}" for key, name in zip(asked.keys, names, strict=False)]
            cells = f"({'SELECT DISTINCT' + select(own or ['1 AS one'], f'FROM {held}').removeprefix('SELECT')})"
        sql = f"{cells} AS {quoted('g')}"
        for item in self.found:
            asked, held = histograms[item.term]
            same = [
                f"{quoted('g')}.{name} IS NOT DISTINCT FROM {quoted(item.name)}.{quoted(key.name)}"
                for name, key in zip(names, asked.keys, strict=False)
            ]
            sql += (
                f" LEFT JOIN ({_read_off(item, asked, held)}) AS {quoted(item.name)} ON {' AND '.join(same) or 'TRUE'}"
            )
        return sql

    def _histogram(self, item: _Quantile, blocks: Blocks) -> Asked:
        bins = self._bins(item.term, item.call)
        expression: Expression = item.call.args[0]
        binned = GroupKey(blocks.names.key(), expression, item.term, item.term.facts.type, bins)
        keys = tuple(replace(key, name=blocks.names.key()) for key in self._keys)
        terms = [key.term for key in (*keys, binned)]
        read = rows(self._scope, self._joined, self._filters, terms)
        count = Figure(blocks.names.figure(), AggregateKind.ROWS, None)
        return Asked(read, (*keys, binned), (count,), (), item.call.at)


def share_of(call: Apply) -> Fraction:
    """Return the share that a quantile asks for: a literal between 0 and 1."""
    if call.op is Op.MEDIAN:
        return _MEDIAN
    share = call.args[1]
    text = share.text if isinstance(share, Literal) and share.kind is LiteralKind.NUMBER else ""
    if len(text.partition(".")[2]) > PLACES_MAX or not text or not 0 < Fraction(text) < 1:
        raise refused(Reason.FUNCTION_NOT_ADMITTED, call.at, call.op.value, hints.QUANTILE_SHARE)
    return Fraction(text)


def _read_off(item: _Quantile, asked: Asked, held: str) -> str:
    """Return SQL for the quantile and its width in each group whose total can be told from none.

    With counts c of m bins and the share p, d = c1 + … + ci - p · total is not negative from the true bin on. The noise
    of d has the variance of i (1 - p)² + (m - i) p² counts.
    """
    *groups, binned = (quoted(key.name) for key in asked.keys)
    (figure,) = asked.figures
    within = f"PARTITION BY {', '.join(groups)} " if groups else ""
    count = f"CAST({quoted(figure.name)} AS HUGEINT)"
    part, whole = item.share.numerator, item.share.denominator
    running = f"{within}ORDER BY {binned} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    summed = [
        f"{binned} AS {quoted('v')}",
        f"sum({count}) OVER ({running}) AS {quoted('c')}",
        f"sum({count}) OVER ({within}) AS {quoted('t')}",
        f"row_number() OVER ({within}ORDER BY {binned}) AS {quoted('i')}",
        f"count(*) OVER ({within}) AS {quoted('m')}",
        f"{width_column(figure.name)} AS {quoted('w')}",
    ]
    sql = select([*groups, *summed], f"FROM {held} AS {quoted('h')}")
    counts = f'"i" * {(whole - part) ** 2} + ("m" - "i") * {part**2}'
    moved = [
        *('"v"', '"i"', f'{whole} * "c" - {part} * "t" AS "d"', f'"w" * sqrt(CAST({counts} AS DOUBLE)) AS "s"'),
        'CAST("t" AS DOUBLE) > "w" * sqrt(CAST("m" AS DOUBLE)) AS "sure"',
    ]
    sql = select([*groups, *moved], f'FROM ({sql}) AS "n"')
    turned = [
        *(
            '"v"',
            '"i"',
            '"d"',
            '"s"',
            '"sure"',
            f'lag(CAST("d" AS DOUBLE) - "s") OVER ({within}ORDER BY "i") AS "before"',
        ),
        f'min(CASE WHEN "d" >= 0 THEN "i" END) OVER ({within}) AS "first"',
        f'max(CASE WHEN "d" < 0 THEN "i" ELSE 0 END) OVER ({within}) AS "last"',
    ]
    sql = select([*groups, *turned], f'FROM ({sql}) AS "o"')
    maybe = 'CAST("d" AS DOUBLE) + "s" >= 0 AND coalesce("before" <= 0, TRUE)'
    read = [
        'max(CASE WHEN "i" = ("first" + "last" + 1) // 2 THEN "v" END) AS "e"',
        f'min(CASE WHEN {maybe} THEN "v" END) AS "low"',
        f'max(CASE WHEN {maybe} THEN "v" END) AS "high"',
    ]
    by = f" GROUP BY {', '.join(groups)}" if groups else ""
    sql = select([*groups, *read], f'FROM ({sql}) AS "p" WHERE "sure"{by}')
    width = 'CAST(greatest("e" - "low", "high" - "e") AS DOUBLE)'
    shown = [f'"e" AS {quoted(item.name)}', f"{width} AS {width_column(item.name)}"]
    return select([*groups, *shown], f'FROM ({sql}) AS "f"')
