"""The specification of a dataset (TOML): what its owner declares before one row is read (DESIGN §4).

Strict: an unknown key, a missing key or a value outside its list is a problem, every problem is
reported with its line, and nothing is guessed. A missing class means `personal`.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum, unique

from yanmen.formats import description, ndi_id, spec_columns, toml_lines, toml_table
from yanmen.formats.toml_lines import NotToml, Problem
from yanmen.formats.toml_table import Table
from yanmen.model.catalogue import Channel, ColumnType, Dataset, DatasetClass, Grade, Sharing
from yanmen.model.consent import ConsentRule
from yanmen.model.refusal import Detail, Reason, Refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
REGION = re.compile(r"[0-9]{6}", re.ASCII)
ROWS_MAX = 2**32 - 1
PRICE_MAX_FEN = 10**12
PROBLEMS_SHOWN = 100
CONFIRM = "# CONFIRM"
"""Marks a line that `suggest` derived from data; a person deletes the mark once the line is right."""
_MARK = re.compile(r"#.*\bCONFIRM\b", re.ASCII | re.IGNORECASE)


@unique
class Right(Enum):
    """Rights held: 持有权, 使用权, 经营权."""

    HOLD = "hold"
    USE = "use"
    OPERATE = "operate"


@unique
class Quality(Enum):
    """Quality grades of the NDI catalogue."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


def decode(text: bytes) -> Dataset:
    """Return the dataset that `text` declares, or refuse naming every problem and its line."""
    try:
        table = toml_table.root(toml_lines.parse(text))
    except NotToml as error:
        raise _refusal((error.problem,)) from error
    dataset = _dataset(table)
    table.close()
    if dataset.grade is Grade.CORE:
        raise Refused(
            Reason.GRADE_CORE,
            Detail(
                subject=dataset.name,
                line=table.document.line(("grade",)),
                hint_en="There is no exception.",
                hint_zh="没有例外。",
            ),
        )
    if table.problems:
        raise _refusal(toml_table.in_order(table.problems))
    return dataset


def unconfirmed(text: bytes) -> tuple[int, ...]:
    """Return the lines that still carry the mark of `suggest`, wherever on the line it stands."""
    lines = text.decode("utf-8", errors="replace").split("\n")
    return tuple(number for number, line in enumerate(lines, start=1) if _MARK.search(line))


def _refusal(problems: tuple[Problem, ...]) -> Refused:
    return Refused(
        Reason.SPEC_INVALID,
        Detail(
            line=problems[0].line,
            hint_en=f"The specification has {len(problems)} problem(s); each is listed with its line.",
            hint_zh=f"规格文件有 {len(problems)} 处问题，已逐行列出。",
            clauses=tuple(problem.describe() for problem in problems[:PROBLEMS_SHOWN]),
        ),
    )


def _dataset(table: Table) -> Dataset:
    cls = table.choice("class", DatasetClass, DatasetClass.PERSONAL)
    rows_upto = table.integer("rows_upto", 1, ROWS_MAX)
    rows_per_unit, groups_per_unit = _contribution(table, cls, rows_upto)
    dataset = Dataset(
        name=table.text("name", pattern=NAME),
        title_zh=table.text("title_zh"),
        title_en=table.text("title_en"),
        owner=table.text("owner"),
        region=table.text("region", pattern=REGION),
        registration=table.text("registration", required=False),
        ndi_id=table.text("ndi_id", required=False),
        source_system=table.text("source_system"),
        authority=table.text("authority"),
        update_cycle=table.text("update_cycle"),
        quality=table.choice("quality", Quality).value,
        rights=tuple(right.value for right in table.choices("rights", Right)),
        cls=cls,
        grade=table.choice("grade", Grade),
        sharing=table.choice("sharing", Sharing),
        sharing_reason=table.text("sharing_reason", required=False),
        legal_basis=table.text("legal_basis", required=False),
        channels=table.choices("channels", Channel),
        subject_space=_subject_space(table, cls),
        rows_per_unit=rows_per_unit,
        groups_per_unit=groups_per_unit,
        rows_upto=rows_upto,
        price_ceiling_fen=table.integer("price_ceiling_fen", 0, PRICE_MAX_FEN),
        columns=spec_columns.read(table.table("columns"), cls, rows_upto),
        partition=table.text("partition", required=False, pattern=NAME),
        description=description.read(table.table("catalogue", required=False)),
        units_upto=table.integer("units_upto", 1, max(rows_upto, 1), 0),
        consent=table.choice("consent", ConsentRule, ConsentRule.UNLESS_WITHDRAWN),
    )
    dataset = replace(dataset, clustered_by=_order(table, dataset))
    for check in _CHECKS:
        check(table, dataset)
    return dataset


