"""The console in a real browser over PostgreSQL and over an audit bundle: nothing asked elsewhere, nothing violated."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from yanmen.cli.main import main
from yanmen.console import assets
from yanmen.ledger.place import Database
from yanmen.model.refusal import Fault

from tests.postgresql_server import served
from tests.system.test_console import PLACES, SHOTS, browser, entered
from tests.system_packages import need
from tests.unit.console.played import play
from tests.unit.ledger.scene import papers

__all__ = ["browser"]
MORE = {"dataset": "/catalogue/persons", "receipt": "/receipts/7", "verification": "/receipts/7/verification"}


@pytest.fixture(autouse=True, scope="module")
def _needed() -> None:
    need("chromium")
    try:
        assets.load()
    except Fault as fault:
        if os.environ.get("SANDBOX_MUST_WORK") == "1":
            pytest.fail(str(fault))
        pytest.skip(str(fault))


@contextmanager
def console(folder: Path, *words: str) -> Iterator[str]:
    """Start the console as a person does and give the link it prints."""
    command = [sys.executable, "-m", "yanmen.cli.main", "console", str(folder), "--address", "127.0.0.1:0", "--json"]
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["open"]
        finally:
            process.terminate()


def seen(browser: Browser, link: str, kind: str) -> None:
    """Go through every page and hold each to what every page is held to."""
    SHOTS.mkdir(exist_ok=True)
    context, reader = entered(browser, link, locale="en-GB", color_scheme="light", reduced_motion="reduce")
    for name, path in {**PLACES, **MORE}.items():
        page = reader.open(path)
        expect(page.locator("h1")).to_have_count(1)
        expect(page.locator("table:not(:has(caption))")).to_have_count(0)
        page.screenshot(path=SHOTS / f"{kind}-{name}.png", full_page=True)
    context.close()
    assert reader.wrong == []


def test_a_ledger_in_postgresql(browser: Browser, tmp_path: Path) -> None:
    with served({"fsync": "on"}) as server:
        server.run("CREATE ROLE looker LOGIN PASSWORD 'l'")
        owner = Database(server.connection(), "played")
        play(tmp_path, owner)
        for name, connection in (("ledger", owner.connection), ("looker", server.connection("looker", "l"))):
            (tmp_path / f"{name}.conn").write_text(connection)
            (tmp_path / f"{name}.conn").chmod(0o600)
        assert main(["node", "looker", str(tmp_path), "--role", "looker"]) == 0
        with console(tmp_path, "--ledger", str(tmp_path / "looker.conn")) as link:
            seen(browser, link, "postgresql")


def test_an_audit_bundle(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    with play(tmp_path / "node").open(create=False) as ledger:
        ledger.export(tmp_path / "bundle", papers())
    (tmp_path / "log").mkdir()
    (tmp_path / "space.vkey").write_text(papers().vkey + "\n")
    before = sorted(path.name for path in (tmp_path / "bundle").iterdir())
    words = ("--log", str(tmp_path / "log"), "--space-key", str(tmp_path / "space.vkey"))
    with console(tmp_path / "bundle", *words) as link:
        seen(browser, link, "bundle")
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == before, "nothing is written into it"
