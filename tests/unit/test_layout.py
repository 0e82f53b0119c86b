"""Rules about the tree itself: who makes which value, how things are named, what may not be written."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / "node" / "yanmen"
SANDBOX = ROOT / "sandbox" / "yanmen_sandbox"
READER = ROOT / "sandbox" / "yanmen_reader"
GENERATED = NODE / "wire" / "v1"

MODULE_LINES_MAX = 400
TEST_LINES_MAX = 400
"""Tests carry tables of cases; past this they are split by what they hold."""
VAGUE = {"util", "utils", "common", "helper", "helpers", "manager", "base", "core", "misc", "shared", "stuff"}
STAGE_VALUES = ("yanmen.model.stages", "yanmen.model.receipt")
MAKERS = {
    "Submission": {"wire"},
    "Admitted": {"admission"},
    "Plan": {"planning"},
    "Reserved": {"ledger"},
    "Raw": {"execution"},
    "Released": {"disclosure"},
    # The consumer's side rebuilds what it was sent; nothing in a node can tell it from the ledger's.
    "Receipt": {"ledger", "client"},
    "Answer": {"ledger", "client"},
}


def sources(*folders: Path) -> list[Path]:
    """Return the modules we wrote under `folders`, generated code left out."""
    return sorted(path for folder in folders for path in folder.rglob("*.py") if GENERATED not in path.parents)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def package_of(path: Path) -> str:
    """Return the stage package, or the module beside them, that `path` belongs to."""
    return path.relative_to(NODE).parts[0].removesuffix(".py")


def made(tree: ast.Module) -> Iterator[str]:
    """Yield every stage value that `tree` constructs, under whatever name it imported it."""
    types: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in STAGE_VALUES:
            types |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "yanmen.model":
            modules |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name in STAGE_VALUES}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield types.get(node.func.id, "")
        elif isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in modules:
            yield node.func.attr


def test_each_stage_value_is_made_in_its_own_package_only() -> None:
    makers: dict[str, set[str]] = {name: set() for name in MAKERS}
    for path in sources(NODE):
        for name in made(parse(path)):
            if name in makers:
                makers[name].add(package_of(path))
    for name, packages in makers.items():
        assert packages <= MAKERS[name], f"{name} is made in {packages - MAKERS[name]}"
    assert all(makers.values()), "a stage value that nothing makes"


@pytest.mark.parametrize(
    "stray",
    [
        "from yanmen.model.stages import Released\nReleased()",
        "from yanmen.model.stages import Released as R\nx = [R()]",
        "from yanmen.model import stages\nstages.Released()",
        "import yanmen.model.stages\nyanmen.model.stages.Released()",
    ],
)
def test_a_stray_maker_is_seen(stray: str) -> None:
    assert "Released" in set(made(ast.parse(stray)))


def test_a_type_of_the_same_name_is_not_a_stage_value() -> None:
    assert "Released" not in set(made(ast.parse("from yanmen.wire.v1.query_pb2 import Released\nReleased()")))


def test_modules_are_small() -> None:
    assert longer(sources(NODE, SANDBOX, READER), MODULE_LINES_MAX) == {}
    # One file by its purpose, kept short by tests/attacks/test_foreign_auditors.py.
    one_file = ROOT / "scripts" / "carry-auditor.py"
    rest = [path for path in sources(ROOT / "tests", ROOT / "scripts") if path != one_file]
    assert longer(rest, TEST_LINES_MAX) == {}


def longer(paths: list[Path], most: int) -> dict[str, int]:
    """Return the modules of more than `most` lines."""
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return {name: lines for name, lines in lengths.items() if lines > most}


def test_a_long_module_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "long.py").write_text("pass\n" * 401)
    (tmp_path / "fits.py").write_text("pass\n" * 400)
    assert longer(sources(tmp_path), TEST_LINES_MAX) == {"long.py": 401}


def test_modules_are_named_after_what_they_do() -> None:
    paths = sources(NODE, SANDBOX, READER, ROOT / "tests", ROOT / "scripts")
    assert [name_of(path) for path in paths if VAGUE & {*path.stem.split("_"), *path.parent.name.split("_")}] == []


def test_everything_public_says_what_it_is() -> None:
    silent = []
    for path in sources(NODE, SANDBOX, READER):
        tree = parse(path)
        silent += [f"{name_of(path)}: {name}" for name, node in public(tree) if not ast.get_docstring(node)]
        silent += [name_of(path)] if tree.body and not ast.get_docstring(tree) else []
    assert silent == []


def public(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield public classes, functions and methods that do not inherit their meaning."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not any(ast.unparse(decorator).endswith(("override", "overload")) for decorator in node.decorator_list):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public(node)


def test_every_package_has_its_tests() -> None:
    packages = {path.parent.name for path in NODE.glob("*/__init__.py")} - {"model"}
    tested = {path.name for path in (ROOT / "tests" / "unit").iterdir() if any(path.glob("test_*.py"))}
    assert packages <= tested


def test_test_modules_have_names_of_their_own() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def written() -> list[Path]:
    """Return every text of ours: code, scripts, formats, documents."""
    folders = [ROOT / name for name in ("node", "sandbox", "protos", "policies", "scripts", "tests", "docs", ".ci")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.name not in {".git", ".gitignore"}]
    return [path for path in files if path.suffix not in {".pyc", ".whl", ".gz"} and path != Path(__file__)]


@pytest.mark.parametrize(
    "unwanted",
    [
        r"\b(TODO|FIXME|XXX|HACK)\b",
        r"(?<![\w/.])/(work|root|opt/(wheels|pypi)|home/\w+)/",
        r"https?://[\w.]*(pypi|pythonhosted|npmjs|proxy\.golang|crates\.io|docker\.io|ghcr\.io|quay\.io)",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}",
    ],
)
def test_nothing_of_this_kind_is_written_anywhere(unwanted: str) -> None:
    found = [
        name_of(path) for path in written() if re.search(unwanted, path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
