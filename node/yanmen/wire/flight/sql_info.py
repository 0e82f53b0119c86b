"""What Flight SQL's GetSqlInfo and GetXdbcTypeInfo say of this node: constants, as ODBC tools ask for them."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version

from yanmen.formats.arrow_fields import Field, Kind, Value
from yanmen.wire.v1.arrow import flight_sql_pb2 as s

ARROW_FORMAT = "1.5.0"
"""Version of Arrow's columnar format that is written."""
_ITEM = Field("item", Kind.UTF8)
_INT32 = Field("item", Kind.INT32)
_ENTRIES = Field(
    "entries",
    Kind.STRUCT,
    nullable=False,
    children=(
        Field("key", Kind.INT32, nullable=False),
        Field("value", Kind.LIST, children=(_INT32,)),
    ),
)
_VALUE = Field(
    "value",
    Kind.UNION,
    nullable=False,
    children=(
        Field("string_value", Kind.UTF8),
        Field("bool_value", Kind.BOOLEAN),
        Field("bigint_value", Kind.INT64),
        Field("int32_bitmask", Kind.INT32),
        Field("string_list", Kind.LIST, children=(_ITEM,)),
        Field("int32_to_int32_list_map", Kind.MAP, children=(_ENTRIES,)),
    ),
)
INFO_FIELDS = (Field("info_name", Kind.UINT32, nullable=False), _VALUE)
_TEXT, _BOOLEAN, _NUMBER, _BITS, _LIST, _MAP = range(6)

_INFO: dict[int, tuple[int, Value]] = {
    s.FLIGHT_SQL_SERVER_NAME: (_TEXT, "Yanmen 雁门"),
    s.FLIGHT_SQL_SERVER_VERSION: (_TEXT, version("yanmen")),
    s.FLIGHT_SQL_SERVER_ARROW_VERSION: (_TEXT, ARROW_FORMAT),
    s.FLIGHT_SQL_SERVER_READ_ONLY: (_BOOLEAN, True),
    s.FLIGHT_SQL_SERVER_SQL: (_BOOLEAN, True),
    s.FLIGHT_SQL_SERVER_SUBSTRAIT: (_BOOLEAN, False),
    s.FLIGHT_SQL_SERVER_TRANSACTION: (_BITS, s.SQL_SUPPORTED_TRANSACTION_NONE),
    s.FLIGHT_SQL_SERVER_CANCEL: (_BOOLEAN, True),
    s.FLIGHT_SQL_SERVER_BULK_INGESTION: (_BOOLEAN, False),
    s.FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED: (_BOOLEAN, False),
    s.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT: (_BITS, 0),
    s.FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT: (_BITS, 0),
    s.SQL_DDL_CATALOG: (_BOOLEAN, False),
    s.SQL_DDL_SCHEMA: (_BOOLEAN, False),
    s.SQL_DDL_TABLE: (_BOOLEAN, False),
    s.SQL_IDENTIFIER_CASE: (_BITS, s.SQL_CASE_SENSITIVITY_CASE_INSENSITIVE),
    s.SQL_IDENTIFIER_QUOTE_CHAR: (_TEXT, '"'),
    s.SQL_QUOTED_IDENTIFIER_CASE: (_BITS, s.SQL_CASE_SENSITIVITY_CASE_INSENSITIVE),
    s.SQL_ALL_TABLES_ARE_SELECTABLE: (_BOOLEAN, False),
    s.SQL_NULL_ORDERING: (_BITS, s.SQL_NULLS_SORTED_AT_END),
    s.SQL_SUPPORTS_COLUMN_ALIASING: (_BOOLEAN, True),
    s.SQL_NULL_PLUS_NULL_IS_NULL: (_BOOLEAN, True),
    s.SQL_SUPPORTS_TABLE_CORRELATION_NAMES: (_BOOLEAN, True),
    s.SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES: (_BOOLEAN, False),
    s.SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY: (_BOOLEAN, True),
    s.SQL_SCHEMA_TERM: (_TEXT, "node"),
    s.SQL_CATALOG_TERM: (_TEXT, "space"),
    s.SQL_SELECT_FOR_UPDATE_SUPPORTED: (_BOOLEAN, False),
    s.SQL_STORED_PROCEDURES_SUPPORTED: (_BOOLEAN, False),
    s.SQL_TRANSACTIONS_SUPPORTED: (_BOOLEAN, False),
    s.SQL_BATCH_UPDATES_SUPPORTED: (_BOOLEAN, False),
    s.SQL_SAVEPOINTS_SUPPORTED: (_BOOLEAN, False),
    s.SQL_NAMED_PARAMETERS_SUPPORTED: (_BOOLEAN, False),
    s.SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED: (_BOOLEAN, False),
}


def information(wanted: Iterable[int]) -> list[list[Value]]:
    """Return what is known of the numbers `wanted`, all when none is named; of others nothing is said."""
    numbers = list(wanted) or sorted(_INFO)
    return [[number, _INFO[number]] for number in numbers if number in _INFO]


TYPE_FIELDS = (
    Field("type_name", Kind.UTF8, nullable=False),
    Field("data_type", Kind.INT32, nullable=False),
    Field("column_size", Kind.INT32),
    Field("literal_prefix", Kind.UTF8),
    Field("literal_suffix", Kind.UTF8),
    Field("create_params", Kind.LIST, children=(Field("item", Kind.UTF8, nullable=False),)),
    Field("nullable", Kind.INT32, nullable=False),
    Field("case_sensitive", Kind.BOOLEAN, nullable=False),
    Field("searchable", Kind.INT32, nullable=False),
    Field("unsigned_attribute", Kind.BOOLEAN),
    Field("fixed_prec_scale", Kind.BOOLEAN, nullable=False),
    Field("auto_increment", Kind.BOOLEAN),
    Field("local_type_name", Kind.UTF8),
    Field("minimum_scale", Kind.INT32),
    Field("maximum_scale", Kind.INT32),
    Field("sql_data_type", Kind.INT32, nullable=False),
    Field("datetime_subcode", Kind.INT32),
    Field("num_prec_radix", Kind.INT32),
    Field("interval_precision", Kind.INT32),
)


def type_information(wanted: int | None) -> list[list[Value]]:
    """Return the five types a column may have, or the one of the number `wanted`."""
    return [_row(one) for one in _TYPES if wanted is None or one[1] == wanted]


_Type = tuple[str, int, int | None, str | None, str | None, Sequence[str]]
_TYPES: tuple[_Type, ...] = (
    ("BOOLEAN", s.XDBC_BIT, 1, None, None, ()),
    ("BIGINT", s.XDBC_BIGINT, 19, None, None, ()),
    ("DECIMAL", s.XDBC_DECIMAL, 18, None, None, ("precision", "scale")),
    ("VARCHAR", s.XDBC_VARCHAR, None, "'", "'", ()),
    ("DATE", s.XDBC_DATE, 10, "DATE '", "'", ()),
)


def _row(one: _Type) -> list[Value]:
    name, number, size, prefix, suffix, parameters = one
    numeric = name in {"BIGINT", "DECIMAL"}
    scale = 18 if name == "DECIMAL" else 0
    row: list[Value] = [name, number, size, prefix, suffix, [*parameters], s.NULLABILITY_NULLABLE, name == "VARCHAR"]
    row += [s.SEARCHABLE_FULL, False if numeric else None, False, False if numeric else None, name]
    row += [0 if numeric else None, scale if numeric else None, s.XDBC_DATETIME if name == "DATE" else number]
    return [*row, s.XDBC_SUBCODE_DATE if name == "DATE" else None, 10 if numeric else None, None]
