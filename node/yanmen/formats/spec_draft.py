"""Write specifications: the canonical text of a dataset, and a first draft of one from drafted columns."""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from yanmen.formats import description
from yanmen.formats.json_canonical import Json
from yanmen.formats.spec import CONFIRM
from yanmen.model.catalogue import Cell, Column, Dataset, DatasetClass, Role
from yanmen.model.consent import ConsentRule

_BLANK = (
    ("title_zh", "中文名称"),
    ("title_en", "title in English"),
    ("owner", "the department that holds the data 数源部门"),
    ("region", "GB/T 2260, six digits 行政区划代码"),
    ("registration", "登记号, may stay empty"),
    ("ndi_id", "NDI product id, may stay empty 数据产品标识"),
    ("source_system", "where the data comes from 来源系统"),
    ("authority", "the authority under which it was collected 数源职责"),
    ("update_cycle", "how often it changes 更新周期"),
)
_ROWS = (
    "rows of one unit beyond this are dropped, and noise grows with it: 1 where a person has one row, the usual"
    " number (3, 10) for visits or payments 每个主体最多保留的行数；越大噪声越大，取够用的最小值"
)
_GROUPS = (
    "groups one unit may count in, noise grows with it: 1 unless rows_per_unit is more, never above it"
    " 每个主体最多计入的分组数；越大噪声越大，不超过 rows_per_unit"
)
_CHOICES = (
    ("quality", '"C"', "A, B, C or D 质量等级"),
    ("rights", '["hold"]', "hold 持有, use 使用, operate 经营"),
    ("class", '"personal"', "open, exact or personal; personal unless a person decides otherwise"),
    ("grade", '"important"', "general 一般 or important 重要; core 核心 is never published"),
    (
        "sharing",
        '"conditional"',
        "unconditional 无条件, conditional 有条件, not-shared 不予 (then without sharing below)",
    ),
    ("sharing_reason", '""', "needed unless unconditional 理由"),
    ("legal_basis", '""', "needed unless unconditional 法律依据"),
    ("channels", '["sharing"]', "sharing 共享, opening 开放, authorised-operation 授权运营"),
    ("subject_space", '"person"', "whose lifetime privacy budget is spent, as named in node.toml 主体空间"),
    ("rows_per_unit", "1", _ROWS),
    ("groups_per_unit", "1", _GROUPS),
    ("rows_upto", "1000000", "a public upper bound of the number of rows 行数的公开上限"),
    ("price_ceiling_fen", "0", "上限收费标准, in fen"),
)


def draft(name: str, columns: Iterable[Column]) -> str:
    """Return a specification of `name` whose every line that a person must decide carries the mark."""
    lines = [
        "# Drafted from the file itself. Types, roles, domains and bounds below were read from data, so they may",
        "# tell about persons: state what is publicly known instead, then delete the mark at the end of each line.",
        "# A section [catalogue] may say more (NDI-TR-2025-06 codes, keywords, abstract): docs/OPERATING.md 目录著录.",
        f"name = {quote(name)}",
    ]
    lines += [f'{key} = ""  {CONFIRM} {note}' for key, note in _BLANK]
    lines += [f"{key} = {value}  {CONFIRM} {note}" for key, value, note in _CHOICES]
    for column in columns:
        lines.append("")
        lines += [f"{line}  {CONFIRM}" for line in _column(column)]
    return "\n".join(lines) + "\n"


def encode(dataset: Dataset) -> str:
    """Return the canonical specification of `dataset`; `spec.decode` of it is `dataset` again."""
    lines = [
        f"name = {quote(dataset.name)}",
        f"title_zh = {quote(dataset.title_zh)}",
        f"title_en = {quote(dataset.title_en)}",
        f"owner = {quote(dataset.owner)}",
        f"region = {quote(dataset.region)}",
        f"registration = {quote(dataset.registration)}",
        f"ndi_id = {quote(dataset.ndi_id)}",
        f"source_system = {quote(dataset.source_system)}",
        f"authority = {quote(dataset.authority)}",
        f"update_cycle = {quote(dataset.update_cycle)}",
        f"quality = {quote(dataset.quality)}",
        f"rights = {_list(dataset.rights)}",
        f"class = {quote(dataset.cls.value)}",
        f"grade = {quote(dataset.grade.value)}",
        f"sharing = {quote(dataset.sharing.value)}",
        f"sharing_reason = {quote(dataset.sharing_reason)}",
        f"legal_basis = {quote(dataset.legal_basis)}",
        f"channels = {_list(channel.value for channel in dataset.channels)}",
        f"subject_space = {quote(dataset.subject_space)}",
        *([f"partition = {quote(dataset.partition)}"] if dataset.partition else []),
        *([f"consent = {quote(dataset.consent.value)}"] if dataset.consent is ConsentRule.RECORDED else []),
        *([f"clustered_by = {quote(dataset.clustered_by)}"] if dataset.cls is DatasetClass.OPEN else []),
        f"rows_per_unit = {dataset.rows_per_unit}",
        f"groups_per_unit = {dataset.groups_per_unit}",
        f"rows_upto = {dataset.rows_upto}",
        *([f"units_upto = {dataset.units_upto}"] if dataset.units_upto else []),
        f"price_ceiling_fen = {dataset.price_ceiling_fen}",
    ]
    if not description.is_plain(dataset.description):
        lines += ["", "[catalogue]", *_described(description.to_json(dataset.description))]
    for column in dataset.columns:
        lines += ["", *_column(column)]
    return "\n".join(lines) + "\n"


def _described(members: dict[str, Json]) -> list[str]:
    keywords, measured = members.pop("keywords"), members.pop("measured")
    words = [str(word) for word in keywords] if isinstance(keywords, list) else []
    said = [f"{name} = {quote(str(value))}" for name, value in members.items() if value]
    said += [f"keywords = {_list(words)}"] if words else []
    return [*said, *(["measured = true"] if measured else [])]


def quote(text: str) -> str:
    """Return `text` as a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _column(column: Column) -> list[str]:
    lines = [f"[columns.{quote(column.name)}]", f"type = {quote(column.type.value)}"]
    lines.append(f"role = {quote(column.role.value)}")
    if column.title_zh or column.title_en:
        lines += [f"title_zh = {quote(column.title_zh)}", f"title_en = {quote(column.title_en)}"]
    if column.type.value == "decimal":
        lines.append(f"scale = {column.scale}")
    if column.domain is not None and column.role in (Role.KEY, Role.HIDDEN):
        lines.append(f"domain = {_list(column.domain) if column.domain else quote('open')}")
    if column.lower is not None and column.upper is not None and column.role in (Role.MEASURE, Role.HIDDEN):
        lines += [f"lower = {_cell(column.lower)}", f"upper = {_cell(column.upper)}"]
    if column.source_name and column.source_name != column.name:
        lines.append(f"source_name = {quote(column.source_name)}")
    return lines


def _list(values: Iterable[Cell]) -> str:
    return "[" + ", ".join(_cell(value) for value in values) + "]"


def _cell(value: Cell) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case str():
            return quote(value)
        case None:
            raise ValueError("a domain holds no NULL")
