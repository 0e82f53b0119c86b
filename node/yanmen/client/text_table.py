"""Tables for a terminal, aligned also when they hold Chinese."""

import unicodedata
from collections.abc import Sequence


def render(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Return `rows` under `headings`, columns two spaces apart; `right` says which are aligned right."""
    cells = [[_plain(text) for text in row] for row in (headings, *rows)]
    widths = [max(_columns(row[place]) for row in cells) for place in range(len(headings))]
    lines = [_line(row, widths, right) for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for text, width, to_right in zip(row, widths, right, strict=True):
        gap = " " * (width - _columns(text))
        padded.append(gap + text if to_right else text + gap)
    return "  ".join(padded).rstrip()


def _plain(text: str) -> str:
    """Return `text` without what could move the cursor, colour the screen or reorder what is read."""
    return "".join(character if unicodedata.category(character)[0] != "C" else "\ufffd" for character in text)


def _columns(text: str) -> int:
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
