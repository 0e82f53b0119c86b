"""A subverted worker's reply ends in a closed code, or is one the plan allows.

`scripts/bench fuzz-replies` sends 10,000 of them.
"""

import random

import pytest
from yanmen.model.refusal import JobCode

from tests.attacks import forged_replies
from tests.attacks.forged_replies import Forged, forge, judge, lawful, written

CLOSED = {code.value for code in JobCode}


@pytest.mark.parametrize("seed", range(5))
def test_forged_replies_end_in_a_closed_code_or_are_lawful(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(30):
        verdict = judge(forge(source), wall_ms=1_500)
        assert verdict.wrong == ""
        assert verdict.outcome in {"released", *CLOSED}


def test_the_forger_can_be_believed() -> None:
    """What is lawful comes through, so that what does not come through was refused for what it is."""
    verdict = judge(Forged("lawful", (forged_replies.frame(written(lawful(random.Random(1)))),)), wall_ms=1_500)
    assert verdict.outcome == "released"


def test_a_missing_check_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from yanmen.disclosure import grid

    monkeypatch.setattr(grid, "whole", lambda cell, *_: int(cell))
    row = [*forged_replies.GRID[0], 51, 1]
    verdict = judge(Forged("out of range", (forged_replies.frame(written([row])),)), wall_ms=1_500)
    assert verdict.wrong == "an unlawful reply released"
