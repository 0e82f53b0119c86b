"""Every place where planning refuses a question is reached by a case, and says where, what, why and what instead.

The places are read off the source; a new one without a case, or a case that no longer reaches one, is red.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yanmen.planning
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.planning.telling import NOT_IN_THE_TEXT
from yanmen.wire.messages import localised

from tests.unit.planning.refusal_cases import ASKED, FORGED, ask
from tests.unit.planning.test_golden import blocks, question_of

FOLDER = Path(yanmen.planning.__file__).parent
CALLS = frozenset({"refused", "Refused", "refuse", "same"})
ABOUT_THE_ENGINE = "bound_"
"""What checks the engine's bound plan: none of its refusals is about a question (scripts/bench shapes)."""
ACROSS = frozenset({"across.py", "across_reply.py", "across_sides.py", "memberships.py"})
NOT_ABOUT_SQL = ACROSS | {"members.py", "places.py", "telling.py", "federated.py", "parameters.py"}
"""What makes refusals for the others, what is about tables of other nodes, a manifest, placeholders: each has tests."""
KEPT_ANYWAY = {
    ("frame.py", "refused(Reason.DIMENSION_NOT_DECLARED, NOWHERE, 'WHERE', hints.DIMENSION)"): (
        "exact_rules.check_filters has refused such a filter before"
    ),
    ("released_operations.py", "refused(Reason.CLAUSE_NOT_ADMITTED, at, op.value, hints.CLAUSE)"): (
        "every operation that is read has a rule; a new one is refused until it has"
    ),
    (
        "scope.py",
        "refused(Reason.CROSS_NODE_JOIN, found.table.at, '.'.join(found.table.path), hints.ACROSS_PLACE)",
    ): "a table of another node: tests/unit/joins/test_joined_plans.py asks for it",
    ("scope.py", "refused(Reason.UNKNOWN_COLUMN, found.at, found.column, hints.COLUMN)"): (
        "a resolved column is one of its table"
    ),
}
"""Refusals that another one comes before: kept so that neither stands alone."""
CHINESE = re.compile("[一-鿿]")


def sites() -> Iterator[tuple[str, int, int, str]]:
    """Yield module, first and last line, and text of each call that refuses."""
    for path in sorted(FOLDER.glob("*.py")):
        if path.name.startswith(ABOUT_THE_ENGINE) or path.name in NOT_ABOUT_SQL:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in CALLS:
                yield path.name, node.lineno, node.end_lineno or node.lineno, ast.unparse(node)


@cache
def told() -> tuple[dict[str, Detail | None], dict[str, Reason], frozenset[tuple[str, int]]]:
    """Ask all cases; return what each was told and why, and which lines of planning each refusal came by."""
    lines: set[tuple[str, int]] = set()
    details: dict[str, Detail | None] = {}
    reasons: dict[str, Reason] = {}
    plain = Refused.__init__

    def noted(self: Refused, *args: object, **named: object) -> None:
        plain(self, *args, **named)  # type: ignore[arg-type]
        frame = sys._getframe(1)
        while frame.f_back is not None:
            if frame.f_code.co_filename.startswith(str(FOLDER)):
                lines.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
            frame = frame.f_back

    cases = [(question_of(block), None) for block in blocks("refused.sql")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Refused, "__init__", noted)
        for sql, forged in (*cases, *((sql, None) for sql in ASKED), *FORGED):
            name = sql if forged is None else f"{sql} with {forged[1]}"
            details[name] = None
            try:
                ask(sql, forged)
            except Refused as refusal:
                details[name], reasons[name] = refusal.detail, refusal.reason
    return details, reasons, frozenset(lines)


def test_every_case_is_refused() -> None:
    details, _, _ = told()
    accepted = [name for name, detail in details.items() if detail is None]
    assert not accepted, "\n".join(accepted)


def test_every_place_that_refuses_is_reached() -> None:
    reached = told()[2]
    missing = [
        f"{module}:{first} {text}"
        for module, first, last, text in sites()
        if not any((module, line) in reached for line in range(first, last + 1)) and (module, text) not in KEPT_ANYWAY
    ]
    assert not missing, "\n".join(missing)


def test_what_is_kept_anyway_is_still_there() -> None:
    assert set(KEPT_ANYWAY) <= {(module, text) for module, _, _, text in sites()}


def test_every_refusal_says_where_what_why_and_what_instead() -> None:
    details, reasons, _ = told()
    for name, detail in details.items():
        assert detail is not None, name
        if reasons[name] not in NOT_IN_THE_TEXT:
            assert min(detail.line, detail.column) > 0, (name, detail)
            assert detail.subject, (name, detail)
        assert detail.hint_en.endswith("."), (name, detail)
        assert detail.hint_zh.endswith("。"), (name, detail)
        assert CHINESE.search(detail.hint_zh), (name, detail)
        rule = localised(reasons[name], Detail())
        assert min(map(len, rule)) > 3, name


def test_a_place_is_one_in_the_text() -> None:
    for name, detail in told()[0].items():
        if detail is not None and detail.line > 0 and " with " not in name:
            lines = name.split("\n")
            assert detail.line <= len(lines), (name, detail)
            assert detail.column <= len(lines[detail.line - 1]) + 1, (name, detail)
