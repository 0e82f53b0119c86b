"""Splits what a contract brought in between departments (谁投入谁贡献谁受益), to the fen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from yanmen.model.tariff import Part, Split, SplitBy

Rows = tuple[tuple[str, int], ...]
"""Buckets of rows by dataset, as a use was metered."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a department gets of a contract's revenue."""

    department: str
    fen: int


@dataclass(slots=True)
class Takings:
    """What the uses of one contract brought in, by what they read."""

    fen: dict[Rows, int] = field(default_factory=dict)

    def add(self, rows: Rows, fen: int) -> None:
        """Take in one use."""
        self.fen[rows] = self.fen.get(rows, 0) + fen

    def shares(self, split: Split | None) -> tuple[Share, ...]:
        """Return each department's share, in order of names; together they are exactly what came in.

        Every use's price is divided by what the use took from each; the sums are rounded down to whole fen, and the
        fen left over go one each to the largest remainders, the first name first among equals.
        """
        if split is None:
            return ()
        exact = {part.department: Fraction(0) for part in split.parts}
        for rows, fen in self.fen.items():
            weights = _weights(split, dict(rows))
            for part, weight in zip(split.parts, weights, strict=True):
                exact[part.department] += Fraction(fen * weight, sum(weights))
        return _whole(exact, sum(self.fen.values()))


def _weights(split: Split, rows: Mapping[str, int]) -> list[int]:
    """Return what each part counts for in a use of `rows`; one that read none of them goes by the weights alone."""
    weights = [part.weight * _measure(split.by, part, rows) for part in split.parts]
    return weights if any(weights) else [part.weight for part in split.parts]


def _measure(by: SplitBy, part: Part, rows: Mapping[str, int]) -> int:
    match by:
        case SplitBy.SHARES:
            return 1
        case SplitBy.ROWS:
            return rows.get(part.dataset, 0)
        case SplitBy.USES:
            return int(part.dataset in rows)


def _whole(exact: Mapping[str, Fraction], total: int) -> tuple[Share, ...]:
    """Round by the largest remainder (Hamilton), so that the parts sum to the whole."""
    whole = {name: amount.numerator // amount.denominator for name, amount in exact.items()}
    order = sorted(exact, key=lambda name: (whole[name] - exact[name], name))
    for name in order[: total - sum(whole.values())]:
        whole[name] += 1
    return tuple(Share(name, whole[name]) for name in sorted(whole))
