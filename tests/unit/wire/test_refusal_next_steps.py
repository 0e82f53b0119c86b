"""Whoever is refused reads a next step in both languages: the refusal's own, or the one of its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.ledger.contracts import reason_of
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Detail, Reason
from yanmen.wire.messages import NEXT, TEXTS, localised

NODE = Path(__file__).parents[3] / "node" / "yanmen"


def without_hints() -> Iterator[tuple[str, str]]:
    """Yield place and reason of every refusal written without a hint of its own."""
    for path in sorted(NODE.rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "Refused(" in text else ():
            match node:
                case ast.Call(func=ast.Name(id="Refused")):
                    pass
                case _:
                    continue
            details = [arg for arg in node.args[1:] if isinstance(arg, ast.Call) and ast.unparse(arg.func) == "Detail"]
            bare = len(node.args) == 1 and not node.keywords
            if bare or any("hint_zh" not in ast.unparse(detail) for detail in details):
                for name in re.findall(r"Reason\.([A-Z_]+)", ast.unparse(node)):
                    yield f"{path.relative_to(NODE)}:{node.lineno}", name


def test_a_refusal_without_a_hint_has_the_next_step_of_its_reason() -> None:
    found = list(without_hints())
    assert len(found) > 20
    assert [(place, name) for place, name in found if Reason(name) not in NEXT] == []


@pytest.mark.parametrize("status", [status for status in ContractStatus if status is not ContractStatus.ACTIVE])
def test_so_does_a_contract_that_is_not_in_force(status: ContractStatus) -> None:
    assert reason_of(status) in NEXT


@pytest.mark.parametrize("reason", [Reason.RUN_FAILED, Reason.CANCELLED, Reason.NODE_FAILED, *NEXT])
def test_the_next_step_is_read_in_both_languages_unless_the_refusal_has_one(reason: Reason) -> None:
    english, chinese = localised(reason, Detail())
    assert (english, chinese) == (f"{TEXTS[reason].en} {NEXT[reason].en}", TEXTS[reason].zh + NEXT[reason].zh)
    assert re.search("[一-鿿]", NEXT[reason].zh)
    own = localised(reason, Detail(hint_en="Do.", hint_zh="做。"))
    assert own == (f"{TEXTS[reason].en} Do.", f"{TEXTS[reason].zh}做。")
