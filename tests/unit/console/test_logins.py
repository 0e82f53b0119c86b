"""Attacks on accounts: guessing, finding out who has one, another's session, a damaged file, a log not kept."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from yanmen.console.door import FORM_MAX, Access, Door
from yanmen.console.logins import FAILURES_OF_ALL, FAILURES_OF_ONE, LIFE_MS, WAIT_MS, Logins
from yanmen.crypto import passwords
from yanmen.crypto.system import SystemRandomness
from yanmen.ledger import accounts
from yanmen.ledger.daybook import CONSOLE, FOLDER, Daybook
from yanmen.model.account import Account, AccountRole, AccountStatus
from yanmen.model.refusal import Fault, Refused

SITE = "http://127.0.0.1:7480"
WORD = "correct horse battery"
KEPT = passwords.kept(WORD, SystemRandomness())
ZHANG = Account("zhang", "张某", AccountRole.HOLDER, "工作证", AccountStatus.ACTIVE, KEPT)


class Clock:
    """Stands still until it is set."""

    ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a guess cost nothing here, where many are made."""
    monkeypatch.setattr(passwords, "fits", lambda password, text: password == WORD and text == KEPT)


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("the node's books")(scope, receive, send)


def browser(node: Path, clock: Clock) -> TestClient:
    made = Logins(node, clock, SystemRandomness(), Daybook(node, CONSOLE, clock))
    access = Access("ab" * 32, frozenset({"127.0.0.1:7480"}))
    return TestClient(Door(page, access, made), base_url=SITE, follow_redirects=False)


def login(who: TestClient, account: str = "zhang", password: str = WORD) -> int:
    return who.post("/login", data={"account": account, "password": password}).status_code


def test_a_password_is_kept_by_its_scrypt_and_no_other_fits() -> None:
    assert passwords.fits(WORD, KEPT)
    assert not passwords.fits(WORD + "x", KEPT)
    assert passwords.kept(WORD, SystemRandomness()) != KEPT
    assert not passwords.is_kept(WORD)
    assert not passwords.is_kept(KEPT[:-1])


@pytest.mark.usefixtures("cheap")
def test_after_a_few_wrong_guesses_even_the_right_one_waits(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    accounts.add(tmp_path, replace(ZHANG, id="li"))
    who = browser(tmp_path, clock)
    for number in range(FAILURES_OF_ONE):
        assert login(who, password=f"guess {number}") == 403
    assert login(who) == 403
    assert login(who, "li") == 303, "another account goes on"
    clock.ms += WAIT_MS + 1
    assert login(who) == 303


@pytest.mark.usefixtures("cheap")
def test_guessing_over_many_accounts_ends_too(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    who = browser(tmp_path, clock)
    for number in range(FAILURES_OF_ALL):
        assert login(who, f"a{number}") == 403
    assert login(who) == 403


def test_an_account_that_is_not_there_is_answered_like_a_wrong_password(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.add(tmp_path, ZHANG)
    tried: list[str] = []

    def fits(_: str, text: str) -> bool:
        tried.append(text)
        return False

    monkeypatch.setattr(passwords, "fits", fits)
    who = browser(tmp_path, clock)
    answers = [who.post("/login", data={"account": name, "password": "x"}) for name in ("zhang", "nobody")]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert len(tried) == 2, "and costs the same work"


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    "changed", [{"status": AccountStatus.SUSPENDED}, {"role": AccountRole.AUDITOR}, {"password": "scrypt-16-8-1"}]
)
def test_a_session_ends_when_its_account_changes(tmp_path: Path, clock: Clock, changed: dict[str, object]) -> None:
    accounts.add(tmp_path, ZHANG)
    who = browser(tmp_path, clock)
    assert login(who) == 303
    assert who.get("/bills").status_code == 200
    if "password" in changed:
        changed = {"password": passwords.kept("another password", SystemRandomness())}
    accounts.put(tmp_path, replace(ZHANG, **changed))  # type: ignore[arg-type]
    assert who.get("/bills").status_code == 401


@pytest.mark.usefixtures("cheap")
def test_a_session_is_of_one_day_and_of_one_secret(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    who, other = browser(tmp_path, clock), browser(tmp_path, clock)
    login(who)
    (name,) = who.cookies.keys()
    other.cookies.set(name, "00" * 32)
    assert other.get("/").status_code == 401
    clock.ms += LIFE_MS
    assert who.get("/").status_code == 401


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("path", ["/uses", "/uses/live", "//uses"])
def test_a_page_of_another_role_is_not_given(tmp_path: Path, clock: Clock, path: str) -> None:
    accounts.add(tmp_path, replace(ZHANG, role=AccountRole.AUDITOR))
    who = browser(tmp_path, clock)
    login(who)
    answer = who.get(SITE + path)
    assert answer.status_code in {403, 421}
    assert "books" not in answer.text


@pytest.mark.usefixtures("cheap")
def test_nobody_logs_in_from_a_page_of_another_site_or_under_another_name(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    who = browser(tmp_path, clock)
    given = {"account": "zhang", "password": WORD}
    assert who.post("/login", data=given, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert who.post("/login", data=given, headers={"Host": "evil.example"}).status_code == 421
    assert who.post("/login", content=b"a" * (FORM_MAX + 1)).status_code == 403
    assert not who.cookies


def test_a_damaged_file_of_accounts_opens_nothing(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    (tmp_path / accounts.FILE).write_bytes(b'{"accounts":[]')
    answer = browser(tmp_path, clock).get("/", params={"access": "ab" * 32})
    assert answer.status_code == 503
    assert "books" not in answer.text


@pytest.mark.usefixtures("cheap")
def test_what_cannot_be_logged_is_not_shown(tmp_path: Path, clock: Clock) -> None:
    accounts.add(tmp_path, ZHANG)
    who = browser(tmp_path, clock)
    login(who)
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
    (tmp_path / FOLDER).rmdir()
    (tmp_path / FOLDER).write_text("a file stands here")
    assert who.get("/bills").status_code == 503


def test_accounts_are_read_strictly_and_changed_one_by_one(tmp_path: Path) -> None:
    accounts.add(tmp_path, ZHANG)
    with pytest.raises(Refused):
        accounts.add(tmp_path, ZHANG)
    with pytest.raises(Refused):
        accounts.put(tmp_path, replace(ZHANG, id="li"))
    for wrong in ({"id": "Zhang Li"}, {"name": " "}, {"verified": ""}, {"password": "plain"}):
        with pytest.raises(ValueError, match="account"):
            accounts._write(tmp_path, {"x": replace(ZHANG, **wrong)})  # type: ignore[arg-type]
    assert accounts.read(tmp_path) == {"zhang": ZHANG}
    (tmp_path / accounts.FILE).write_bytes(b'{"accounts":[{}]}\n')
    with pytest.raises(Fault):
        accounts.read(tmp_path)
