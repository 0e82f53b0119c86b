"""What an installed wheel holds besides modules: the guard rails a node starts from, and what each must say."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from yanmen.admission.policies import load_guards, shipped
from yanmen.console.assets import OURS, VENDORED

ROOT = Path(__file__).parents[3]
FOUND = """
from yanmen.admission.policies import load_guards, shipped
from yanmen.admission.verdicts import policy_test
where = shipped()
guards = load_guards(where)
checked = policy_test(where / "tests" / "guard.toml", guards)
print(where)
print(guards.digest)
print(len(checked), all(each.passed for each in checked))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the installed hatchling, nothing fetched, and unpack it as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("yanmen-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder / "site")
    return folder / "site"


def found(path: Path | None) -> list[str]:
    """Return what a fresh process finds, with the installed wheel at `path` before everything else."""
    environment = {**os.environ, **({} if path is None else {"PYTHONPATH": str(path)})}
    done = subprocess.run(
        [sys.executable, "-c", FOUND], capture_output=True, text=True, check=True, env=environment, cwd=os.sep
    )
    return done.stdout.splitlines()


def test_a_wheel_has_the_guard_rails_and_their_expected_verdicts(installed: Path) -> None:
    where, digest, verdicts = found(installed)
    assert Path(where) == installed / "yanmen" / "policies"
    assert digest == load_guards(ROOT / "policies").digest
    assert verdicts.endswith(" True")
    assert int(verdicts.split()[0]) > 10


def test_a_checkout_has_them_where_they_lie() -> None:
    assert shipped() == ROOT / "policies"
    assert Path(found(None)[0]) == ROOT / "policies"


def test_a_wheel_has_the_schemas_of_its_interfaces(installed: Path) -> None:
    lying = {path.name: path.read_bytes() for path in (installed / "yanmen" / "schemas").iterdir()}
    assert lying == {path.name: path.read_bytes() for path in (ROOT / "protos" / "json").iterdir()}
    assert len(lying) > 1


def test_a_wheel_has_both_packages_the_schema_and_the_marker_of_types(installed: Path) -> None:
    for name in ("yanmen/admission/yanmen.cedarschema", "yanmen/cli/main.py", "yanmen_sandbox/zygote.py"):
        assert (installed / name).is_file(), name
    assert not list(installed.rglob("test_*.py"))


def test_a_wheel_has_the_console_s_pages_and_what_was_fetched_for_them(installed: Path) -> None:
    console = Path("yanmen") / "console"
    pages = {path.name for path in (ROOT / "node" / console / "templates").iterdir()}
    assert {path.name for path in (installed / console / "templates").iterdir()} == pages
    for name in OURS:
        assert (installed / console / "static" / name).is_file()
    fetched = ROOT / "node" / console / "assets"
    there = {path.name for path in fetched.iterdir()} if fetched.is_dir() else set()
    assert {path.name for path in (installed / console / "assets").glob("*")} == there
    assert there == set() or VENDORED.keys() <= there
