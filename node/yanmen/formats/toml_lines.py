"""TOML with the line of every key, so that an error can point at its place.

`tomllib` parses but tells no lines. A document is a sequence of statements, and a statement is the
shortest run of whole lines that parses by itself, so the same parser finds the lines as well.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

Path = tuple[str, ...]

BYTES_MAX = 256 * 1024
"""A specification with ten thousand public key values fits."""
_LINES_MAX = 20_000
_PLACE = re.compile(r"^(?P<message>.*) \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$", re.DOTALL)
_MAY_END = ("]", "}", '"""', "'''")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at `line` (0 = nowhere in particular), in English and Chinese."""

    line: int
    en: str
    zh: str

    def describe(self) -> str:
        """Return the problem as one line for a person."""
        return (
            f"line {self.line}: {self.en}（第 {self.line} 行：{self.zh}）" if self.line else f"{self.en}（{self.zh}）"
        )


class NotToml(ValueError):
    """The text is not TOML at all; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        """Hold the `problem`."""
        self.problem = problem
        super().__init__(problem.describe())


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document and the line of each of its keys; decimals are exact, never binary floats."""

    data: Mapping[str, object]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def parse(text: bytes) -> Document:
    """Parse `text`, raising `NotToml` with the line when it is no TOML."""
    if len(text) > BYTES_MAX:
        raise NotToml(Problem(0, "longer than 256 KiB", "超过 256 KiB"))
    try:
        decoded = text.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise NotToml(Problem(line, "not UTF-8", "不是 UTF-8 编码")) from error
    data = _loads(decoded)
    return Document(data, _locate(decoded))


def _loads(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(_problem(str(error), text)) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotToml(Problem(0, "a number or nesting beyond what is read", "数值或嵌套超出可读范围")) from error


def _problem(message: str, text: str) -> Problem:
    match = _PLACE.match(message)
    if match is None:
        return Problem(0, "not TOML", "不是合法的 TOML")
    line = int(match["line"]) if match["line"] else text.count("\n") + 1
    return Problem(line, f"not TOML: {match['message']}", "不是合法的 TOML")


def _locate(text: str) -> dict[Path, int]:
    lines = text.split("\n")
    if len(lines) > _LINES_MAX:
        raise NotToml(Problem(_LINES_MAX, "more than 20,000 lines", "超过 20,000 行"))
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    start = 0
    while start < len(lines):
        statement, length = _statement(lines, start)
        paths = _paths(statement)
        if lines[start].lstrip().startswith("[["):
            count = counts.get(paths[-1], 0)
            counts[paths[-1]] = count + 1
            prefix = (*paths[-1], str(count))
            paths.append(prefix)
        elif lines[start].lstrip().startswith("["):
            prefix = paths[-1]
        else:
            paths = [prefix + path for path in paths]
        for path in paths:
            found.setdefault(path, start + 1)
        start += length
    return found


def _statement(lines: list[str], start: int) -> tuple[dict[str, object], int]:
    """Return the statement that begins at `start` and how many lines it takes."""
    for end in range(start + 1, len(lines) + 1):
        if end > start + 1 and not any(mark in lines[end - 1] for mark in _MAY_END):
            continue  # a statement of several lines ends where an array, a table or a text does
        try:
            return tomllib.loads("\n".join(lines[start:end]), parse_float=Decimal), end - start
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
    raise NotToml(Problem(start + 1, "a statement without an end", "语句没有结束"))


def _paths(table: Mapping[str, object]) -> list[Path]:
    """Return the path of every key in `table`, outer before inner."""
    paths: list[Path] = []
    for name, value in table.items():
        paths.append((name,))
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, dict):
            paths.extend((name, *path) for path in _paths(inner))
    return paths
