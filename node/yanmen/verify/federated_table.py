"""The table that checked totals are, from files alone: the shape the manifest names says what each number is.

Cell by cell over the keys' domains, the last key fastest, and within a cell aggregate by aggregate. The ± of a
total is that of all the noise in it: one Gaussian of the stated variance from each aggregator. What the question
makes of these figures afterwards (order, HAVING, functions of them) is not made here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import islice, product
from statistics import NormalDist
from typing import TypeVar

from yanmen.formats import json_canonical, json_members, shape
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Manifest

BYTES_MAX = 16 * 1024 * 1024
PLACES = 6
"""Decimal places an average carries beyond its sum's own."""
ALPHA = 0.05
T = TypeVar("T")

_MEMBERS = frozenset({"aggregates", "averages", "keys", "outputs", "post"})
_BLOCK = frozenset({"aggregates", "averages", "keys"})


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its keys, its figures, and the half-widths of their 95 % intervals, each by name."""

    keys: Mapping[str, str]
    figures: Mapping[str, Decimal | None]
    widths: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class _Figure:
    """One total in whole units of 10^-scale, and the noise in it."""

    value: int
    scale: int
    variance: int

    def width(self, alpha: float) -> int:
        """Return what the noise exceeds with probability `alpha` at most."""
        return math.ceil(math.sqrt(self.variance) * NormalDist().inv_cdf(1 - alpha / 2))


@dataclass(frozen=True, slots=True)
class _Shape:
    """A shape read: keys with domains, aggregates with scales, averages as (name, sum, count), labels by name."""

    keys: tuple[tuple[str, tuple[str, ...]], ...]
    aggregates: tuple[tuple[str, int], ...]
    averages: tuple[tuple[str, str, str], ...]
    labels: Mapping[str, str]
    blocks: tuple[tuple[frozenset[str], frozenset[str], frozenset[str]], ...]

    def grids(self) -> "tuple[_Shape, ...]":
        """Return each grid as a shape of its own: of several, a block names its keys, aggregates and averages."""
        return tuple(
            _Shape(
                keys=tuple(key for key in self.keys if key[0] in keys),
                aggregates=tuple(one for one in self.aggregates if one[0] in aggregates),
                averages=tuple(one for one in self.averages if one[0] in averages),
                labels=self.labels,
                blocks=(),
            )
            for keys, aggregates, averages in self.blocks
        ) or (self,)

    def labelled(self, named: Mapping[str, T]) -> dict[str, T]:
        """Return what of `named` the question shows, under the labels it gave."""
        return {self.labels[name]: value for name, value in named.items() if name in self.labels}


def rows(text: bytes, manifest: Manifest, totals: Sequence[int], noises: int) -> tuple[Row, ...]:
    """Return the table of `totals` with so many `noises` in each; `Malformed` when `text` is not the shape named."""
    read = _read(text, manifest)
    if len(read.aggregates) != len(manifest.sigma_squared):
        raise Malformed("shape: not a table of as many numbers")
    variances = dict(zip((name for name, _ in read.aggregates), manifest.sigma_squared, strict=True))
    left = iter(totals)
    made = []
    for grid in read.grids():
        for group in product(*(domain for _, domain in grid.keys)):
            cell = zip(grid.aggregates, islice(left, len(grid.aggregates)), strict=False)
            figures = {name: _Figure(total, scale, noises * variances[name]) for (name, scale), total in cell}
            if len(figures) != len(grid.aggregates):
                raise Malformed("shape: not a table of as many numbers")
            made.append(_row(grid, group, figures))
    if next(left, None) is not None:
        raise Malformed("shape: not a table of as many numbers")
    return tuple(made)


def part(table: Sequence[Row], key: str, value: str) -> tuple[Row, ...]:
    """Return the rows of `table` whose key `key` is `value`; `Malformed` when there are none."""
    found = tuple(row for row in table if row.keys.get(key) == value)
    if not found:
        raise Malformed(f"this table has no {key}={value}")
    return found


def _row(read: _Shape, group: tuple[str, ...], figures: dict[str, _Figure]) -> Row:
    values: dict[str, Decimal | None] = {
        name: _decimal(Fraction(one.value, 10**one.scale), one.scale) for name, one in figures.items()
    }
    widths: dict[str, float | None] = {name: one.width(ALPHA) / 10**one.scale for name, one in figures.items()}
    for name, summed, counted in read.averages:
        values[name], widths[name] = _mean(figures[summed], figures[counted])
    shown = dict(zip((name for name, _ in read.keys), group, strict=True))
    keys = {read.labels.get(name, name): value for name, value in shown.items()}
    return Row(keys, read.labelled(values), read.labelled(widths))


def _mean(total: _Figure, count: _Figure) -> tuple[Decimal | None, float | None]:
    """Return sum over count with the farthest deviation when each lies in its 97.5 % interval (so both: 95 %).

    An average whose count cannot be told from zero has no bounded interval and is not given.
    """
    wide, narrow, unit = total.width(ALPHA / 2), count.width(ALPHA / 2), 10**total.scale
    if count.value - narrow <= 0:
        return None, None
    mean = Fraction(total.value, count.value * unit)
    corners = [Fraction(total.value + s * wide, (count.value + c * narrow) * unit) for s in (-1, 1) for c in (-1, 1)]
    return _decimal(mean, total.scale + PLACES), float(max(abs(corner - mean) for corner in corners))


def _decimal(value: Fraction, places: int) -> Decimal:
    with localcontext(prec=80):
        return Decimal(round(value * 10**places)).scaleb(-places)


def _read(text: bytes, manifest: Manifest) -> _Shape:
    if shape.digest(text.decode("utf-8", "replace")) != manifest.shape_sha256:
        raise Malformed("shape: not the one the manifest names")
    members = json_members.exact(json_canonical.decode(text, BYTES_MAX), _MEMBERS, frozenset({"blocks", "join"}))
    keys = tuple(_key(item) for item in json_members.items(members, "keys"))
    outputs = [_output(item) for item in json_members.items(members, "outputs")]
    labels = {source: label for label, source in outputs if source}
    if not json_members.text(members, "post", BYTES_MAX):
        labels |= dict(
            zip((name for name, _ in keys), (label for label, source in outputs if not source), strict=False)
        )
    return _Shape(
        keys=keys,
        aggregates=tuple(_aggregate(item) for item in json_members.items(members, "aggregates")),
        averages=tuple(_average(item) for item in json_members.items(members, "averages")),
        labels=labels,
        blocks=tuple(_block(item) for item in json_members.items(members, "blocks")) if "blocks" in members else (),
    )


def _block(item: Json) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    members = json_members.exact(item, _BLOCK)
    keys, aggregates, averages = (
        frozenset(json_members.texts(members, name)) for name in ("keys", "aggregates", "averages")
    )
    return keys, aggregates, averages


def _key(item: Json) -> tuple[str, tuple[str, ...]]:
    members = json_members.exact(item, frozenset({"domain", "name", "type"}))
    domain = json_members.items(members, "domain", 1_000_000)
    return json_members.text(members, "name"), tuple(_text(value) for value in domain)


def _text(value: Json) -> str:
    """Return one value of a domain as text: JSON's own words for truth, and text as it is."""
    return value if isinstance(value, str) else json_canonical.encode(value).decode("utf-8")


def _aggregate(item: Json) -> tuple[str, int]:
    members = json_members.exact(item, frozenset({"kind", "name", "scale"}), frozenset({"of"}))
    return json_members.text(members, "name"), json_members.integer(members, "scale", 0, 38)


def _average(item: Json) -> tuple[str, str, str]:
    members = json_members.exact(item, frozenset({"count", "name", "sum"}))
    return json_members.text(members, "name"), json_members.text(members, "sum"), json_members.text(members, "count")


def _output(item: Json) -> tuple[str, str]:
    members = json_members.exact(item, frozenset({"label", "source", "type"}))
    return json_members.text(members, "label", BYTES_MAX), json_members.text(members, "source")
