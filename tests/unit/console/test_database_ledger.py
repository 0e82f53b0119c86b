"""A console over a ledger in a real PostgreSQL server: the same pages, by a role that may only look."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient
from yanmen.cli.main import main
from yanmen.console import application
from yanmen.console.books import Books
from yanmen.console.door import Access
from yanmen.ledger import opening, postgresql_schema
from yanmen.ledger.looking import LookedAt
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection
from yanmen.ledger.showing import contracts_standing
from yanmen.model.refusal import Fault, FaultCode

from tests.postgresql_server import PostgresqlServer, served
from tests.unit.console.conftest import SITE, TOKEN
from tests.unit.console.played import FIGURE, HIDDEN, SESSION, play
from tests.unit.console.test_pages import PATHS
from tests.unit.ledger.scene import Clockwork, Scene
from tests.unit.ledger.test_succession import year_step

LOOKER, PASSWORD = "looker", "a looker's password"
ESCAPED = PASSWORD.replace("'", "\\'")


@dataclass(frozen=True)
class Place:
    """A played node, its database as its owner and as a looker reach it, and the looker's file."""

    scene: Scene
    folder: Path
    owner: Database
    looker: Database
    file: Path


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served({"fsync": "on"}) as server:
        server.run(f"CREATE ROLE {LOOKER} LOGIN PASSWORD '{PASSWORD.replace(chr(39), 2 * chr(39))}'")
        yield server


@pytest.fixture(scope="module")
def kept(server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("node")
    owner = Database(server.connection(), "played")
    scene = play(folder, owner)
    looker = Database(server.connection(LOOKER, ESCAPED), "played")
    for name, database in (("ledger.conn", owner), ("looker.conn", looker)):
        (folder / name).write_text(database.connection)
        (folder / name).chmod(0o600)
    assert main(["node", "looker", str(folder), "--role", LOOKER]) == 0
    return Place(scene, folder, owner, looker, folder / "looker.conn")


@pytest.fixture(scope="module")
def here(kept: Place, access: Access, files: dict[str, bytes]) -> Iterator[TestClient]:
    books = Books(kept.folder, Clockwork(kept.scene.clock.ms), looker=kept.file)
    door = application.build(books, access, files)
    with closing(TestClient(door, base_url=SITE, headers={"Accept-Language": "en"})) as client:
        client.get("/", params={"access": TOKEN})
        yield client


def test_every_page_is_there_and_none_says_more(here: TestClient, kept: Place) -> None:
    with LookedAt(kept.looker).view() as db:
        ids = [each.id for each in contracts_standing(db)]
    paths = [*PATHS, "/uses/live", "/catalogue/persons", *(f"/contracts/{each}" for each in ids)]
    paths += [f"/receipts/{index}{rest}" for index in range(0, 30, 7) for rest in ("", "/verification")]
    for path in paths:
        page = here.get(path)
        assert page.status_code == 200, path
        assert not any(secret in page.text for secret in (str(FIGURE), f"{FIGURE:,}", SESSION, HIDDEN))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT released FROM answer",
        "SELECT job_id FROM intent",
        "SELECT * FROM job",
        "SELECT jti FROM request_seen",
        "UPDATE contract SET status = 'active'",
        "DELETE FROM leaf",
        "CREATE TABLE mine (a INTEGER)",
    ],
)
def test_the_server_refuses_the_role_all_else(kept: Place, statement: str) -> None:
    with (
        psycopg.connect(kept.looker.connection, options="-c search_path=played") as link,
        pytest.raises(psycopg.Error),
    ):
        link.execute(statement)


def test_a_page_is_read_only_whatever_the_role_may(kept: Place) -> None:
    with LookedAt(kept.looker).view() as db, pytest.raises(Fault, match=r"25006|42501"):
        db.execute("UPDATE contract SET status = 'active'")


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT INSERT ON played.leaf TO looker",
        "GRANT UPDATE (status) ON played.contract TO looker",
        "GRANT SELECT ON played.answer TO looker",
        "GRANT SELECT (job_id) ON played.intent TO looker",
        "GRANT CREATE ON SCHEMA played TO looker",
        "GRANT owner TO looker",
    ],
)
def test_a_role_that_may_more_is_not_used(kept: Place, server: PostgresqlServer, grant: str) -> None:
    looked = LookedAt(kept.looker)
    server.run(grant)
    try:
        with pytest.raises(Fault, match="see more than a console shows") as fault, looked.view():
            pass
        assert fault.value.code is FaultCode.CONFIG
    finally:
        server.run(grant.replace("GRANT", "REVOKE", 1).replace(" TO ", " FROM "))
    with looked.view():
        pass


def test_the_owner_s_connection_and_a_stranger_s_show_nothing(kept: Place, server: PostgresqlServer) -> None:
    with pytest.raises(Fault, match="only look"), LookedAt(kept.owner).view():
        pass
    server.run("CREATE ROLE stranger LOGIN PASSWORD 's'")
    stranger = Database(server.connection("stranger", "s"), "played")
    with pytest.raises(Fault, match="may not look"), LookedAt(stranger).view():
        pass
    with pytest.raises(Fault, match="knows no role"):
        opening.allow_looking(kept.owner, "nobody_here")
    with pytest.raises(Fault, match="--ledger"):
        Books(kept.folder, Clockwork(kept.scene.clock.ms))


def test_who_may_look_may_look_at_what_follows(server: PostgresqlServer, tmp_path: Path) -> None:
    """After migrations, and at the log of a new year, without anybody's doing."""
    owner, looker = (
        Database(server.connection(*who), "follows") for who in ((), (LOOKER, PASSWORD.replace("'", "\\'")))
    )
    scene = Scene(tmp_path / "none", elsewhere=owner)
    with scene.open():
        opening.allow_looking(owner, LOOKER)
    newest = opening.lowered(owner, None)
    opening.lowered(owner, newest - 3)
    with pytest.raises(Fault), LookedAt(looker).view():
        pass
    with scene.open() as ledger:
        with LookedAt(looker).view() as db:
            contracts_standing(db)
        ledger.serve_alone()
        ledger.follow(year_step(ledger))
    with LookedAt(looker).view() as db:
        assert db.execute("SELECT origin FROM node").fetchone()[0].endswith("/2027")
    with closing(ServerConnection(owner)) as connection:
        assert postgresql_schema.closed(owner) == ("2026",)
        assert connection.own("SELECT has_schema_privilege('looker', 'follows_2026', 'CREATE')").fetchone() == (False,)
