"""The report is one page that runs nothing, asks for nothing and shows what it is given as text."""

import json
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typing_extensions import override
from yanmen.cli.main import main
from yanmen.formats import bundle
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage
from yanmen.verify import page, verify_bundle
from yanmen.verify.not_proven import NOT_PROVEN
from yanmen.verify.report import Code, Report, finding
from yanmen.verify.selected import OpenBundle

TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong", "div", "ul", "li", "br"} | {
    "table", "tr", "th", "td",
}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    "</td><img src=x onerror=alert(1)>",
    '"><a href="https://example.org">',
    "'onmouseover='alert(1)",
    "&lt;b&gt;",
    "</style><style>*{display:none}",
    "price 1\u202e001 fen",
    "a\u0000b\u001b[31m\u200b",
)


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(text)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(text: str) -> Reader:
    """Return what is on the page, which must have no tag or attribute but ours."""
    seen = Reader(text)
    assert seen.tags <= TAGS
    ours = {("html", "lang"), ("meta", "charset"), ("meta", "http-equiv"), ("meta", "content")}
    assert seen.attributes <= ours | {("p", "class"), ("div", "class")}
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    for en, zh in NOT_PROVEN:
        assert en in seen.text
        assert zh in seen.text
    return seen


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_node_discloses_is_shown_as_text(specimens: ModuleType, tmp_path: Path, text: str) -> None:
    made: Any = specimens
    log = made.Log(made.Pinned("hostile"))
    log.append(Stage.GENESIS, {Slot.SUBJECT: {"note": text}, Slot.ACTOR: text})
    opened = OpenBundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    receipt = opened.check(0)
    assert receipt.ok
    written = page.receipt_page(opened, receipt)
    seen = harmless(written)
    visible = "".join(each for each in text if each.isprintable())
    if visible == text:
        assert json.dumps(text, ensure_ascii=False) in seen.text
    assert all(each.isprintable() or each == "\n" for each in written)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_finding_quotes_is_shown_as_text(text: str) -> None:
    wrong = finding(Code.FILE_MALFORMED, subject=text)
    report = Report(text, text, 1, 0, ((Stage.GENESIS, 1),), (), (), (wrong,))
    harmless(page.report_page(report))


def test_the_whole_report_is_on_it(specimens: ModuleType, tmp_path: Path) -> None:
    path = specimens.specimen().export(tmp_path / "bundle")
    report = verify_bundle(path, specimens.SPACE_KEY.public)
    seen = harmless(page.report_page(report))
    assert "HOLDS 核验通过" in seen.text
    assert "20 / 20" in seen.text
    for total in report.contracts:
        assert total.contract in seen.text
    (path / bundle.receipt_name(3)).unlink()
    seen = harmless(page.report_page(verify_bundle(path, specimens.SPACE_KEY.public)))
    assert "DOES NOT HOLD 核验不通过" in seen.text
    assert "the receipt of leaf 3 (contract) is missing" in seen.text


def test_a_time_beyond_the_calendar_is_shown_as_it_is(specimens: ModuleType, tmp_path: Path) -> None:
    made: Any = specimens
    log = made.Log(made.Pinned("late"), time_s=2**53 // 60 * 60 - 60)
    log.append(Stage.GENESIS, {})
    opened = OpenBundle(log.export(tmp_path / "bundle"), made.SPACE_KEY.public)
    assert str(2**53 // 60 * 60 - 60) in page.receipt_page(opened, opened.check(0))


def test_the_command_writes_it(specimens: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = specimens.specimen().export(tmp_path / "bundle"), tmp_path / "report.html"
    assert main(["verify", str(path), "--html", str(target)]) == 0
    harmless(target.read_text(encoding="utf-8"))
    assert main(["verify", str(path), "--html", str(target)]) == 2
    one = tmp_path / "one.html"
    capsys.readouterr()
    assert main(["verify", str(path), "--receipt", "9", "--html", str(one), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["index"], said["stage"]) == (True, 9, "outcome")
    assert said["slots"]["price"] == {"fen": 120, "spent_fen": 120}
    assert said["jti"] in harmless(one.read_text(encoding="utf-8")).text


def test_a_receipt_that_is_not_there_is_said_not_to_be(
    specimens: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = specimens.specimen().export(tmp_path / "bundle")
    assert main(["verify", str(path), "--receipt", "20"]) == 1
    assert "LEAF_MISSING" in capsys.readouterr().out
    assert main(["verify", str(path), "--receipt=-1"]) == 2


def test_one_altered_receipt_does_not_hold(specimens: ModuleType, tmp_path: Path) -> None:
    path = specimens.specimen().export(tmp_path / "bundle")
    file = path / bundle.receipt_name(9)
    file.write_text(file.read_text().replace("~", "~AAAA~", 1))
    opened = OpenBundle(path, specimens.SPACE_KEY.public)
    assert not opened.check(9).ok
    assert opened.check(8).ok
    assert "RECEIPT_MALFORMED" in harmless(page.receipt_page(opened, opened.check(9))).text
