"""Attacks that guess secret bits from released answers under one total budget; each town is a trial of its own.

A table `people` has towns with the same number of persons, one in each `slot`; the attacker knows who sits where
and does not know `trait`. Whoever runs an attack gives it `ask`, which answers SQL at a charge.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

Ask = Callable[[str, int], Sequence[Sequence[object]]]
"""Answer `sql` at this charge in micro-ρ; rows in the order of the public grid."""

KNOWN_ONES = range(1, 10)
"""Slots whose trait is 1 and known to be: with the target they make a group of nine or of ten."""
REPEATS = 8
FIGURES = 32


@dataclass(frozen=True, slots=True)
class World:
    """`traits[town][slot]` is the secret bit; slot 0 holds the target."""

    traits: tuple[tuple[int, ...], ...]

    @property
    def towns(self) -> int:
        """How many towns there are."""
        return len(self.traits)

    @property
    def slots(self) -> int:
        """How many persons each town has."""
        return len(self.traits[0])

    def rows(self) -> list[tuple[int, int, int, int]]:
        """Return the table: id, town, slot, trait."""
        return [
            (town * self.slots + slot, town, slot, trait)
            for town, persons in enumerate(self.traits)
            for slot, trait in enumerate(persons)
        ]


@dataclass(frozen=True, slots=True)
class Score:
    """How many of `trials` secret bits an attack named right."""

    right: int
    trials: int

    @property
    def share(self) -> float:
        """The share of right guesses."""
        return self.right / self.trials


def world(towns: int, slots: int, seed: int) -> World:
    """Return a world with fair secret bits."""
    generator = Random(seed)
    return World(
        tuple(tuple(1 if slot in KNOWN_ONES else generator.randrange(2) for slot in range(slots)) for _ in range(towns))
    )


def bound(epsilon: float) -> float:
    """Return the most that ε-DP lets anybody guess a fair bit."""
    return math.exp(epsilon) / (1 + math.exp(epsilon))


def pointing(ask: Ask, secret: World, budget: int) -> Score:
    """Spend all on the target alone."""
    found = _numbers(ask("SELECT town, sum(trait) AS n FROM people WHERE slot = 0 GROUP BY town", budget))
    return _score(secret, [value > 0.5 for value in found])


def differencing(ask: Ask, secret: World, budget: int) -> Score:
    """Subtract all but the target from all."""
    everybody = _numbers(ask("SELECT town, sum(trait) AS n FROM people GROUP BY town", budget // 2))
    others = _numbers(ask("SELECT town, sum(trait) AS n FROM people WHERE slot <> 0 GROUP BY town", budget // 2))
    return _score(secret, [a - b > 0.5 for a, b in zip(everybody, others, strict=True)])


def threshold_bit(ask: Ask, secret: World, budget: int) -> Score:
    """See whether a group that has nine or ten members comes through HAVING count(*) >= 10."""
    last = KNOWN_ONES[-1]
    sql = f"SELECT town FROM people WHERE trait = 1 AND slot <= {last} GROUP BY town HAVING count(*) >= 10"
    seen = {row[0] for row in ask(sql, budget)}
    return _score(secret, [town in seen for town in range(secret.towns)])


def averaging(ask: Ask, secret: World, budget: int) -> Score:
    """Ask the same in other words and take the mean."""
    totals = [0.0] * secret.towns
    for turn in range(REPEATS):
        sql = f"SELECT town, sum(trait) AS n FROM people WHERE slot = 0 AND slot < {1000 + turn} GROUP BY town"
        for town, value in enumerate(_numbers(ask(sql, budget // REPEATS))):
            totals[town] += value
    return _score(secret, [total > 0.5 * REPEATS for total in totals])


def dinur_nissim(ask: Ask, secret: World, budget: int, questions: int) -> Score:
    """Sum the traits of random subsets and solve for everybody by least squares (Dinur, Nissim 2003)."""
    generator = Random(2003)
    subsets = [[generator.randrange(2) for _ in range(secret.slots)] for _ in range(questions * FIGURES)]
    answers: list[list[float]] = [[] for _ in range(secret.towns)]
    for first in range(0, len(subsets), FIGURES):
        figures = [_sum_of(subset) for subset in subsets[first : first + FIGURES]]
        listed = ", ".join(f"{figure} AS n{at}" for at, figure in enumerate(figures))
        for town, row in enumerate(ask(f"SELECT town, {listed} FROM people GROUP BY town", budget // questions)):
            answers[town] += [_number(cell) for cell in row[1:]]
    return _solved(secret, subsets, answers)


def marginals(ask: Ask, secret: World, budget: int, attributes: int) -> Score:
    """Take all marginals of one to three known attributes (the bits of the slot) and solve for everybody."""
    tables = [list(bits) for size in (1, 2, 3) for bits in combinations(range(attributes), size)]
    rows: list[list[int]] = []
    answers: list[list[float]] = [[] for _ in range(secret.towns)]
    for bits in tables:
        keys = [f"CASE WHEN slot IN ({_members(secret.slots, bit)}) THEN 1 ELSE 0 END" for bit in bits]
        named = ", ".join(f"{key} AS b{bit}" for key, bit in zip(keys, bits, strict=True))
        grouped = ", ".join(str(at) for at in range(1, len(bits) + 2))
        sql = f"SELECT town, {named}, sum(trait) AS n FROM people GROUP BY {grouped}"
        found = ask(sql, budget // len(tables))
        values = [tuple(row[1:-1]) for row in found[: len(found) // secret.towns]]
        rows += [[int(_bits(slot, bits) == cell) for slot in range(secret.slots)] for cell in values]
        for at, row in enumerate(found):
            answers[at // len(values)].append(_number(row[-1]))
    return _solved(secret, rows, answers)


def tables(attributes: int) -> int:
    """Return how many questions `marginals` asks."""
    return sum(math.comb(attributes, size) for size in (1, 2, 3))


def _members(slots: int, bit: int) -> str:
    return ", ".join(str(slot) for slot in range(slots) if slot >> bit & 1)


def _bits(slot: int, bits: Iterable[int]) -> tuple[int, ...]:
    return tuple(slot >> bit & 1 for bit in bits)


def _sum_of(subset: Sequence[int]) -> str:
    listed = ", ".join(str(slot) for slot, member in enumerate(subset) if member)
    return f"sum(CASE WHEN slot IN ({listed}) THEN trait ELSE 0 END)"


def _number(cell: object) -> float:
    return float(str(cell))


def _numbers(rows: Sequence[Sequence[object]]) -> list[float]:
    return [_number(row[1]) for row in rows]


def _score(secret: World, guesses: Sequence[bool]) -> Score:
    right = sum(int(guess) == persons[0] for guess, persons in zip(guesses, secret.traits, strict=True))
    return Score(right, secret.towns)


def _solved(secret: World, rows: list[list[int]], answers: list[list[float]]) -> Score:
    """Guess every unknown bit by ridge regression around one half."""
    solver = _ridge(rows, 1.0)
    halves = [sum(row) / 2 for row in rows]
    unknown = [slot for slot in range(secret.slots) if slot not in KNOWN_ONES]
    right = 0
    for persons, found in zip(secret.traits, answers, strict=True):
        moved = [value - half for value, half in zip(found, halves, strict=True)]
        for slot in unknown:
            guess = sum(weight * value for weight, value in zip(solver[slot], moved, strict=True)) > 0
            right += int(guess) == persons[slot]
    return Score(right, len(unknown) * secret.towns)


def _ridge(rows: list[list[int]], penalty: float) -> list[list[float]]:
    """Return (AᵀA + penalty·I)⁻¹Aᵀ by Gauss and Jordan."""
    size = len(rows[0])
    columns = [[float(row[at]) for row in rows] for at in range(size)]
    left = [[math.fsum(a * b for a, b in zip(one, two, strict=True)) for two in columns] for one in columns]
    for at in range(size):
        left[at][at] += penalty
    for at in range(size):
        pivot = left[at][at]
        left[at] = [value / pivot for value in left[at]]
        columns[at] = [value / pivot for value in columns[at]]
        for other in range(size):
            factor = left[other][at]
            if other != at and factor:
                left[other] = [a - factor * b for a, b in zip(left[other], left[at], strict=True)]
                columns[other] = [a - factor * b for a, b in zip(columns[other], columns[at], strict=True)]
    return columns
