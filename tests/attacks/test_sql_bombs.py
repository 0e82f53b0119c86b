"""A statement that asks for everything ends at its limits, and the node answers the next one.

`scripts/bench bombs` sets off all of them.
"""

from collections.abc import Iterator

import pytest
from yanmen.execution import profiles

from tests.attacks.bomb_range import COPIED, BombRange, bomb_range
from tests.attacks.sql_bombs import BOMBS, Bomb

SAMPLE = (
    "levenshtein",
    "endless recursion",
    "four gigabytes of text",
    "groups without end",
    "a sort that spills",
    "copied out",
    "rows without end",
    "one cell",
    "nested parentheses",
    "long literal",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BombRange]:
    with profiles.serving("landlock") as spawner, bomb_range(tmp_path_factory.mktemp("bombs"), spawner) as found:
        yield found


@pytest.mark.parametrize("bomb", [bomb for bomb in BOMBS if bomb.name in SAMPLE], ids=lambda bomb: str(bomb.name))
def test_a_bomb_ends_and_the_next_question_is_answered(built: BombRange, bomb: Bomb) -> None:
    ended = built.set_off(bomb)
    assert ended.next_fine
    assert ended.cpu <= 1.2
    assert ended.memory <= 1.0
    assert ended.wall <= 10  # 1.2 on a machine that does nothing else
    assert ended.code != "VIOLATION"
    assert not COPIED.exists()


def test_there_are_enough_and_each_has_a_name() -> None:
    assert len({bomb.name for bomb in BOMBS}) == len(BOMBS) >= 60
    assert set(SAMPLE) <= {bomb.name for bomb in BOMBS}
    assert {bomb.kind for bomb in BOMBS} == {"cpu", "memory", "disk", "output", "parser"}
