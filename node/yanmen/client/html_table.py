"""Tables for a notebook: every text escaped, and no script, style sheet or address in them."""

import html
import unicodedata
from collections.abc import Sequence

_RIGHT = ' style="text-align:right"'
_LEFT = ' style="text-align:left"'


def render(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    foot: Sequence[str] = (),
) -> str:
    """Return `rows` under `headings` as one table, with a caption above and the lines of `foot` below."""
    head = "".join(
        f'<th scope="col"{_side(to_right)}>{text(each)}</th>' for each, to_right in zip(headings, right, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_side(to_right)}>{text(each)}</td>" for each, to_right in zip(row, right, strict=True))
        + "</tr>"
        for row in rows
    )
    below = "".join(f"<div>{text(line)}</div>" for line in foot if line)
    table = (
        f"<table><caption{_LEFT}>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    return f'<div lang="zh">{table}{below}</div>'


def text(plain: str) -> str:
    """Return `plain` as HTML shows it, without what could reorder or hide what is read."""
    seen = "".join(each if unicodedata.category(each)[0] != "C" or each == "\n" else "\ufffd" for each in plain)
    return html.escape(seen, quote=True).replace("\n", "<br>")


def _side(to_right: bool) -> str:  # noqa: FBT001 - the flag of a column, as the text table has it
    return _RIGHT if to_right else _LEFT
