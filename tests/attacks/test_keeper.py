"""A node killed while its container comes to be, at every one of the engine's calls: nothing is left of it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from yanmen.execution import meeting
from yanmen.execution.container import Container
from yanmen.model.config import Docker
from yanmen.model.refusal import Fault

from tests import container_engine
from tests.attacks.container_kills import NODE, made_by
from tests.attacks.node_kills import descendants, orphans_come_to_us
from tests.engine_proxy import Calls, between
from tests.patience import wait_until


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="yanmen-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
@pytest.mark.parametrize("at", ["asked", "created", "starting", "started"])
def test_a_node_killed_while_its_container_is_made_leaves_none(runtime: str, at: str, short: Path) -> None:
    """Held back at each step until the node is dead: `created, never started` was what stayed."""
    settings = container_engine.need(runtime)
    reached, dead = Event(), Event()

    def hold(here: str) -> Calls:
        def held(name: str) -> None:
            if name == here:
                reached.set()
                dead.wait(60)

        return held

    before = hold({"asked": "create", "starting": "start"}.get(at, "none"))
    after = hold({"created": "create", "started": "start"}.get(at, "none"))
    with orphans_come_to_us(), between(settings.socket, short, before=before, after=after) as proxy:
        command = [sys.executable, "-c", NODE, proxy, runtime]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
            assert reached.wait(60)
            node.send_signal(signal.SIGKILL)
            node.wait()
        assert "python" in "".join(descendants(os.getpid()).values())  # the keeper, which outlives it
        dead.set()
        wait_until(lambda: not descendants(os.getpid()))  # no daemon stays
    wait_until(lambda: not made_by(node.pid, settings))
    assert not list(Path(tempfile.gettempdir()).glob(f"{meeting.PREFIX}{node.pid}-*"))


def test_a_node_killed_before_it_asks_leaves_nothing(short: Path) -> None:
    """The engine does not answer at all: nothing was asked of it yet."""
    settings = container_engine.need("runsc")
    reached, dead = Event(), Event()

    def held(name: str) -> None:
        if name == "json":  # the sweep, before the first container
            reached.set()
            dead.wait(60)

    with orphans_come_to_us(), between(settings.socket, short, before=held) as proxy:
        command = [sys.executable, "-c", NODE, proxy, "runsc"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
            assert reached.wait(60)
            wait_until(lambda: list(Path(tempfile.gettempdir()).glob(f"{meeting.PREFIX}{node.pid}-*")))
            node.send_signal(signal.SIGKILL)
            node.wait()
        dead.set()
        wait_until(lambda: not descendants(os.getpid()))
    assert made_by(node.pid, settings) == []
    assert not list(Path(tempfile.gettempdir()).glob(f"{meeting.PREFIX}{node.pid}-*"))


def test_the_keeper_ends_when_the_node_holds_its_container() -> None:
    settings = container_engine.need()
    home = Container(settings)
    before = set(descendants(os.getpid()))
    home.start().close()
    assert set(descendants(os.getpid())) <= before
    wait_until(lambda: made_by(os.getpid(), settings) == [])
    home.end()


def test_a_container_the_engine_warns_of_is_removed_and_refused(short: Path) -> None:
    """The engine would go on without the limit; the node does not."""
    settings = container_engine.need()
    said: dict[str, object] = {"Warnings": ["Your kernel does not support memory limits"]}
    with between(settings.socket, short, said=said) as proxy:
        home = Container(Docker(socket=proxy))
        with pytest.raises(Fault, match="memory limits"):
            home.start()
    assert made_by(os.getpid(), settings) == []
