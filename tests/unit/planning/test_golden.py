"""tests/golden holds what the planner emits and refuses, so that a change of either is seen in review.

`YANMEN_WRITE_GOLDEN=1` rewrites the files from what the planner does now.
"""

import os
import re
from pathlib import Path

import pytest
from yanmen.model.refusal import Refused
from yanmen.planning.rendering import render

from tests.unit.planning.engine import planned

GOLDEN = Path(__file__).parents[2] / "golden"
QUESTION = "-- question: "


def blocks(name: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n\n+", (GOLDEN / name).read_text("utf-8").strip())]


def accepted(sql: str) -> str:
    found = planned(sql)
    plan = "\n".join(f"--   {line}" for line in render(found).splitlines())
    after = f"\n-- after:\n{found.post_sql};" if found.post_sql else ""
    return f"{QUESTION}{sql}\n{plan}\n{found.sql};{after}"


def refused(sql: str) -> str:
    try:
        planned(sql)
    except Refused as refusal:
        detail = refusal.detail
        place = f" at {detail.line}:{detail.column}" if detail.line else ""
        subject = f" {detail.subject}" if detail.subject else ""
        offered = "".join(f"\n-- instead: {question}" for question in detail.instead)
        return f"-- {refusal.reason.value}{place}{subject}{offered}\n{sql}"
    return f"-- ACCEPTED\n{sql}"


def question_of(block: str) -> str:
    lines = block.splitlines()
    if lines[0].startswith(QUESTION):
        return lines[0].removeprefix(QUESTION)
    return "\n".join(line for line in lines if not re.match(r"-- ([A-Z_]+( |$)|instead: )", line))


def rewrite() -> None:
    for name, write in (("accepted.sql", accepted), ("refused.sql", refused)):
        text = "\n\n".join(write(question_of(block)) for block in blocks(name))
        (GOLDEN / name).write_text(f"{text}\n", "utf-8")


if os.environ.get("YANMEN_WRITE_GOLDEN") == "1":
    rewrite()


@pytest.mark.parametrize("block", blocks("accepted.sql"), ids=question_of)
def test_accepted(block: str) -> None:
    assert block == accepted(question_of(block))


@pytest.mark.parametrize("block", blocks("refused.sql"), ids=question_of)
def test_refused(block: str) -> None:
    assert block == refused(question_of(block))


def test_nothing_refused_here_is_accepted() -> None:
    assert all(not block.startswith("-- ACCEPTED") for block in blocks("refused.sql"))
