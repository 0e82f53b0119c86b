"""The means by which other tests wait, time and share a machine do what they are for."""

import os
import socket
import subprocess
import sys
from itertools import repeat
from pathlib import Path

import pytest

from tests.patience import once_within, wait_until
from tests.ports import FIRST, LAST, free_port

SUITE = """
import fcntl, os, time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

@pytest.mark.parametrize("number", range(3))
def test_beside_others(number):
    mine = HERE / f"running-{os.getpid()}"
    mine.touch()
    time.sleep(0.05)
    mine.unlink()

@pytest.mark.alone
@pytest.mark.parametrize("number", range(3))
def test_alone(number):
    mine = HERE / f"running-{os.getpid()}"
    mine.touch()
    for _ in range(5):
        assert list(HERE.glob("running-*")) == [mine]
        time.sleep(0.01)
    mine.unlink()
"""


def test_waiting_ends_when_it_happens_and_fails_when_it_never_does() -> None:
    seen = iter([False, False, True])
    wait_until(lambda: next(seen))
    with pytest.raises(AssertionError, match="never happened"):
        wait_until(lambda: False, seconds=0.02)


def test_one_quick_measurement_is_enough_and_none_is_not() -> None:
    taken = iter([3.0, 2.0, 0.5])
    once_within(1.0, lambda: next(taken))
    with pytest.raises(AssertionError, match="never within"):
        once_within(1.0, repeat(1.0).__next__)


def test_a_port_is_given_once_and_is_free() -> None:
    given = [free_port() for _ in range(5)]
    assert len(set(given)) == 5
    assert all(FIRST <= port < LAST for port in given)
    other = [sys.executable, "-c", "from tests.ports import free_port; print(free_port())"]
    elsewhere = subprocess.run(other, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert int(elsewhere.stdout) not in given
    with socket.socket() as server:
        server.bind(("127.0.0.1", given[0]))


def test_a_test_that_measures_time_runs_while_no_other_process_runs_one(tmp_path: Path) -> None:
    """In three processes of their own, with the conftest that this test runs under."""
    (tmp_path / "conftest.py").write_text((Path(__file__).parents[1] / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    alone: by itself\n")
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(SUITE)
    words = [sys.executable, "-m", "pytest", "-n", "3", "--dist", "loadfile", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "YANMEN_"))}
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout
    assert "18 passed" in done.stdout.splitlines()[-1]
    assert not list(tmp_path.rglob("locks/*"))
