"""The ledger's schema in PostgreSQL: the numbered migrations of the file, up, and down again while nothing is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from yanmen.ledger import dialect, schema
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import SERVERS, WRITERS, ServerConnection
from yanmen.model.refusal import Fault, FaultCode

VERSION = "schema_version"
NEXT = "next"
"""What is being written is called so until it is whole."""
CLOSED = re.compile(r"[0-9]{4}(?:_[0-9]{1,2})?", re.ASCII)
REPLICAS = """
CREATE TABLE intent_replica (position BIGINT PRIMARY KEY REFERENCES intent (position), replica INTEGER NOT NULL);
CREATE FUNCTION intent_has_replica() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
INSERT INTO intent_replica VALUES (NEW.position, current_setting('yanmen.replica')::integer); RETURN NEW; END$$;
CREATE TRIGGER intent_has_replica AFTER INSERT ON intent FOR EACH ROW EXECUTE FUNCTION intent_has_replica();
"""
"""Which replica runs each question: what a dead one left open is ended by another, what a living one runs is not."""


def require_durable(connection: ServerConnection) -> None:
    """Refuse a server that loses what it said was committed."""
    for setting in ("fsync", "full_page_writes"):
        if connection.own("SELECT current_setting(%s)", (setting,)).fetchone() != ("on",):
            raise Fault(FaultCode.CONFIG, f"PostgreSQL runs with {setting} off: a ledger must survive a power cut")


def lift(connection: ServerConnection, database: Database, *, create: bool, newest: int | None = None) -> bool:
    """Bring the schema to the present version, or to `newest`, one step at a time, while no other process does.

    Returns whether there was a step to take.
    """
    steps = schema.migrations()[:newest]
    with _alone(connection, database):
        now = _version(connection, database, create=create)
        if now > len(steps):
            back = f"to go back, with it and no replica serving: yanmen node schema NODE --to {len(steps)}"
            note = f"the ledger has schema {now}, this program knows {len(steps)}: use the newer program, or {back}"
            raise Fault(FaultCode.STORAGE, note)
        for number in range(now + 1, len(steps) + 1):
            more = (REPLICAS,) if number == 1 else ()
            _step(connection, number, (*dialect.made(steps[number - 1]), *more, *dialect.views(steps[:number])))
        return now < len(steps)


def lower(database: Database, to: int) -> None:
    """Undo migrations down to the version `to`, for an older program; what was recorded in them is never undone."""
    steps = schema.migrations()
    connection = ServerConnection(database)
    try:
        with _alone(connection, database):
            now = _version(connection, database, create=False)
            if not 1 <= to <= now <= len(steps):
                raise Fault(
                    FaultCode.CONFIG, f"the ledger has schema {now}: --to takes 1 to {now}, opening it lifts it"
                )
            if connection.own("SELECT pg_try_advisory_lock(%s)", (database.key(SERVERS),)).fetchone() != (True,):
                raise Fault(FaultCode.STORAGE, "another process serves this node")
            for number in range(now, to, -1):
                _require_nothing_lost(connection, steps[number - 1], number)
            for number in range(now, to, -1):
                older = steps[: number - 1]
                _step(connection, number - 1, (*dialect.undone(steps[number - 1]), *dialect.views(older)))
    finally:
        connection.close()


def version(database: Database) -> int | None:
    """Return the version of the schema, None when there is none."""
    connection = ServerConnection(database)
    try:
        return _version(connection, database, create=False) if _is_there(connection, database) else None
    finally:
        connection.close()


def closed(database: Database) -> tuple[str, ...]:
    """Return what the schemas of closed logs are called after this one's name."""
    connection = ServerConnection(database)
    try:
        rows = connection.own(
            "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY 1", (f"{database.schema}_",)
        ).fetchall()
        names = [str(name)[len(database.schema) + 1 :] for (name,) in rows]
        return tuple(name for name in names if CLOSED.fullmatch(name))
    finally:
        connection.close()


@contextmanager
def exchange(connection: ServerConnection, database: Database, archive: Database | None) -> Iterator[Database]:
    """Give a schema to write, which takes the place of `database` in one step when the block ends.

    What is there meanwhile, which nobody writes to, becomes `archive`; without one, nothing may be there.
    """
    following = database.beside(NEXT)
    with _alone(connection, database):
        _require_free(connection, database if archive is None else archive)
        connection.own(f'DROP SCHEMA IF EXISTS "{following.schema}" CASCADE')  # of one that was cut short
        yield following
        connection.own("BEGIN")
        try:
            if archive is not None:
                connection.own(f'LOCK TABLE "{database.schema}".node IN ACCESS EXCLUSIVE MODE')
                connection.own(f'ALTER SCHEMA "{database.schema}" RENAME TO "{archive.schema}"')
            connection.own(f'ALTER SCHEMA "{following.schema}" RENAME TO "{database.schema}"')
            connection.own("COMMIT")
        except BaseException:
            if not connection.lost and connection.in_transaction:
                connection.own("ROLLBACK")
            raise


def _require_free(connection: ServerConnection, database: Database) -> None:
    if _is_there(connection, database):
        raise Fault(FaultCode.STORAGE, f"{database.schema} is there already")


@contextmanager
def _alone(connection: ServerConnection, database: Database) -> Iterator[None]:
    """Let no other replica write or migrate meanwhile."""
    connection.own("SELECT pg_advisory_lock(%s)", (database.key(WRITERS),))
    try:
        yield
    finally:
        if not connection.lost:
            connection.own("SELECT pg_advisory_unlock(%s)", (database.key(WRITERS),))


def _is_there(connection: ServerConnection, database: Database) -> bool:
    name = f'"{database.schema}"'
    return connection.own("SELECT to_regnamespace(%s) IS NOT NULL", (name,)).fetchone() == (True,)


def _version(connection: ServerConnection, database: Database, *, create: bool) -> int:
    known = _is_there(connection, database)
    if not known and not create:
        raise Fault(FaultCode.STORAGE, "there is no ledger here")
    if not known:
        connection.own(
            f'BEGIN; CREATE SCHEMA "{database.schema}"; CREATE TABLE {VERSION} (version INTEGER NOT NULL);'  # noqa: S608
            f" INSERT INTO {VERSION} VALUES (0); COMMIT"
        )
    if connection.own("SELECT to_regclass(%s) IS NULL", (VERSION,)).fetchone() == (True,):
        raise Fault(FaultCode.STORAGE, "this schema is no ledger of ours")
    return version_of(connection)


def version_of(connection: ServerConnection) -> int:
    """Return the version of the ledger's schema that `connection` looks at."""
    row = connection.own(f"SELECT version FROM {VERSION}").fetchone()  # noqa: S608 - a name of ours
    return int(str(row[0])) if row is not None else 0


def _step(connection: ServerConnection, number: int, statements: tuple[str, ...]) -> None:
    connection.own("BEGIN")
    try:
        for statement in statements:
            connection.own(statement)
        connection.own(f"UPDATE {VERSION} SET version = %s", (number,))  # noqa: S608 - a name of ours
        connection.own("COMMIT")
    except BaseException:
        if not connection.lost and connection.in_transaction:
            connection.own("ROLLBACK")
        raise


def _require_nothing_lost(connection: ServerConnection, step: str, number: int) -> None:
    """Refuse to undo a migration once something is recorded in what it made."""
    if any(connection.own(question).fetchone() is not None for question in dialect.kept(step)):
        note = f"schema {number} has been used: going back would destroy what was recorded; keep this program"
        raise Fault(FaultCode.STORAGE, note)
