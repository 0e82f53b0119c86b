"""Text and calendar functions as DuckDB SQL, each guarded where the engine would raise on a value."""

from collections.abc import Sequence

from yanmen.planning.syntax import Op

_CALLS = {
    **{op: op.value for op in (Op.YEAR, Op.QUARTER, Op.MONTH, Op.DAY, Op.DAY_OF_WEEK, Op.ISO_DAY_OF_WEEK)},
    **{op: op.value for op in (Op.DAY_OF_YEAR, Op.LOWER, Op.UPPER, Op.TRIM, Op.LTRIM, Op.RTRIM, Op.LENGTH)},
    **{op: op.value for op in (Op.SUBSTRING, Op.LEFT, Op.RIGHT, Op.CONTAINS)},
    Op.STARTS_WITH: "prefix",
    Op.ENDS_WITH: "suffix",
}
WRITTEN = _CALLS.keys() | {Op.CONCAT, Op.WEEK, Op.LAST_DAY, Op.DATE_TRUNC, Op.DATE_DIFF, Op.DATE_SHIFT}
"""Operations this module writes."""
_STEPS = {"'D'": "to_days", "'M'": "to_months"}


def written(op: Op, args: Sequence[str]) -> str:
    """Return SQL for the function `op` of emitted `args`."""
    match op:
        case Op.CONCAT:
            return f"({args[0]} || {args[1]})"
        case Op.WEEK:
            return f"week({_ordinary(args[0])})"
        case Op.LAST_DAY:
            return f"last_day({_ordinary(args[0])})"
        case Op.DATE_TRUNC:
            return f"TRY_CAST(date_trunc({args[0]}, {_ordinary(args[1])}) AS DATE)"
        case Op.DATE_DIFF:
            return f"date_diff({args[0]}, {args[1]}, {args[2]})"
        case Op.DATE_SHIFT:
            return f"TRY_CAST(({_ordinary(args[0])} + {_STEPS[args[2]]}(CAST({args[1]} AS INTEGER))) AS DATE)"
        case _:
            return f"{_CALLS[op]}({', '.join(args)})"


def _ordinary(sql: str) -> str:
    """Return the date `sql` where the calendar's four digits hold it, else NULL: beyond, the engine raises."""
    return f"(CASE WHEN {sql} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {sql} END)"


def floor(units: str, step: str, *, up: bool) -> str:
    """Return the whole steps in the integer `units`, rounded down (or `up`)."""
    if up:
        return f"(- {floor(f'(- {units})', step, up=False)})"
    return f"(({units} - ((({units} % {step}) + {step}) % {step})) // {step})"
