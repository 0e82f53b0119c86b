"""The shapes of ADBC's own validation suite, asked by the stock driver: answered, or refused as Flight SQL prescribes.

The names are those of the suite (c/validation of Apache Arrow ADBC): its statements here, its connections and metadata
in test_flight_metadata.py. What writes is refused, because the node reads only, and says so in GetSqlInfo.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import pyarrow as pa
import pytest

from tests.system.flight.statuses import DENIED, INVALID, UNIMPLEMENTED, refused

if TYPE_CHECKING:
    from tests.system.flight.conftest import Flown

ALL = "SELECT town, year, rate, since, kept FROM rates ORDER BY year"


# Statements that ask -------------------------------------------------------------------------------


def test_sql_query_ints_decimals_dates_booleans_and_strings(flown: "Flown") -> None:
    table = flown.ask(ALL)
    assert table.schema.types == [pa.string(), pa.int64(), pa.decimal128(38, 2), pa.date32(), pa.bool_()]
    assert table["town"].to_pylist() == ["Taiyuan", "Datong", "雁门"]
    assert table["rate"].to_pylist() == [Decimal("1.25"), Decimal("-0.50"), None]
    assert table["kept"].to_pylist() == [True, False, None]
    assert str(table["since"][0]) == "2020-02-29"


def test_sql_query_floats(flown: "Flown") -> None:
    """The node has no binary fractions: a quotient is a decimal."""
    table = flown.ask("SELECT sum(rate) / count(rate) AS m FROM rates")
    assert pa.types.is_decimal(table.schema.field("m").type)
    assert table["m"].to_pylist() == [Decimal("0.375")]


def test_sql_query_empty_result(flown: "Flown") -> None:
    table = flown.ask("SELECT town FROM rates WHERE year < 0")
    assert (table.num_rows, table.schema.names) == (0, ["town"])


@pytest.mark.parametrize("sql", ["", " ", ";", "-- nothing"])
def test_sql_query_empty(flown: "Flown", sql: str) -> None:
    with pytest.raises((adbc_driver_manager.ProgrammingError, adbc_driver_manager.NotSupportedError)):
        flown.ask(sql)


@pytest.mark.parametrize("sql", [f"{ALL};", f"{ALL}  ; \n"])
def test_sql_query_trailing_semicolons(flown: "Flown", sql: str) -> None:
    assert flown.ask(sql).num_rows == 3


@pytest.mark.parametrize("sql", ["this is not SQL", "SELECT 1; SELECT 2", "SELEC town FROM rates"])
def test_sql_query_errors(flown: "Flown", sql: str) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask(sql)
    assert any(reason in refused(error, INVALID) for reason in ("SQL_MALFORMED", "NOT_ONE_SELECT"))


def test_sql_query_of_an_unknown_table_and_of_rows(flown: "Flown") -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask("SELECT a FROM nowhere")
    assert "UNKNOWN_TABLE" in refused(error, INVALID)
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask("SELECT id FROM visits")
    assert "ROWS_WOULD_LEAVE" in refused(error, DENIED)


def test_sql_partitioned_ints(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions("SELECT year FROM rates ORDER BY year")
        assert schema == pa.schema([("year", pa.int64())])
        (partition,) = partitions
        for _ in range(2):  # a ticket may be redeemed again: it is a fetch
            cursor.adbc_read_partition(partition)
            assert cursor.fetchall() == [(2020,), (2021,), (2022,)]


def test_an_incremental_execution_polls(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.statement.exec.incremental": "true"})
        partitions, _ = cursor.adbc_execute_partitions("SELECT year FROM rates WHERE year > 2020 ORDER BY year")
        while not partitions:
            partitions, _ = cursor.adbc_execute_partitions("SELECT year FROM rates WHERE year > 2020 ORDER BY year")
        cursor.adbc_read_partition(partitions[0])
        assert cursor.fetchall() == [(2021,), (2022,)]


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT year FROM rates", [pa.int64()]),
        ("SELECT town, since FROM rates", [pa.string(), pa.date32()]),
        ("SELECT avg(rate) AS m FROM rates", [pa.decimal128(38, 6)]),
    ],
)
def test_sql_schema(flown: "Flown", sql: str, types: list[Any]) -> None:
    before = flown.leaves(), flown.spent()
    with flown.db.cursor() as cursor:
        assert cursor.adbc_execute_schema(sql).types == types
    assert (flown.leaves(), flown.spent()) == before, "a schema is no use"


def test_sql_schema_errors(flown: "Flown") -> None:
    with flown.db.cursor() as cursor, pytest.raises(adbc_driver_manager.ProgrammingError):
        cursor.adbc_execute_schema("SELECT a FROM nowhere")


# Prepared statements -------------------------------------------------------------------------------


def test_sql_prepare_get_parameter_schema(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        schema = cursor.adbc_prepare("SELECT town FROM rates WHERE year = $1 AND rate > $2 AND year < $1")
        assert (schema.names, schema.types) == (["1", "2"], [pa.null(), pa.null()])
        assert not cursor.adbc_prepare("SELECT town FROM rates")


def test_sql_prepare_select_no_params(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        cursor.adbc_prepare("SELECT year FROM rates ORDER BY year")
        cursor.execute("SELECT year FROM rates ORDER BY year")
        assert cursor.fetchall() == [(2020,), (2021,), (2022,)]


@pytest.mark.parametrize(
    ("sql", "parameters", "rows"),
    [
        ("SELECT year FROM rates WHERE town = ?", ("雁门",), [(2022,)]),
        ("SELECT year FROM rates WHERE town = ?", ("' OR 1=1 --",), []),
        ("SELECT year FROM rates WHERE year IN (?, ?) ORDER BY year", (2020, 2022), [(2020,), (2022,)]),
        ("SELECT year FROM rates WHERE rate = ?", (Decimal("-0.50"),), [(2021,)]),
        ("SELECT year FROM rates WHERE rate < ? - ?", (0, -0.25), [(2021,)]),
        ("SELECT year FROM rates WHERE kept = ?", (True,), [(2020,)]),
        ("SELECT year FROM rates ORDER BY year LIMIT ?", (1,), [(2020,)]),
        ("SELECT year FROM rates WHERE year = $1 OR year = $2 - $1", (2021, 4042), [(2021,)]),
    ],
)
def test_sql_prepare_select_params(flown: "Flown", sql: str, parameters: Any, rows: list[Any]) -> None:
    assert [tuple(row.values()) for row in flown.ask(sql, parameters).to_pylist()] == rows


def test_a_statement_is_bound_again_and_again(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        for town, year in (("Taiyuan", 2020), ("Datong", 2021), ("Taiyuan", 2020)):
            cursor.execute("SELECT year FROM rates WHERE town = ?", (town,))
            assert cursor.fetchall() == [(year,)]


def test_sql_prepare_error_no_query(flown: "Flown") -> None:
    statement = adbc_driver_manager.AdbcStatement(flown.db.adbc_connection)
    with pytest.raises(adbc_driver_manager.ProgrammingError):
        statement.prepare()
    statement.close()


@pytest.mark.parametrize("parameters", [(), (1,), (1, 2, 3)])
def test_sql_prepare_error_param_count_mismatch(flown: "Flown", parameters: Any) -> None:
    before = flown.spent()
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask("SELECT town FROM rates WHERE year IN (?, ?)", parameters)
    assert "REQUEST_MALFORMED" in refused(error, INVALID)
    assert flown.spent() == before


def test_two_rows_of_parameters_are_refused(flown: "Flown") -> None:
    statement = adbc_driver_manager.AdbcStatement(flown.db.adbc_connection)
    statement.set_sql_query("SELECT town FROM rates WHERE year = ?")
    statement.prepare()
    statement.bind(pa.record_batch({"1": [2020, 2021]}))
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        statement.execute_query()
    assert "REQUEST_MALFORMED" in refused(error, INVALID)
    statement.close()


# Statements that write, transactions, Substrait: the node reads only -------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO rates VALUES ('x', 1, 1, NULL, NULL)",
        "UPDATE rates SET year = 1",
        "DELETE FROM rates",
        "CREATE TABLE t (a INT)",
        "DROP TABLE rates",
        "COPY rates TO 'x.csv'",
        "ATTACH 'x.duckdb'",
        "PRAGMA version",
        "BEGIN TRANSACTION",
    ],
)
def test_sql_update_rows_affected_and_ddl(flown: "Flown", sql: str) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask(sql)
    assert any(reason in refused(error, INVALID) for reason in ("SQL_MALFORMED", "NOT_ONE_SELECT"))


def test_execute_update_is_not_offered(flown: "Flown") -> None:
    for prepare in (False, True):
        statement = adbc_driver_manager.AdbcStatement(flown.db.adbc_connection)
        statement.set_sql_query("SELECT year FROM rates")
        if prepare:
            statement.prepare()
        with pytest.raises(adbc_driver_manager.NotSupportedError) as error:
            statement.execute_update()
        assert "COMMAND_NOT_OFFERED" in refused(error, UNIMPLEMENTED)
        statement.close()


@pytest.mark.parametrize("mode", ["create", "append", "replace", "create_append"])
def test_sql_ingest(flown: "Flown", mode: str) -> None:
    with flown.db.cursor() as cursor, pytest.raises(adbc_driver_manager.NotSupportedError):
        cursor.adbc_ingest("t", pa.table({"a": [1]}), mode=mode)


def test_substrait_is_not_offered(flown: "Flown") -> None:
    statement = adbc_driver_manager.AdbcStatement(flown.db.adbc_connection)
    statement.set_substrait_plan(b"plan")
    with pytest.raises(adbc_driver_manager.NotSupportedError) as error:
        statement.execute_query()
    assert "COMMAND_NOT_OFFERED" in refused(error, UNIMPLEMENTED)
    statement.close()


# How statements live beside each other -------------------------------------------------------------


def test_concurrent_statements_and_result_independence(flown: "Flown") -> None:
    with flown.db.cursor() as one, flown.db.cursor() as two:
        one.execute("SELECT year FROM rates ORDER BY year")
        two.execute("SELECT town FROM rates ORDER BY year")
        assert one.fetchone() == (2020,)
        assert two.fetchall() == [("Taiyuan",), ("Datong",), ("雁门",)]
        assert one.fetchall() == [(2021,), (2022,)]


def test_result_invalidation(flown: "Flown") -> None:
    with flown.db.cursor() as cursor:
        cursor.execute("SELECT year FROM rates ORDER BY year")
        cursor.execute("SELECT count(*) AS n FROM rates")
        assert cursor.fetchall() == [(3,)]


def test_error_compatibility(flown: "Flown") -> None:
    """Every google.rpc detail of a refusal reaches the program, the receipt among them."""
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.ask("SELECT nope FROM rates")
    found: Any = error.value.details
    details = [data for name, data in found if name == b"grpc-status-details-bin"]
    assert any(b"google.rpc.ErrorInfo" in data and b"UNKNOWN_COLUMN" in data for data in details)
    assert any(b"yanmen.wire.v1.Refusal" in data for data in details)
    assert "没有该字段" in str(error.value)
    assert "receipt 使用回执 no." in str(error.value)
