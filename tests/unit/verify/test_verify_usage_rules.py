"""A node that goes beyond the usage control of a contract is found by receipts alone."""

from pathlib import Path

import pytest
from yanmen.formats import usage_control
from yanmen.model.usage_control import Rules
from yanmen.verify import Code

from tests.unit.verify.terms_scene import found, started, used


def rules(text: str) -> Rules:
    name, operator, value = text.split(" ", 2)
    return Rules(controls=(usage_control.control(name, operator, (value,)),))


@pytest.mark.parametrize("text", ["time lt 20200101000000", "timeWindow isA 00:00/00:01", "payAmount lteq 1.19 CNY"])
def test_a_use_that_breaks_a_control_is_named(tmp_path: Path, text: str) -> None:
    log = started(rules=rules(text))
    used(log)
    codes = {(code, subject) for _, code, subject in found(log, tmp_path)}
    assert codes == {(Code.TERMS_BROKEN, f"control {text.partition(' ')[0]}")}


@pytest.mark.parametrize("text", ["time gteq 20200101000000", "timeWindow isA 00:00/24:00", "payAmount eq 1.20 CNY"])
def test_a_use_that_keeps_it_holds(tmp_path: Path, text: str) -> None:
    log = started(rules=rules(text))
    used(log)
    assert found(log, tmp_path) == []
