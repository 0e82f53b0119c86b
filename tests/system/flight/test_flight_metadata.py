"""The stock driver's connections and metadata: the first half of ADBC's own validation suite, by its names.

The names are those of the suite (c/validation of Apache Arrow ADBC). What a node has not is refused as prescribed.
"""

from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import pyarrow as pa
import pytest
from adbc_driver_flightsql import ConnectionOptions, dbapi
from adbc_driver_manager import AdbcStatusCode

from tests.system.flight.statuses import UNIMPLEMENTED, refused

if TYPE_CHECKING:
    from tests.system.flight.conftest import Flown


# The database and the connection -------------------------------------------------------------------


def test_database_and_connection_open_and_close_twice(flown: "Flown") -> None:
    for _ in range(2):
        with flown.connect() as db, db.cursor() as cursor:
            cursor.execute("SELECT count(*) AS n FROM rates")
            assert cursor.fetchall() == [(3,)]


def test_connection_concurrent(flown: "Flown") -> None:
    with flown.connect() as one, flown.connect() as two:
        assert one.adbc_get_table_types() == two.adbc_get_table_types() == ["TABLE"]


def test_autocommit_is_all_there_is(flown: "Flown") -> None:
    """SQL info says that there are no transactions, so the driver keeps autocommit and begins none."""
    with pytest.warns(Warning, match="Cannot disable autocommit"):
        db = dbapi.connect(flown.driver.uri, db_kwargs=flown.driver.options)
    with db, db.cursor() as cursor:
        cursor.execute("SELECT count(*) AS n FROM rates")
        assert cursor.fetchone() == (3,)
    with pytest.raises(adbc_driver_manager.NotSupportedError):
        flown.db.adbc_connection.set_autocommit(False)


@pytest.mark.parametrize("key", ["adbc.connection.catalog", "adbc.connection.db_schema"])
def test_metadata_current_catalog_and_db_schema(flown: "Flown", key: str) -> None:
    """Session options are optional in Flight; without them the driver says that there is no current one."""
    with pytest.raises(adbc_driver_manager.ProgrammingError) as error:
        flown.db.adbc_connection.get_option(key)
    refused(error, AdbcStatusCode.NOT_FOUND)
    with pytest.raises(adbc_driver_manager.NotSupportedError) as unset:
        flown.db.adbc_connection.set_options(**{key: "test.example"})
    assert "COMMAND_NOT_OFFERED (SetSessionOptions)" in refused(unset, UNIMPLEMENTED)


def test_session_options_are_not_offered(flown: "Flown") -> None:
    assert flown.db.adbc_connection.get_option(ConnectionOptions.OPTION_SESSION_OPTIONS.value) == "{}"
    with pytest.raises(adbc_driver_manager.NotSupportedError) as error:
        flown.db.adbc_connection.set_options(**{f"{ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value}x": "1"})
    refused(error, UNIMPLEMENTED)


# Metadata ------------------------------------------------------------------------------------------


def test_metadata_get_info(flown: "Flown") -> None:
    info = flown.db.adbc_get_info()
    assert (info["vendor_name"], info["vendor_arrow_version"]) == ("Yanmen 雁门", "1.5.0")


def test_metadata_get_table_types(flown: "Flown") -> None:
    assert flown.db.adbc_get_table_types() == ["TABLE"]


def test_metadata_get_table_schema(flown: "Flown") -> None:
    schema = flown.db.adbc_get_table_schema("rates")
    assert [(field.name, field.type) for field in schema] == [
        ("town", pa.string()),
        ("year", pa.int64()),
        ("rate", pa.decimal128(18, 2)),
        ("since", pa.date32()),
        ("kept", pa.bool_()),
    ]
    assert schema.field("rate").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"DECIMAL(18,2)"
    assert flown.db.adbc_get_table_schema("rates", db_schema_filter="clinic") == schema


@pytest.mark.parametrize("name", ["nowhere", "", "rates'; DROP TABLE rates; --", "r" * 20_000, "%%%a" * 5_000])
def test_metadata_get_table_schema_not_found(flown: "Flown", name: str) -> None:
    with pytest.raises(adbc_driver_manager.ProgrammingError):
        flown.db.adbc_get_table_schema(name)


def test_a_hidden_column_is_in_no_schema(flown: "Flown") -> None:
    assert flown.db.adbc_get_table_schema("visits").names == ["id", "ward", "cost"]


def objects(flown: "Flown", **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = flown.db.adbc_get_objects(**filters).read_all().to_pylist()
    return found


def test_metadata_get_objects_catalogs(flown: "Flown") -> None:
    assert [one["catalog_name"] for one in objects(flown, depth="catalogs")] == ["test.example"]
    assert objects(flown, depth="catalogs", catalog_filter="other") == []


def test_metadata_get_objects_db_schemas(flown: "Flown") -> None:
    (catalogue,) = objects(flown, depth="db_schemas")
    assert [one["db_schema_name"] for one in catalogue["catalog_db_schemas"]] == ["clinic"]
    (catalogue,) = objects(flown, depth="db_schemas", db_schema_filter="x%")
    assert catalogue["catalog_db_schemas"] == []


@pytest.mark.parametrize(
    ("filters", "tables"),
    [
        ({}, ["rates", "visits"]),
        ({"table_name_filter": "r%"}, ["rates"]),
        ({"table_name_filter": "rate_"}, ["rates"]),
        ({"table_name_filter": "rate"}, []),
        ({"table_types_filter": ["TABLE"]}, ["rates", "visits"]),
        ({"table_types_filter": ["VIEW"]}, []),
        ({"db_schema_filter": "clinic"}, ["rates", "visits"]),
        ({"catalog_filter": "test.example"}, ["rates", "visits"]),
    ],
)
def test_metadata_get_objects_tables(flown: "Flown", filters: dict[str, Any], tables: list[str]) -> None:
    (catalogue,) = objects(flown, depth="tables", **filters)
    (schema,) = catalogue["catalog_db_schemas"]
    assert [one["table_name"] for one in schema["db_schema_tables"]] == tables


def test_metadata_get_objects_columns(flown: "Flown") -> None:
    (catalogue,) = objects(flown, depth="all", table_name_filter="rates", column_name_filter="%e%")
    (table,) = catalogue["catalog_db_schemas"][0]["db_schema_tables"]
    shown = {one["column_name"]: one["xdbc_type_name"] for one in table["table_columns"]}
    assert shown == {"year": "BIGINT", "rate": "DECIMAL(18,2)", "since": "DATE", "kept": "BOOLEAN"}


def test_metadata_get_objects_constraints(flown: "Flown") -> None:
    """A unit column is declared, a key never: there is no primary and no foreign key."""
    (catalogue,) = objects(flown, depth="all")
    for table in catalogue["catalog_db_schemas"][0]["db_schema_tables"]:
        assert not table["table_constraints"]


def test_metadata_get_objects_cancel(flown: "Flown") -> None:
    flown.db.adbc_connection.cancel()
    assert flown.db.adbc_get_table_types() == ["TABLE"]


def test_metadata_statistics_are_not_offered(flown: "Flown") -> None:
    """Counts of rows are nobody's business; the driver knows no such call of Flight SQL."""
    with pytest.raises(adbc_driver_manager.NotSupportedError):
        flown.db.adbc_connection.get_statistics(None, None, None, True)
    with pytest.raises(adbc_driver_manager.NotSupportedError):
        flown.db.adbc_connection.get_statistic_names()
