"""The console as a process: what it opens, where it listens, how it ends, and what it does not start without."""

import json
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.console import assets
from yanmen.console.assets import OURS, VENDORED
from yanmen.console.books import Books
from yanmen.model.refusal import Fault

from tests.unit.console.played import play
from tests.unit.ledger.scene import NODE, RIVAL, Scene

KEYS = ("signing.key", "log.key", "seal.key", "tls.key")
TOLD = """
import os, sys
def hook(event, arguments):
    if event in ("open", "sqlite3.connect", "subprocess.Popen", "os.exec", "socket.connect"):
        print("AUDIT", event, arguments[0], file=sys.stderr, flush=True)
sys.addaudithook(hook)
from yanmen.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def needed() -> None:
    """Go on when the vendored scripts are there."""
    try:
        assets.load()
    except Fault as fault:
        pytest.skip(str(fault))


@contextmanager
def started(folder: Path, trace: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the console with a trace of what it opens, and give what it tells to open."""
    line = [sys.executable, "-c", TOLD, "console", str(folder), "--json", *words]
    with trace.open("w") as told, subprocess.Popen(line, stdout=subprocess.PIPE, stderr=told, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())["open"]
        finally:
            process.terminate()


def get(site: str, path: str, **headers: str) -> tuple[int, str, str]:
    """Return status, body and cookie of one call."""
    with closing(HTTPConnection(site, timeout=20)) as connection:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode(), (answer.getheader("set-cookie") or "").partition(";")[0]


@pytest.mark.usefixtures("needed")
def test_it_opens_no_key_and_nothing_else(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    play(tmp_path)
    trace = tmp_path_factory.mktemp("trace") / "trace"
    for name in KEYS:
        (tmp_path / name).write_text("never to be read")
    (tmp_path / "snapshots").mkdir()
    before = {path.name for path in tmp_path.iterdir()}
    with started(tmp_path, trace, "--address", "127.0.0.1:0") as (process, link):
        found = re.fullmatch(r"http://(127\.0\.0\.1:\d+)(/\?access=[0-9a-f]{64})", link)
        assert found is not None
        status, _, cookie = get(found[1], found[2])
        assert status == 303
        for path in ("/", "/contracts", "/budget", "/receipts/3/verification", "/witnesses", "/catalogue/persons"):
            assert get(found[1], path, Cookie=cookie)[0] == 200
        process.terminate()
        out, _ = process.communicate(timeout=10)
    assert json.loads(out) == {"stopped": True}
    assert process.returncode == 0
    told = trace.read_text()
    assert found[2].partition("=")[2] not in told, "the token is on standard error"
    opened = {Path(line.split(" ", 2)[2]).name for line in told.splitlines() if str(tmp_path) in line}
    logs = {name for name in opened if re.fullmatch(r"(commands|console)(\.lock|-\d{4}-\d\d-\d\d\.jsonl)", name)}
    assert opened - logs == {"node.toml", "register.jws", "ledger.sqlite?mode=ro", "accounts.json"}
    assert not re.search(r"AUDIT (subprocess|os\.exec|socket\.connect)", told)
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()} == before | {"logs"}


@pytest.mark.usefixtures("needed")
def test_on_a_socket_of_its_own_with_the_link_in_a_private_file(tmp_path: Path) -> None:
    play(tmp_path)
    place, link = tmp_path / "console.sock", tmp_path / "link"
    words = ("--socket", str(place), "--host", "Console.example", "--link", str(link))
    with started(tmp_path, tmp_path / "trace", *words) as (process, where):
        assert where == str(link)
        assert stat.S_IMODE(link.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        address = link.read_text().strip()
        assert address.startswith("https://console.example/?access=")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(place))
            query = address.partition("example")[2]
            client.sendall(f"GET {query} HTTP/1.1\r\nHost: console.example\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(4096), b"")).decode()
        assert answer.startswith("HTTP/1.1 303")
        assert "Secure" in answer
        process.terminate()
        process.communicate(timeout=10)
    assert not place.exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--address", "0.0.0.0:7480"], 2, "loopback"),
        (["--address", "192.0.2.1:7480"], 2, "loopback"),
        (["--address", "localhost.example:1"], 2, "loopback"),
        (["--address", "7480"], 2, "HOST:PORT"),
        (["--address", "127.0.0.1:99999"], 2, "HOST:PORT"),
        (["--socket", "s"], 2, "--host"),
        (["--space-key", "nowhere"], 2, "not a file"),
    ],
)
def test_where_it_may_not_listen_it_says_where(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert main(["console", str(folder), *words]) == code
    assert told in capsys.readouterr().err


def test_a_folder_that_is_no_node_s_and_a_ledger_of_another(
    tmp_path: Path, folder: Path, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["console", str(tmp_path)]) == 3
    assert "no node.toml" in capsys.readouterr().err
    text = (folder / "node.toml").read_text(encoding="utf-8")
    (tmp_path / "node.toml").write_text(text, encoding="utf-8")
    assert main(["console", str(tmp_path), "--address", "127.0.0.1:0"]) == 3
    assert re.search("no ledger here|console-assets", capsys.readouterr().err)
    assert scene.path.parent == folder


def test_a_ledger_of_another_node_is_not_shown(tmp_path: Path, folder: Path, scene: Scene) -> None:
    text = (folder / "node.toml").read_text(encoding="utf-8")
    (tmp_path / "node.toml").write_text(text.replace(NODE, RIVAL), encoding="utf-8")
    (tmp_path / "ledger.sqlite").symlink_to(scene.path)
    books = Books(tmp_path, scene.clock)
    with pytest.raises(Fault, match="another node"), books.look():
        pass


def test_scripts_that_are_missing_or_altered_are_not_served(tmp_path: Path) -> None:
    for part in ("static", "assets"):
        (tmp_path / part).mkdir()
    for name in OURS:
        (tmp_path / "static" / name).write_bytes(b"")
    with pytest.raises(Fault, match=r"echarts\.min\.js.*run scripts/console-assets"):
        assets.load_from(tmp_path)
    for name in VENDORED:
        (tmp_path / "assets" / name).write_bytes(b"alert(1)")
    with pytest.raises(Fault, match="missing or altered"):
        assets.load_from(tmp_path)


@pytest.mark.usefixtures("needed")
def test_scripts_that_are_right_are_served_as_they_are() -> None:
    found = assets.load()
    assert found.keys() == {*OURS, *VENDORED}
    for name in VENDORED:
        assert b"eval(" not in found[name].replace(b".eval(", b"")


def test_without_its_packages_it_says_which(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("yanmen.console")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette.datastructures", None)
    assert main(["console", str(folder)]) == 3
    assert "pip install 'yanmen[console]'" in capsys.readouterr().err
