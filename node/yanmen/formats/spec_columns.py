"""The `[columns.*]` sections of a dataset specification: declared types, roles, public domains and bounds."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from yanmen.formats.toml_table import Table
from yanmen.model.catalogue import Cell, Column, ColumnType, DatasetClass, Role

NAME = re.compile(r"[^\W\d]\w{0,62}")
"""Letters of any script, digits and underscores: what SQL takes for a name."""
COLUMNS_MAX = 512
LINES_SHOWN = 8
DOMAIN_MAX = 10_000
"""A larger domain could never be one axis of an answer (model/config.py, cells)."""
OPEN = "open"
"""Written instead of a list: the values are not public; DP finds those that many have, and δ is charged."""
_OPEN_TYPES = frozenset({ColumnType.TEXT, ColumnType.INTEGER})
DOMAIN_TEXT_MAX = 256
SCALE_MAX = 9
MAGNITUDE = 10**18
"""Snapshots keep decimals as integers in units of 10^-scale, with as many digits as DECIMAL(18, scale)."""
TOTAL_MAX = 2**63 - 1
"""Sums and their noise are 64-bit integers."""

_ADMITTED: Mapping[Role, frozenset[str]] = {
    Role.UNIT: frozenset(),
    Role.KEY: frozenset({"domain"}),
    Role.MEASURE: frozenset({"lower", "upper"}),
    Role.HIDDEN: frozenset({"domain", "lower", "upper"}),
}
_TYPES: Mapping[Role, frozenset[ColumnType]] = {
    Role.UNIT: frozenset({ColumnType.INTEGER, ColumnType.TEXT}),
    Role.KEY: frozenset(ColumnType),
    Role.MEASURE: frozenset({ColumnType.INTEGER, ColumnType.DECIMAL}),
    Role.HIDDEN: frozenset(ColumnType),
}

_GOES = ('; a column of this type goes as role = "key"', '；此类型的列请用 role = "key"')
"""What to do with a measure that is no number."""


def read(table: Table, cls: DatasetClass, rows_upto: int) -> tuple[Column, ...]:
    """Return the columns that the table `columns` declares, noting every problem there."""
    if len(table.values) > COLUMNS_MAX:
        table.problem("", f"more than {COLUMNS_MAX} columns", f"超过 {COLUMNS_MAX} 列")
    columns: list[Column] = []
    seen: set[str] = set()
    for section in table.tables():
        name = section.path[-1]
        if NAME.fullmatch(name) is None or not unicodedata.is_normalized("NFC", name):
            section.problem("", "not a column name", "不是合法的列名")
        if name.lower() in seen:
            section.problem("", "differs from another column only in case", "与另一列仅大小写不同")
        seen.add(name.lower())
        columns.append(_column(section, cls, rows_upto))
    _check_roles(table, cls, columns)
    return tuple(columns)


def _check_roles(table: Table, cls: DatasetClass, columns: list[Column]) -> None:
    units = sum(column.role is Role.UNIT for column in columns)
    if cls is DatasetClass.OPEN and units:
        table.problem("", "open data protects no unit: declare a key instead", "开放类数据没有受保护单元，请声明为 key")
    if cls is not DatasetClass.OPEN and units != 1:
        _not_one_unit(table, columns)
    if not any(column.role in (Role.KEY, Role.MEASURE, Role.UNIT) for column in columns):
        table.problem("", "no column is visible", "没有任何可见列")


def _not_one_unit(table: Table, columns: list[Column]) -> None:
    """Point at the lines that could give the unit, or at those that give it twice."""
    units = [column for column in columns if column.role is Role.UNIT]
    able = [column for column in columns if column.type in _TYPES[Role.UNIT] and column.lower is None]
    without_domain = [column for column in able if column.domain is None]
    found = [
        f"{table.document.line((*table.path, column.name, 'role'))} ({column.name})"
        for column in units or without_domain or able
    ][:LINES_SHOWN]
    en, zh = "exactly one column must have the role unit", "须恰有一列的角色为 unit"
    if found:
        could_en, could_zh = ("now it is", "目前为") if units else ("it could be", "可为")
        en, zh = f"{en}; {could_en} line {', '.join(found)}", f"{zh}；{could_zh}第 {'、'.join(found)} 行"
    table.problem("", en, zh)


def _column(section: Table, cls: DatasetClass, rows_upto: int) -> Column:
    role = section.choice("role", Role)
    kind = section.choice("type", ColumnType, ColumnType.TEXT if role is Role.HIDDEN else None)
    fits = kind in _TYPES[role]
    if not fits:
        en, zh = _GOES if role is Role.MEASURE else ("", "")
        section.problem("type", f"not admitted for the role {role.value}{en}", f"角色 {role.value} 不允许此类型{zh}")
    scale = _scale(section, kind)
    required = fits and role is Role.MEASURE and cls is not DatasetClass.OPEN
    lower, upper = _bounds(section, role, scale, required=required)
    if lower is not None and upper is not None and cls is not DatasetClass.OPEN:
        _check_total(section, max(abs(lower), abs(upper)).scaleb(scale), rows_upto)
    for name in ("domain", "lower", "upper"):
        if section.has(name) and name not in _ADMITTED[role]:
            section.problem(name, f"not admitted for the role {role.value}", f"角色 {role.value} 不允许此项")
    column = Column(
        name=section.path[-1],
        type=kind,
        role=role,
        title_zh=section.text("title_zh", required=False),
        title_en=section.text("title_en", required=False),
        domain=_domain(section, cls, role, kind, scale),
        lower=lower,
        upper=upper,
        scale=scale,
        source_name=section.text("source_name", required=False, as_written=True) or section.path[-1],
    )
    section.close()
    return column


def _scale(section: Table, kind: ColumnType) -> int:
    if kind is ColumnType.DECIMAL:
        before = len(section.problems)
        scale = section.integer("scale", 0, SCALE_MAX)
        return scale if len(section.problems) == before else SCALE_MAX  # one mistake, one problem
    if section.value("scale", required=False) is not None:
        section.problem("scale", "only decimals have a scale", "只有 decimal 类型有 scale")
    return 0


def _check_total(section: Table, magnitude: Decimal, rows_upto: int) -> None:
    if int(magnitude) * rows_upto > TOTAL_MAX:
        section.problem("", "rows_upto times the bound exceeds 64 bits", "rows_upto 与界的乘积超过 64 位")


def _bounds(section: Table, role: Role, scale: int, *, required: bool) -> tuple[Decimal | None, Decimal | None]:
    found: list[Decimal | None] = []
    for name in ("lower", "upper"):
        value = section.value(name, required=required)
        bound = None if value is None else fixed_point(value, scale)
        if value is not None and bound is None and role is not Role.UNIT:
            section.problem(
                name,
                f"must be a number below 10^{18 - scale} with at most {scale} decimal places",
                f"须为小于 10^{18 - scale}、至多 {scale} 位小数的数",
            )
        found.append(bound)
    lower, upper = found
    if lower is not None and upper is not None and lower >= upper:
        section.problem("upper", "must be above lower", "须大于 lower")
    return lower, upper


def fixed_point(value: object, scale: int) -> Decimal | None:
    """Return `value` with exactly `scale` decimal places, or None when it has more or is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= Decimal(MAGNITUDE).scaleb(-scale):
        return None
    try:
        rounded = number.quantize(Decimal(1).scaleb(-scale))
    except InvalidOperation:
        return None
    if rounded != number:
        return None
    return abs(rounded) if rounded.is_zero() else rounded  # no negative zero


