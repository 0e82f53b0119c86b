"""A department's part of a join across nodes: its rows as a blinded list in random order, and shares of the rest.

Rows of one unit are folded to one item where the question allows it (`Folding`). Every combination of an item with
those that the same unit may have elsewhere is an item of its own, so that no two items of a list are alike and how
many a unit has is not seen. Beside the rows stand, to the public
length of the list:

    canaries  in every list, whose values add up to nothing in each group: a total without one is a random number
    dummies   in every list but, of the last, some left out by noise: how many rows meet is seen with noise only
    filler    at random, met by nothing

The identifiers leave in no form but as points under this department's secret of this one question.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np

from yanmen.crypto import blinding, row_shares
from yanmen.crypto.row_shares import Places, Values
from yanmen.disclosure import noise
from yanmen.formats import joining
from yanmen.formats.joining import Joining
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.federation import SignedManifest
from yanmen.model.joining import CANARIES, Folding, LocalKey, Part
from yanmen.model.ports import Randomness
from yanmen.model.refusal import JobCode, JobFailed
from yanmen.model.stages import Raw, Released

_UNIT, _CANARY, _DUMMY, _FILLER = b"u", b"c", b"d", b"f"
_INPUT = b"yanmen-join-input-1\n"
SALT_BYTES = 32
_FILLER_BYTES = 16
_MODULUS = 2**64
_Row = tuple[Cell, int, tuple[int, ...]]
"""A unit, what its keys add to a place in the grid, its values."""


@dataclass(frozen=True, slots=True)
class Blinded:
    """What a department makes of its rows: what is released of them, and what it keeps to hand on by pieces."""

    released: Released
    secret: bytes
    salt: bytes
    points: bytes
    rows: tuple[bytes, ...]


@dataclass(slots=True)
class _Items:
    """Items in the order they were made: what is hashed, the place in the grid, the values; packed, for many rows."""

    messages: list[bytes] = field(default_factory=list)
    places: "array[int]" = field(default_factory=partial(array, "I"))
    values: "array[int]" = field(default_factory=partial(array, "Q"))

    def add(self, message: bytes, place: int, values: tuple[int, ...]) -> None:
        self.messages.append(message)
        self.places.append(place)
        self.values.extend(value % _MODULUS for value in values)


def blind(raw: Raw, signed: SignedManifest, randomness: Randomness) -> Blinded:
    """Return the part of the join that `raw` holds the rows of."""
    part = raw.plan.part
    if part is None:
        raise ValueError("no part of a join")
    secret, salt = blinding.secret(randomness), randomness.token(SALT_BYTES)
    items = _items(raw.rows, part, randomness)
    points, shares = sealed_items(items.messages, _arrays(items, part), secret, randomness)
    word = Joining(
        manifest_sha256=signed.sha256,
        sigma_squared=signed.manifest.sigma_squared,
        items=len(items.messages),
        columns=part.link.sides[part.place].columns,
        list_sha256=hashlib.sha256(points).digest(),
        input_sha256=committed(raw.rows, salt),
        rows=row_shares.digests(shares),
    )
    named = ("list", *(f"rows {name}" for name in signed.manifest.aggregators))
    digests = (word.list_sha256, *word.rows)
    rows: tuple[tuple[Cell, ...], ...] = tuple((name, made.hex()) for name, made in zip(named, digests, strict=True))
    released = Released(
        plan=raw.plan,
        labels=joining.LABELS,
        types=(ColumnType.TEXT, ColumnType.TEXT),
        rows=rows,
        widths=tuple((None, None) for _ in rows),
        suppressed=0,
        mechanism=word.text(),
        notice=joining.NOTICE,
        usage=raw.usage,
    )
    return Blinded(released, secret, salt, points, shares)


def sealed_items(
    messages: Sequence[bytes], rest: tuple[Places, Values], secret: bytes, randomness: Randomness
) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the blinded list of `messages` in a random order, and three shares of the `rest` in the same order."""
    order = row_shares.shuffle(len(messages), randomness)
    points = b"".join(blinding.blind(secret, (messages[at] for at in order.tolist())))
    places, values = rest
    return points, row_shares.split(places[order], values[order], randomness)


def committed(rows: Sequence[tuple[Cell, ...]], salt: bytes) -> bytes:
    """Return the commitment to `rows`, whatever their order."""
    each = sorted(hashlib.sha256(repr(row).encode("utf-8")).digest() for row in rows)
    return hashlib.sha256(_INPUT + salt + b"".join(each)).digest()


def _items(rows: Sequence[tuple[Cell, ...]], part: Part, randomness: Randomness) -> _Items:
    items = _Items()
    for message, place, values in _rows(rows, part):
        items.add(message, place, values)
    for message, place, values in (*_canaries(part, randomness), *_dummies(part)):
        items.add(message, place, values)
    missing = part.link.items(part.place) - len(items.messages)
    if missing < 0:
        raise JobFailed(JobCode.BAD_REPLY)  # more rows than the plan allows
    nothing = (0,) * len(part.columns)
    random = randomness.token(_FILLER_BYTES * missing)
    for at in range(0, len(random), _FILLER_BYTES):
        items.add(_FILLER + random[at : at + _FILLER_BYTES], 0, nothing)
    return items


