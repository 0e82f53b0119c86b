"""GROUP BY: which expressions group, whether written out, by alias, by ordinal or by ALL."""

from collections.abc import Sequence

from yanmen.model.refusal import Reason
from yanmen.planning import hints
from yanmen.planning.places import refused
from yanmen.planning.scope import Scope
from yanmen.planning.syntax import Expression, Item, Literal, LiteralKind, Name, Question, Star, aggregates_in


def groups(scope: Scope, question: Question) -> tuple[Expression, ...]:
    """Return the resolved grouping expressions of `question`, each once."""
    return tuple(dict.fromkeys(group_list(scope, question)))


def group_list(scope: Scope, question: Question) -> tuple[Expression, ...]:
    """Return the resolved grouping expressions of `question` as they are written."""
    if question.group_all:
        written: Sequence[Expression] = [
            item.expression for item in question.items if not aggregates_in(item.expression)
        ]
        return tuple(scope.resolve(_no_star(expression)) for expression in written)
    return tuple(_group(scope, question.items, expression) for expression in question.groups)


def _no_star(expression: Expression) -> Expression:
    if isinstance(expression, Star):
        raise refused(Reason.ROWS_WOULD_LEAVE, expression.at, "*", hints.ROWS)
    return expression


def _group(scope: Scope, items: Sequence[Item], expression: Expression) -> Expression:
    chosen = expression
    if isinstance(expression, Literal) and expression.kind is LiteralKind.NUMBER:
        chosen = ordinal(items, expression)
    elif isinstance(expression, Name) and len(expression.parts) == 1 and scope.find(expression) is None:
        chosen = aliased(items, expression.parts[0]) or expression
    if aggregates_in(chosen):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, expression.at, "GROUP BY", hints.UNGROUPED)
    return scope.resolve(_no_star(chosen))


def ordinal(items: Sequence[Item], literal: Literal) -> Expression:
    """Return the select item that the ordinal `literal` counts to."""
    position = int(literal.text) if literal.text.isdigit() else 0
    if not 1 <= position <= len(items):
        raise refused(Reason.CLAUSE_NOT_ADMITTED, literal.at, literal.text, hints.ORDINAL)
    return items[position - 1].expression


def aliased(items: Sequence[Item], name: str) -> Expression | None:
    """Return the select item with the alias `name`."""
    found = [item.expression for item in items if item.alias.lower() == name.lower()]
    return found[0] if found else None


def is_grouped(question: Question) -> bool:
    """Tell whether `question` aggregates."""
    shown = [item.expression for item in question.items]
    sorted_by = [order.expression for order in question.orders]
    wanted = [*shown, *sorted_by, *([] if question.having is None else [question.having])]
    return bool(question.groups) or question.having is not None or any(aggregates_in(part) for part in wanted)
