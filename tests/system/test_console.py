"""The console in a real browser (Debian's Chromium): every page, both languages, both themes, by eye, ear and keyboard.

Each page's picture is kept in `.console-shots/`. While a test runs, a request to anywhere else, a violation of
the content security policy, an error of a script and anything on the browser's console make it fail.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from yanmen.console import assets
from yanmen.console.application import NAVIGATION
from yanmen.ledger.read_only import ReadOnly
from yanmen.ledger.showing import contracts_standing
from yanmen.model.refusal import Fault

from tests.system_packages import need
from tests.unit.console.played import play
from tests.unit.ledger.scene import Scene

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / ".console-shots"
AXE = ROOT / ".venv" / "console" / "node_modules" / "axe-core" / "axe.min.js"
WATCH = """
document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI}`))
"""
BY_EAR = {"resultTypes": ["violations"]}
IN_THE_DARK = {**BY_EAR, "runOnly": ["color-contrast", "html-lang-valid", "valid-lang"]}
FLAGS = ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
WAIT_MS = 15_000
PLACES = {entry.strip("/") or "overview": entry for entry, _, _ in NAVIGATION}


@dataclass
class Reader:
    """A browser's tab at the console, and all that went wrong in it."""

    page: Page
    site: str
    wrong: list[str] = field(default_factory=list)

    def failed(self, url: str, why: str | None) -> None:
        """Note a request that failed, unless the reader went on before it was answered."""
        if why != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {url} {why}")

    def open(self, path: str) -> Page:
        """Go to a page and wait until it and all it loads are there."""
        self.page.goto(self.site + path)
        return self.page


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a played node without keys; without browser or scripts the tests say so."""
    need("chromium")
    try:
        assets.load()
    except Fault as fault:
        if os.environ.get("SANDBOX_MUST_WORK") == "1":
            pytest.fail(str(fault))
        pytest.skip(str(fault))
    return play(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def link(scene: Scene) -> Iterator[str]:
    """Start the console as a person does and give the link it prints."""
    words = [sys.executable, "-m", "yanmen.cli.main", "console", str(scene.path.parent), "--address", "127.0.0.1:0"]
    with subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["open"]
        finally:
            process.terminate()
            assert json.loads(process.stdout.readline()) == {"stopped": True}
            assert process.wait(10) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


def entered(browser: Browser, link: str, **options: object) -> tuple[BrowserContext, Reader]:
    """Open a tab by the link and watch it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(WATCH)
    site = link.partition("/?")[0]
    reader = Reader(context.new_page(), site)
    reader.page.on("console", lambda message: reader.wrong.append(f"console {message.type}: {message.text}"))
    reader.page.on("pageerror", lambda error: reader.wrong.append(f"error: {error}"))
    reader.page.on("requestfailed", lambda request: reader.failed(request.url, request.failure))
    context.on(
        "request", lambda request: None if request.url.startswith(site + "/") else reader.wrong.append(request.url)
    )
    reader.page.goto(link)
    assert "access" not in reader.page.url
    return context, reader


@pytest.fixture
def reader(browser: Browser, link: str) -> Iterator[Reader]:
    """Give a tab in English and light; whatever went wrong in it fails the test."""
    context, reader = entered(browser, link, locale="en-GB", color_scheme="light")
    yield reader
    context.close()
    assert reader.wrong == []


def all_places(scene: Scene) -> dict[str, str]:
    """Return a name and the path of each page."""
    with ReadOnly(scene.path).view() as db:
        waiting = contracts_standing(db)[-1].id
    rest = {"dataset": "/catalogue/persons", "contract": f"/contracts/{waiting}", "absent": "/nothing/here"}
    return {**PLACES, **rest, "receipt": "/receipts/7", "verification": "/receipts/7/verification"}


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_every_page_by_eye_and_by_ear(browser: Browser, link: str, scene: Scene, locale: str, scheme: str) -> None:
    SHOTS.mkdir(exist_ok=True)
    context, reader = entered(browser, link, locale=locale, color_scheme=scheme, reduced_motion="reduce")
    axe = AXE.read_text(encoding="utf-8")
    problems = []
    for name, path in all_places(scene).items():
        page = reader.open(path)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if locale == "zh-CN" else "en")
        expect(page.locator("h1")).to_have_count(1)
        expect(page.locator("table:not(:has(caption))")).to_have_count(0)
        expect(page.locator("main, header, nav, footer")).to_have_count(4)
        page.screenshot(path=SHOTS / f"{name}-{locale}-{scheme}.png", full_page=True)
        page.evaluate(axe)
        found = page.evaluate("(how) => axe.run(document, how)", BY_EAR if scheme == "light" else IN_THE_DARK)
        assert found["passes"]
        problems += [
            f"{path}: {each['id']} {each['nodes'][0]['target']} {each['nodes'][0]['html'][:150]}"
            for each in found["violations"]
        ]
    context.close()
    assert problems == []
    assert [each for each in reader.wrong if "404" not in each] == []
    assert len(list(SHOTS.glob(f"*-{locale}-{scheme}.png"))) == len(all_places(scene))


def test_charts_are_drawn_and_said_in_a_table(reader: Reader) -> None:
    for path, tables in (("/budget", 2), ("/bills", 2)):
        page = reader.open(path)
        canvas = page.locator(".drawing canvas")
        expect(canvas).to_have_count(1)
        drawn = "(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        assert canvas.evaluate(drawn) > 50, "something is drawn"
        expect(page.locator("table")).to_have_count(tables)
        canvas.hover(position={"x": 300, "y": 150})  # its tooltip needs no inline style
        assert page.locator(".drawing").get_attribute("aria-labelledby")


def test_the_verify_button_says_each_step_without_leaving_the_page(reader: Reader) -> None:
    page = reader.open("/receipts/7")
    page.get_by_role("link", name="Verify this receipt").click()
    told = page.locator("#verification")
    expect(told).to_contain_text("Receipt 7: holds")
    expect(told).to_contain_text("What no receipt proves")
    expect(told).to_have_attribute("aria-live", "polite")
    assert page.url.endswith("/receipts/7")


def test_a_use_appears_while_one_looks_unless_paused(reader: Reader, scene: Scene) -> None:
    reader.page.clock.install()
    page = reader.open("/uses")
    running = page.locator("#live > p")
    expect(running).to_contain_text("1 questions run now")
    with scene.open(create=False) as ledger:
        (contract, *_) = [each for each in ledger.contracts() if each.status.value == "active"]
        ledger.reserve(scene.plan(contract))
        page.clock.fast_forward(5_000)
        expect(running).to_contain_text("2 questions run now")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
        ledger.recover()
    page.clock.fast_forward(5_000)
    page.wait_for_timeout(300)
    expect(running).to_contain_text("2 questions run now")
    page.get_by_role("button", name="Pause").click()
    page.clock.fast_forward(5_000)
    expect(running).to_contain_text("0 questions run now")


def focused(page: Page) -> str:
    """Return what has the focus, as it is read out."""
    return str(page.evaluate("(document.activeElement.textContent || document.activeElement.id).trim()"))


def test_the_keyboard_reaches_everything_in_order(reader: Reader) -> None:
    page = reader.open("/contracts")
    walked = []
    for _ in range(6 + len(NAVIGATION)):
        page.keyboard.press("Tab")
        walked.append(focused(page))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"{walked[-1]} has no visible focus"
    assert walked == ["Skip to content", "中文", "English", "Auto", "Light", "Dark", *(en for _, en, _ in NAVIGATION)]
    reader.open("/contracts")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.get_by_role("link", name="Receipts").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Receipts")


def test_language_and_colours_are_chosen_and_kept(reader: Reader) -> None:
    page = reader.open("/budget")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("link", name="Dark").click()
    page.wait_for_url("**/budget")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("隐私预算")
    reader.open("/bills")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_without_scripts_every_page_still_says_all(browser: Browser, link: str, scene: Scene) -> None:
    context, reader = entered(browser, link, locale="en-GB", java_script_enabled=False)
    page = reader.open("/receipts/7")
    page.get_by_role("link", name="Verify this receipt").click()
    expect(page.locator("main")).to_contain_text("Receipt 7: holds")
    expect(reader.open("/uses").locator("#live")).to_contain_text("questions run now")
    expect(reader.open("/budget").locator("table").first).to_contain_text("lab")
    context.close()
    assert reader.wrong == []


def test_a_narrow_window_and_large_letters_lose_nothing(browser: Browser, link: str) -> None:
    context, reader = entered(browser, link, locale="en-GB")
    reader.page.set_viewport_size({"width": 320, "height": 600})
    for path in PLACES.values():
        page = reader.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    context.close()


def test_a_page_of_another_site_gets_nothing(browser: Browser, link: str) -> None:
    context, _ = entered(browser, link, locale="en-GB")
    site = link.partition("/?")[0]
    other = context.new_page()
    other.goto("data:text/html,<p>elsewhere</p>")
    told = other.evaluate(
        "(url) => fetch(url, {credentials: 'include'}).then((r) => r.text()).catch((e) => String(e))", site
    )
    assert re.search("TypeError|Failed", told)
    framed = context.new_page()
    framed.set_content(f'<iframe src="{site}/"></iframe>')
    assert [frame for frame in framed.frames[1:] if "卫健委" in frame.content()] == []
    context.close()


def test_a_stranger_s_browser_is_told_where_the_link_is(browser: Browser, link: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(link.partition("/?")[0] + "/contracts")
    assert answer is not None
    assert answer.status == 401
    assert "yanmen console" in page.content()
    context.close()
