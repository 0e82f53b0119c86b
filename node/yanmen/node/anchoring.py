"""Hands the head to the anchor hook while the node serves; what fails is told and tried again, nobody waits for it."""

import sys
from threading import Event, Thread

from yanmen.execution import anchoring
from yanmen.formats import checkpoint, note
from yanmen.ledger.anchors import Anchor, Failing
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import AnchorRules
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault

MINUTE_S = 60.0


class Anchoring:
    """Anchors one log's heads, each at most once."""

    def __init__(self, ledger: Ledger, rules: AnchorRules, clock: Clock, *, retry_s: float = MINUTE_S) -> None:
        """Hold the log and the hook; nothing is called yet."""
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._retry_s = retry_s
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Anchor from now on, if there is a hook."""
        if self._rules.command:
            self._thread = Thread(target=self._run, name="anchoring", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the hook, if it runs, and the thread; the head is anchored when the node serves again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def round(self) -> Anchor:
        """Hand the newest head to the hook, unless it is anchored, and return its anchor; a `Fault` is noted, too."""
        head = checkpoint.decode(note.decode(self._ledger.head()).text)
        newest = self._ledger.anchored()
        if newest is not None and newest.size == head.size:
            return newest
        told = {"YANMEN_ORIGIN": head.origin, "YANMEN_SIZE": str(head.size), "YANMEN_ROOT": head.root.hex()}
        try:
            given = anchoring.call(self._rules.command, head.root, told, self._rules.seconds, self._stopping)
        except Fault as fault:
            if not self._stopping.is_set():
                self._ledger.anchor_failed(Failing(self._clock.now_ms(), fault.note))
            raise
        made = Anchor(head.size, given, self._clock.now_ms())
        self._ledger.add_anchor(made)
        return made

    def _run(self) -> None:
        """Go round every so many minutes, soon again after a failure."""
        while not self._stopping.is_set():
            try:
                self.round()
                self._stopping.wait(self._rules.minutes * MINUTE_S)
            except Fault as fault:
                complaint = f"anchor: {fault.code.value} {fault.note}"
                print(complaint, file=sys.stderr, flush=True)  # noqa: T201 - the operator's log
                self._stopping.wait(self._retry_s)
