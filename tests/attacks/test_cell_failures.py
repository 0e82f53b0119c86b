"""One person's own cell never decides whether a question's reply is too long."""

from typing import Any

import pytest
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.planning.plan import plan
from yanmen_sandbox.reply import Ended, encode_rows

from tests.unit.planning.answering import runner, scans
from tests.unit.planning.engine import admitted, dataset, key, measure, unit

PERSONS = dataset(
    "persons", DatasetClass.PERSONAL, unit(), key("band", "old", "young"), measure("age", "0", "120"), upto=400
)
LENGTH = 500


def grouped(letter: str, length: int = LENGTH) -> str:
    """Return a question whose every cell has three long literals for keys."""
    keys = [f"CASE WHEN age >= 0 THEN '{at}{letter * length}' ELSE '{at}{letter * length}' END" for at in range(3)]
    return f"SELECT age // 1 AS y, band, {', '.join(keys)}, count(*) AS n FROM persons GROUP BY 1, 2, 3, 4, 5"


def ends(question: str, rows: list[tuple[Any, ...]], limits: NodeLimits) -> str:
    """Return how a question over `rows` ends."""
    engine = runner((PERSONS,), {"persons": rows})
    try:
        found = plan(admitted(question, datasets=(PERSONS,)), engine, limits)
        encode_rows([engine.rows(scans(found), found.sql)], limits.reply_bytes)
    except Refused as refusal:
        return refusal.reason.value
    except Ended as ended:
        return str(ended)
    return "answered"


@pytest.mark.parametrize(("letter", "size"), [("x", 1), ("\x01", 6), ("\U00020000", 4)])
def test_a_cell_of_one_s_own_weighs_nothing(letter: str, size: int) -> None:
    """The reply has room for the cells of all others, and not for the target's beside them."""
    everybody = [(at, "old", 20 + at) for at in range(50)] + [(99, "old", 99)]
    limits = NodeLimits(reply_bytes=50 * (3 * LENGTH * size + 40))
    seen = {ends(grouped(letter), rows, limits) for rows in (everybody, everybody[:-1])}
    assert seen == {Reason.TOO_MANY_CELLS.value}


def test_every_cell_there_may_be_fits_or_nothing_runs() -> None:
    everybody = [(at, band, at % 121) for at, band in enumerate(("old", "young") * 121)]
    everybody += [(1000 + at, "young" if band == "old" else "old", age) for at, band, age in everybody]
    question, low, high = grouped("x", 40), 0, 1 << 20
    while high - low > 1:  # the least room that the question is planned for
        middle = (low + high) // 2
        planned = ends(question, [], NodeLimits(reply_bytes=middle)) == "answered"
        low, high = (low, middle) if planned else (middle, high)
    assert ends(question, everybody, NodeLimits(reply_bytes=high)) == "answered"
    assert ends(question, everybody, NodeLimits(reply_bytes=high * 3 // 4)) == Reason.TOO_MANY_CELLS.value
