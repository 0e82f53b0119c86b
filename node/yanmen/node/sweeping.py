"""Destroys what is left of joins whose time is up: when serving begins, and every minute from then on."""

import sys
from threading import Event, Thread

from yanmen.ledger.join_book import JoinBook
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault

MINUTE_S = 60.0


class Sweeping:
    """Sweeps one book."""

    def __init__(self, book: JoinBook, clock: Clock, *, every_s: float = MINUTE_S) -> None:
        """Hold the book; nothing is destroyed yet."""
        self._book = book
        self._clock = clock
        self._every_s = every_s
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Sweep now, and from now on."""
        self._book.sweep(self._clock.now_ms() // 1000)
        self._thread = Thread(target=self._run, name="sweeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the book may be closed then."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._book.sweep(self._clock.now_ms() // 1000)
            except Fault as fault:
                complaint = f"joins: {fault.code.value} {fault.note}"
                print(complaint, file=sys.stderr, flush=True)  # noqa: T201 - the operator's log
