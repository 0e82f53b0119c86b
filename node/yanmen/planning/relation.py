"""What a query in FROM proves of its rows: whose they are, what each column can be, how many one unit has.

The unit is part of a relation's type. It travels as a column of its own, under a name no question
can write, so no alias, CTE or expression can lose it or pass something else off as it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Role
from yanmen.planning.terms import Facts

UNIT = "u"
"""The unit column of every planned relation about units."""

Origin = tuple[str, str]
Origins = frozenset[Origin]
End = tuple[Origins, bool]
"""One side of a join's equality: the snapshot columns it comes from, and whether it is the unit."""


@dataclass(frozen=True, slots=True)
class Step:
    """A grouping of rows by their unit inside a query: what else groups, and what is aggregated of which columns."""

    groups: tuple[Origins, ...]
    calls: tuple[tuple[str, Origins], ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the engine must be seen to do for a relation, wherever inside it."""

    tables: tuple[str, ...] = ()
    equalities: tuple[frozenset[End], ...] = ()
    filtered: Origins = frozenset()
    ranks: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    relations: tuple[tuple[End, ...], ...] = ()
    """The columns of every query about units: what each is made of, and whether it is the unit."""


def together(proofs: Iterable[Proof]) -> Proof:
    """Return what all of `proofs` demand."""
    parts = tuple(proofs)
    return Proof(
        tuple(table for part in parts for table in part.tables),
        tuple(pair for part in parts for pair in part.equalities),
        frozenset[Origin]().union(*(part.filtered for part in parts)),
        tuple(rank for part in parts for rank in part.ranks),
        tuple(step for part in parts for step in part.steps),
        tuple(columns for part in parts for columns in part.relations),
    )


def stated(proof: Proof, unit: Origins, columns: Iterable["Made"]) -> Proof:
    """Return `proof` with the columns of one more query about units, in the order in which it is emitted."""
    own = ((made.origins, False) for made in columns if made.column.name != UNIT)
    return replace(proof, relations=(*proof.relations, ((unit, True), *own)))


@dataclass(frozen=True, slots=True)
class Made:
    """A column of a planned relation: the name a question calls it by, what it can be, what it is made of."""

    name: str
    column: Column
    facts: Facts
    origins: Origins


@dataclass(frozen=True, slots=True)
class Relation:
    """A planned query: `dataset` is what it proves of its rows, in the shape in which datasets are declared.

    No two rows have equal values in all the columns `unique` (none are known when it is empty).
    """

    dataset: Dataset
    columns: tuple[Made, ...]
    unit: Origins
    sql: str
    proof: Proof = field(compare=False)
    unique: frozenset[str] = frozenset()

    def column(self, name: str) -> Made | None:
        """Return the column with the engine's name `name`."""
        return next((made for made in self.columns if made.column.name == name), None)


def unit_column(kind: ColumnType) -> Column:
    """Return the unit column of a relation."""
    return Column(UNIT, kind, Role.UNIT)


def made_column(name: str, facts: Facts, domain: tuple[Cell, ...] | None) -> Column:
    """Return a column that a query computes; numbers travel as integers in units of 10^-scale."""
    return Column(name, facts.type, Role.KEY if domain is not None else Role.MEASURE, domain=domain, scale=facts.scale)
