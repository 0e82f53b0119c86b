"""The container engine that scripts/test starts: absent, a test says so, or fails where it must not be absent."""

import os

import pytest
from yanmen.execution.container import Container
from yanmen.execution.zygote import Zygote
from yanmen.model.config import Docker

SOCKET = "YANMEN_DOCKER_SOCKET"


def need() -> Docker:
    """Return where the engine is; otherwise skip aloud, or fail when SANDBOX_MUST_WORK=1."""
    socket = os.environ.get(SOCKET)
    if socket:
        return Docker(socket=socket)
    missing = f"no container engine: run scripts/docker-engine as root and set {SOCKET}"
    if os.environ.get("SANDBOX_MUST_WORK") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def zygote(settings: Docker, script: str, *words: str) -> Zygote:
    """Return the zygote that `script`, shown in the container, makes of itself."""
    home = Container(settings, ("python3", "-I", "-B", script, *words, "contained"), (script,))
    return Zygote(home, "docker", home.layers)