def _domain(section: Table, cls: DatasetClass, role: Role, kind: ColumnType, scale: int) -> tuple[Cell, ...] | None:
    value = section.value("domain", required=False)
    if value is None:
        return (False, True) if role is Role.KEY and kind is ColumnType.BOOLEAN else None
    if value == OPEN:
        if role is not Role.KEY or kind not in _OPEN_TYPES or cls is not DatasetClass.PERSONAL:
            section.problem(
                "domain",
                "only keys of personal data, text or integer, have an open domain",
                "仅个人类数据的 text 或 integer 型 key 可用开放取值域",
            )
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= DOMAIN_MAX:
        section.problem("domain", f"must be a list of 1 to {DOMAIN_MAX} values", f"须为 1 至 {DOMAIN_MAX} 个值的列表")
        return None
    cells = tuple(_cell(item, kind, scale) for item in value)
    wrong = next((at for at, cell in enumerate(cells) if cell is None), None)
    if wrong is not None:
        found, wanted, wanted_zh = _written(value[wrong]), *_WANTED[kind]
        section.problem(
            "domain",
            f"holds a value that is no {kind.value}: number {wrong + 1}, {found}, is not {wanted}",
            f"含有不属于 {kind.value} 类型的值：第 {wrong + 1} 个（{found}）不是{wanted_zh}",
        )
    elif len(set(cells)) != len(cells):
        section.problem("domain", "holds a value twice", "含有重复的值")
    return cells


def _written(value: object) -> str:
    """Write a value of a domain, which is public, on one short line."""
    return ascii(value)[:40] if not isinstance(value, str) or not value.isprintable() else repr(value)[:40]


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not 1 <= len(value) <= DOMAIN_TEXT_MAX or not value.isprintable():
        return None
    return value


def _integer(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and abs(value) < 2**63 else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: object) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


_CELLS: Mapping[ColumnType, Callable[[object], Cell]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
}

_WANTED: Mapping[ColumnType, tuple[str, str]] = {
    ColumnType.TEXT: (
        f"printable text in quotes of 1 to {DOMAIN_TEXT_MAX} characters (leave out what stands for missing)",
        f"带引号、1 至 {DOMAIN_TEXT_MAX} 个字符的可打印文本（缺失值为 NULL，无须列出）",
    ),
    ColumnType.INTEGER: ("a whole number without quotes", "不带引号的整数"),
    ColumnType.DECIMAL: ("a number with no more places than the scale", "小数位不超过 scale 的数"),
    ColumnType.BOOLEAN: ("true or false without quotes", "不带引号的 true 或 false"),
    ColumnType.DATE: ("a date without quotes, such as 2026-01-31", "不带引号的日期，如 2026-01-31"),
}


def _cell(value: object, kind: ColumnType, scale: int) -> Cell:
    """Return `value` as a cell of type `kind`, or None when it is none."""
    if kind is ColumnType.DECIMAL:
        return fixed_point(value, scale)
    return _CELLS[kind](value)
