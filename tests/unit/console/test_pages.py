"""What the pages show, in both languages, and what is on none of them."""

import re
import sqlite3

import pytest
from starlette.testclient import TestClient
from yanmen.console.application import KINDS, NAVIGATION
from yanmen.ledger.read_only import ReadOnly
from yanmen.ledger.showing import contracts_standing

from tests.unit.console.played import FIGURE, HIDDEN, HOSTILE, SESSION
from tests.unit.ledger.scene import Scene

PATHS = [entry for entry, _, _ in NAVIGATION]


def every_page(scene: Scene) -> list[str]:
    """Return the path of every page there is for this node."""
    with ReadOnly(scene.path).view() as db:
        ids = [each.id for each in contracts_standing(db)]
        (size,) = db.execute("SELECT count(*) FROM leaf").fetchone()
    found = [*PATHS, "/uses/live", "/catalogue/persons", "/catalogue/gazette"]
    found += [f"/contracts/{each}" for each in ids]
    found += [f"/receipts/{index}{rest}" for index in range(size) for rest in ("", "/verification")]
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_a_page_is_in_the_language_asked_for(reader: TestClient, path: str, language: str) -> None:
    page = reader.get(path, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text
    (_, en, zh) = next(each for each in NAVIGATION if each[0] == path)
    current = re.search(r'<a href="[^"]+" aria-current="page">([^<]+)</a>', page.text)
    assert current is not None
    assert current[1] == (en if language == "en" else zh)


def test_every_page_is_reached(reader: TestClient, scene: Scene) -> None:
    assert {reader.get(path).status_code for path in every_page(scene)} == {200}
    assert {kind.entry for kind in KINDS} == set(PATHS)


def test_no_page_shows_figures_sessions_tokens_or_ids_of_requests(reader: TestClient, scene: Scene) -> None:
    secret = [str(FIGURE), f"{FIGURE:,}", SESSION, HIDDEN]
    for text in (reader.get(path).text for path in every_page(scene)):
        assert [each for each in secret if each in text] == []
        assert re.search(r"eyJ[A-Za-z0-9_-]{20,}", text) is None, "a signed document"
        assert HOSTILE not in text
        assert "<script>" not in text
        assert re.search(r"\son\w+=", text.replace("onerror=alert(2)", "")) is None


def test_what_people_wrote_is_text(reader: TestClient) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in reader.get("/incidents").text


def test_what_waits_for_a_decision_comes_first(reader: TestClient, scene: Scene) -> None:
    with ReadOnly(scene.path).view() as db:
        (waiting,) = [each.id for each in contracts_standing(db) if each.status.value == "pending"]
    page = reader.get("/contracts").text
    assert page.index(waiting) < page.index("Decided contracts")
    assert f"yanmen contract approve {scene.path.parent} {waiting}" in reader.get(f"/contracts/{waiting}").text
    assert "<strong>1</strong> contracts wait for a decision" in reader.get("/").text


def test_an_altered_contract_is_shown_as_altered(reader: TestClient, scene: Scene) -> None:
    with sqlite3.connect(scene.path, isolation_level=None) as db:
        (offer, name) = db.execute("SELECT offer, id FROM contract ORDER BY offered DESC LIMIT 1").fetchone()
        db.execute("UPDATE contract SET offer = ? WHERE id = ?", (offer[:-4] + b"AAAA", name))
        try:
            assert "altered since it was signed" in reader.get("/contracts").text
            assert "not what was signed" in reader.get(f"/contracts/{name}").text
        finally:
            db.execute("UPDATE contract SET offer = ? WHERE id = ?", (offer, name))
    db.close()


def test_live_uses_are_told_only_when_they_changed(reader: TestClient) -> None:
    page = reader.get("/uses").text
    assert "<strong>1</strong> questions run now" in page
    seen = re.search(r"seen=([0-9a-f]+)", page)
    assert seen is not None
    assert reader.get(f"/uses/live?seen={seen[1]}").status_code == 204
    fragment = reader.get("/uses/live?seen=0").text
    assert fragment.lstrip().startswith('<div id="live"')
    assert "<html" not in fragment


def test_budget_by_space_day_and_consumer(reader: TestClient) -> None:
    page = reader.get("/budget").text
    assert "900 / 1,000,000 micro-ρ" in page
    assert page.count("data-chart=") == 1
    assert re.search(r'<th scope="row">lab</th><td class="n">6</td><td class="n">600</td>', page)
    assert re.search(r'<th scope="row">rival</th><td class="n">3</td><td class="n">300</td>', page)


def test_bills_findings_and_witnesses(reader: TestClient) -> None:
    bills = reader.get("/bills").text
    assert re.findall(r'row">(2026-[0-9]+)<', bills) == ["2026-06", "2026-05", "2026-05"]
    assert bills.count('<td class="n">3</td><td class="n">3.60</td>') == 3
    assert re.search(r"<code>[0-9a-f]{64}</code>", bills), "the digest of the statement"
    assert "overdue" in reader.get("/findings").text
    witnesses = reader.get("/witnesses").text
    assert "audit.shanxi.example/w1" in witnesses
    assert "none yet" in witnesses
    assert "— 5" in witnesses, "the head, to compare"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/catalogue/none", "/contracts/none", "/receipts/9999", "/receipts/-1", "/receipts/１", "/static/x"],
)
def test_what_is_not_there_is_said_to_be_so(reader: TestClient, path: str) -> None:
    page = reader.get(path)
    assert page.status_code == 404
    assert "There is no such page" in page.text


def test_a_choice_of_language_and_colours_is_kept(reader: TestClient) -> None:
    page = reader.get("/preferences", params={"language": "zh-Hans", "back": "/budget"})
    assert page.url.path == "/budget"
    assert '<html lang="zh-Hans" data-theme="auto">' in page.text
    page = reader.get("/preferences", params={"theme": "dark", "back": "/receipts/3"})
    assert page.url.path == "/receipts/3"
    assert '<html lang="zh-Hans" data-theme="dark">' in page.text
    assert reader.get("/preferences", params={"theme": "red"}, follow_redirects=False).headers.get("set-cookie") is None


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "", "/contracts\r\nX: y", "x/budget"],
)
def test_going_back_goes_nowhere_else(reader: TestClient, back: str) -> None:
    answer = reader.get("/preferences", params={"back": back}, follow_redirects=False)
    assert answer.headers["location"] == "/"
