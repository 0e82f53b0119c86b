"""The container engine that scripts/test starts: absent, a test says so, or fails where it must not be absent."""

import os
import shutil
from functools import cache

import docker
import pytest
from yanmen.execution.container import Container
from yanmen.execution.zygote import Zygote
from yanmen.model.config import Docker

SOCKET = "YANMEN_DOCKER_SOCKET"


def need(runtime: str = "runc") -> Docker:
    """Return where an engine with `runtime` is; otherwise skip aloud, or fail when SANDBOX_MUST_WORK=1."""
    socket = os.environ.get(SOCKET)
    missing = f"no container engine: run scripts/docker-engine as root and set {SOCKET}"
    if socket:
        if runtime in runtimes(socket):
            return Docker(socket=socket, runtime=runtime)
        missing = f"the container engine has no runtime {runtime}"
    if os.environ.get("SANDBOX_MUST_WORK") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def need_program(name: str) -> None:
    """Go on when a program that comes with the engine is there; otherwise as above."""
    if shutil.which(name) is not None:
        return
    if os.environ.get("SANDBOX_MUST_WORK") == "1":
        pytest.fail(f"{name} is not installed: run scripts/docker-engine as root")
    pytest.skip(f"{name} is not installed: run scripts/docker-engine as root")


@cache
def runtimes(socket: str) -> frozenset[str]:
    """Return the names of what the engine runs containers with."""
    api = docker.APIClient(f"unix://{socket}", version="auto")
    try:
        return frozenset(api.info()["Runtimes"])
    finally:
        api.close()


def zygote(settings: Docker, script: str, *words: str) -> Zygote:
    """Return the zygote that `script`, shown in the container, makes of itself."""
    home = Container(settings, ("python3", "-I", "-B", script, *words, "contained"), (script,))
    return Zygote(home, "docker", home.layers)
