"""What a serving node does from time to time, beside the orders it carries out: files, deadlines, logs of operation.

It reads what people put into folders and goes through lists others make long, so that it has a thread of its own:
however long a look takes, and whatever it meets, the holder's orders are carried out meanwhile.
"""

import sys
from collections.abc import Callable
from threading import Event, Thread

from yanmen.model.refusal import Fault

LOOK_S = 0.1
STOP_S = 5.0
"""How long a stop waits for a look under way: the thread dies with the process anyway."""


class Upkeep:
    """Looks at what it was given, by turns, until it is stopped."""

    def __init__(self) -> None:
        """Begin with nothing to look at."""
        self._looks: dict[str, Callable[[], None]] = {}
        self._failing: set[str] = set()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="upkeep", daemon=True)

    def also(self, name: str, look: Callable[[], None]) -> None:
        """Do `look`, `name` in the operator's log, too at every turn; before `start`."""
        self._looks[name] = look

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, unless what it does now takes too long."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            for name, look in self._looks.items():
                self._once(name, look)

    def _once(self, name: str, look: Callable[[], None]) -> None:
        """Look once; what breaks is told once, keeps nothing else from its turn, and has the next turn itself."""
        try:
            look()
        except (Fault, OSError, ValueError, ArithmeticError, LookupError, RuntimeError, TypeError) as error:
            if name not in self._failing:
                self._failing.add(name)
                sys.stderr.write(f'{{"upkeep": "{name}", "failing": "{type(error).__name__}"}}\n')
                sys.stderr.flush()
        else:
            self._failing.discard(name)
