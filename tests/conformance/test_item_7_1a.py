"""7.1a 用户身份管理 (用户、登录、身份信息): persons have accounts, verified names and roles, log in."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from yanmen.console import application, assets
from yanmen.console.books import Books
from yanmen.console.door import Access
from yanmen.console.logins import Logins
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.ledger import daybook
from yanmen.ledger.daybook import CONSOLE, Daybook

from tests.conformance.department import Department
from tests.system.town import done, run

SITE = "https://console.example"
WORD = "correct horse battery"


@pytest.fixture
def word(department: Department) -> Path:
    path = department.write("word.txt", WORD + "\n")
    path.chmod(0o600)
    return path


def console(department: Department) -> TestClient:
    """Return a browser at the console of the running node."""
    books = Books(department.node, SystemClock())
    access = Access("e2" * 32, frozenset({"console.example"}), frozenset({"console.example"}))
    book = Daybook(department.node, CONSOLE, books.clock)
    logins = Logins(books.folder, books.clock, SystemRandomness(), book)
    files = dict.fromkeys((*assets.OURS, *assets.VENDORED), b"")
    return TestClient(application.build(books, access, files, logins), base_url=SITE, follow_redirects=False)


def login(browser: TestClient, account: str, password: str = WORD) -> int:
    return browser.post("/login", data={"account": account, "password": password}).status_code


def test_a_person_from_registration_to_removal(department: Department, word: Path) -> None:
    """注册、实名、登录、停用、注销."""
    who = ("--name", "张某", "--verified", "工作证第17号，窗口核验", "--password-file", word)
    made = done("account", "add", department.node, "zhang", "--role", "auditor", *who)
    assert made["role"] == "auditor"
    (listed,) = done("account", "list", department.node)["accounts"]
    assert (listed["name"], listed["verified"], listed["status"]) == ("张某", "工作证第17号，窗口核验", "active")
    stored = department.node / "accounts.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert WORD not in stored.read_text("utf-8")

    browser = console(department)
    assert browser.get("/receipts").status_code == 401, "nothing without a login"
    assert browser.get("/", params={"access": "e2" * 32}).status_code == 401, "the link alone opens nothing any more"
    assert login(browser, "zhang", "wrong horse battery") == 403
    assert login(browser, "zhang") == 303
    assert browser.get("/receipts").status_code == 200
    assert browser.get("/uses").status_code == 403, "not of an auditor's role"

    done("account", "suspend", department.node, "zhang")
    assert browser.get("/receipts").status_code == 401, "a session ends with its account"
    assert login(browser, "zhang") == 403
    done("account", "resume", department.node, "zhang")
    assert login(browser, "zhang") == 303
    done("account", "remove", department.node, "zhang")
    assert browser.get("/receipts").status_code == 401
    assert run("account", "remove", department.node, "zhang")[0] == 1


def test_who_logged_in_and_what_was_looked_at_is_logged(department: Department, word: Path) -> None:
    who = ("--name", "李某", "--verified", "工作证第18号", "--password-file", word)
    done("account", "add", department.node, "li", "--role", "officer", *who)
    browser = console(department)
    login(browser, "li", "guess after guess")
    login(browser, "li")
    browser.get("/contracts")
    browser.get("/bills")
    browser.post("/logout")
    assert browser.get("/contracts").status_code == 401
    done("account", "remove", department.node, "li")
    lines = [
        json.loads(line)
        for path in sorted((department.node / daybook.FOLDER).glob("console-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    seen = [(each["event"], each.get("path", "")) for each in lines if each["account"] == "li"]
    assert seen == [("refused", ""), ("login", ""), ("page", "/contracts"), ("denied", "/bills"), ("logout", "")]
    typed = (department.node / daybook.FOLDER).glob("commands-*.jsonl")
    changes = [
        json.loads(line) for path in typed for line in path.read_bytes().splitlines() if b'"about": "li"' in line
    ]
    assert [each["command"] for each in changes] == ["account add", "account remove"]
    assert done("check", "node", department.node)["logs"]["console"]["lines"] >= len(seen)
