"""What `sandbox` in node.toml can be: `landlock`, or `jail` with namespaces as well; nothing in between."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from yanmen.execution import account, bubblewrap
from yanmen.execution.process import Fresh, Spawner
from yanmen.execution.zygote import Zygote
from yanmen.model.refusal import Fault, FaultCode

LANDLOCK = "landlock"
JAIL = "jail"
MODULE = (sys.executable, "-I", "-B", "-m", "yanmen_sandbox.zygote")


def zygote(profile: str, program: tuple[str, ...] = MODULE) -> Zygote:
    """Return the zygote of `profile`, not yet started; `program` is another one only in tests."""
    word = account.word()
    match profile:
        case "landlock":
            return Zygote(lambda control: (*program, str(control), "open", word), LANDLOCK)
        case "jail":
            version = bubblewrap.version()
            return Zygote(
                lambda control: (*bubblewrap.command(program), *program, str(control), "closed", word),
                JAIL,
                (f"bubblewrap:{version}",),
            )
        case _:
            raise Fault(FaultCode.CONFIG, f"node.toml: sandbox is {LANDLOCK!r} or {JAIL!r}, not {profile!r}")


@contextmanager
def serving(profile: str) -> Iterator[Spawner]:
    """Start the zygote of `profile`; call it before anything that starts threads is imported."""
    spawner = zygote(profile)
    try:
        spawner.start()
        yield spawner
    finally:
        spawner.close()


@contextmanager
def once(profile: str) -> Iterator[Spawner]:
    """Give a spawner for a command that runs a job or two: a zygote does not pay, except as the way into a jail."""
    if profile == LANDLOCK:
        yield Fresh()
        return
    with serving(profile) as spawner:
        yield spawner
