"""Indices of quality (完整性, 准确性, 一致性), each as a band: the figures themselves stay in the job."""

from collections.abc import Sequence
from typing import NamedTuple

import _duckdb
from _duckdb import DuckDBPyConnection

from yanmen_sandbox.jobs.columns import DeclaredColumn
from yanmen_sandbox.tables import SourceTable

BANDS = ((99, "A"), (95, "B"), (80, "C"))
"""At least so many of a hundred; below the last it is D."""


class Counts(NamedTuple):
    """Cells that there could be, that are given, that take the declared type, that are as declared."""

    cells: int
    given: int
    typed: int
    fitting: int


def bands(connection: DuckDBPyConnection, columns: Sequence[DeclaredColumn], table: SourceTable, kept: int) -> str:
    """Return one letter each: cells given of all, as declared of those given, typed and kept of those read.

    `kept` is the number of rows in the snapshot: rows without a unit, or beyond their unit's cap, contradict what is
    declared. An empty table is whole.
    """
    parts = ", ".join(
        f"count({column.value(table.types)}), count({column.typed(table.types)}), count({column.fits(table.types)})"
        for column in columns
    )
    row = connection.execute(f"SELECT count(*), {parts} FROM {table.sql}").fetchone()  # noqa: S608 - quoted names
    if row is None:
        raise _duckdb.Error("no count")
    rows, rest = row[0], row[1:]
    found = Counts(rows * len(columns), sum(rest[0::3]), sum(rest[1::3]), sum(rest[2::3]))
    consistent = min(_percent(found.typed, found.given), _percent(kept, rows))
    return "".join(
        _band(share) for share in (_percent(found.given, found.cells), _percent(found.fitting, found.given), consistent)
    )


def _percent(part: int, whole: int) -> int:
    return 100 if whole == 0 else part * 100 // whole


def _band(share: int) -> str:
    return next((letter for least, letter in BANDS if share >= least), "D")
