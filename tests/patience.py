"""Waiting for what must come, and timing what must be quick, on a machine that others keep busy."""

import os
import time
from collections.abc import Callable
from pathlib import Path

LONG_S = 60.0
"""Nothing that is waited for takes nearly as long, unless it never comes."""


def wait_until(condition: Callable[[], object], seconds: float = LONG_S) -> None:
    """Return as soon as `condition` holds; fail when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds `action` takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def once_within(seconds: float, measure: Callable[[], float], tries: int = 20) -> None:
    """Hold the least of a few measurements to `seconds`: others can only make one slower, so one is enough."""
    taken: list[float] = []
    for _ in range(tries):
        taken.append(measure())
        if taken[-1] < seconds:
            return
    raise AssertionError(f"never within {seconds} s: {sorted(taken)}")


def below(folder: Path) -> list[Path]:
    """Return everything below a folder that others may be emptying, which makes `rglob` fail."""
    return [Path(root, name) for root, folders, names in os.walk(folder) for name in (*folders, *names)]
