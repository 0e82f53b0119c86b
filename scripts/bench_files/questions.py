"""What a question costs on its way: admission and planning, then the whole, against DuckDB alone."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event

import duckdb
from bench_files.place import SQL, Place
from bench_files.samples import Ratio, compare
from yanmen import pipeline
from yanmen.execution.run import run
from yanmen.formats.request import Operation
from yanmen.node.question import Question

WHOLE = "one whole question about persons, its deadline left out"
LINES = (
    ("admission and planning of a question (two jobs: parse, bind)", "a cold Python, DuckDB opened, EXPLAIN"),
    (WHOLE, "a cold Python, DuckDB opened, the query"),
    (WHOLE, "the query in an open DuckDB, two threads"),
)
COLD = """
import duckdb
connection = duckdb.connect({path!r}, read_only=True)
{statement}
"""


def measured(place: Place, repeat: int) -> Iterator[Ratio]:
    """Measure both against a cold Python with DuckDB, and the whole against an open DuckDB too."""
    path = str(place.folder / "raw.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE visits AS SELECT * FROM read_csv('{place.source}')")
    thresholds = itertools.count()
    ask = asker(place)
    yield compare(
        *LINES[0],
        lambda: planned(place, SQL.format(next(thresholds) / 1000)),
        cold(path, f"connection.execute({'EXPLAIN ' + SQL.format(1)!r}).fetchall()"),
        repeat,
    )
    yield compare(
        *LINES[1],
        lambda: ask(SQL.format(next(thresholds) / 1000)),
        cold(path, f"connection.execute({SQL.format(1)!r}).fetchall()"),
        repeat,
    )
    with duckdb.connect(path, read_only=True, config={"threads": 2}) as connection:
        yield compare(
            *LINES[2],
            lambda: ask(SQL.format(next(thresholds) / 1000)),
            lambda: connection.execute(SQL.format(next(thresholds) / 1000)).fetchall(),
            repeat,
        )


def planned(place: Place, sql: str) -> None:
    """Admit and plan, as `explain` and `submit` do first."""
    stages = Question(place.works, Operation.SUBMIT).stages()
    stages.plan(stages.admit(place.submission(sql)))


def asker(place: Place) -> Callable[[str], object]:
    """Return what asks one question through the node's own pipeline, without waiting for its deadline."""
    works = place.works

    def no_wait(*_: object) -> None:
        """Leave the deadline out."""

    def ask(sql: str) -> object:
        stages = Question(place.works, Operation.SUBMIT).stages()
        stages = replace(stages, run=lambda held, cancel: run(held, works.runner, works.limits, cancel), hold=no_wait)
        return pipeline.answer(place.submission(sql), stages, Event())

    return ask


def cold(path: str, statement: str) -> Callable[[], object]:
    """Return an action that opens the raw file in a Python of its own and runs `statement`."""
    code = COLD.format(path=path, statement=statement)
    return lambda: subprocess.run([sys.executable, "-I", "-B", "-c", code], check=True, capture_output=True)
