"""Which department each part of a join across nodes is of, and what one item of its list is."""

from math import prod

from yanmen.model.joining import Folding, Side
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted, AggregateKind
from yanmen.planning import hints
from yanmen.planning.blocks import CellBlock
from yanmen.planning.figures import Figure
from yanmen.planning.places import refused
from yanmen.planning.scope import Found, Source
from yanmen.planning.syntax import Question
from yanmen.planning.terms import Field, Term, parts


class Sides:
    """The tables of a question, one of each department, taken in order of the departments' ids."""

    def __init__(self, question: Question, found: list[Found], admitted: Admitted, block: CellBlock) -> None:
        """Sort out whose the keys and figures of `block` are."""
        self._question = question
        self._scope = block.rows.scope
        self.block = block
        manifest_id = {at: one.joinable.node for at, one in enumerate(found) if one.joinable is not None}
        own = next(at for at, one in enumerate(found) if one.joinable is None)
        self.ids = {**manifest_id, own: admitted.here_id}
        self.digests = {at: one.joinable.sha256 for at, one in enumerate(found) if one.joinable is not None}
        versions = {at: one.version if one.joinable is None else one.joinable.version for at, one in enumerate(found)}
        self.declared = {at: version.dataset for at, version in versions.items() if version is not None}
        self.own = own
        self.order = sorted(self.ids, key=lambda at: self.ids[at])
        self._summed = self._one_table()
        self._units = self._only_units()

    def of(self, term: Term | None) -> int:
        """Return the table that `term` is of; what is of none counts for the first department."""
        tables = set() if term is None else tables_of(term)
        if len(tables) > 1:
            raise refused(Reason.CROSS_NODE_JOIN, self._question.at, "SELECT", hints.ACROSS_ONE_SIDE)
        return tables.pop() if tables else self.order[0]

    def of_figure(self, figure: Figure) -> int:
        """Return the table that `figure` is of; rows are counted where they are many."""
        if figure.term is None or not tables_of(figure.term):
            return self.order[0] if self._summed is None else self._summed
        return self.of(figure.term)

    def source(self, table: int) -> Source:
        """Return the table at the position `table`."""
        return self._scope.sources[table]

    def side(self, table: int, digest: str) -> Side:
        """Return what is public of the department that has `table`, whose statement is of `digest`."""
        dataset, folding = self.declared[table], self._folding(table)
        rows = dataset.rows_per_unit
        columns = tuple(at for at, one in enumerate(self.block.figures) if self.of_figure(one) == table)
        own = [len(key.domain) for key in self.block.group_keys if tables_of(key.term) == {table}]
        if self.source(table).qualified and (own or any(self.block.figures[at].term is not None for at in columns)):
            raise refused(Reason.CROSS_NODE_JOIN, self._question.at, "SELECT", hints.ACROSS_MEMBER)
        if folding is not Folding.ROWS:
            rows = min(rows, prod(own))
        units = dataset.units_upto or dataset.rows_upto
        return Side(
            node=self.ids[table],
            rows_upto=dataset.rows_upto,
            rows_per_unit=dataset.rows_per_unit,
            columns=columns,
            sha256=digest,
            folding=folding,
            items_upto=min(dataset.rows_upto, units * rows),
            items_per_unit=rows,
        )

    def _folding(self, table: int) -> Folding:
        if self._units or self.source(table).qualified:
            return Folding.MET
        return Folding.SUMMED if table == self._summed else Folding.ROWS

    def _one_table(self) -> int | None:
        """Return the table whose rows may be added up before they meet others: the only one that figures are of.

        Its sums then count once for each combination of the others' rows, as the rows themselves would have.
        """
        figures = self.block.figures
        if any(figure.kind is AggregateKind.UNITS for figure in figures):
            return None
        valued = {table for one in figures if one.term is not None for table in tables_of(one.term)}
        if len(valued) > 1:
            return None
        rest = [at for at in self.order if not self.source(at).qualified]
        return valued.pop() if valued else max(rest, key=lambda at: self.declared[at].rows_per_unit)

    def _only_units(self) -> bool:
        """Tell whether units alone are counted: then it counts once in a group, however many rows it has there."""
        counted = [one for one in self.block.figures if one.kind is AggregateKind.UNITS]
        if not counted or self.block.rows.joined.rows_per_unit == 1:
            return False
        if len(counted) < len(self.block.figures) or any(one.term is not None for one in counted):
            raise refused(Reason.CROSS_NODE_JOIN, self._question.at, "DISTINCT", hints.ACROSS_DISTINCT)
        return True


def tables_of(term: Term) -> set[int]:
    """Return the tables whose columns `term` is made of."""
    return {part.table for part in parts(term) if isinstance(part, Field)}
