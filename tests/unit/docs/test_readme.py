"""README.md: its commands parse, its Python runs, its links lead somewhere, and it stays short."""

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from yanmen.model.refusal import Reason, Refused

from tests.unit.client.bench import TERMS
from tests.unit.docs.markdown import ROOT, commands, fences, text_of

if TYPE_CHECKING:
    from tests.unit.client.conftest import World

LINES_MAX = 200
DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
CONTRACT = re.compile(r"\b[0-9a-f]{32}\b")
LINK = re.compile(r"\]\(([^)]+)\)")


def test_it_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= LINES_MAX


def test_it_speaks_both_languages_first() -> None:
    first, second = text_of("README.md").split("\n\n")[1:3]
    assert "雁门是可信数据空间节点" in first
    assert second.startswith("**Yanmen is a trusted data space node.**")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    here = (ROOT / name).parent
    for link in LINK.findall(re.sub(r"^```.*?^```$", "", text_of(name), flags=re.MULTILINE | re.DOTALL)):
        place, _, anchor = link.partition("#")
        if "://" in place:
            continue
        path = (here / place).resolve() if place else ROOT / name
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path), link


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_document_is_named() -> None:
    named = {link.partition("#")[0] for link in LINK.findall(text_of("README.md"))}
    assert set(DOCUMENTS) - {"README.md"} - named == set()


def test_its_folders_are_there() -> None:
    (row,) = re.findall(r"^\| `node/yanmen/wire` .*$", text_of("README.md"), re.MULTILINE)
    for folder in re.findall(r"`(\w+)`", row):
        assert (ROOT / "node" / "yanmen" / folder).is_dir(), folder
    for path in re.findall(
        r"`((?:node|sandbox|tests|docs|scripts|protos|policies)(?:/[\w.]+)*)`", text_of("README.md")
    ):
        assert (ROOT / path).exists(), path


def test_its_scripts_are_there_and_take_these_options() -> None:
    lines = [line for line in commands("README.md") if line.startswith("scripts/")]
    assert lines
    for name in re.findall(r"`(scripts/\w+)`", text_of("README.md")):
        assert os.access(ROOT / name, os.X_OK), name
    options = (ROOT / "scripts" / "demo_files" / "main.py").read_text(encoding="utf-8")
    for option in re.findall(r"--\w+", " ".join(lines)):
        assert f'"{option}"' in options


def test_its_python_runs_and_prints_what_it_shows(
    world: "World", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against a node that answers with figures of its own: the first line of output has the shape that is shown."""
    asks, is_refused = (adapted(fence.text, world.member) for fence in fences("README.md", "python"))
    names: dict[str, object] = {}
    exec(compile(asks, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    shown, said = (fence.text for fence in fences("README.md", "text"))
    assert ast.literal_eval(printed.split("}")[0] + "}").keys()
    assert ast.literal_eval(shown.split("}")[0] + "}").keys()
    for line in ("price 价格", "budget 隐私预算", "receipt 使用回执 no. ", "verified 已核验"):
        assert line in printed
        assert line in shown
    assert "frame" in names
    world.bench.refusal = Refused(Reason.ROWS_WOULD_LEAVE)
    exec(compile(is_refused, "README.md", "exec"), names)
    assert re.sub(r"\d+", "", capsys.readouterr().out) == re.sub(r"\d+", "", said)


def adapted(python: str, member: Path) -> str:
    """Return a snippet with the demo's folder and contract replaced by the test's."""
    assert "/tmp/town/datalab" in python
    return CONTRACT.sub(TERMS.id, python.replace("/tmp/town/datalab", str(member)))
