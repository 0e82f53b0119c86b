"""A refusal says a thing once: the reason's sentence says what, the hint adds what to do or what it is about."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.admission import denial
from yanmen.admission.clauses import CONSUMER, STATUS
from yanmen.cli.output import refusal_fields, refusal_text
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.planning import hints
from yanmen.planning.places import Hint
from yanmen.wire.messages import TEXTS, localised

NODE = Path(__file__).parents[3] / "node" / "yanmen"
FILLER = {"this", "that", "with", "does", "here", "have", "been", "from", "your"}


def words(text: str) -> set[str]:
    """Return the words of `text` that carry meaning, cut to their stems."""
    return {word[:6] for word in re.findall(r"[a-z]{4,}", text.lower())} - FILLER


def says_again(reason: Reason, hint: str) -> bool:
    """Tell whether most of one stands in the other too."""
    said, hinted = words(TEXTS[reason].en), words(hint)
    return any(len(said & hinted) / len(each) > 0.6 for each in (said, hinted) if each)


def called(function: ast.expr) -> str:
    """Return the last word of what is called."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def written(tree: ast.AST) -> Iterator[tuple[Reason, str]]:
    """Yield each reason and hint that stand in one expression, as `Refused(Reason.X, Detail(..., hint_en="..."))`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and called(node.func).endswith("Refused")):
            continue
        reasons = re.findall(r"Reason\.([A-Z_]+)", ast.unparse(node))
        for inner in ast.walk(node):
            if isinstance(inner, ast.keyword) and inner.arg == "hint_en" and isinstance(inner.value, ast.Constant):
                yield from ((Reason(name), str(inner.value.value)) for name in reasons)


DENIALS = [
    *(
        (refused.reason, refused.detail)
        for status in ContractStatus
        for refused in (denial.refusal((STATUS,), status),)
    ),
    *(
        (refused.reason, refused.detail)
        for clause in (*(row[0] for row in denial._CLAUSES), "policy:one")
        for refused in (denial.refusal((clause,), ContractStatus.ACTIVE),)
    ),
]


@pytest.fixture(scope="module")
def in_place() -> list[tuple[Reason, str]]:
    """Return what is written where it is refused, in the whole of the node."""
    texts = [path.read_text() for path in sorted(NODE.rglob("*.py"))]
    return [pair for text in texts if "hint_en" in text for pair in written(ast.parse(text))]


def test_enough_is_looked_at(in_place: list[tuple[Reason, str]]) -> None:
    assert len(in_place) > 8
    assert len(DENIALS) > 10
    assert says_again(Reason.CONTRACT_EXPIRED, "The contract has expired; offer a new one.")


def test_a_hint_written_in_place_adds_something(in_place: list[tuple[Reason, str]]) -> None:
    assert [pair for pair in in_place if says_again(*pair)] == []


@pytest.mark.parametrize(("reason", "detail"), DENIALS, ids=lambda value: getattr(value, "name", ""))
def test_a_denial_adds_something_in_both_languages(reason: Reason, detail: Detail) -> None:
    assert not says_again(reason, detail.hint_en)
    assert TEXTS[reason].zh.rstrip("。") not in detail.hint_zh
    assert detail.hint_en
    assert detail.hint_zh


@pytest.mark.parametrize("name", [name for name, value in vars(hints).items() if isinstance(value, Hint)])
def test_a_hint_on_sql_repeats_no_reason(name: str) -> None:
    hint: Hint = getattr(hints, name)
    assert not [text for text in TEXTS.values() if text.en == hint.en or text.zh == hint.zh]


def test_the_command_line_says_what_and_then_what_to_do() -> None:
    refused = denial.refusal((CONSUMER,), ContractStatus.ACTIVE)
    text = refusal_text(refused)
    en, zh = localised(refused.reason, refused.detail)
    assert text.splitlines()[1:3] == [f"  {en}", f"  {zh}"]
    assert text.count(TEXTS[refused.reason].en) == 1
    fields = refusal_fields(Refused(Reason.CANCELLED))
    assert (fields["message_en"], fields["hint_en"]) == (TEXTS[Reason.CANCELLED].en, "")
