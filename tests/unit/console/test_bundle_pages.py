"""A console over an audit bundle: pages from verified files alone, a plain sentence where a bundle has nothing."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from yanmen.console import application
from yanmen.console.audited import LACKS, AuditedBooks, is_bundle
from yanmen.console.door import Access
from yanmen.formats import bundle
from yanmen.ledger.read_only import ReadOnly
from yanmen.ledger.showing import spent_by_day, taken_by_month
from yanmen.ledger.spaces import listed
from yanmen.model.refusal import Fault

from tests.unit.console.conftest import SITE, TOKEN
from tests.unit.console.played import FIGURE, HOSTILE
from tests.unit.console.test_pages import PATHS
from tests.unit.ledger.scene import SPACE_KEY, Clockwork, Scene, papers


@pytest.fixture(scope="module")
def exported(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "bundle"
    with scene.open(create=False) as ledger:
        ledger.export(folder, papers())
    return folder


def books_of(path: Path, scene: Scene, key: bytes | None = SPACE_KEY.public) -> AuditedBooks:
    return AuditedBooks(path, Clockwork(scene.clock.ms), path.parent / "log", key)


def reader(books: AuditedBooks, access: Access, files: dict[str, bytes]) -> TestClient:
    client = TestClient(application.build(books, access, files), base_url=SITE, headers={"Accept-Language": "en"})
    client.get("/", params={"access": TOKEN})
    return client


@pytest.fixture(scope="module")
def auditor(exported: Path, scene: Scene, access: Access, files: dict[str, bytes]) -> Iterator[TestClient]:
    with closing(reader(books_of(exported, scene), access, files)) as client:
        yield client


def test_every_page_is_there_and_says_what_a_bundle_does_not_hold(auditor: TestClient, exported: Path) -> None:
    before = {path.name for path in exported.iterdir()}
    size = bundle.decode((exported / bundle.STATEMENT).read_bytes()).size
    for path in PATHS:
        page = auditor.get(path)
        assert page.status_code == 200, path
        assert any(en[:28] in page.text for en, _ in LACKS.values()) == (path in LACKS), path
        assert ("The verification of this bundle found what is wrong" in page.text) == (path != "/")
        assert page.text.count("<h1") == 1
    for index in range(size):
        for rest in ("", "/verification"):
            page = auditor.get(f"/receipts/{index}{rest}")
            assert page.status_code == 200
            assert not any(secret in page.text for secret in (str(FIGURE), f"{FIGURE:,}", HOSTILE))
            assert re.search(r"eyJ[A-Za-z0-9_-]{20,}", page.text) is None, "a signed document"
    assert auditor.get(f"/receipts/{size}").status_code == 404
    assert auditor.get(f"/receipts/{size}/verification").status_code == 404
    assert auditor.get("/contracts/anything").status_code == 200
    assert "This bundle does not hold" in auditor.get("/").text, "an inspection of the play is none"
    assert "INSPECTION_WRONG" in auditor.get("/").text
    assert {path.name for path in exported.iterdir()} == before, "nothing is written into a bundle"


def test_a_log_in_which_nothing_is_wrong(tmp_path: Path, access: Access, files: dict[str, bytes]) -> None:
    scene = Scene(tmp_path / "ledger.db")
    with scene.open() as ledger:
        scene.ask(ledger, scene.furnish(ledger))
        ledger.export(tmp_path / "bundle", papers())
    with closing(reader(books_of(tmp_path / "bundle", scene), access, files)) as client:
        assert "nothing is wrong with this log" in client.get("/").text
        assert "found what is wrong" not in client.get("/uses").text


def test_its_figures_are_those_of_the_ledger(exported: Path, scene: Scene) -> None:
    with books_of(exported, scene).look() as theirs, ReadOnly(scene.path).view() as ours:
        assert spent_by_day(theirs) == spent_by_day(ours) != ()
        assert taken_by_month(theirs) == taken_by_month(ours) != ()
        assert listed(theirs) == listed(ours)
        asked = "SELECT position, consumer, contract, release, ended FROM intent ORDER BY position"
        assert theirs.execute(asked).fetchall() == ours.execute(asked).fetchall()


def test_a_receipt_holds_step_by_step_from_its_files(auditor: TestClient) -> None:
    page = auditor.get("/receipts/7/verification")
    assert "The leaf is in the log under this head" in page.text


def test_without_a_pinned_key_it_says_so(exported: Path, scene: Scene, access: Access, files: dict[str, bytes]) -> None:
    with closing(reader(books_of(exported, scene, None), access, files)) as client:
        assert "give --space-key" in client.get("/").text


@pytest.mark.parametrize("name", [bundle.receipt_name(9), bundle.leaf_name(9), bundle.LEAF_LINES])
def test_an_altered_bundle_shows_what_is_wrong_and_nothing_else(
    exported: Path, scene: Scene, tmp_path: Path, access: Access, files: dict[str, bytes], name: str
) -> None:
    shutil.copytree(exported, tmp_path / "bundle")
    content = bytearray((tmp_path / "bundle" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bundle" / name).write_bytes(content)
    books = books_of(tmp_path / "bundle", scene)
    with closing(reader(books, access, files)) as client:
        assert "This bundle does not hold" in client.get("/").text
        if name == bundle.LEAF_LINES:  # the leaves themselves are those under the signed head
            assert "found what is wrong" in client.get("/receipts/7").text
            return
        for path in PATHS[1:]:
            assert "nothing else of it is shown" in client.get(path).text, path
        assert "nothing else of it is shown" in client.get("/receipts/7").text
        assert client.get("/uses/live").status_code == 204
    with pytest.raises(Fault), books.look():
        pass


def test_another_key_or_no_bundle_is_refused(exported: Path, scene: Scene, tmp_path: Path) -> None:
    assert is_bundle(exported)
    assert not is_bundle(tmp_path)
    with pytest.raises(Fault, match="cannot be read"):
        books_of(exported, scene, bytes(32))


def test_two_leaves_that_changed_places_are_not_shown(
    exported: Path, scene: Scene, tmp_path: Path, access: Access, files: dict[str, bytes]
) -> None:
    """Each is signed and whole; the signed head is over another order."""
    shutil.copytree(exported, tmp_path / "bundle")
    for one, other in zip(bundle.names(8), bundle.names(9), strict=True):
        first, second = ((tmp_path / "bundle" / name).read_bytes() for name in (one, other))
        (tmp_path / "bundle" / one).write_bytes(second)
        (tmp_path / "bundle" / other).write_bytes(first)
    with closing(reader(books_of(tmp_path / "bundle", scene), access, files)) as client:
        assert "nothing else of it is shown" in client.get("/receipts").text
