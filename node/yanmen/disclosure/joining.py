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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product

import numpy as np

from yanmen.crypto import blinding, row_shares
from yanmen.crypto.row_shares import Places, Values
from yanmen.disclosure import noise
from yanmen.formats import joining
from yanmen.formats.joining import Joining
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.federation import SignedManifest
from yanmen.model.joining import CANARIES, Folding, LocalColumn, Part
from yanmen.model.ports import Randomness
from yanmen.model.refusal import JobCode, JobFailed
from yanmen.model.stages import Raw, Released

_UNIT, _CANARY, _DUMMY, _FILLER = b"u", b"c", b"d", b"f"
_INPUT = b"yanmen-join-input-1\n"
SALT_BYTES = 32
_FILLER_BYTES = 16
_MODULUS = 2**64
_NOWHERE = -1
"""The place of a row with a key that is NULL."""
_Mark = tuple[bytes, int, tuple[int, ...]]
"""What is hashed of a canary or dummy, its place in the grid, its values."""


@dataclass(frozen=True, slots=True)
class Blinded:
    """What a department makes of its rows: what is released of them, and what it keeps to hand on by pieces."""

    released: Released
    secret: bytes
    salt: bytes
    points: bytes
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Items:
    """What is hashed of each item, its place in the grid, its values, in the same order."""

    messages: list[bytes]
    places: Places
    values: Values


@dataclass(frozen=True, slots=True)
class _Rows:
    """Units, what their keys add to a place in the grid, their values: columns, for many rows."""

    units: Sequence[Cell]
    places: Sequence[int]
    columns: Sequence[Sequence[int]]


def blind(raw: Raw, signed: SignedManifest, randomness: Randomness) -> Blinded:
    """Return the part of the join that `raw` holds the rows of."""
    part = raw.plan.part
    if part is None:
        raise ValueError("no part of a join")
    secret, salt = blinding.secret(randomness), randomness.token(SALT_BYTES)
    items = _items(raw.rows, part, randomness)
    points, shares = sealed_items(items.messages, (items.places, items.values), secret, randomness)
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
    width = len(part.columns)
    messages, places, values = _rows(rows, part)
    marks = [*_canaries(part, randomness), *_dummies(part)]
    messages += [message for message, _, _ in marks]
    missing = part.link.items(part.place) - len(messages)
    if missing < 0:
        raise JobFailed(JobCode.BAD_REPLY)  # more rows than the plan allows
    random = randomness.token(_FILLER_BYTES * missing)
    messages += [_FILLER + random[at : at + _FILLER_BYTES] for at in range(0, len(random), _FILLER_BYTES)]
    marked = np.array([value for _, _, values in marks for value in values], dtype=np.uint64).reshape(len(marks), width)
    nowhere, nothing = np.zeros(missing, dtype=np.uint32), np.zeros((missing, width), dtype=np.uint64)
    placed = np.array([place for _, place, _ in marks], dtype=np.uint32)
    return _Items(messages, np.concatenate((places, placed, nowhere)), np.concatenate((values, marked, nothing)))


def _rows(given: Sequence[tuple[Cell, ...]], part: Part) -> tuple[list[bytes], Places, Values]:
    """Return an item for each row, or folded rows, and each combination of items that its unit may have elsewhere."""
    link, side, rows = part.link, part.link.sides[part.place], _folded(_checked(given, part), part)
    if len(rows.units) > side.items_upto:
        raise JobFailed(JobCode.BAD_REPLY)
    named, numbers = _named_units(rows.units, part.unit), _numbers(rows.units, side.items_per_unit)
    elsewhere = list(product(*(range(most) for most in link.others(part.place))))
    messages: list[bytes] = []
    for others in elsewhere:
        heads = [_head((*others[: part.place], own, *others[part.place :])) for own in range(side.items_per_unit)]
        messages += [heads[number] + name for number, name in zip(numbers, named, strict=True)]
    places = np.array(rows.places, dtype=np.uint32)
    columns = [np.array([value % _MODULUS for value in column], dtype=np.uint64) for column in rows.columns]
    values = np.column_stack(columns) if columns else np.zeros((len(places), 0), dtype=np.uint64)
    return messages, np.tile(places, len(elsewhere)), np.tile(values, (len(elsewhere), 1))


def _head(numbers: Iterable[int]) -> bytes:
    return _UNIT + b"".join(number.to_bytes(4, "big") for number in numbers)