def _rows(rows: Sequence[tuple[Cell, ...]], part: Part) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Yield an item for each row, or folded rows, and each combination of items that its unit may have elsewhere."""
    link, seen, count = part.link, Counter[Cell](), 0
    side = link.sides[part.place]
    elsewhere = [tuple(numbers) for numbers in product(*(range(most) for most in link.others(part.place)))]
    for unit, place, values in _folded(_checked(rows, part), side.folding):
        number, count = seen[unit], count + 1
        if side.items_per_unit > 1:
            seen[unit] += 1
        if number >= side.items_per_unit or count > side.items_upto:
            raise JobFailed(JobCode.BAD_REPLY)
        named = _unit(unit, part.unit)
        for others in elsewhere:
            numbers = (*others[: part.place], number, *others[part.place :])
            yield _UNIT + b"".join(one.to_bytes(4, "big") for one in numbers) + named, place, values


def _checked(rows: Sequence[tuple[Cell, ...]], part: Part) -> Iterator[_Row]:
    """Yield the rows that are in a group, each held to what was declared."""
    side, seen = part.link.sides[part.place], Counter[Cell]()
    domains = [{cell: at * key.stride for at, cell in enumerate(key.domain)} for key in part.keys]
    if len(rows) > side.rows_upto:
        raise JobFailed(JobCode.BAD_REPLY)
    for row in rows:
        unit, keys, cells = row[0], row[1 : 1 + len(domains)], row[1 + len(domains) :]
        seen[unit] += 1
        if seen[unit] > side.rows_per_unit:
            raise JobFailed(JobCode.BAD_REPLY)
        place = _place(keys, domains, part.keys)
        if place is not None:
            yield unit, place, _values(cells, part)


def _folded(rows: Iterator[_Row], folding: Folding) -> Iterator[_Row]:
    """Yield the items that rows make: of one unit and place one, unless each row is an item."""
    if folding is Folding.ROWS:
        yield from rows
        return
    found: dict[tuple[Cell, int], tuple[int, ...]] = {}
    for unit, place, values in rows:
        before = found.get((unit, place))
        if before is None:
            found[unit, place] = values
        elif folding is Folding.SUMMED:
            found[unit, place] = tuple(one + other for one, other in zip(before, values, strict=True))
    for (unit, place), values in found.items():
        yield unit, place, values


def _place(keys: tuple[Cell, ...], domains: list[dict[Cell, int]], known: tuple[LocalKey, ...]) -> int | None:
    """Return what the keys of a row add to its place in the grid; None for one that is in no group."""
    place = 0
    for cell, steps, key in zip(keys, domains, known, strict=True):
        if cell not in steps:
            if cell is None and None not in key.domain:
                return None
            raise JobFailed(JobCode.BAD_REPLY)
        place += steps[cell]
    return place


def _values(cells: tuple[Cell, ...], part: Part) -> tuple[int, ...]:
    given = iter(cells)
    found: list[int] = []
    for column in part.columns:
        value = 1 if column.counts_rows else next(given)
        if not isinstance(value, int) or isinstance(value, bool) or not column.lower <= value <= column.upper:
            raise JobFailed(JobCode.BAD_REPLY)
        found.append(value)
    return tuple(found)


def _unit(unit: Cell, kind: ColumnType) -> bytes:
    """Return the bytes a unit is known by at every department: they declare it with one type."""
    match kind, unit:
        case ColumnType.TEXT, str():
            return unit.encode("utf-8")
        case ColumnType.INTEGER, int() if not isinstance(unit, bool):
            return str(unit).encode("ascii")
        case _:
            raise JobFailed(JobCode.BAD_REPLY)


def _canaries(part: Part, randomness: Randomness) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Yield the canaries of every group: random values that cancel out."""
    width = len(part.columns)
    for group in range(part.link.groups):
        left = [0] * width
        for number in range(CANARIES):
            random = randomness.token(8 * width) if number < CANARIES - 1 else b""
            values = [int.from_bytes(random[8 * at : 8 * at + 8], "big") for at in range(width)] if random else left
            left = [(before - value) % _MODULUS for before, value in zip(left, values, strict=True)]
            yield _named(_CANARY, 0, group, number), _of(group, part), tuple(values)


def _dummies(part: Part) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Yield this side's dummies: all of them, or, where it is the last that has them, as many as noise says."""
    link, nothing = part.link, (0,) * len(part.columns)
    everyone = tuple(range(len(link.sides)))
    cells = [(0, group) for group in range(link.groups)]
    cells += [(1 + at, 0) for at, pattern in enumerate(link.patterns()) if part.place in pattern]
    last = [part.place == (everyone if kind == 0 else link.patterns()[kind - 1])[-1] for kind, _ in cells]
    drawn = iter(noise.vector(link.view, sum(last)) if any(last) else ())
    for (kind, group), chooses in zip(cells, last, strict=True):
        count = min(max(0, link.middle + next(drawn)), link.dummies) if chooses else link.dummies
        for number in range(count):
            yield _named(_DUMMY, kind, group, number), _of(group, part), nothing


def _of(group: int, part: Part) -> int:
    """Return this side's share of a group's place: the first says it, the others add nothing."""
    return group if part.place == 0 else 0


def _named(kind: bytes, pattern: int, group: int, number: int) -> bytes:
    return kind + bytes([pattern]) + group.to_bytes(4, "big") + number.to_bytes(4, "big")


def _arrays(items: _Items, part: Part) -> tuple[Places, Values]:
    values = np.array(items.values, dtype=np.uint64).reshape(len(items.messages), len(part.columns))
    return np.array(items.places, dtype=np.uint32), values
