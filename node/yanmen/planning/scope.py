"""Names -> tables and columns of this contract; what is hidden looks exactly like what does not exist."""

from dataclasses import dataclass, replace

from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Version
from yanmen.model.joining import Joinable
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted
from yanmen.planning import hints
from yanmen.planning.places import Place, refused
from yanmen.planning.relation import Relation
from yanmen.planning.snapshots import Snapshots
from yanmen.planning.syntax import ColumnOf, Expression, Link, Name, Question, Star, Table, rebuild
from yanmen.planning.terms import Facts, column_facts


@dataclass(frozen=True, slots=True)
class Source:
    """An entry of FROM: a dataset version, or a planned query. `name` is how the question calls it."""

    name: str
    dataset: Dataset
    granted: frozenset[str]
    at: Place
    version: Version | None = None
    relation: Relation | None = None
    qualified: bool = False
    """Its columns have no bare names."""

    def named(self) -> tuple[tuple[str, Column], ...]:
        """Return the columns a question may name, with the names it calls them by."""
        if self.relation is not None:
            return tuple((made.name, made.column) for made in self.relation.columns)
        return tuple((column.name, column) for column in self.dataset.visible())

    def find(self, name: str) -> tuple[Column, ...]:
        """Return the visible columns called `name` (case-insensitive); a query may have several."""
        wanted = name.lower()
        return tuple(column for known, column in self.named() if known.lower() == wanted)

    def column(self, name: str) -> Column | None:
        """Return the column that the engine calls `name`."""
        return next((column for column in self.dataset.visible() if column.name == name), None)

    def facts(self, name: str) -> Facts:
        """Return what is publicly known of the column that the engine calls `name`."""
        made = None if self.relation is None else self.relation.column(name)
        if made is not None:
            return made.facts
        column = self.column(name)
        return Facts(ColumnType.TEXT) if column is None else column_facts(column)

    def unit(self) -> Column | None:
        """Return the unit column when rows of this table are about protected units."""
        return None if self.dataset.cls is DatasetClass.OPEN else self.dataset.unit()

    def is_unit(self, name: str) -> bool:
        """Tell whether `name` is the protected unit column."""
        unit = self.unit()
        return unit is not None and unit.name == name


@dataclass(frozen=True, slots=True)
class Found:
    """Where a table name leads: to a local version, or to another node's alias, and what that node states of it."""

    table: Table
    version: Version | None
    node: str
    joinable: Joinable | None = None


def look_up(admitted: Admitted, table: Table) -> Found:
    """Return what `table` names: a granted dataset here, else a listed one elsewhere."""
    name = table.path[-1].lower()
    if len(table.path) == 1 or table.path[0].lower() == admitted.here.lower():
        for version in admitted.versions:
            if version.dataset.name.lower() == name:
                return Found(table, version, "")
    for stated in admitted.joinables:
        if stated.version.dataset.name.lower() == name and table.path[0].lower() in (stated.alias.lower(), name):
            return Found(table, None, stated.alias, stated)
    for node, listed in admitted.elsewhere:
        if listed.lower() == name and (len(table.path) == 1 or node.lower() == table.path[0].lower()):
            return Found(table, None, node)
    raise refused(Reason.UNKNOWN_TABLE, table.at, ".".join(table.path), hints.TABLE)


