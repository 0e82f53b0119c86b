"""Where in the caller's text something stands, and how the planner says no."""

from bisect import bisect_right
from dataclasses import dataclass

from yanmen.model.refusal import Detail, Reason, Refused

SUBJECT_CHARS = 120
"""A refusal quotes at most this much of the caller's own text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column in the caller's text, from 1; 0 = not about a place in the text."""

    line: int = 0
    column: int = 0


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Hint:
    """The next step for the caller, in both languages."""

    en: str
    zh: str


class CallerText:
    """The caller's SQL, able to turn the byte offsets DuckDB reports into lines and columns."""

    def __init__(self, sql: str) -> None:
        """Index the line starts of `sql`."""
        # A text that is no Unicode is refused; what stands before its fault still has its place.
        self._data = sql.encode("utf-8", errors="replace")
        self._starts = [0, *(index + 1 for index, byte in enumerate(self._data) if byte == 0x0A)]

    def place(self, offset: int) -> Place:
        """Return the place of byte `offset`, or `NOWHERE` when it lies outside the text."""
        if not 0 <= offset <= len(self._data):
            return NOWHERE
        line = bisect_right(self._starts, offset)
        before = self._data[self._starts[line - 1] : offset]
        return Place(line, len(before.decode("utf-8", errors="replace")) + 1)

    def offset(self, place: Place) -> int:
        """Return the byte offset of `place`, which is one of this text."""
        start = self._starts[place.line - 1]
        line = self._data[start:].decode("utf-8", errors="replace")
        return start + len(line[: place.column - 1].encode("utf-8"))

    def start(self) -> int:
        """Return the byte offset of the first character that is not white space."""
        return len(self._data) - len(self._data.lstrip())

    def word(self, offset: int) -> str:
        """Return the rest of the line at byte `offset`, cut at white space."""
        rest = self._data[offset : offset + 4 * SUBJECT_CHARS].decode("utf-8", errors="replace").split()
        return rest[0] if rest else ""


def refused(reason: Reason, at: Place, subject: str, hint: Hint) -> Refused:
    """Return the refusal to raise for `subject` at `at`."""
    return Refused(
        reason,
        Detail(subject=subject[:SUBJECT_CHARS], line=at.line, column=at.column, hint_en=hint.en, hint_zh=hint.zh),
    )
