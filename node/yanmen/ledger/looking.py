"""A ledger in a database as somebody may look at it who must change nothing and must not see everything.

The server holds the looker's role to what `read_only` lists; here it is made sure that it does, before anything is
read: a connection whose role could write, or see more, is not used.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg import sql

from yanmen.ledger import postgresql_schema, schema
from yanmen.ledger.connection import Connection
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection, reading
from yanmen.ledger.read_only import COLUMNS, READABLE
from yanmen.model.refusal import Fault, FaultCode

TABLES = READABLE | {postgresql_schema.VERSION}
LOOKING = {"default_transaction_read_only": "on", "statement_timeout": "30s"}
_TOO_MUCH = """
SELECT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
OR has_schema_privilege(%(schema)s, 'CREATE')
OR pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = %(schema)s), 'MEMBER')
OR EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%(quoted)s) AND relkind IN ('r', 'v', 'p')
  AND (has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
    OR has_any_column_privilege(oid, 'INSERT, UPDATE, REFERENCES')
    OR (has_table_privilege(oid, 'SELECT') AND NOT relname = ANY (%(tables)s))))
OR EXISTS (SELECT 1 FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = to_regnamespace(%(quoted)s) AND relkind IN ('r', 'v', 'p') AND attnum > 0 AND NOT attisdropped
  AND NOT relname = ANY (%(tables)s) AND NOT relname || '.' || attname = ANY (%(columns)s)
  AND has_column_privilege(attrelid, attnum, 'SELECT'))
"""
_LOOKERS = """
SELECT DISTINCT pg_get_userbyid(grantee)::text FROM pg_namespace, aclexplode(nspacl)
WHERE nspname = %s AND privilege_type = 'USAGE' AND grantee NOT IN (0, nspowner) ORDER BY 1
"""


class LookedAt:
    """A ledger that others keep in a database; nothing is held open between two looks."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        """Name the database, with the connection of a role that may only look."""
        self._database = database

    @contextmanager
    def view(self) -> Iterator[Connection]:
        """Give one consistent view."""
        with closing(ServerConnection(self._database, LOOKING)) as connection:
            _require_harmless(connection, self._database)
            with reading(connection) as db:
                version, known = postgresql_schema.version_of(db), len(schema.migrations())
                if version != known:
                    note = f"the ledger has schema {version}, this program reads {known}: run the node's own version"
                    raise Fault(FaultCode.STORAGE, note)
                yield db


def _require_harmless(connection: ServerConnection, database: Database) -> None:
    if connection.own("SELECT to_regnamespace(%s) IS NULL", (f'"{database.schema}"',)).fetchone() == (True,):
        raise Fault(FaultCode.STORAGE, "there is no ledger here")
    if connection.own("SELECT has_schema_privilege(%s, 'USAGE')", (database.schema,)).fetchone() != (True,):
        raise Fault(FaultCode.CONFIG, "this role may not look at the ledger: yanmen node looker（该角色未获只读授权）")
    found = connection.own(
        _TOO_MUCH,
        {
            "schema": database.schema,
            "quoted": f'"{database.schema}"',
            "tables": sorted(TABLES),
            "columns": sorted(f"{table}.{column}" for table, columns in COLUMNS.items() for column in columns),
        },
    ).fetchone()
    if found != (False,):
        note = "this role could write to the ledger, or see more than a console shows: give it one that may only look"
        raise Fault(FaultCode.CONFIG, f"{note} (yanmen node looker)（须使用只读角色）")


def allow(database: Database, role: str) -> None:
    """Let `role`, which the server knows, look at the ledger, and at no more than is listed."""
    with closing(ServerConnection(database)) as connection:
        if connection.own("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
            raise Fault(FaultCode.CONFIG, f"the server knows no role {role}: CREATE ROLE first（服务器上没有该角色）")
        grant(connection, database, role)


def grant(connection: ServerConnection, database: Database, role: str) -> None:
    """Grant what a looker has."""
    place, who = sql.Identifier(database.schema), sql.Identifier(role)
    steps = [sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(place, who)]
    whole = sql.SQL("GRANT SELECT ON {}.{} TO {}")
    steps += [whole.format(place, sql.Identifier(table), who) for table in sorted(TABLES)]
    for table, columns in COLUMNS.items():
        listed = sql.SQL(", ").join(map(sql.Identifier, sorted(columns)))
        steps.append(sql.SQL("GRANT SELECT ({}) ON {}.{} TO {}").format(listed, place, sql.Identifier(table), who))
    connection.own(sql.SQL("; ").join(steps))


def lookers(connection: ServerConnection, database: Database) -> tuple[str, ...]:
    """Return the roles that may look at the ledger in `database`."""
    return tuple(str(role) for (role,) in connection.own(_LOOKERS, (database.schema,)).fetchall())