class Scope:
    """The tables of one query, able to resolve its names."""

    def __init__(self, sources: tuple[Source, ...], links: tuple[Link, ...], snapshots: Snapshots) -> None:
        """Bind `sources`; what is read of them is noted in `snapshots`."""
        self.sources = sources
        self.snapshots = snapshots
        self.left = frozenset(position for position, link in enumerate(links, start=1) if link.left)
        self._using = frozenset(name.lower() for link in links for name in link.using)
        names = [source.name.lower() for source in self.sources]
        for position, source in enumerate(self.sources):
            if source.name.lower() in names[:position]:
                raise refused(Reason.AMBIGUOUS_COLUMN, source.at, source.name, hints.TABLE_TWICE)

    def resolve(self, expression: Expression) -> Expression:
        """Return `expression` with every name resolved."""
        return rebuild(expression, self._leaf)

    def _leaf(self, expression: Expression) -> Expression:
        return self.name(expression) if isinstance(expression, Name) else expression

    def name(self, name: Name) -> ColumnOf:
        """Return the column `name` means, or refuse."""
        found = self.find(name)
        if found is None:
            raise refused(Reason.UNKNOWN_COLUMN, name.at, ".".join(name.parts), hints.COLUMN)
        return found

    def find(self, name: Name) -> ColumnOf | None:
        """Return the column `name` means, None when there is none."""
        if len(name.parts) > 2:
            return None
        matches = [
            ColumnOf(position, column.name, name.at, name.parts[-1])
            for position, source in enumerate(self.sources)
            if (not source.qualified if len(name.parts) == 1 else source.name.lower() == name.parts[0].lower())
            for column in source.find(name.parts[-1])
        ]
        if len(matches) > 1 and name.parts[0].lower() not in self._using:
            raise refused(Reason.AMBIGUOUS_COLUMN, name.at, name.parts[0], hints.AMBIGUOUS)
        return self._granted(matches[0], name) if matches else None

    def in_table(self, position: int, name: str, at: Place) -> ColumnOf | None:
        """Return the column `name` of the table at `position`, None when there is none."""
        found = self.sources[position].find(name)
        return (
            self._granted(ColumnOf(position, found[0].name, at, name), Name((name,), at)) if len(found) == 1 else None
        )

    def _granted(self, found: ColumnOf, name: Name) -> ColumnOf:
        source = self.sources[found.table]
        if found.column.lower() not in source.granted:
            raise refused(Reason.COLUMN_NOT_IN_CONTRACT, name.at, ".".join(name.parts), hints.COLUMN_CONTRACT)
        return found

    def column(self, found: ColumnOf) -> Column:
        """Return the declaration of a resolved column."""
        column = self.sources[found.table].column(found.column)
        if column is None:
            raise refused(Reason.UNKNOWN_COLUMN, found.at, found.column, hints.COLUMN)
        return column

    def is_unit(self, found: ColumnOf) -> bool:
        """Tell whether a resolved column is a protected unit column."""
        return self.sources[found.table].is_unit(found.column)

    def expand(self, star: Star) -> tuple[tuple[str, ColumnOf], ...]:
        """Return the granted columns that `star` stands for, with their names."""
        columns = tuple(
            (name, ColumnOf(position, column.name, star.at, name))
            for position, source in enumerate(self.sources)
            if star.table == "" or source.name.lower() == star.table.lower()
            for name, column in source.named()
            if column.name.lower() in source.granted
        )
        if not columns:
            raise refused(Reason.UNKNOWN_TABLE, star.at, star.table, hints.TABLE)
        return columns


def source_of(admitted: Admitted, found: Found) -> Source:
    """Return the `found` dataset as an entry of FROM, which must be here, granted and not withdrawn."""
    if found.joinable is not None:
        raise refused(Reason.CROSS_NODE_JOIN, found.table.at, ".".join(found.table.path), hints.ACROSS_PLACE)
    if found.version is None:
        raise refused(Reason.DATASET_NOT_IN_CONTRACT, found.table.at, ".".join(found.table.path), hints.ELSEWHERE)
    granted = admitted.contract.terms.columns(found.version.dataset.name)
    if granted is None:
        raise refused(Reason.DATASET_NOT_IN_CONTRACT, found.table.at, ".".join(found.table.path), hints.TABLE)
    if found.version.retracted:
        raise refused(Reason.DATASET_RETRACTED, found.table.at, ".".join(found.table.path), hints.RETRACTED)
    name = found.table.alias or found.table.path[-1]
    columns = frozenset(column.lower() for column in granted)
    return Source(name, found.version.dataset, columns, found.table.at, version=found.version)


def source_of_joinable(table: Table, stated: Joinable) -> Source:
    """Return a table of another node, as that node stated it, as an entry of FROM."""
    dataset = stated.version.dataset
    columns = frozenset(column.name.lower() for column in dataset.columns)
    return Source(table.alias or table.path[-1], dataset, columns, table.at, version=stated.version)


def source_of_relation(relation: Relation, name: str, at: Place) -> Source:
    """Return a planned query as an entry of FROM."""
    granted = frozenset(column.name.lower() for column in relation.dataset.columns)
    return Source(name, relation.dataset, granted, at, relation=relation)


def resolved(scope: Scope, question: Question) -> Question:
    """Return `question` with the names of WHERE and of the join conditions resolved."""
    links = tuple(
        replace(link, condition=None if link.condition is None else scope.resolve(link.condition))
        for link in question.links
    )
    where = None if question.where is None else scope.resolve(question.where)
    return replace(question, links=links, where=where)
