"""What holds for every test: examples that are the same in each run, and quiet around tests that measure time."""

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tests fork servers of others beside gRPC's own threads, which would go on in the child until it is another program.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# Whether examples are found slowly says how busy the machine is; `HYPOTHESIS_PROFILE=explore` looks for new ones.
BUSY = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=BUSY)
settings.register_profile("explore", deadline=None, suppress_health_check=BUSY, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

LONGEST_FIRST = (
    "tests/system/test_bundle.py",
    "tests/attacks/test_escape.py",
    "tests/system/",
    "tests/unit/execution/test_zygote.py",
    "tests/unit/execution/",
    "tests/properties/",
    "tests/attacks/",
)
"""Files are handed to workers in this order, so that none is left alone with a long one at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the locks that tests in several processes share; the first process names them to the others."""
    if "YANMEN_TEST_LOCKS" not in os.environ:
        folder = config.rootpath / ".pytest_cache" / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["YANMEN_TEST_LOCKS"] = str(folder / str(os.getpid()))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the locks this process made."""
    named = Path(os.environ["YANMEN_TEST_LOCKS"])
    if named.name == str(os.getpid()):
        for path in named.parent.glob(f"{named.name}.*"):
            path.unlink()
        del os.environ["YANMEN_TEST_LOCKS"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, end with what lets others wait; within a file nothing moves."""
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: (item.path in alone, _place(item.nodeid)))


def _place(nodeid: str) -> int:
    return next((at for at, start in enumerate(LONGEST_FIRST) if nodeid.startswith(start)), len(LONGEST_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `alone` while no other process runs one; all others beside each other."""
    with _held("turn", fcntl.LOCK_EX), _opened("run") as run:
        fcntl.flock(run, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        kept = os.dup(run)
    try:
        return (yield)
    finally:
        fcntl.flock(kept, fcntl.LOCK_UN)  # also where a forked child still holds the descriptor
        os.close(kept)


@contextmanager
def _opened(name: str) -> Iterator[int]:
    file = os.open(f"{os.environ['YANMEN_TEST_LOCKS']}.{name}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def _held(name: str, kind: int) -> Iterator[None]:
    """Hold a lock: whoever waits for `run` holds `turn`, so that no one who came later goes first."""
    with _opened(name) as file:
        fcntl.flock(file, kind)
        yield
