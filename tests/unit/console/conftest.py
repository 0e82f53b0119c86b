"""A played node's folder, and a reader who may look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from yanmen.console import application, assets
from yanmen.console.books import Books
from yanmen.console.door import Access, Door
from yanmen.model.refusal import Fault

from tests.unit.console.played import play
from tests.unit.ledger.scene import Clockwork, Scene

TOKEN = "e2" * 32
SITE = "http://127.0.0.1:7480"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a played scene; its folder has no key."""
    return play(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def folder(scene: Scene) -> Path:
    """Return the folder of the played node."""
    return scene.path.parent


@pytest.fixture(scope="module")
def access() -> Access:
    """Return who may look."""
    return Access(
        TOKEN, frozenset({"127.0.0.1:7480", "localhost:7480", "console.example"}), frozenset({"console.example"})
    )


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Return what pages load; a checkout without the vendored scripts tests pages all the same."""
    try:
        return dict(assets.load())
    except Fault:
        return dict.fromkeys((*assets.OURS, *assets.VENDORED), b"")


@pytest.fixture(scope="module")
def console(scene: Scene, folder: Path, access: Access, files: dict[str, bytes]) -> Door:
    """Return the console over the played folder."""
    return application.build(Books(folder, Clockwork(scene.clock.ms)), access, files)


@pytest.fixture(scope="module")
def stranger(console: Door) -> TestClient:
    """Return a client without the token."""
    return TestClient(console, base_url=SITE, follow_redirects=False)


@pytest.fixture
def reader(console: Door) -> Iterator[TestClient]:
    """Give a client that came in by the link; it asks for English."""
    client = TestClient(console, base_url=SITE, headers={"Accept-Language": "en"})
    client.get("/", params={"access": TOKEN})
    yield client
    client.close()
