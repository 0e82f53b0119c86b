"""The container engine's socket: what it refuses is a fault, in its own words."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.model.refusal import Fault, FaultCode

if TYPE_CHECKING:
    from docker import APIClient

CALL_SECONDS = 60
"""A machine with other work takes its time; the engine itself answers in tens of milliseconds."""
GONE = frozenset({404, 409})
"""What the engine answers about a container that it has removed, or is removing."""


@contextlib.contextmanager
def opened(socket: str) -> "Iterator[APIClient]":
    """Speak to the engine at `socket`; raises Fault(SANDBOX)."""
    try:
        import docker
        import requests
    except ImportError as error:
        note = "the profile `docker` needs the engine's SDK: install this package with its extra `docker`"
        raise Fault(FaultCode.SANDBOX, note) from error
    if not Path(socket).is_socket():
        raise Fault(FaultCode.SANDBOX, f"docker: no engine listens on {socket}")
    try:
        api = docker.APIClient(f"unix://{socket}", version="auto", timeout=CALL_SECONDS)
        try:
            yield api
        finally:
            api.close()
    except docker.errors.DockerException as error:
        raise Fault(FaultCode.SANDBOX, f"docker: {getattr(error, 'explanation', None) or error}") from error
    except requests.RequestException as error:
        raise Fault(FaultCode.SANDBOX, f"docker: {error}") from error


@contextlib.contextmanager
def already_gone() -> Iterator[None]:
    """Take it well that the container is not there any more."""
    import docker

    try:
        yield
    except docker.errors.APIError as error:
        if error.response is None or error.response.status_code not in GONE:
            raise


def removed(api: "APIClient", container: str) -> None:
    """Kill and remove a container, if it is there."""
    with already_gone():
        api.remove_container(container, force=True)
