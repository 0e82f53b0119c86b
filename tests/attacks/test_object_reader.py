"""A hostile store, and descriptions of objects that lead elsewhere: nothing is kept, nobody else is called."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from yanmen.crypto.system import SystemClock
from yanmen.execution import object_storage
from yanmen.execution.clear_files import ClearFiles
from yanmen.formats import object_source
from yanmen.model.refusal import Fault, JobFailed, Reason, Refused

GOOD = {
    "object": "s3://bucket/a.csv",
    "endpoint": "http://127.0.0.1:1",
    "credentials": "store.keys",
}


@contextmanager
def answering(reply: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answer every caller with these bytes, and hang up."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:
                    return
                with caller:
                    heard.append(caller.recv(65536))
                    caller.sendall(reply)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1], heard
        door.shutdown(socket.SHUT_RDWR)
        thread.join()


def written(folder: Path, **changed: Any) -> Path:
    path = folder / "object.toml"
    lines = [f'{name} = "{value}"' for name, value in {**GOOD, **changed}.items()]
    path.write_text("[object_storage]\ntimeout_seconds = 5\n" + "\n".join(lines) + "\n")
    keys = folder / "store.keys"
    keys.write_text('access_key_id = "AK"\nsecret_access_key = "secret-of-the-node"\n')
    keys.chmod(0o600)
    return path


def fetch(path: Path) -> None:
    source = object_source.decode(path.read_bytes())
    with object_storage.fetched(str(path), source, ClearFiles(), SystemClock().now_ms()):
        pytest.fail("it was kept")


@pytest.mark.parametrize(
    ("reply", "clause"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ()),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", ()),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ()),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n", ()),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n", ()),
        (b"\x00\x01\x02 not HTTP\r\n\r\n", ()),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nsecret", ("HTTP 500",)),
    ],
)
def test_what_is_no_whole_object_is_not_kept(tmp_path: Path, reply: bytes, clause: tuple[str, ...]) -> None:
    with answering(reply) as (port, _), pytest.raises(Refused) as refused:
        fetch(written(tmp_path, endpoint=f"http://127.0.0.1:{port}"))
    assert refused.value.reason is Reason.SOURCE_MISMATCH
    assert refused.value.detail.clauses == clause
    assert "secret" not in str(refused.value.detail)


def test_a_redirect_is_not_followed_and_the_secret_is_not_sent(tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (elsewhere, overheard):
        to = f"Location: http://127.0.0.1:{elsewhere}/bucket/a.csv\r\n".encode()
        with answering(b"HTTP/1.1 307 Temporary Redirect\r\n" + to + b"Content-Length: 0\r\n\r\n") as (port, heard):
            with pytest.raises(Refused) as refused:
                fetch(written(tmp_path, endpoint=f"http://127.0.0.1:{port}"))
            assert refused.value.detail.clauses == ("HTTP 307",)
            (request,) = heard
    assert not overheard
    assert request.startswith(b"GET /bucket/a.csv HTTP/1.1\r\n")
    assert b"secret-of-the-node" not in request


def test_a_huge_length_is_not_believed(tmp_path: Path) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nabc") as (port, _), pytest.raises(Fault):
        fetch(written(tmp_path, endpoint=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    "etag", [b'"\xe5\x8c\x96"', b"x" * 500, b'"a\x7fb"', b'"a" "b"'], ids=["bytes", "long", "control", "two"]
)
def test_an_etag_out_of_form_is_none(tmp_path: Path, etag: bytes) -> None:
    reply = b"HTTP/1.1 200 OK\r\nETag: " + etag + b"\r\nContent-Length: 3\r\n\r\nabc"
    with answering(reply) as (port, _):
        path = written(tmp_path, endpoint=f"http://127.0.0.1:{port}")
        source = object_source.decode(path.read_bytes())
        with object_storage.fetched(str(path), source, ClearFiles(), SystemClock().now_ms()) as (_, found):
            assert (found.etag, found.size) == ("", 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"object": "s3://bucket/../a.csv"},
        {"object": "s3://bucket/a//b.csv"},
        {"object": "s3://Bucket/a.csv"},
        {"object": "s3://bucket/a.exe"},
        {"object": "s3://bucket/a.csv\\r\\nHost: evil"},
        {"object": "http://bucket/a.csv"},
        {"endpoint": "http://store.example"},
        {"endpoint": "http://127.0.0.1.evil.example"},
        {"endpoint": "https://user:pass@store.example"},
        {"endpoint": "https://store.example/path"},
        {"endpoint": "https://store.example:99999"},
        {"endpoint": "file:///etc/passwd"},
        {"credentials": "../../../root/keys"},
        {"etag": 'a"b'},
        {"region": "cn north"},
        {"version": "a b"},
        {"sha256": "00"},
        {"unknown": "x"},
    ],
)
def test_a_description_that_leads_elsewhere_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    text = written(tmp_path, **changed).read_bytes()
    assert object_source.decode(written(tmp_path).read_bytes()).key == "a.csv"
    with pytest.raises(Refused) as refused:
        object_source.decode(text)
    assert refused.value.reason is Reason.SPEC_INVALID


@pytest.mark.parametrize(
    "data",
    [
        b'{"ok":true,"bytes":-1,"etag":"","version":""}',
        b'{"ok":true,"bytes":1,"etag":"a b","version":""}',
        b'{"ok":true,"bytes":1,"etag":"","version":"","more":1}',
        b'{"ok":true,"bytes":1, "etag":"","version":""}',
        b'{"trouble":"WHATEVER","status":0}',
        b"[" * 10_000,
    ],
)
def test_a_reader_taken_over_tells_nothing_else(data: bytes) -> None:
    with pytest.raises(JobFailed):
        object_storage._read(data)