def _numbers(units: Sequence[Cell], most: int) -> list[int]:
    """Return which item of its unit each is, from 0 on; none has more than `most`."""
    seen: dict[Cell, int] = {}
    numbers: list[int] = []
    for unit in units:
        number = seen.get(unit, 0)
        seen[unit] = number + 1
        numbers.append(number)
    if numbers and max(numbers) >= most:
        raise JobFailed(JobCode.BAD_REPLY)
    return numbers


def _checked(rows: Sequence[tuple[Cell, ...]], part: Part) -> _Rows:
    """Return the rows that are in a group, each held to what was declared."""
    side = part.link.sides[part.place]
    most = max(Counter(row[0] for row in rows).values(), default=0)
    if len(rows) > side.rows_upto or most > side.rows_per_unit:
        raise JobFailed(JobCode.BAD_REPLY)
    places = _places(rows, part)
    if part.keys and min(places, default=0) < 0:
        rows = [row for row, place in zip(rows, places, strict=True) if place >= 0]
        places = [place for place in places if place >= 0]
    given, columns = count(1 + bool(part.keys)), list[list[int]]()
    for column in part.columns:
        columns.append([1] * len(rows) if column.counts_rows else _values(rows, next(given), column))
    return _Rows([row[0] for row in rows], places, columns)


def _folded(rows: _Rows, part: Part) -> _Rows:
    """Return the items that rows make: of one unit and place one, unless each row is an item."""
    side = part.link.sides[part.place]
    if side.folding is Folding.ROWS or side.rows_per_unit == 1:
        return rows
    found: dict[tuple[Cell, int], int] = {}
    item_of = [found.setdefault(pair, len(found)) for pair in zip(rows.units, rows.places, strict=True)]
    columns: list[list[int]] = []
    for column in rows.columns:
        folded = [0] * len(found)
        for item, value in zip(reversed(item_of), reversed(column), strict=True):  # the first counts last
            folded[item] = folded[item] + value if side.folding is Folding.SUMMED else value
        columns.append(folded)
    return _Rows([unit for unit, _ in found], [place for _, place in found], columns)


def _places(rows: Sequence[tuple[Cell, ...]], part: Part) -> list[int]:
    """Return what the keys of each row add to its place in the grid; less than 0 for one that is in no group."""
    if not part.keys:
        return [0] * len(rows)
    steps: dict[Cell, int] = {place: place for place in part.places()}
    steps[None] = _NOWHERE
    try:
        return [steps[row[1]] for row in rows]
    except KeyError:
        raise JobFailed(JobCode.BAD_REPLY) from None


def _values(rows: Sequence[tuple[Cell, ...]], at: int, column: LocalColumn) -> list[int]:
    """Return the values of a column, all of which are whole numbers in its range."""
    cells = [row[at] for row in rows]
    values = [cell for cell in cells if isinstance(cell, int) and not isinstance(cell, bool)]
    if len(values) < len(cells) or (values and not column.lower <= min(values) <= max(values) <= column.upper):
        raise JobFailed(JobCode.BAD_REPLY)
    return values


def _named_units(units: Sequence[Cell], kind: ColumnType) -> list[bytes]:
    """Return the bytes each unit is known by at every department: they declare it with one type."""
    match kind:
        case ColumnType.TEXT:
            named = [unit.encode("utf-8") for unit in units if isinstance(unit, str)]
        case ColumnType.INTEGER:
            named = [b"%d" % unit for unit in units if isinstance(unit, int) and not isinstance(unit, bool)]
        case _:
            named = []
    if len(named) < len(units):
        raise JobFailed(JobCode.BAD_REPLY)
    return named


def _canaries(part: Part, randomness: Randomness) -> Iterator[_Mark]:
    """Yield the canaries of every group: random values that cancel out."""
    width = len(part.columns)
    for group in range(part.link.groups):
        left = [0] * width
        for number in range(CANARIES):
            random = randomness.token(8 * width) if number < CANARIES - 1 else b""
            values = [int.from_bytes(random[8 * at : 8 * at + 8], "big") for at in range(width)] if random else left
            left = [(before - value) % _MODULUS for before, value in zip(left, values, strict=True)]
            yield _named(_CANARY, 0, group, number), _of(group, part), tuple(values)


def _dummies(part: Part) -> Iterator[_Mark]:
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
