"""Select list, HAVING, ORDER BY and LIMIT as one statement over the table `cells`."""

from dataclasses import dataclass, replace

from yanmen.model.refusal import Reason
from yanmen.model.stages import Output
from yanmen.planning import hints
from yanmen.planning.grouping import ordinal
from yanmen.planning.places import refused
from yanmen.planning.printing import show
from yanmen.planning.released import ReleasedReader
from yanmen.planning.released_operations import condition, output
from yanmen.planning.released_terms import Shown
from yanmen.planning.released_windows import direction
from yanmen.planning.sql_terms import quoted, select
from yanmen.planning.syntax import Expression, Item, Literal, LiteralKind, Name, Order, Question, Star, Window, walk

LABEL_CHARS = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer's columns and the SQL that makes them.

    `filtered` is HAVING, QUALIFY and ORDER BY, `tail` LIMIT and OFFSET, `clauses` tells whether there is any;
    `bare` names the released columns when every output is one (figures are left out of it), else
    holds what cannot be a released column. `stored` names the released column that each output is, "" for others.
    """

    outputs: tuple[Output, ...]
    columns: tuple[str, ...]
    filtered: str
    tail: str
    widths: tuple[str, ...]
    clauses: bool
    bare: tuple[str, ...]
    stored: tuple[str, ...]

    def sql(self, table: str) -> str:
        """Return the statement over `table`: outputs, then the widths of those that carry one."""
        return select((*self.columns, *self.widths), f"FROM {table}{self.filtered}{self.tail}")


def answered(reader: ReleasedReader, question: Question, grouped: str = "") -> Answered:
    """Return how `question` presents released columns, or refuse; `grouped` is its GROUP BY over them."""
    resolved = [_item(reader, item) for item in question.items]
    named = {
        item.alias.lower(): expression for item, expression in zip(question.items, resolved, strict=True) if item.alias
    }
    shown = [reader.read(expression) for expression in resolved]
    if grouped or question.distinct:
        shown = [replace(entry, source="", width="") for entry in shown]
    reader.aliases = named
    outputs, columns = _outputs(question.items, shown)
    filtered = _having(reader, question, grouped) + _qualify(reader, question) + _orders(reader, question, resolved)
    tail = limited(question.limit, question.offset)
    widths = tuple(f"{entry.width} AS {quoted(f'w{position}')}" for position, entry in enumerate(shown) if entry.source)
    bare = tuple(_released(entry) for entry in shown if not (entry.stored and entry.source))
    stored = tuple(_released(entry) for entry in shown)
    return Answered(outputs, columns, filtered, tail, widths, bool(filtered or tail), bare, stored)


def _item(reader: ReleasedReader, item: Item) -> Expression:
    if isinstance(item.expression, Star):
        raise refused(Reason.ROWS_WOULD_LEAVE, item.expression.at, "*", hints.ROWS)
    return reader.resolve(item.expression)


def _released(shown: Shown) -> str:
    return shown.sql.strip('"') if shown.stored else ""


def _outputs(items: tuple[Item, ...], shown: list[Shown]) -> tuple[tuple[Output, ...], tuple[str, ...]]:
    outputs: list[Output] = []
    columns: list[str] = []
    taken: set[str] = set()
    for position, (item, entry) in enumerate(zip(items, shown, strict=True)):
        sql, kind = output(entry)
        outputs.append(Output(unique_label(label(item), taken), kind, entry.source, entry.length, entry.weight))
        columns.append(f"{sql} AS {quoted(f'o{position}')}")
    return tuple(outputs), tuple(columns)


def label(item: Item) -> str:
    """Return the column name of a select item: its alias, else its text; cut, and printable everywhere."""
    text = item.alias
    if not text:
        text = item.expression.parts[-1] if isinstance(item.expression, Name) else show(item.expression)
    return "".join(character if character.isprintable() else " " for character in text[:LABEL_CHARS])


def unique_label(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, numbered when it is taken already."""
    found, count = wanted, 1
    while found in taken:
        count += 1
        found = f"{wanted}_{count}"
    taken.add(found)
    return found


def _having(reader: ReleasedReader, question: Question, grouped: str) -> str:
    if question.having is None:
        return grouped
    shown = reader.read(reader.resolve(question.having))
    return f"{grouped} {'HAVING' if grouped else 'WHERE'} {condition(shown, question.having.at)}"


def _qualify(reader: ReleasedReader, question: Question) -> str:
    if question.qualify is None:
        return ""
    shown = reader.read(reader.resolve(question.qualify))
    if not any(isinstance(part, Window) for part in walk(reader.resolve(question.qualify))):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, question.qualify.at, "QUALIFY", hints.QUALIFY)
    return f" QUALIFY {condition(shown, question.qualify.at)}"


def _orders(reader: ReleasedReader, question: Question, resolved: list[Expression]) -> str:
    terms = [f"{_sorted_by(reader, question, order, resolved).sql} {direction(order)}" for order in question.orders]
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _sorted_by(reader: ReleasedReader, question: Question, order: Order, resolved: list[Expression]) -> Shown:
    expression = order.expression
    if isinstance(expression, Literal) and expression.kind is LiteralKind.NUMBER:
        ordinal(question.items, expression)
        return reader.read(resolved[int(expression.text) - 1])
    return reader.read(reader.resolve(expression))


def limited(limit: int | None, offset: int) -> str:
    """Return LIMIT and OFFSET."""
    return (f" LIMIT {limit}" if limit is not None else "") + (f" OFFSET {offset}" if offset else "")
