"""A node killed with SIGKILL leaves no worker, container or file; a hundred times in `scripts/bench kill-node`."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import container_engine, system_packages
from tests.attacks.node_kills import descendants, files, killed
from tests.patience import LONG_S
from tests.system.town import Town

ROUNDS = 2


@pytest.mark.parametrize("profile", ["landlock", "jail", "docker"])
def test_nothing_is_left_of_a_killed_node(profile: str, tmp_path: Path) -> None:
    if profile == "jail":
        system_packages.need("bwrap")
    docker = container_engine.need() if profile == "docker" else None
    town = Town(tmp_path)
    town.build()
    town.configure(sandbox=profile, **({} if docker is None else {"docker": docker}))
    tally = killed(town, ROUNDS, docker, LONG_S)
    assert tally.rounds == ROUNDS
    assert tally.running > 0  # there was something to leave
    assert tally.left == []


def test_what_is_left_would_be_seen(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.node.mkdir()
    (town.node / "left").touch()
    (town.node / "ledger.sqlite").touch()
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        assert descendants(os.getpid())[process.pid] == "sleep"
        process.kill()
    assert {Path(name).name for name in files(town) if name.startswith(str(tmp_path))} == {"left"}
