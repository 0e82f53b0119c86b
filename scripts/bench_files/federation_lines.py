"""Figures of federation as lines of a table: what was measured, what it is held to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One figure beside its bar."""

    what: str
    measured: str
    bar: str
    met: bool

    def text(self) -> str:
        """Return the line as a row of docs/PERFORMANCE.md."""
        return f"| {self.what} | {self.measured} | {self.bar} | {'yes' if self.met else 'NO'} |"


@dataclass
class Laps:
    """CPU seconds of this process by what they were for."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Count the CPU of what is done inside."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

    def of(self, *names: str) -> float:
        """Return the sum of some."""
        return sum(self.seconds[name] for name in names)
