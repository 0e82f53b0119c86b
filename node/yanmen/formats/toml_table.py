"""Take typed values out of TOML tables, collecting every problem with its line instead of stopping at the first."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from yanmen.formats import wording
from yanmen.formats.toml_lines import Document, Path, Problem

E = TypeVar("E", bound=Enum)

TEXT_MAX = 512
"""Titles, reasons and legal bases are sentences."""
INTEGER_MAX = 2**53 - 1
"""Signed JSON carries no larger integer (formats/json_canonical.py)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(slots=True)
class Table:
    """One table being read; whatever is asked for and wrong lands in `problems`, and so do keys never asked for."""

    document: Document
    path: Path
    values: Mapping[str, object]
    problems: list[Problem]
    asked: set[str] = field(default_factory=set)

    def problem(self, name: str, en: str, zh: str) -> None:
        """Note that the key `name` is wrong."""
        path = (*self.path, name) if name else self.path
        label = ".".join(path)
        self.problems.append(Problem(self.document.line(path), f"{label}: {en}", f"{label}：{zh}"))

    def has(self, name: str) -> bool:
        """Say whether the key is there, without reading it."""
        return name in self.values

    def value(self, name: str, *, required: bool = True) -> object | None:
        """Return the raw value of `name`, noting its absence when it is `required`."""
        self.asked.add(name)
        value = self.values.get(name)
        if value is None and required:
            self.problem(name, "missing", "缺少此项")
        return value

    def text(
        self,
        name: str,
        *,
        required: bool = True,
        pattern: re.Pattern[str] | None = None,
        like: str = "",
        as_written: bool = False,
    ) -> str:
        """Return the text `name`; a required one is not empty, and all of it is seen unless it names what exists.

        `like` says in words, with an example, what `pattern` asks for.
        """
        value = self.value(name, required=required)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problem(name, "must be text in quotes", "须为引号中的文本")
            return ""
        if len(value) > TEXT_MAX or _CONTROL.search(value):
            self.problem(name, f"must be at most {TEXT_MAX} characters on one line", f"须为一行、不超过 {TEXT_MAX} 字")
            return ""
        unseen = wording.fault(value) if not as_written else ""
        if unseen:
            self._unseen(name, unseen)
        elif required and not value.strip():
            self.problem(name, "must not be empty", "不得为空")
        elif value and pattern is not None and pattern.fullmatch(value) is None:
            self._misshapen(name, pattern, like)
        return value

    def _unseen(self, name: str, what: str) -> None:
        self.problem(name, f"holds {what}, which is not seen as it is written", f"含不可见或不规范字符 {what}")

    def _misshapen(self, name: str, pattern: re.Pattern[str], like: str) -> None:
        if like:
            self.problem(name, f"write it as {like}", f"请写作 {like}")
        else:
            self.problem(name, f"must match {pattern.pattern}", f"须符合 {pattern.pattern}")

    def integer(self, name: str, lower: int, upper: int, default: int | None = None) -> int:
        """Return the integer `name` within `lower` and `upper`; without a `default` it is required."""
        value = self.value(name, required=default is None)
        if value is None:
            return lower if default is None else default
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(name, "must be a whole number", "须为整数")
        elif not lower <= value <= upper:
            self.problem(name, f"must lie between {lower} and {upper}", f"须在 {lower} 与 {upper} 之间")
        else:
            return value
        return lower

    def boolean(self, name: str) -> bool:
        """Return the required `true` or `false` called `name`."""
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            self.problem(name, "must be true or false", "须为 true 或 false")
        return value is True

    def texts(self, name: str, *, required: bool = True) -> tuple[str, ...]:
        """Return the list of distinct texts `name`; a required one is not empty."""
        value = self.value(name, required=required)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.problem(name, "must be a list of texts", "须为文本列表")
            return ()
        if len(set(value)) != len(value) or (required and not value):
            self.problem(name, "must be a list without repeats, not empty", "须为非空且不重复的列表")
        for unseen in filter(None, map(wording.fault, value)):
            self._unseen(name, unseen)
        return tuple(value)

    def choice(self, name: str, kind: type[E], default: E | None = None) -> E:
        """Return the member of `kind` whose value `name` holds."""
        members = {str(member.value): member for member in kind}
        value = self.value(name, required=default is None)
        fallback = default if default is not None else next(iter(members.values()))
        if value is None:
            return fallback
        if not isinstance(value, str) or value not in members:
            self.problem(name, f"must be one of {', '.join(members)}", f"须为以下之一：{'、'.join(members)}")
            return fallback
        return members[value]

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Return the members of `kind` that the list `name` holds, at least one."""
        members = {str(member.value): member for member in kind}
        found = self.texts(name)
        if any(value not in members for value in found):
            self.problem(name, f"may hold {', '.join(members)} only", f"只能包含：{'、'.join(members)}")
        return tuple(members[value] for value in found if value in members)

    def table(self, name: str, *, required: bool = True) -> "Table":
        """Return the table `name`, empty when it is absent."""
        value = self.value(name, required=required)
        if value is not None and not isinstance(value, dict):
            self.problem(name, "must be a table", "须为表")
        values = value if isinstance(value, dict) else {}
        return Table(self.document, (*self.path, name), values, self.problems)

    def tables(self) -> tuple["Table", ...]:
        """Return every key of this table as a table of its own, in the order of the document."""
        return tuple(self.table(name) for name in self.values)

    def sections(self, name: str) -> tuple["Table", ...]:
        """Return the tables of the array of tables `name`, in order."""
        value = self.value(name)
        if value is not None and (not isinstance(value, list) or not all(isinstance(item, dict) for item in value)):
            self.problem(name, "must be [[tables]]", "须为 [[表]] 数组")
            return ()
        items = value if isinstance(value, list) else []
        return tuple(
            Table(self.document, (*self.path, name, str(index)), item, self.problems)
            for index, item in enumerate(items)
        )

    def close(self) -> None:
        """Note every key nobody asked for."""
        for name in self.values:
            if name not in self.asked:
                self.problem(name, "unknown key", "未知的键")


def pattern(text: str) -> re.Pattern[str]:
    """Return the ASCII pattern `text`."""
    return re.compile(text, re.ASCII)


def root(document: Document) -> Table:
    """Return the outermost table of `document`."""
    return Table(document, (), document.data, [])


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return `problems` by line."""
    return tuple(sorted(problems, key=lambda problem: problem.line))
