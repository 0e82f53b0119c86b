"""Terms -> DuckDB SQL: quoted identifiers, typed literals, exact integers; no caller text but literals."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from yanmen.model.catalogue import Cell, Column, ColumnType
from yanmen.planning import sql_functions
from yanmen.planning.domains import cell
from yanmen.planning.syntax import Op
from yanmen.planning.terms import Constant, Conversion, Facts, Field, Operation, Term


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """Return `value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def select(columns: Iterable[str], rest: str) -> str:
    """Return a SELECT of emitted `columns`."""
    return f"SELECT {', '.join(columns)} {rest}"


def alias(table: int) -> str:
    """Return the alias of the table at position `table`."""
    return f"t{table}"


def column_type(column: Column) -> str:
    """Return the SQL type of `column`'s values."""
    return _sql_type(column.type, column.scale)


def held_type(column: Column) -> str:
    """Return the SQL type of `column` in a snapshot, which holds decimals as integers in units of 10^-scale."""
    return "BIGINT" if column.type is ColumnType.DECIMAL else column_type(column)


def _sql_type(kind: ColumnType, scale: int) -> str:
    match kind:
        case ColumnType.INTEGER:
            return "BIGINT"
        case ColumnType.DECIMAL:
            return f"DECIMAL(18,{scale})"
        case ColumnType.TEXT:
            return "VARCHAR"
        case ColumnType.BOOLEAN:
            return "BOOLEAN"
        case ColumnType.DATE:
            return "DATE"


def whole(value: int, *, wide: bool) -> str:
    """Return an integer literal, BIGINT or HUGEINT."""
    return f"CAST({value} AS {'HUGEINT' if wide else 'BIGINT'})"


def literal(value: Cell) -> str:
    """Return a cell as a typed literal; decimals keep their places."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return whole(value, wide=False)
        case Decimal():
            return f"CAST({text_literal(format(value, 'f'))} AS DECIMAL(38,18))"
        case str():
            return f"CAST({text_literal(value)} AS VARCHAR)"
        case date():
            return f"CAST('{value.isoformat()}' AS DATE)"


def value(term: Term) -> str:
    """Return SQL for `term` in its natural type: BIGINT, DECIMAL, VARCHAR, BOOLEAN or DATE."""
    if not term.facts.numeric:
        return _plain(term)
    if term.facts.type is ColumnType.DECIMAL:
        return unscaled(units(term), term.facts.scale)
    return f"TRY_CAST({units(term)} AS BIGINT)" if term.facts.wide else units(term)


def unscaled(sql: str, scale: int) -> str:
    """Return the integer `sql` in units of 10^-scale as a decimal; what 38 digits cannot hold is NULL."""
    if scale == 0:
        return f"TRY_CAST({sql} AS DECIMAL(38,0))"
    step = "0." + "0" * (scale - 1) + "1"
    return f"(TRY_CAST({sql} AS DECIMAL({38 - scale},0)) * CAST('{step}' AS DECIMAL({scale},{scale})))"


def units(term: Term) -> str:
    """Return SQL for the numeric `term` as an integer in units of 10^-scale (HUGEINT where `wide`)."""
    match term:
        case Field():
            return _field(term)  # a snapshot and a query inside hold decimals in units already
        case Constant():
            return _constant_units(term)
        case Conversion():
            return _conversion_units(term)
        case Operation():
            return _operation_units(term)


def _field(term: Field) -> str:
    return f"{quoted(alias(term.table))}.{quoted(term.column)}"


def _constant_units(term: Constant) -> str:
    if isinstance(term.value, int):
        return whole(term.value, wide=term.facts.wide)
    return "CAST(NULL AS BIGINT)"


def _cast(sql: str, *, wide: bool) -> str:
    return f"CAST({sql} AS {'HUGEINT' if wide else 'BIGINT'})"


def _at(term: Term, scale: int, *, wide: bool) -> str:
    """Return `term` in units of 10^-scale, as HUGEINT or BIGINT."""
    factor: int = 10 ** (scale - term.facts.scale)
    if isinstance(term, Constant) and isinstance(term.value, int):
        return whole(term.value * factor, wide=wide)
    same = units(term)
    typed = same if term.facts.wide == wide else _cast(same, wide=wide)
    return typed if factor == 1 else f"({typed} * {whole(factor, wide=wide)})"


def _needs_wide(facts: Facts, scale: int) -> bool:
    factor: int = 10 ** (scale - facts.scale)
    return Facts(facts.type, scale, facts.lower * factor, facts.upper * factor).wide


def _aligned(terms: tuple[Term, ...], scale: int, *, wide: bool = False) -> list[str]:
    """Return `terms` in units of 10^-scale, all of one integer type that holds each of them."""
    widest = wide or any(term.facts.wide or _needs_wide(term.facts, scale) for term in terms)
    return [_at(term, scale, wide=widest) for term in terms]


def _narrowed(sql: str, facts: Facts, *, wide: bool) -> str:
    return _cast(sql, wide=False) if wide and not facts.wide else sql


def _operation_units(term: Operation) -> str:
    match term.op:
        case Op.ADD | Op.SUBTRACT | Op.MULTIPLY:
            return _arithmetic(term)
        case Op.NEGATE:
            return _narrowed(f"(- {_at(term.args[0], term.facts.scale, wide=True)})", term.facts, wide=True)
        case Op.ABS:
            return _narrowed(f"abs({_at(term.args[0], term.facts.scale, wide=True)})", term.facts, wide=True)
        case Op.ROUND:
            return _rounded(term)
        case Op.CASE | Op.COALESCE | Op.NULLIF:
            return _chosen_units(term)
        case Op.FLOOR | Op.CEIL | Op.SIGN | Op.INT_DIVIDE | Op.MODULO:
            return _whole_number(term)
        case _:
            return _called(term)


def _whole_number(term: Operation) -> str:
    """Write floor, ceil, sign, // and % of an integer in units of 10^-scale."""
    item = term.args[0]
    units_of_item = _at(item, item.facts.scale, wide=True)
    match term.op:
        case Op.SIGN:
            zero = whole(0, wide=True)
            sql = f"(CASE WHEN {units_of_item} < {zero} THEN -1 WHEN {units_of_item} > {zero} THEN 1"
            return _cast(f"{sql} WHEN {units_of_item} = {zero} THEN 0 END)", wide=False)
        case Op.INT_DIVIDE | Op.MODULO:
            sql = f"({units_of_item} {term.op.value} {_at(term.args[1], 0, wide=True)})"
        case _:
            sql = sql_functions.floor(units_of_item, whole(10**item.facts.scale, wide=True), up=term.op is Op.CEIL)
    return _narrowed(sql, term.facts, wide=True)


def _called(term: Operation) -> str:
    args = [_bare(arg) if isinstance(arg, Constant) and isinstance(arg.value, str) else value(arg) for arg in term.args]
    return sql_functions.written(term.op, args)


def _arithmetic(term: Operation) -> str:
    facts = term.facts
    if term.op is Op.MULTIPLY:
        wide = facts.wide or any(arg.facts.wide for arg in term.args)
        left, right = (_at(arg, arg.facts.scale, wide=wide) for arg in term.args)
    else:
        scaled = any(arg.facts.wide or _needs_wide(arg.facts, facts.scale) for arg in term.args)
        wide = facts.wide or scaled
        left, right = _aligned(term.args, facts.scale, wide=wide)
    return _narrowed(f"({left} {term.op.value} {right})", facts, wide=wide)


def _rounded(term: Operation) -> str:
    item, places = term.args
    digits = places.value if isinstance(places, Constant) and isinstance(places.value, int) else 0
    return _round_units(item, digits, term.facts)


def _round_units(item: Term, digits: int, facts: Facts) -> str:
    """Round half away from zero to `digits` places, then write in units of 10^-scale of `facts`."""
    step: int = item.facts.scale - digits
    rounded = f"(round({_at(item, item.facts.scale, wide=True)}, {-step}) // {whole(10**step, wide=True)})"
    shift: int = 10 ** (facts.scale - digits)
    sql = rounded if shift == 1 else f"({rounded} * {whole(shift, wide=True)})"
    return _narrowed(sql, facts, wide=True)


def _chosen_units(term: Operation) -> str:
    """Write CASE, COALESCE or NULLIF with numeric results, all in the same units."""
    scale = term.facts.scale
    if term.op is Op.CASE:
        wide = any(arg.facts.wide or _needs_wide(arg.facts, scale) for arg in (*term.args[1::2], term.args[-1]))
        results = [_at(arg, scale, wide=wide) for arg in (*term.args[1::2], term.args[-1])]
        return _narrowed(_case(term, results), term.facts, wide=wide)
    common = max(arg.facts.scale for arg in term.args)
    wide = any(arg.facts.wide or _needs_wide(arg.facts, common) for arg in term.args)
    if term.op is Op.COALESCE:
        return _narrowed(f"coalesce({', '.join(_aligned(term.args, scale, wide=wide))})", term.facts, wide=wide)
    left, right = _aligned(term.args, common, wide=wide)
    kept = _at(term.args[0], scale, wide=term.facts.wide)
    nothing = f"CAST(NULL AS {'HUGEINT' if term.facts.wide else 'BIGINT'})"
    return f"(CASE WHEN {left} = {right} THEN {nothing} ELSE {kept} END)"


def _case(term: Operation, results: list[str]) -> str:
    conditions = [_plain(condition) for condition in term.args[0:-1:2]]
    branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(conditions, results, strict=False))
    return f"(CASE {branches} ELSE {results[-1]} END)"


def _conversion_units(term: Conversion) -> str:
    source, facts = term.item.facts, term.facts
    if source.type is ColumnType.TEXT:
        return _text_units(term)
    if source.type is ColumnType.BOOLEAN:
        return f"CAST({_plain(term.item)} AS BIGINT)"
    return _within(_rescaled(term), facts)


def _text_units(term: Conversion) -> str:
    parsed = f"TRY_CAST({_plain(term.item)} AS {_sql_type(term.facts.type, term.facts.scale)})"
    if term.facts.type is ColumnType.INTEGER:
        return _within(parsed, term.facts)
    wide = f"CAST({parsed} AS DECIMAL(38,{term.facts.scale}))"
    return _within(f"CAST({wide} * CAST({10**term.facts.scale} AS DECIMAL(38,0)) AS BIGINT)", term.facts)


def _rescaled(term: Conversion) -> str:
    """Write a number in the conversion's units as HUGEINT, rounding half away from zero."""
    source, scale = term.item.facts, term.facts.scale
    if scale >= source.scale:
        return _at(term.item, scale, wide=True)
    free = Facts(ColumnType.DECIMAL, scale, -(2**126), 2**126)
    return _round_units(term.item, scale, free)


def _within(sql: str, facts: Facts) -> str:
    kept = f"(CASE WHEN {sql} BETWEEN {facts.lower} AND {facts.upper} THEN {sql} END)"
    return _cast(kept, wide=facts.wide)


def _plain(term: Term) -> str:
    """Return SQL for a term that is not a number."""
    match term:
        case Field():
            return _field(term)
        case Constant():
            return f"CAST(NULL AS {_sql_type(term.facts.type, 0)})" if term.value is None else literal(cell(term))
        case Conversion():
            return f"TRY_CAST({value(term.item)} AS {_sql_type(term.facts.type, 0)})"
        case Operation():
            return _predicate(term)


def _predicate(term: Operation) -> str:
    match term.op:
        case Op.AND | Op.OR:
            return "(" + f" {term.op.value} ".join(_plain(arg) for arg in term.args) + ")"
        case Op.NOT:
            return f"(NOT {_plain(term.args[0])})"
        case Op.IS_NULL | Op.IS_NOT_NULL:
            return f"({value(term.args[0])} {term.op.value})"
        case Op.CASE:
            return _case(term, [_plain(arg) for arg in (*term.args[1::2], term.args[-1])])
        case Op.COALESCE:
            return f"coalesce({', '.join(_plain(arg) for arg in term.args)})"
        case Op.NULLIF:
            kept = _plain(term.args[0])
            kind = _sql_type(term.facts.type, 0)
            return f"(CASE WHEN {kept} = {_plain(term.args[1])} THEN CAST(NULL AS {kind}) ELSE {kept} END)"
        case _:
            return _comparison(term)


def comparable(terms: tuple[Term, ...]) -> list[str]:
    """Return `terms` as SQL values that compare exactly."""
    if not any(term.facts.numeric for term in terms):
        return [_plain(term) for term in terms]
    return _aligned(terms, max(term.facts.scale for term in terms))


def _comparison(term: Operation) -> str:
    if term.op in sql_functions.WRITTEN:
        return _called(term)
    sides = comparable(term.args)
    match term.op:
        case Op.BETWEEN:
            return f"({sides[0]} BETWEEN {sides[1]} AND {sides[2]})"
        case Op.IN:
            return f"({sides[0]} IN ({', '.join(sides[1:])}))"
        case Op.LIKE | Op.NOT_LIKE | Op.ILIKE | Op.NOT_ILIKE:
            escape = f" ESCAPE {_bare(term.args[2])}" if len(term.args) == 3 else ""
            return f"({sides[0]} {term.op.value} {_bare(term.args[1])}{escape})"
        case _:
            return f"({sides[0]} {term.op.value} {sides[1]})"


def _bare(term: Term) -> str:
    """Write a text literal without its cast: the engine wants patterns as plain constants."""
    return text_literal(str(term.value)) if isinstance(term, Constant) else _plain(term)
