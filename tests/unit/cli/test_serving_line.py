"""The first line of a serving node's log says where it is, who it is, how it is jailed and what it offers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from yanmen.cli.main import main

ME = ["--name", "民政局", "--alias", "civil", "--subject", "11140000MB0GTTTT0X", "--region", "1401"]


def test_serving_begins_with_one_line_that_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space, node = str(tmp_path / "space"), str(tmp_path / "civil")
    assert main(["space", "init", space, "--name", "shanxi.example"]) == 0
    assert main(["node", "init", node, *ME, "--address", "127.0.0.1:0"]) == 0
    assert main(["space", "sign", space, f"{node}/application.jws"]) == 0
    capsys.readouterr()
    assert main(["node", "accept", node, f"{node}/granted.json", "--register", f"{space}/register.jws", "--json"]) == 0
    identity = json.loads(capsys.readouterr().out)["id"]
    words = [sys.executable, "-m", "yanmen.cli.main", "node", "serve", node]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        address = (Path(node) / "serving.address").read_text().strip()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert line["serving"] == address
    assert not address.endswith(":0")
    assert (line["connector"], line["sandbox"], line["datasets"]) == (identity, "landlock", 0)
