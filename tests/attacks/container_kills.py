"""Nodes of the profile `docker` killed while their container comes to be, at moments spread over that time."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import docker
from yanmen.execution import container, meeting
from yanmen.model.config import Docker

from tests.attacks.node_kills import SECONDS, Tally, descendants, orphans_come_to_us
from tests.engine_proxy import between

NODE = """
import sys
from yanmen.execution import profiles
from yanmen.model.config import Docker
zygote = profiles.zygote("docker", docker=Docker(socket=sys.argv[1], runtime=sys.argv[2]))
zygote.start()
print("met", flush=True)
sys.stdin.read()
"""


AFTER_S = 0.2
"""The last kill comes so long after node and container have met."""


def made_by(node: int, settings: Docker) -> list[str]:
    """Return the states of the containers that the process `node` had made."""
    api = docker.APIClient(f"unix://{settings.socket}", version="auto")
    try:
        found = api.containers(all=True, filters={"label": container.OWNER})
        return [each["State"] for each in found if each["Labels"][container.OWNER].startswith(f"{node}.")]
    finally:
        api.close()


def aimed(settings: Docker, rounds: int) -> Tally:
    """Kill so many nodes between their first word to the engine about a container and a moment after they hold it."""
    tally = Tally()
    window = min(_round(settings, None, Tally()) for _ in range(3)) + AFTER_S
    for number in range(rounds):
        _round(settings, window * number / rounds, tally)
    return tally


def _round(settings: Docker, delay: float | None, tally: Tally) -> float:
    """Kill a node so long after it asked for a container, or when it holds one; return when it was killed."""
    asked = Event()

    def seen(name: str) -> None:
        if name == "create":
            asked.set()

    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="yanmen-"))
        held.enter_context(orphans_come_to_us())
        proxy = held.enter_context(between(settings.socket, Path(folder), before=seen))
        command = [sys.executable, "-c", NODE, proxy, settings.runtime]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
            asked.wait(60)
            began = time.monotonic()
            if delay is not None:
                time.sleep(delay)
            elif node.stdout is not None:
                node.stdout.readline()
            took = time.monotonic() - began
            tally.running += len(made_by(node.pid, settings))
            node.send_signal(signal.SIGKILL)
        began = time.monotonic()
        while (left := _left(node.pid, settings)) and time.monotonic() - began < SECONDS:
            time.sleep(0.01)
        tally.rounds += 1
        tally.slowest_s = max(tally.slowest_s, time.monotonic() - began)
        tally.left += left
    return took


def _left(node: int, settings: Docker) -> list[str]:
    """Name what is left of a killed node: containers, processes, folders to meet in."""
    folders = Path(tempfile.gettempdir()).glob(f"{meeting.PREFIX}{node}-*")
    found = [f"container ({state})" for state in made_by(node, settings)]
    found += [f"process {name} ({pid})" for pid, name in descendants(os.getpid()).items()]
    return found + [f"folder {folder}" for folder in folders]
