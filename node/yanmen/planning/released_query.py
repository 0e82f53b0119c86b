"""Queries over released figures: SELECT with joins, groups and windows, and UNION ALL, as post-processing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from typing_extensions import override

from yanmen.model.catalogue import ColumnType
from yanmen.model.refusal import Reason
from yanmen.model.stages import Output
from yanmen.planning import hints
from yanmen.planning.answer import answered, limited, unique_label
from yanmen.planning.figure_tables import FigureTable, UniqueKey, common_type, left_by
from yanmen.planning.grouping import aliased, ordinal
from yanmen.planning.places import refused
from yanmen.planning.quantiles import share_of
from yanmen.planning.released import InnerOf, ReleasedReader
from yanmen.planning.released_operations import condition
from yanmen.planning.released_rows import Met, Named, Place, met, place_of
from yanmen.planning.released_terms import Shown, number
from yanmen.planning.released_windows import direction
from yanmen.planning.sql_terms import quoted, select
from yanmen.planning.syntax import (
    AGGREGATES,
    Apply,
    Expression,
    Grouping,
    Item,
    Link,
    Literal,
    LiteralKind,
    Name,
    Op,
    Order,
    Question,
    Star,
    Union,
    Window,
    aggregates_in,
    rebuild,
    walk,
)

JOINED_MAX = 1_000_000
"""Rows of released tables that are put beside each other, before groups or LIMIT leave fewer."""


class TableReader(ReleasedReader):
    """Reads expressions over the columns of queries in FROM."""

    def __init__(self, tables: Sequence[Named], links: Sequence[Link], inner: InnerOf) -> None:
        """Read columns of `tables`, which stand as r0, r1… in FROM."""
        super().__init__(inner)
        self._tables = tuple(tables)
        self._links = tuple(links)
        self._using = frozenset(name.lower() for link in links for name in link.using)
        self._groups: tuple[Expression, ...] | None = None

    def upto(self, position: int) -> "TableReader":
        """Return a reader of the tables that a condition at `position` in FROM may speak of."""
        return TableReader(self._tables[: position + 1], self._links[:position], self._inner)

    def group(self, groups: Sequence[Expression]) -> None:
        """From here on a column must stand in one of `groups` or inside an aggregate."""
        self._groups = tuple(groups)

    @override
    def resolve(self, expression: Expression) -> Expression:
        return _aliased(expression, self.aliases)

    @override
    def part(self, expression: Expression) -> Shown:
        if self._groups is not None and expression in self._groups:
            return self._inside(expression)
        return super().part(expression)

    @override
    def leaf(self, expression: Expression) -> Shown:
        match expression:
            case Name() if self._groups is None:
                return self.column(expression)
            case Name():
                raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, expression.parts[-1], hints.UNGROUPED)
            case Grouping(args=args) if self._groups is not None and all(arg in self._groups for arg in args):
                written = ", ".join(self._inside(arg).sql for arg in args)
                return Shown(f"CAST(GROUPING({written}) AS DOUBLE)", ColumnType.INTEGER)
            case _:
                raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "*", hints.CLAUSE)

    def _inside(self, expression: Expression) -> Shown:
        """Read a grouping expression, or an aggregate's argument: any column may stand there."""
        groups, self._groups = self._groups, None
        shown = self.part(expression)
        self._groups = groups
        return replace(shown, source="", width="")

    def knows(self, name: Name) -> bool:
        """Tell whether a column is called `name`."""
        return bool(self._found(name))

    def _found(self, name: Name) -> list[Shown]:
        return [
            table.column(position, f"r{number_}")
            for number_, (called, table) in enumerate(self._tables)
            if len(name.parts) == 1 or called.lower() == name.parts[0].lower()
            for position, output in enumerate(table.outputs)
            if output.label.lower() == name.parts[-1].lower()
        ]

    def column(self, name: Name) -> Shown:
        """Return the column that `name` means, or refuse."""
        found = self._found(name)
        if not found:
            raise refused(Reason.UNKNOWN_COLUMN, name.at, ".".join(name.parts), hints.COLUMN)
        if len(found) > 1 and name.parts[-1].lower() not in self._using:
            raise refused(Reason.AMBIGUOUS_COLUMN, name.at, name.parts[-1], hints.AMBIGUOUS)
        return found[0]

    @override
    def aggregate(self, expression: Apply) -> Shown:
        if self._groups is None:
            raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, expression.op.value, hints.UNGROUPED)
        args = [self._inside(arg) for arg in expression.args]
        match expression.op:
            case Op.COUNT_ROWS:
                return Shown("CAST(count(*) AS DOUBLE)", ColumnType.INTEGER)
            case Op.COUNT:
                return Shown(f"CAST(count({args[0].sql}) AS DOUBLE)", ColumnType.INTEGER)
            case Op.COUNT_DISTINCT:
                return Shown(f"CAST(count(DISTINCT {args[0].sql}) AS DOUBLE)", ColumnType.INTEGER)
            case Op.MIN | Op.MAX:
                return replace(args[0], sql=f"{expression.op.value}({args[0].sql})")
            case Op.QUANTILE:
                share = float(share_of(expression))
                return Shown(
                    f"quantile_disc({number(args[0], expression.op, expression.at)}, {share})", ColumnType.DECIMAL
                )
            case _:
                floats = ", ".join(number(arg, expression.op, expression.at) for arg in args)
                whole = expression.op is Op.SUM and args[0].type is ColumnType.INTEGER
                kind = ColumnType.INTEGER if whole else ColumnType.DECIMAL
                return Shown(f"{expression.op.value}({floats})", kind)

    def expand(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Return `items` with `*` written out."""
        found: list[Item] = []
        for item in items:
            if isinstance(item.expression, Star):
                found += self._star(item.expression)
            else:
                found.append(item)
        return tuple(found)

    def _star(self, star: Star) -> list[Item]:
        found = [
            Item(Name((called, output.label), star.at), output.label)
            for called, table in self._tables
            if star.table == "" or star.table.lower() == called.lower()
            for output in table.outputs
        ]
        if not found:
            raise refused(Reason.UNKNOWN_TABLE, star.at, star.table, hints.TABLE)
        return found


def _aliased(expression: Expression, aliases: Mapping[str, Expression]) -> Expression:
    match expression:
        case Name(parts=(only,)) if only.lower() in aliases:
            return aliases[only.lower()]
        case Apply(op=op) if op in AGGREGATES:
            return expression
        case Apply(args=args):
            return replace(expression, args=tuple(_aliased(arg, aliases) for arg in args))
        case _:
            return rebuild(expression, lambda leaf: leaf)


def query_tables(question: Question, tables: Sequence[Named], inner: InnerOf) -> FigureTable:
    """Return `question` over the released `tables`, or refuse."""
    names = [called.lower() for called, _ in tables]
    if len(set(names)) != len(names):
        raise refused(Reason.AMBIGUOUS_COLUMN, question.at, "FROM", hints.TABLE_TWICE)
    reader = TableReader(tables, question.links, inner)
    source = _source(question, tables, reader)
    asked = replace(question, items=reader.expand(question.items))
    groups = _groups(asked, reader)
    found = met(question, tables)
    most = _rows(question, found, groups)
    grouped = ""
    if groups is not None:
        grouped = _group_by(asked, groups, reader)
        reader.group(groups)
    shown = answered(reader, asked, grouped)
    places = [
        place_of(item.expression, tables, question.links) if isinstance(item.expression, Name) else None
        for item in asked.items
    ]
    unique = _unique(found, places) if groups is None else _grouped(asked, groups, tables, places, shown.outputs)
    rows = left_by(most, question.limit)
    return FigureTable(_distinct(asked, shown.sql(source)), shown.outputs, rows, unique=unique)


def _rows(question: Question, found: Met, groups: tuple[Expression, ...] | None) -> int:
    """Return how many rows there are before LIMIT at most; refuse more than post-processing should hold."""
    if found.most > JOINED_MAX:
        raise refused(Reason.TOO_MANY_CELLS, question.at, "FROM", hints.RESULT_ROWS)
    if groups is None:
        return found.most
    return found.most * max(1, len(question.group_sets)) if groups else 1


def _unique(found: Met, places: Sequence[Place | None]) -> tuple[UniqueKey, ...] | None:
    """Return the outputs that are the columns by which rows of FROM are told apart, None when one is not shown."""
    if found.keys is None or any(place not in places for place, _ in found.keys):
        return None
    return tuple((places.index(place), size) for place, size in found.keys)


def _grouped(
    question: Question,
    groups: tuple[Expression, ...],
    tables: Sequence[Named],
    places: Sequence[Place | None],
    outputs: Sequence[Output],
) -> tuple[UniqueKey, ...] | None:
    """Return the outputs that are what is grouped by, None when one is not shown, or is a figure."""
    found: list[UniqueKey] = []
    for group in groups:
        shown = next((at for at, item in enumerate(question.items) if item.expression == group), None)
        place = None if shown is None else places[shown]
        if shown is None or place is None or question.group_sets:
            return None
        table = tables[place[0]][1]
        size = dict(table.unique or ()).get(place[1])
        if size is None and outputs[shown].type in (ColumnType.INTEGER, ColumnType.DECIMAL):
            return None
        found.append((shown, table.rows if size is None else size))
    return tuple(found)


def _distinct(question: Question, sql: str) -> str:
    if not question.distinct:
        return sql
    listed = [item.expression for item in question.items]
    for order in question.orders:
        literal = isinstance(order.expression, Literal) and order.expression.kind is LiteralKind.NUMBER
        named = isinstance(order.expression, Name) and aliased(question.items, order.expression.parts[-1]) is not None
        if not (literal or named or order.expression in listed):
            raise refused(Reason.CLAUSE_NOT_ADMITTED, order.expression.at, "ORDER BY", hints.NO_DISTINCT)
    return "SELECT DISTINCT" + sql.removeprefix("SELECT")


def _groups(question: Question, reader: TableReader) -> tuple[Expression, ...] | None:
    """Return the grouping expressions, None when nothing aggregates."""
    shown = [item.expression for item in question.items]
    others = [order.expression for order in question.orders]
    having = [] if question.having is None else [question.having]
    if question.group_all:
        return tuple(item for item in shown if not aggregates_in(item))
    if not question.groups and not having and not any(_aggregates(part) for part in (*shown, *others)):
        return None
    return tuple(_group(question, reader, group) for group in question.groups)


def _aggregates(expression: Expression) -> bool:
    """Tell whether `expression` aggregates rows, windows left aside."""
    return not isinstance(expression, Window) and aggregates_in(expression)


def _group(question: Question, reader: TableReader, group: Expression) -> Expression:
    if isinstance(group, Literal) and group.kind is LiteralKind.NUMBER:
        return ordinal(question.items, group)
    if isinstance(group, Name) and len(group.parts) == 1 and not reader.knows(group):
        return aliased(question.items, group.parts[0]) or group
    return group


def _group_by(question: Question, groups: tuple[Expression, ...], reader: TableReader) -> str:
    written = [reader.read(group).sql for group in groups]
    if question.group_sets:
        sets = [f"({', '.join(written[position] for position in found)})" for found in question.group_sets]
        return f" GROUP BY GROUPING SETS ({', '.join(sets)})"
    return f" GROUP BY {', '.join(written) or '()'}"


def _source(question: Question, tables: Sequence[Named], reader: TableReader) -> str:
    """Return the tables as they are joined, and WHERE."""
    sql = f"({tables[0][1].sql}) AS {quoted('r0')}"
    for position, (link, (_, table)) in enumerate(zip(question.links, tables[1:], strict=True), start=1):
        on = _on(link, tables, position, reader)
        kind = "CROSS JOIN" if not on else "LEFT JOIN" if link.left else "INNER JOIN"
        sql += f" {kind} ({table.sql}) AS {quoted(f'r{position}')}{on}"
    if question.where is None:
        return sql
    if any(isinstance(part, Window) or _aggregates(part) for part in walk(question.where)):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.where.at, "WHERE", hints.UNGROUPED)
    return f"{sql} WHERE {condition(reader.read(question.where), question.where.at)}"


def _on(link: Link, tables: Sequence[Named], position: int, reader: TableReader) -> str:
    parts = [] if link.condition is None else [condition(reader.upto(position).read(link.condition), link.at)]
    for name in link.using:
        left = reader.column(Name((name,), link.at))
        right = TableReader(tables[position : position + 1], (), _no_query).column(Name((name,), link.at))
        parts.append(f"{left.sql} = {right.sql.replace(quoted('r0'), quoted(f'r{position}'), 1)}")
    if not parts and link.left:
        raise refused(Reason.CLAUSE_NOT_ADMITTED, link.at, "LEFT JOIN", hints.JOIN_LEFT)
    return f" ON {' AND '.join(parts)}" if parts else ""


def _no_query(_: object) -> tuple[str, Shown]:
    raise ValueError("a column holds no query")


def one_after_another(union: Union, parts: Sequence[FigureTable]) -> FigureTable:
    """Return the rows of all `parts`, with the order and limit of `union`; or refuse."""
    first, *rest = parts
    if any(len(part.outputs) != len(first.outputs) for part in rest):
        raise refused(Reason.TYPE_MISMATCH, union.at, "UNION ALL", hints.UNION_PARTS)
    outputs: list[Output] = []
    for position, output in enumerate(first.outputs):
        found = [part.outputs[position] for part in parts]
        kind = common_type([item.type for item in found])
        if kind is None:
            raise refused(Reason.TYPE_MISMATCH, union.at, output.label, hints.UNION_PARTS)
        length, weight = max(item.length for item in found), max(item.weight for item in found)
        source = output.source if all(item.source for item in found) else ""
        outputs.append(replace(output, type=kind, source=source, length=length, weight=weight))
    sides = [_side(part, outputs) for part in parts]
    names = [quoted(f"o{position}") for position in range(len(outputs))]
    widths = [quoted(f"w{position}") for position, output in enumerate(outputs) if output.source]
    order = _orders(union.orders, outputs)
    tail = order + limited(union.limit, union.offset)
    sql = select([*names, *widths], f"FROM ({' UNION ALL '.join(sides)}) AS {quoted('s')}{tail}")
    return FigureTable(sql, tuple(outputs), left_by(sum(part.rows for part in parts), union.limit))


def _side(part: FigureTable, outputs: Sequence[Output]) -> str:
    columns = []
    for position, (output, found) in enumerate(zip(outputs, part.outputs, strict=True)):
        name = quoted(f"o{position}")
        columns.append(name if output.type is found.type else f"CAST({name} AS DECIMAL(38,9)) AS {name}")
    columns += [quoted(f"w{position}") for position, output in enumerate(outputs) if output.source]
    return select(columns, f"FROM ({part.sql}) AS {quoted('p')}")


def _orders(orders: Sequence[Order], outputs: Sequence[Output]) -> str:
    terms = [f"{quoted(f'o{_position(order, outputs)}')} {direction(order)}" for order in orders]
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _position(order: Order, outputs: Sequence[Output]) -> int:
    match order.expression:
        case Literal(kind=LiteralKind.NUMBER, text=text) if text.isdigit() and 1 <= int(text) <= len(outputs):
            return int(text) - 1
        case Name(parts=(only,)):
            found = [place for place, output in enumerate(outputs) if output.label.lower() == only.lower()]
            if found:
                return found[0]
        case _:
            pass
    raise refused(Reason.CLAUSE_NOT_ADMITTED, order.expression.at, "ORDER BY", hints.UNION_ORDER)


def renamed(table: FigureTable, names: Sequence[str]) -> FigureTable | None:
    """Return `table` with its first outputs called `names`, None when there are too many."""
    if len(names) > len(table.outputs):
        return None
    taken: set[str] = set()
    labels = [*names, *(output.label for output in table.outputs[len(names) :])]
    outputs = [
        replace(output, label=unique_label(label, taken)) for output, label in zip(table.outputs, labels, strict=True)
    ]
    return FigureTable(table.sql, tuple(outputs), table.rows, unique=table.unique)
