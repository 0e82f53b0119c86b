"""An exception, stated in DISCLOSURE.md: how many of a cell have no value follows from two counts, however few.

What is guarded is who has a value. This holds the exception to its size: the number of those who lack one, never a
figure of fewer than K who have one.
"""

from tests.attacks.test_exact_missing_values import Firm, asking


def _lacking(count: int) -> list[Firm]:
    return [(at, 0, 0, None if at < count else 10, 10, "x") for at in range(30)]


def test_counts_beside_each_other_tell_how_few_lack_a_value() -> None:
    ((units, having),) = asking(_lacking(1))("SELECT count(DISTINCT id), count(output) FROM firm WHERE r = 0")
    assert units - having == 1


def test_but_not_how_few_have_one() -> None:
    ((units, having, total),) = asking(_lacking(29))(
        "SELECT count(*), count(output), sum(output) FROM firm WHERE r = 0"
    )
    assert (units, having, total) == (30, None, None)
