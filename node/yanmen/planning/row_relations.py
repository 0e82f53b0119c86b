"""Queries in FROM whose result is rows: columns chosen from joined tables, one row after another, or per unit.

They never leave by themselves; each keeps the unit its rows belong to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yanmen.model.catalogue import Column, Dataset, DatasetClass
from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.answer import label
from yanmen.planning.domains import domain
from yanmen.planning.joins import Joined
from yanmen.planning.narrowing import narrowed
from yanmen.planning.places import refused
from yanmen.planning.proof import origins_of, proof_of
from yanmen.planning.relation import UNIT, Made, Origin, Relation, made_column, stated, together, unit_column
from yanmen.planning.row_source import Rows, column, rows, source
from yanmen.planning.scope import Scope
from yanmen.planning.sql_terms import quoted, select, units, value
from yanmen.planning.syntax import ColumnOf, Expression, Question, Star
from yanmen.planning.terms import Facts, Field, Term
from yanmen.planning.typed import RowTyper, inlined
from yanmen.planning.typed_numbers import merged


@dataclass(frozen=True, slots=True)
class Chosen:
    """A select item over rows: its name, and either the unit or a term."""

    name: str
    term: Term | None


def chosen_rows(scope: Scope, joined: Joined, question: Question) -> Relation:
    """Return the rows that `question`, which does not group, chooses; or refuse."""
    _check(question, joined)
    typer = RowTyper(scope)
    items = [Chosen(name, _term(scope, joined, typer, expression)) for name, expression in _named(scope, question)]
    filters = [typer.predicate(part) for part in joined.filters]
    read = rows(scope, joined, filters, [item.term for item in items if item.term is not None])
    made = _columns(read, items, filters)
    columns = [f"{column(joined.unit)} AS {quoted(UNIT)}"] if joined.unit is not None else []
    terms = [item.term for item in items if item.term is not None]
    columns += [f"{emitted(term)} AS {quoted(f'c{position}')}" for position, term in enumerate(terms)]
    if not columns:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "SELECT", hints.ROWS)
    unit, proof = unit_origins(read), proof_of(read)
    return Relation(
        proved(scope, joined, tuple(item.column for item in made)),
        tuple(made),
        unit,
        select(columns, source(read)),
        proof if joined.unit is None else stated(proof, unit, made),
        _unique(scope, terms),
    )


def _unique(scope: Scope, terms: Sequence[Term]) -> frozenset[str]:
    """Return the columns that are unique because those of the only table are, and are all passed on."""
    relation = scope.sources[0].relation if len(scope.sources) == 1 else None
    if relation is None or not relation.unique:
        return frozenset()
    passed = {term.column: f"c{position}" for position, term in enumerate(terms) if isinstance(term, Field)}
    passed[UNIT] = UNIT
    kept = [passed.get(name) for name in relation.unique]
    return frozenset() if None in kept else frozenset(name for name in kept if name is not None)


def _check(question: Question, joined: Joined) -> None:
    guarded = joined.release is not DatasetClass.OPEN
    if joined.release is DatasetClass.EXACT:
        raise refused(Reason.DIMENSION_NOT_DECLARED, question.at, "SELECT", hints.EXACT_DIRECT)
    if question.distinct:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "SELECT DISTINCT", hints.DISTINCT_ROWS)
    if question.qualify is not None:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.qualify.at, "QUALIFY", hints.WINDOW_ROWS)
    if guarded and (question.limit is not None or question.offset):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.at, "LIMIT", hints.LIMIT_ROWS)


def _named(scope: Scope, question: Question) -> list[tuple[str, Expression]]:
    found: list[tuple[str, Expression]] = []
    for item in question.items:
        if isinstance(item.expression, Star):
            found += list(scope.expand(item.expression))
        else:
            found.append((label(item), scope.resolve(item.expression)))
    return found


def _term(scope: Scope, joined: Joined, typer: RowTyper, expression: Expression) -> Term | None:
    """Return the term of a select item, None when it is the unit itself."""
    if isinstance(expression, ColumnOf) and scope.is_unit(expression):
        if expression.table in joined.left:
            raise refused(Reason.UNIT_NOT_ADMITTED_HERE, expression.at, expression.written, hints.JOIN_LEFT)
        return None
    return typer.term(expression)


def _columns(read: Rows, items: Sequence[Chosen], filters: Sequence[Term]) -> list[Made]:
    made: list[Made] = []
    position = 0
    for item in items:
        if item.term is None:
            made.append(unit_made(read, item.name))
            continue
        known = domain(read.scope, item.term, filters)
        kept = None if known is None else narrowed(known, item.term, filters)
        name = f"c{position}"
        position += 1
        facts = inlined(item.term)
        made.append(Made(item.name, made_column(name, facts, kept), facts, origins_of(read, item.term)))
    return made


def unit_made(read: Rows, name: str) -> Made:
    """Return the unit as a column that a question calls `name`."""
    unit = read.joined.unit
    if unit is None:
        raise ValueError("rows have a unit")
    kind = read.scope.column(unit).type
    return Made(name, unit_column(kind), Facts(kind, nullable=False), unit_origins(read))


def unit_origins(read: Rows) -> frozenset[Origin]:
    """Return the snapshot columns that hold the unit of `read`."""
    unit = read.joined.unit
    if unit is None:
        return frozenset()
    relation = read.scope.sources[unit.table].relation
    return frozenset({(read.schemas[unit.table], unit.column)}) if relation is None else relation.unit


def emitted(term: Term) -> str:
    """Return SQL for `term` as a column of a relation: numbers in units, everything else as it is."""
    return units(term) if term.facts.numeric else value(term)


def proved(scope: Scope, joined: Joined, columns: tuple[Column, ...], rows_per_unit: int = 0) -> Dataset:
    """Return what is proven of the rows of a query, with `columns` and at most `rows_per_unit` (0 = as joined)."""
    first = next((source for source in scope.sources if source.unit() is not None), scope.sources[0])
    unit = first.unit()
    own = tuple(dict.fromkeys(item for item in columns if item.name != UNIT))
    if unit is not None:
        own = (unit_column(unit.type), *own)
    return replace(
        first.dataset,
        name="",
        columns=own,
        cls=joined.release,
        subject_space=joined.subject_space,
        rows_per_unit=rows_per_unit or joined.rows_per_unit,
        groups_per_unit=min(joined.groups_per_unit, rows_per_unit or joined.groups_per_unit),
        rows_upto=joined.rows_upto,
    )


def one_after_another(parts: Sequence[Relation]) -> Relation | None:
    """Return the rows of all `parts` (UNION ALL), None when their columns or units do not go together."""
    first, *rest = parts
    if any(not _alike(first, part) for part in rest):
        return None
    guarded = first.dataset.cls is not DatasetClass.OPEN
    made, sides = _merged_columns(parts)
    unit = [quoted(UNIT)] if guarded else []
    selects = [
        select([*unit, *columns], f"FROM ({part.sql}) AS {quoted('b')}")
        for part, columns in zip(parts, sides, strict=True)
    ]
    own = tuple(item.column for item in made if item.column.name != UNIT)
    known = first.dataset.unit()
    columns = own if not guarded or known is None else (unit_column(known.type), *own)
    datasets = [part.dataset for part in parts]
    proven = replace(
        first.dataset,
        columns=columns,
        rows_per_unit=sum(item.rows_per_unit for item in datasets),
        groups_per_unit=sum(item.groups_per_unit for item in datasets),
        rows_upto=sum(item.rows_upto for item in datasets),
    )
    origins = frozenset[Origin]().union(*(part.unit for part in parts))
    proof = together(part.proof for part in parts)
    proof = stated(proof, origins, made) if guarded else proof
    return Relation(proven, tuple(made), origins, " UNION ALL ".join(selects), proof)


def _alike(one: Relation, other: Relation) -> bool:
    """Tell whether two relations are about the same units under the same rules, with columns of the same types."""
    same = (one.dataset.cls, one.dataset.subject_space) == (other.dataset.cls, other.dataset.subject_space)
    if not same or len(one.columns) != len(other.columns) or one.dataset.cls is DatasetClass.EXACT:
        return False
    kinds = [[item.type for item in part.dataset.columns if item.name == UNIT] for part in (one, other)]
    return kinds[0] == kinds[1] and all(map(_fit, one.columns, other.columns))


def _fit(one: Made, other: Made) -> bool:
    if UNIT in (one.column.name, other.column.name):
        return one.column.name == other.column.name
    return one.facts.type is other.facts.type or (one.facts.numeric and other.facts.numeric)


def _merged_columns(parts: Sequence[Relation]) -> tuple[list[Made], list[list[str]]]:
    """Return the columns of a union, and for each part the SQL of those that are not the unit."""
    made: list[Made] = []
    sides: list[list[str]] = [[] for _ in parts]
    for found in zip(*(part.columns for part in parts), strict=True):
        first = found[0]
        origins = frozenset[Origin]().union(*(item.origins for item in found))
        if first.column.name == UNIT:
            made.append(replace(first, origins=origins))
            continue
        facts = merged([item.facts for item in found])
        name = f"c{len(sides[0])}"
        domains = [item.column.domain for item in found]
        union = tuple(dict.fromkeys(cell for known in domains for cell in known or ()))
        made.append(Made(first.name, made_column(name, facts, None if None in domains else union), facts, origins))
        for side, item in zip(sides, found, strict=True):
            side.append(f"{_rescaled(item, facts)} AS {quoted(name)}")
    return made, sides


def _rescaled(item: Made, facts: Facts) -> str:
    name = quoted(item.column.name)
    if not facts.numeric:
        return name
    kind = "HUGEINT" if facts.wide else "BIGINT"
    factor: int = 10 ** (facts.scale - item.facts.scale)
    same = item.facts.wide == facts.wide
    moved = name if same else f"CAST({name} AS {kind})"
    return moved if factor == 1 else f"({moved} * CAST({factor} AS {kind}))"


def relabelled(relation: Relation, names: Sequence[str]) -> Relation | None:
    """Return `relation` with its first columns called `names`, None when there are too many."""
    if len(names) > len(relation.columns):
        return None
    renamed = [replace(made, name=name) for made, name in zip(relation.columns, names, strict=False)]
    return replace(relation, columns=(*renamed, *relation.columns[len(names) :]))
