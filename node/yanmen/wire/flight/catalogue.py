"""Flight SQL's lists: catalogues, schemas, tables and their columns, types, and keys of which there are none.

The space is the catalogue, the node the schema, a dataset the table: so its SQL name is `alias.dataset`, or shorter
`dataset`. What is listed is what the catalogue shows every member, and never a row or a count.
"""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from yanmen.formats import arrow_write
from yanmen.formats.arrow_fields import Field, Kind, Value
from yanmen.model.catalogue import Column, ColumnType, Version
from yanmen.model.stages import Names
from yanmen.wire.flight.patterns import like
from yanmen.wire.flight.sql_info import INFO_FIELDS, TYPE_FIELDS, information, type_information
from yanmen.wire.flight.streams import Stream, stream
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

TABLE = "TABLE"
"""The one table type."""
Rows = Sequence[Sequence[Value]]

_CATALOG, _SCHEMA = Field("catalog_name", Kind.UTF8), Field("db_schema_name", Kind.UTF8)
_CATALOGS = (Field("catalog_name", Kind.UTF8, nullable=False),)
_SCHEMAS = (_CATALOG, Field("db_schema_name", Kind.UTF8, nullable=False))
_TABLES = (
    _CATALOG,
    _SCHEMA,
    Field("table_name", Kind.UTF8, nullable=False),
    Field("table_type", Kind.UTF8, nullable=False),
)
_TABLES_WITH_SCHEMA = (*_TABLES, Field("table_schema", Kind.BINARY, nullable=False))
_TYPES = (Field("table_type", Kind.UTF8, nullable=False),)
_PRIMARY = (
    _CATALOG,
    _SCHEMA,
    Field("table_name", Kind.UTF8, nullable=False),
    Field("column_name", Kind.UTF8, nullable=False),
    Field("key_name", Kind.UTF8),
    Field("key_sequence", Kind.INT32, nullable=False),
)
_FOREIGN = (
    *(
        Field(f"{side}_{name}", Kind.UTF8, nullable=nullable)
        for side in ("pk", "fk")
        for name, nullable in (
            ("catalog_name", True),
            ("db_schema_name", True),
            ("table_name", False),
            ("column_name", False),
        )
    ),
    Field("key_sequence", Kind.INT32, nullable=False),
    Field("fk_key_name", Kind.UTF8),
    Field("pk_key_name", Kind.UTF8),
    Field("update_rule", Kind.UINT8, nullable=False),
    Field("delete_rule", Kind.UINT8, nullable=False),
)
_KINDS = {
    ColumnType.INTEGER: (Kind.INT64, "BIGINT"),
    ColumnType.DECIMAL: (Kind.DECIMAL, "DECIMAL"),
    ColumnType.TEXT: (Kind.UTF8, "VARCHAR"),
    ColumnType.BOOLEAN: (Kind.BOOLEAN, "BOOLEAN"),
    ColumnType.DATE: (Kind.DATE, "DATE"),
}
DECIMAL_DIGITS = 18
"""Of decimals, as the catalogue shows them: DECIMAL(18, scale)."""


def fields(command: Message) -> tuple[Field, ...]:
    """Return the columns of the list that `command` asks for."""
    match command:
        case s.CommandGetTables():
            return _TABLES_WITH_SCHEMA if command.include_schema else _TABLES
        case s.CommandGetCatalogs():
            return _CATALOGS
        case s.CommandGetDbSchemas():
            return _SCHEMAS
        case s.CommandGetTableTypes():
            return _TYPES
        case s.CommandGetSqlInfo():
            return INFO_FIELDS
        case s.CommandGetXdbcTypeInfo():
            return TYPE_FIELDS
        case s.CommandGetPrimaryKeys():
            return _PRIMARY
        case _:
            return _FOREIGN


def listed(command: Message, names: Names, versions: Sequence[Version]) -> Stream:
    """Return the list that `command` asks for."""
    columns = fields(command)
    rows = _rows(command, names, versions)
    return stream(columns, [[row[place] for row in rows] for place in range(len(columns))])


def _rows(command: Message, names: Names, versions: Sequence[Version]) -> Rows:
    match command:
        case s.CommandGetCatalogs():
            return [[names.catalogue]]
        case s.CommandGetDbSchemas():
            return [[names.catalogue, names.schema]] if _here(command, names) else []
        case s.CommandGetTables():
            return _tables(command, names, versions) if _here(command, names) else []
        case s.CommandGetTableTypes():
            return [[TABLE]]
        case s.CommandGetSqlInfo():
            return information(command.info)
        case s.CommandGetXdbcTypeInfo():
            return type_information(command.data_type if command.HasField("data_type") else None)
        case _:
            return []  # a unit column is declared, a key never


def _here(command: s.CommandGetDbSchemas | s.CommandGetTables, names: Names) -> bool:
    """Say whether the filters on catalogue and schema let this node's through; an empty one asks for none at all."""
    if command.HasField("catalog") and command.catalog != names.catalogue:
        return False
    return not command.HasField("db_schema_filter_pattern") or like(command.db_schema_filter_pattern, names.schema)


def _tables(command: s.CommandGetTables, names: Names, versions: Sequence[Version]) -> Rows:
    if command.table_types and TABLE not in command.table_types:
        return []
    pattern = command.table_name_filter_pattern if command.HasField("table_name_filter_pattern") else "%"
    rows: list[list[Value]] = []
    for version in sorted(versions, key=lambda one: one.dataset.name):
        if like(pattern, version.dataset.name):
            row: list[Value] = [names.catalogue, names.schema, version.dataset.name, TABLE]
            rows.append([*row, _table_schema(names, version)] if command.include_schema else row)
    return rows


def _table_schema(names: Names, version: Version) -> bytes:
    dataset = version.dataset
    said = [("yanmen.title_zh", dataset.title_zh), ("yanmen.title_en", dataset.title_en)]
    said += [("yanmen.class", dataset.cls.value), ("yanmen.version", version.version)]
    columns = [_column(names, dataset.name, column) for column in dataset.visible()]
    return arrow_write.encapsulated(arrow_write.schema(columns, said))


def _column(names: Names, table: str, column: Column) -> Field:
    kind, named = _KINDS[column.type]
    decimal = column.type is ColumnType.DECIMAL
    said: dict[str, Any] = {
        "CATALOG_NAME": names.catalogue,
        "SCHEMA_NAME": names.schema,
        "TABLE_NAME": table,
        "TYPE_NAME": f"{named}({DECIMAL_DIGITS},{column.scale})" if decimal else named,
        "IS_AUTO_INCREMENT": 0,
        "IS_CASE_SENSITIVE": 1 if column.type is ColumnType.TEXT else 0,
        "IS_READ_ONLY": 1,
        "IS_SEARCHABLE": 1,
        "REMARKS": f"{column.role.value}; {column.title_en} {column.title_zh}".rstrip("; "),
    }
    said |= {"PRECISION": DECIMAL_DIGITS, "SCALE": column.scale} if decimal else {}
    metadata = tuple((f"ARROW:FLIGHT:SQL:{name}", str(value)) for name, value in said.items())
    digits, scale = (DECIMAL_DIGITS, column.scale) if decimal else (0, 0)
    return Field(column.name, kind, digits=digits, scale=scale, metadata=metadata)
