"""What a node offers, readable at a prompt."""

from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from yanmen.client import html_table, text_table
from yanmen.formats import mocked
from yanmen.model.catalogue import Cell, Column, Dataset

DOMAIN_SHOWN = 8
"""Values of a domain shown in a listing; `column.domain` holds all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset in force."""

    dataset: Dataset
    version: str
    published_ms: int
    retracted: bool
    quality: str = ""

    def mock(self, rows: int, seed: str = "") -> list[dict[str, Cell]]:
        """Return rows that fit what is declared, to develop against; no row of the node is behind them."""
        return mocked.dicts(self.dataset.visible(), mocked.rows(self.dataset, rows, seed))

    @override
    def __str__(self) -> str:
        """Return the columns with what may be asked of them."""
        table = text_table.render(("column", "type", "role", "values", "title"), self._shown(), (False,) * 5)
        return f"{self._head()}\n{table}"

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        headings = ("column 列", "type 类型", "role 用途", "values 取值", "title 名称")
        return html_table.render(self._head(), headings, self._shown(), (False,) * 5)

    def _head(self) -> str:
        shown = self.dataset
        return f"{shown.name}  {shown.title_zh} {shown.title_en}  [{shown.cls.value}, {shown.grade.value}]"

    def _shown(self) -> list[tuple[str, ...]]:
        return [
            (column.name, column.type.value, column.role.value, _public(column), f"{column.title_zh} {column.title_en}")
            for column in self.dataset.columns
        ]

    __repr__ = __str__


class Catalogue:
    """The datasets of a node, by name and in order."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        """Hold `entries`."""
        self.entries = entries

    def __iter__(self) -> Iterator[Entry]:
        """Return the entries in order."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.entries)

    def __getitem__(self, name: str) -> Entry:
        """Return the entry of the dataset `name`."""
        for entry in self.entries:
            if entry.dataset.name == name:
                return entry
        raise KeyError(name)

    @override
    def __repr__(self) -> str:
        """Return one line for each dataset."""
        return text_table.render(("dataset", "title", "class", "grade", "columns"), self._shown(), (False,) * 5)

    def _repr_html_(self) -> str:
        """Return the same for a notebook."""
        headings = ("dataset 数据集", "title 名称", "class 类别", "grade 分级", "columns 列")
        return html_table.render("catalogue 目录", headings, self._shown(), (False,) * 5)

    def _shown(self) -> list[tuple[str, ...]]:
        return [
            (
                entry.dataset.name,
                f"{entry.dataset.title_zh} {entry.dataset.title_en}",
                entry.dataset.cls.value,
                entry.dataset.grade.value,
                ", ".join(column.name for column in entry.dataset.columns),
            )
            for entry in self.entries
        ]


def _public(column: Column) -> str:
    if column.is_open:
        return "open domain"
    if column.domain is not None:
        shown = ", ".join(_cell(cell) for cell in column.domain[:DOMAIN_SHOWN])
        more = len(column.domain) - DOMAIN_SHOWN
        return f"{shown}, … {more} more" if more > 0 else shown
    if column.lower is not None or column.upper is not None:
        return f"{column.lower} … {column.upper}"
    return ""


def _cell(cell: Cell) -> str:
    return "NULL" if cell is None else str(cell)
