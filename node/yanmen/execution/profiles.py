"""What `sandbox` in node.toml can be: `landlock`, `jail` with namespaces as well, `docker`; nothing in between."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from yanmen.execution import account, bubblewrap, container
from yanmen.execution.process import Fresh, Spawner
from yanmen.execution.zygote import Child, Zygote
from yanmen.model.config import Docker
from yanmen.model.refusal import Fault, FaultCode, JobFailed

LANDLOCK = "landlock"
JAIL = "jail"
DOCKER = "docker"
NAMES = (LANDLOCK, JAIL, DOCKER)
MODULE = (sys.executable, "-I", "-B", "-m", "yanmen_sandbox.zygote")


def zygote(profile: str, program: tuple[str, ...] = MODULE, docker: Docker | None = None) -> Zygote:
    """Return the zygote of `profile`, not yet started; `program` is another one only in tests."""
    word = account.word()
    match profile:
        case "landlock":
            return Zygote(Child(lambda control: (*program, str(control), "open", word)), LANDLOCK)
        case "jail":
            version = bubblewrap.version()
            command = bubblewrap.command(program)
            home = Child(lambda control: (*command, *program, str(control), "closed", word))
            return Zygote(home, JAIL, (f"bubblewrap:{version}",))
        case "docker":
            contained = container.Container(docker or Docker())
            return Zygote(contained, DOCKER, contained.layers)
        case _:
            raise Fault(FaultCode.CONFIG, f"node.toml: sandbox is one of {', '.join(NAMES)}, not {profile!r}")


@contextmanager
def serving(profile: str, docker: Docker | None = None) -> Iterator[Spawner]:
    """Start the zygote of `profile`; call it before anything that starts threads is imported."""
    spawner = zygote(profile, docker=docker)
    try:
        try:
            spawner.start()
        except JobFailed as failed:
            raise Fault(FaultCode.SANDBOX, f"no worker starts: {spawner.trouble()}") from failed
        yield spawner
    finally:
        spawner.close()


@contextmanager
def once(profile: str, docker: Docker | None = None) -> Iterator[Spawner]:
    """Give a spawner for a command that runs a job or two: a zygote does not pay, except as the way into a jail."""
    if profile == LANDLOCK:
        yield Fresh()
        return
    with serving(profile, docker) as spawner:
        yield spawner
