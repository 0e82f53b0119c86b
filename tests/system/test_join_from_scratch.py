"""The walk-through of docs/JOINS.md as a newcomer pastes it into bash: only its ports are others here.

Commands that end by themselves run in this process, which has the program loaded; servers are processes of their own.
"""

import contextlib
import io
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from yanmen.cli.main import main

from tests.ports import free_port
from tests.unit.docs.markdown import fences

NAME = "docs/JOINS.md"
COMMAND = """#!/bin/bash
[ "$2" = serve ] && exec {python} -m yanmen.cli.main "$@"
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\n' $# >&3
printf '%s\\0' "$@" >&3
IFS= read -r -d '' said <&3
read -r code <&3
printf '%s' "$said"
exit "$code"
"""
TRUTH = {"old": 334, "young": 166}
SECONDS = 120


def obeyed(connection: socket.socket) -> None:
    """Run one command as the program would."""
    with connection, connection.makefile("rwb") as line:
        words = [b""] * int(line.readline())
        for number in range(len(words)):
            while not words[number].endswith(b"\0"):
                words[number] += line.read(1)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([word[:-1].decode() for word in words])
        line.write(f"{out.getvalue()}{err.getvalue()}\0{code}\n".encode())


def pasted(script: str, folder: Path) -> tuple[int, str]:
    """Let bash run `script` in `folder`; return how it ended and what was on the screen."""
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "screen").open("w+") as screen:
        listener.settimeout(0.1)
        command = folder / "bin" / "yanmen"
        command.parent.mkdir()
        command.write_text(COMMAND.format(python=sys.executable, port=listener.getsockname()[1]))
        command.chmod(0o700)
        with subprocess.Popen(["bash", "-euc", script], cwd=folder, stdout=screen, stderr=screen) as bash:
            while bash.poll() is None:
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.settimeout(SECONDS)
                    obeyed(connection)
        return bash.returncode, (folder / "screen").read_text()


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Return the walk-through for `tmp_path`, on ports of our own."""
    (text,) = (fence.text for fence in fences(NAME, "bash") if "join_space" in fence.text)
    text, ports = re.subn(r"(?m) 74\d\d$", lambda _: f" {free_port()}", text)
    assert ports == 5
    for line, ours in (
        ("export PATH=$PWD/.venv/bin:$PATH\n", f"export PATH={tmp_path}/bin:$PATH\n"),
        ('cd "$(mktemp -d)"\n', ""),
    ):
        assert line in text
        text = text.replace(line, ours)
    return text


def test_what_is_pasted_joins_two_departments(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, screen = pasted(script, tmp_path)
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert code == 0, screen[-3000:] + logs[-2000:]
    found = {band: (int(count), int(width)) for band, count, width in re.findall(r"(\w+) +(\d+) ± (\d+) ", screen)}
    assert set(found) == set(TRUTH)
    for band, (count, width) in found.items():
        assert abs(count - TRUTH[band]) <= 10 * width  # ten times the 95 % is beyond any luck
    assert (tmp_path / "answer").is_dir()