def _order(table: Table, dataset: Dataset) -> str:
    """Return the column whose order rows lie in: where an open table has one date and nothing is said, that date."""
    if table.has("clustered_by"):
        return table.text("clustered_by", required=False)
    dates = [column.name for column in dataset.visible() if column.type is ColumnType.DATE]
    return dates[0] if dataset.cls is DatasetClass.OPEN and len(dates) == 1 else ""


def _contribution(table: Table, cls: DatasetClass, rows_upto: int) -> tuple[int, int]:
    """Return how many rows and groups one unit may contribute; only personal data must say so."""
    default = None if cls is DatasetClass.PERSONAL else rows_upto
    rows = table.integer("rows_per_unit", 1, max(rows_upto, 1), default)
    groups = table.integer("groups_per_unit", 1, max(rows, 1), None if default is None else rows)
    return rows, groups


def _subject_space(table: Table, cls: DatasetClass) -> str:
    if cls is DatasetClass.PERSONAL:
        return table.text("subject_space", pattern=NAME)
    name = table.text("subject_space", required=False)
    if name:
        table.problem("subject_space", "only personal data spends a privacy budget", "只有个人数据使用隐私预算")
    return name


def _check_sharing(table: Table, dataset: Dataset) -> None:
    if dataset.sharing is Sharing.UNCONDITIONAL:
        return
    for name, value in (("sharing_reason", dataset.sharing_reason), ("legal_basis", dataset.legal_basis)):
        if not value.strip():
            table.problem(name, f"required when sharing is {dataset.sharing.value}", "有条件或不予共享时必须说明")
    if dataset.sharing is Sharing.NOT_SHARED and Channel.SHARING in dataset.channels:
        table.problem("channels", "data that is not shared has no sharing channel", "不予共享的数据不能有共享渠道")


def _check_grade(table: Table, dataset: Dataset) -> None:
    if dataset.grade is Grade.IMPORTANT and dataset.cls is DatasetClass.OPEN:
        table.problem("grade", "important data may be usable but never visible", "重要数据只能可用不可见，不得为开放类")


def _check_ndi_id(table: Table, dataset: Dataset) -> None:
    if dataset.ndi_id and not ndi_id.is_valid(dataset.ndi_id):
        table.problem("ndi_id", "not an NDI product or resource id", "不是合法的数据产品或数据资源标识")


def _check_order(table: Table, dataset: Dataset) -> None:
    """Where rows lie tells how long reading them takes: of open data anybody may know it."""
    if not dataset.clustered_by:
        return
    if dataset.cls is not DatasetClass.OPEN:
        table.problem("clustered_by", "only open data lies in a declared order", "只有开放类数据可以声明存放顺序")
    found = next((column for column in dataset.visible() if column.name == dataset.clustered_by), None)
    if found is None or found.type is not ColumnType.DATE:
        table.problem("clustered_by", "not the name of a visible date column", "不是可见的日期列名")


def _check_consent(table: Table, dataset: Dataset) -> None:
    if dataset.consent is ConsentRule.RECORDED and (dataset.cls is DatasetClass.OPEN or dataset.unit() is None):
        table.problem(
            "consent", "only units consent, which open data have not", "只有数据中的主体可以授权，开放类数据没有主体"
        )


_CHECKS: tuple[Callable[[Table, Dataset], None], ...] = (
    _check_sharing,
    _check_grade,
    _check_ndi_id,
    _check_order,
    _check_consent,
)
