"""docs/OPERATING.md: its whole specification publishes its little table, and its tables name every key there is."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from yanmen import publishing
from yanmen.crypto import keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.formats import spec
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Column, Dataset, SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.publishing import Press

from tests.unit.docs.markdown import code, fences, table
from tests.unit.publishing.test_publishing import NODE

NAME = "docs/OPERATING.md"
(TABLE,) = [fence.text for fence in fences(NAME, "csv") if "person,name" in fence.text]
(WHOLE,) = [fence.text for fence in fences(NAME, "toml") if "[columns.person]" in fence.text]


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    signer, log_key = (keys.generate(tmp_path / name, SystemRandomness()) for name in ("holder", "log"))
    keeper = Keeper(NODE, signer, log_key, SystemClock(), SystemRandomness())
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits())
    with Ledger.open(tmp_path / "ledger.sqlite", keeper, NodeLimits()) as ledger:
        ledger.register_space(SubjectSpace("person", 5000, 0))
        yield Press(ledger, runner, SystemClock())


def test_what_is_shown_publishes(press: Press, tmp_path: Path) -> None:
    source = tmp_path / "labs.csv"
    source.write_text(TABLE, encoding="utf-8")
    declared = publishing.publish(WHOLE.encode(), source, press).version.dataset
    assert declared == spec.decode(WHOLE.encode())
    assert [column.name for column in declared.visible()] == ["person", "visited", "county", "test", "value"]


def test_every_key_is_told() -> None:
    told = {code(name) for cell, _ in table(NAME, "key", "says") for name in cell.split(", ")}
    inside = {"columns", "description"}  # the second table; the section [catalogue]
    assert told == {{"cls": "class"}.get(each.name, each.name) for each in fields(Dataset)} - inside
    of_columns = {code(name) for cell, _ in table(NAME, "key of a column", "says") for name in cell.split(", ")}
    assert of_columns | {"scale", "name"} == {each.name for each in fields(Column)}
