"""docs/tutorial.ipynb: every cell runs against a served node, and what is committed was never run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.system.town import Town, done

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
DEMO = ROOT / "scripts" / "demo_files"
PERSONS = 600
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


def persons() -> str:
    """Return the demo's first table with as many columns and fewer persons."""
    rows = (
        f"{person},{18 + person % 80},{person % 2},{50 + person % 60}.5,170.5,{18 + person % 20}.5,0,100,1"
        for person in range(PERSONS)
    )
    return "\n".join(["id,age,male,weight,height,bmi,status,futime,case_id", *rows]) + "\n"


class TutorialTown(Town):
    """The demo's first department, with a member who has a contract."""

    def offer(self) -> None:
        """Publish the table and agree on a contract."""
        (self.root / "nafld1.csv").write_text(persons(), encoding="ascii")
        done("dataset", "publish", self.node, DEMO / "specs" / "nafld1.toml", self.root / "nafld1.csv")
        self.serve()
        words = ("--grant", "nafld1:age,bmi,id,male,status", "--price", "500", "--micro-rho", "200000")
        terms = ("--scenario", "s-1", "--purpose", "a tutorial", "--legal-basis", "test")
        done("contract", "request", "--as", self.root / "alice", "--at", "clinic", *words, *terms)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TutorialTown]:
    made = TutorialTown(tmp_path_factory.mktemp("tutorial"))
    made.build()
    made.offer()
    yield made
    if made.process is not None:
        made.stop()


@pytest.fixture(scope="module")
def run(town: TutorialTown, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Run the notebook as its reader does, in docs/, and return its cells."""
    home = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("YANMEN_NODE", "clinic")
        patched.setenv("YANMEN_IDENTITY", str(town.root / "alice"))
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patched.setenv(name, str(home / name.lower()))
        patched.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    return list(notebook["cells"])


def shown(cells: list[dict[str, Any]], source: str) -> str:
    """Return what the one cell that contains `source` printed and showed."""
    (cell,) = [cell for cell in cells if cell["cell_type"] == "code" and source in cell["source"]]
    return json.dumps(cell["outputs"], ensure_ascii=False)


def test_it_runs_from_connecting_to_a_verified_receipt(run: list[dict[str, Any]], town: TutorialTown) -> None:
    assert "clinic" in shown(run, "yanmen.connect(")
    assert "nafld1" in shown(run, "node.catalogue()")
    assert "mean_age" in shown(run, "entry.mock(")
    assert "id,age,male" in shown(run, "!yanmen mock").replace(" ", "")
    assert "95 %" in shown(run, "node.explain(")
    said = shown(run, "progress=")
    assert re.search(r"[1-9]\d* s\\n", said), "no progress was told"
    assert "±" in said
    assert "差分隐私估计值" in said
    assert '"image/png"' in shown(run, "errorbar")
    assert "verified 已核验" in shown(run, "verify_receipt_of(")
    assert "ROWS_WOULD_LEAVE" in shown(run, "SELECT *")
    assert "CANCELLED receipt" in shown(run, "job.cancel()")
    assert "mean_age" in shown(run, "aconnect")
    verdict = town.verify("after")
    assert verdict["ok"], verdict


def test_what_is_committed_was_not_run() -> None:
    """Outputs would tell of the machine that made them."""
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 10
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []
    assert [cell["id"] for cell in document["cells"] if cell["metadata"]] == []
    assert set(document["metadata"]) == {"kernelspec", "language_info"}
    nbformat.validate(document)


def test_its_links_lead_somewhere() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w./]+)\)", text)
    assert links
    assert [link for link in links if not (NOTEBOOK.parent / link).is_file()] == []
