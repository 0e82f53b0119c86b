"""Values of a database: kept to the last digit, or seen not to be of the declared type; nothing is rounded."""

import duckdb
import pytest
from yanmen_sandbox.jobs.columns import read_column

COLUMN: dict[str, object] = {"name": "v", "source": "v", "role": "measure", "domain": None, "length": None}


def typed(value: str, given: str, kind: str, scale: int = 0, bounds: tuple[str, str] | None = None) -> str | None:
    """Return what is kept of a value of the source's type `given` (decimals in units); None when not of its kind."""
    lower, upper = bounds or (None, None)
    column = read_column({**COLUMN, "kind": kind, "scale": scale, "lower": lower, "upper": upper}, exact=True)
    typed, final = column.typed({"v": given}), column.final({"v": given})
    kept = f"CASE WHEN ({typed}) IS NOT NULL THEN CAST({final} AS VARCHAR) END"
    row = duckdb.execute(f"SELECT {kept} FROM (SELECT CAST(? AS {given}) AS v)", [value]).fetchone()
    assert row is not None
    return None if row[0] is None else str(row[0])


@pytest.mark.parametrize(
    ("value", "given", "kind", "scale", "kept"),
    [
        ("1.0050", "VARCHAR", "decimal", 3, "1005"),
        ("-0.1", "VARCHAR", "decimal", 1, "-1"),
        ("999999999999999.999", "VARCHAR", "decimal", 3, "999999999999999999"),
        ("12", "VARCHAR", "decimal", 2, "1200"),
        ("9007199254740993", "BIGINT", "integer", 0, "9007199254740993"),
        ("9223372036854775807", "VARCHAR", "integer", 0, "9223372036854775807"),
        ("-5.000", "VARCHAR", "integer", 0, "-5"),
        ("3", "DOUBLE", "integer", 0, "3"),
        ("2.5", "DOUBLE", "decimal", 1, "25"),
        ("2024-02-29", "VARCHAR", "date", 0, "2024-02-29"),
        ("2024-03-01 00:00:00.000001", "VARCHAR", "date", 0, "2024-03-01"),
        ("true", "BOOLEAN", "boolean", 0, "true"),
        ("", "VARCHAR", "text", 0, ""),
        ("NaN", "VARCHAR", "text", 0, "NaN"),
    ],
)
def test_an_exact_value_is_kept(value: str, given: str, kind: str, scale: int, kept: str) -> None:
    assert typed(value, given, kind, scale) == kept


@pytest.mark.parametrize(
    ("value", "given", "kind", "scale"),
    [
        ("1.005", "VARCHAR", "decimal", 2),
        ("NaN", "VARCHAR", "decimal", 2),
        ("Infinity", "VARCHAR", "decimal", 2),
        ("-Infinity", "DOUBLE", "decimal", 2),
        ("NaN", "DOUBLE", "decimal", 2),
        ("NaN", "FLOAT", "integer", 0),
        ("100000000000000000", "VARCHAR", "decimal", 2),
        ("1e300", "DOUBLE", "decimal", 2),
        ("1.5", "VARCHAR", "integer", 0),
        ("1.5", "DOUBLE", "integer", 0),
        ("1e19", "DOUBLE", "integer", 0),
        ("9223372036854775808", "VARCHAR", "integer", 0),
        ("", "VARCHAR", "integer", 0),
        ("1e3", "VARCHAR", "integer", 0),
        ("infinity", "VARCHAR", "date", 0),
        ("-infinity", "VARCHAR", "date", 0),
        ("0044-03-15 BC", "VARCHAR", "date", 0),
        ("12024-01-01", "VARCHAR", "date", 0),
        ("2023-02-29", "VARCHAR", "date", 0),
        ("NA", "VARCHAR", "date", 0),
        ("5", "BIGINT", "date", 0),
        ("maybe", "VARCHAR", "boolean", 0),
    ],
)
def test_another_value_is_seen_not_to_be_of_its_type(value: str, given: str, kind: str, scale: int) -> None:
    assert typed(value, given, kind, scale) is None


def test_a_value_out_of_bounds_is_clamped_and_one_beyond_any_number_is_not() -> None:
    bounds = ("0.0", "100.0")
    assert typed("-7.5", "VARCHAR", "decimal", 1, bounds) == "0"
    assert typed("12345678901234567890123.5", "VARCHAR", "decimal", 1, bounds) == "1000"
    assert typed("1" + "0" * 40, "VARCHAR", "decimal", 1, bounds) is None
    assert typed("7.25", "VARCHAR", "decimal", 1, bounds) is None
