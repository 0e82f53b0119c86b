"""DuckDB as the jobs use it: fixed settings, then locked; the settings are no boundary, the jail is."""

from _duckdb import DuckDBPyConnection, connect

from yanmen_sandbox.request import Limits

# GLOBAL where a connection would else keep it for itself: each question of a session has its own.
SETTINGS = (
    # A zero divisor gives NULL and never an error: an error would be an answer about a row.
    "SET GLOBAL error_on_division_by_zero = false",
    # Nothing is fetched, found or remembered outside the request.
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET secret_directory = '/nonexistent'",
    "SET GLOBAL home_directory = '/nonexistent'",
    "SET temp_directory = ''",
    "SET enable_external_file_cache = false",
    "SET GLOBAL python_enable_replacements = false",
    # Nothing is written to descriptor 1.
    "SET enable_progress_bar = false",
    # The same question means the same everywhere.
    "SET default_null_order = 'NULLS_LAST'",
    "SET default_order = 'ASCENDING'",
    "SET default_collation = ''",
    "SET integer_division = false",
    "SET ieee_floating_point_ops = true",
    "SET GLOBAL TimeZone = 'UTC'",
    # The snapshot is written by the commit itself: a write-ahead log would need a second file.
    "SET wal_autocheckpoint = '0B'",
    "SET auto_checkpoint_skip_wal_threshold = 0",
)

NO_ACCESS = "SET enable_external_access = false"
NO_FILES = "SET disabled_filesystems = 'LocalFileSystem'"
NO_CHANGE = "SET lock_configuration = true"
LOCK = (NO_ACCESS, NO_FILES, NO_CHANGE)
"""In this order: DuckDB refuses to disable the file system while external access is on."""

WARM_UP = "SELECT 1, 1.5::DECIMAL(18,2), DATE '2000-01-01', true, 'x', 1::HUGEINT, 1.5::DOUBLE, json('1')"
"""Makes Python load every module the conversion of results needs, while files can still be opened."""


def open_engine() -> DuckDBPyConnection:
    """Open an empty in-memory engine with the fixed settings; it has no thread of its own and can be forked."""
    connection = connect(":memory:", config={"threads": 1, "async_threads": 0})
    for statement in SETTINGS:
        connection.execute(statement)
    connection.execute(WARM_UP).fetchall()
    return connection


def hold_memory(connection: DuckDBPyConnection, limits: Limits) -> None:
    """Set the engine's own limit of memory."""
    connection.execute(f"SET memory_limit = '{limits.memory // 1024}KiB'")


def start_threads(connection: DuckDBPyConnection, limits: Limits) -> None:
    """Start the worker threads; they inherit the Landlock domain of the calling thread."""
    connection.execute(f"SET threads = {limits.threads:d}")


def lock(connection: DuckDBPyConnection, limits: Limits, scratch: int | None = None) -> None:
    """Refuse extensions, any further change of settings, and files but for those in the `scratch` folder."""
    connection.execute(f"SET max_execution_time = {limits.wall_ms:d}")
    if scratch is None:
        statements: tuple[str, ...] = LOCK
    else:
        room = f"SET max_temp_directory_size = '{limits.file // 1024}KiB'"
        statements = (f"SET temp_directory = '/proc/self/fd/{scratch:d}'", room, NO_ACCESS, NO_CHANGE)
    for statement in statements:
        connection.execute(statement)


def attach_snapshot(connection: DuckDBPyConnection, schema: str, fd: int) -> None:
    """Attach the sealed memory file `fd` read-only as database `schema`."""
    connection.execute(f"ATTACH '/proc/self/fd/{fd:d}' AS {identifier(schema)} (READ_ONLY)")
    found = "SELECT count(*) FROM duckdb_columns() WHERE database_name = ? AND data_type LIKE 'DECIMAL(18,%'"
    if connection.execute(found, [schema]).fetchall() != [(0,)]:
        # As snapshots held decimals before they held integers in units of 10^-scale: what is emitted takes them so.
        raise ValueError("snapshot")


def identifier(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"
