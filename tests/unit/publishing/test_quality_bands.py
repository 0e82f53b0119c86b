"""An attack on the bands of quality: two versions that differ in one person, on either side of a band's edge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen import publishing
from yanmen.crypto import keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.publishing import Press

from tests.unit.publishing.test_publishing import NODE, SPEC

MEASURED = SPEC + "\n[catalogue]\nmeasured = true\n"
ROWS = [f"{number},f,x" for number in range(1, 101)]
EDGE = [f"{number},,x" for number in range(1, 3)]
"""With two of a hundred persons whose sex is not given, 198 of 200 visible cells are: 99 %, the edge of band A."""


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    signer, log_key = (keys.generate(tmp_path / name, SystemRandomness()) for name in ("holder", "log"))
    keeper = Keeper(NODE, signer, log_key, SystemClock(), SystemRandomness())
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits())
    with Ledger.open(tmp_path / "ledger.sqlite", keeper, NodeLimits()) as ledger:
        ledger.register_space(SubjectSpace("persons", 5000, 0))
        yield Press(ledger, runner, SystemClock())


def published(press: Press, folder: Path, rows: list[str], name: str = "labs") -> str:
    """Publish these rows and return the bands that everybody sees."""
    source = folder / "labs.csv"
    source.write_text("person,sex,name\n" + "\n".join(rows) + "\n")
    spec = MEASURED.replace('name = "labs"', f'name = "{name}"')
    return publishing.publish(spec.encode(), source, press).version.quality


def test_one_person_more_moves_no_band_that_was_shown(press: Press, tmp_path: Path) -> None:
    """Who knows all rows but one could read from a band that moves whether that person's value is given."""
    without = EDGE + ROWS[2:]
    with_one = ["1,,x", "2,,x", "3,,x", *ROWS[3:]]
    assert published(press, tmp_path, without, "one")[0] == "A"
    assert published(press, tmp_path, with_one, "other")[0] == "B", "measured alone, one person makes the difference"
    first = published(press, tmp_path, without)
    assert published(press, tmp_path, with_one) == first
    press.ledger.retract("labs")
    assert published(press, tmp_path, with_one) == first, "nor by taking it down and putting it up again"
