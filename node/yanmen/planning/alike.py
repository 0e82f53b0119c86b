"""What must be the same at every node for figures to add up: what is summed, and where one unit's rows lie."""

from dataclasses import replace

from yanmen.model.stages import Aggregate, AggregateKind
from yanmen.planning.blocks import CellBlock
from yanmen.planning.proof import proof_of
from yanmen.planning.terms import Constant, Conversion, Facts, Field, Operation, Term


def described(block: CellBlock) -> tuple[Aggregate, ...]:
    """Return the aggregates of `block`, each saying what it is of.

    Bounds are left out, for they may differ; constants are not: a moment is centred on the middle of its
    column's bounds, and sums around different centres do not add up.
    """
    return tuple(
        replace(aggregate, of="" if figure.term is None else _written(figure.term))
        for figure, aggregate in zip(block.figures, block.aggregates, strict=True)
    )


def is_together(block: CellBlock) -> bool:
    """Tell whether the figures of `block` depend on which rows of one unit lie in the same place."""
    if any(aggregate.kind is AggregateKind.UNITS for aggregate in block.aggregates):
        return True
    proof = proof_of(block.rows)
    return bool(proof.steps) or any(is_unit for pair in proof.equalities for _, is_unit in pair)


def _written(term: Term) -> str:
    match term:
        case Field(table=table, column=column):
            return f"{table}.{column}"
        case Constant(value=value, facts=facts):
            return f"{value!r}{_type(facts)}"
        case Operation(op=op, args=args):
            return f"{op.value}({', '.join(map(_written, args))})"
        case Conversion(item=item, facts=facts):
            return f"cast({_written(item)}{_type(facts)})"


def _type(facts: Facts) -> str:
    return f"::{facts.type.value}({facts.scale})"
