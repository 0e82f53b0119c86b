"""A hostile PostgreSQL server that took over the reader: what it finds there, what it can make the node believe."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.execution import postgresql, reader_trouble
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.postgresql import READER
from yanmen.execution.process import FreshProcess
from yanmen.execution.reader_trouble import Wanted
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed, Refused

PROBE = Path(__file__).with_name("reader_probe.py")
ROOT = Path(__file__).parents[2]
DONE, REFUSED = 0, 1
ENDED = -signal.SIGSYS


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A key like the node's, readable to whoever gets there, and a socket that takes callers."""
    folder = tmp_path_factory.mktemp("place")
    for above in (folder, *folder.parents[:3]):
        above.chmod(0o755)
    key = folder / "signing.key"
    key.write_bytes(b"secret")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        (folder / "s").chmod(0o777)
        listener.listen(64)
        yield key, folder / "s"


def attempt(stage: str, action: str, place: tuple[Path, Path]) -> int:
    words = [sys.executable, str(PROBE), stage, action, *map(str, place)]
    return subprocess.run(words, check=False, capture_output=True, env={"LANG": "C.UTF-8"}).returncode


@pytest.mark.parametrize(
    ("action", "connecting", "reading"),
    [
        ("read", REFUSED, REFUSED),
        ("write", REFUSED, REFUSED),
        ("trace", REFUSED, ENDED),
        ("connect", DONE, ENDED),
        ("program", REFUSED, ENDED),
        ("child", DONE, ENDED),
        ("thread", DONE, ENDED),
    ],
)
def test_what_foreign_code_in_the_reader_can_do(
    place: tuple[Path, Path], action: str, connecting: int, reading: int
) -> None:
    """While it connects, no file of the node is in reach; once rows can come, nothing is but the connection."""
    assert attempt("reading", action, place) == reading
    assert attempt("connecting", action, place) == connecting
    if action in {"read", "connect"}:
        assert attempt("open", action, place) == DONE


def test_the_reader_inherits_no_descriptor_and_no_variable_of_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YANMEN_PASSPHRASE", "secret")
    monkeypatch.setenv("PGUSER", "clerk")
    monkeypatch.setenv("AWS_SECRET", "secret")
    environment = postgresql._environment(os.environ)
    assert {name for name in environment if not name.startswith("PG")} <= {"LANG", "HOME"}
    assert environment["PGUSER"] == "clerk"
    assert environment["PGSSLMODE"] == "verify-full"
    shows = "import os,sys;os.write(int(sys.argv[1]),'\\n'.join(os.listdir('/proc/self/fd')).encode())"
    kept = os.open("/dev/null", os.O_RDONLY)
    started = FreshProcess((sys.executable, "-I", "-c", shows), (), environment)
    try:
        fds = set(os.read(started.pipes.reply, 4096).decode().split())
        started.reap()
    finally:
        for fd in (kept, started.pipes.request, started.pipes.reply, started.pipes.process):
            os.close(fd)
    assert len(fds) == 5, "the three usual ones, the reply, and the listing itself"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"E\x00\x00\x00\x0bsecret\x00\x00",
        b"R\x00\x00\x00\x08\x00\x00\x00\x00" + b"T\x00\xff" * 4096,
    ],
)
def test_a_server_that_talks_nonsense_ends_the_reading_and_nothing_else(tmp_path: Path, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / ".s.PGSQL.5432"))
        listener.listen(8)
        answering = threading.Thread(target=_answer, args=(listener, said))
        answering.start()
        (tmp_path / "connection").write_text(f"host={tmp_path} user=owner password=secret")
        (tmp_path / "connection").chmod(0o600)
        with (
            pytest.raises(Fault) as fault,
            postgresql.extracted(
                str(tmp_path / "source.toml"),
                PostgresqlSource('"visits"', connection="connection", timeout_s=5),
                Wanted(("id",), ()),
                ClearFiles(),
            ),
        ):
            pass
        listener.shutdown(socket.SHUT_RDWR)
        answering.join()
    assert fault.value.code is FaultCode.UNREACHABLE
    assert "secret" not in fault.value.note


def _answer(listener: socket.socket, said: bytes) -> None:
    """Read what a client begins with, say what was to be said, hang up."""
    while True:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        with link:
            link.recv(4096)
            link.sendall(said)


def reply(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[" * 4000,
        reply({"ok": True, "rows": -1, "whole": True, "mark": None}),
        reply({"ok": True, "rows": 1, "whole": True, "mark": None, "more": 1}),
        reply({"ok": True, "rows": 1, "whole": True, "mark": ["<script>", 1, "1"]}),
        b'{"ok":true,"rows":1,"rows":2,"whole":true,"mark":null}',
        reply({"trouble": "INVENTED", "column": 0, "word": ""}),
        reply({"trouble": "QUERY", "column": 0, "word": "", "more": ""}),
    ],
)
def test_a_reply_that_no_reader_gives_is_not_believed(data: bytes) -> None:
    with pytest.raises(JobFailed, match="BAD_REPLY"):
        postgresql._read(data, None)


def test_no_text_of_the_readers_reaches_a_person() -> None:
    for word in ("DROP TABLE", "\x1b[2J", "a" * 17, "Alice"):
        raised = reader_trouble.told("QUERY", 999, word, Wanted(("id",), ()))
        assert isinstance(raised, Refused)
        assert raised.detail.clauses == ()
        assert raised.detail.subject == ""


def test_a_host_without_a_layer_is_refused() -> None:
    for status, layer in ((71, "Landlock"), (72, "seccomp")):
        raised = reader_trouble.ended(JobFailed(JobCode.FAILED), status)
        assert isinstance(raised, Fault)
        assert raised.code is FaultCode.SANDBOX
        assert layer in raised.note


def test_the_reader_is_started_isolated() -> None:
    assert READER[1:] == ("-I", "-B", "-m", "yanmen_reader")
