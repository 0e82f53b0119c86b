"""Dates among released cells: moved by literal days, and the days between two of them; never an error."""

from datetime import date

import pytest
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan

from tests.unit.planning.answering import answer, runner
from tests.unit.planning.engine import CATALOGUE, admitted

DAYS = "(SELECT born AS day, count(*) AS n FROM person WHERE born BETWEEN '2000-01-01' AND '2000-01-03' GROUP BY 1) a"
ROWS = {"person": [(1, "f", "d1", True, date(2000, 1, 2), "", 1, 1, 1, "a")]}


def asked(sql: str) -> list[tuple[object, ...]]:
    engine = runner(CATALOGUE, ROWS)
    return answer(plan(admitted(sql), engine, NodeLimits()), engine)


def test_a_date_is_moved_and_two_are_subtracted() -> None:
    assert asked(f"SELECT day + 1, day - 2, day - DATE '1999-12-31' FROM {DAYS} WHERE n > 0") == [
        (date(2000, 1, 3), date(1999, 12, 31), 2)
    ]


def test_cells_are_joined_with_those_of_another_day() -> None:
    sql = f"SELECT a.day, b.n FROM {DAYS} JOIN {DAYS[:-1]}b ON b.day = a.day + 1 WHERE b.n > 0"
    assert asked(sql) == [(date(2000, 1, 1), 1)]


def test_what_leaves_the_calendar_is_null() -> None:
    far = f"SELECT date_trunc('year', day) + {100_000}, day - 1 FROM {DAYS} WHERE n > 0"
    assert asked(far) == [(date(2273, 10, 16), date(2000, 1, 1))]
    late = DAYS.replace("2000-01-01", "9999-12-30").replace("2000-01-03", "9999-12-31")
    assert asked(f"SELECT day + 100000 - 1 FROM {late}") == [(None,), (None,)]


@pytest.mark.parametrize(
    "sql", ["day + n", "day * 2", "day / 2", "day + 1.5", "day + 100001", "day + 'x'", "day + day"]
)
def test_anything_else_is_refused(sql: str) -> None:
    with pytest.raises(Refused) as caught:
        asked(f"SELECT {sql} FROM {DAYS}")
    assert caught.value.reason in (Reason.FUNCTION_NOT_ADMITTED, Reason.TYPE_MISMATCH)
