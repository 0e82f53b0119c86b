"""A member is told how many more of its questions may fail before the contract is suspended."""

from yanmen.ledger.budget import failures_left
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Detail


def test_what_is_left_is_said_in_both_languages() -> None:
    said = failures_left(Detail(), 3, NodeLimits())
    assert f"3 of {NodeLimits().failures} run-time failures are left" in said.hint_en
    assert "尚余 3 次" in said.hint_zh
