"""Carries the holder's orders out while uses run, and beats: a thread that looks at the ledger every tenth of a second.

Orders come from other processes (the holder's commands), so that they are read where they are durable.
"""

import sys
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from yanmen.crypto import documents
from yanmen.formats.heartbeat import Heartbeat
from yanmen.ledger.ledger import Ledger
from yanmen.model.control import Stops
from yanmen.model.ports import Clock, Signer
from yanmen.model.refusal import Fault
from yanmen.node.jobs import Jobs

LOOK_S = 0.1
"""How long an order waits at most to be seen: with half a second for a stop to settle, a job ends within a second."""
BEAT_MS = 5_000
HEARTBEAT = "heartbeat.jws"
"""In the node's folder: the newest beat, for whoever hands it to the region's node."""


class Controlling:
    """Ends what may not go on and writes the heartbeat."""

    def __init__(self, ledger: Ledger, jobs: Jobs, signer: Signer, clock: Clock, folder: Path, connector: str) -> None:
        """Hold what it works with; `start` begins."""
        self._ledger = ledger
        self._jobs = jobs
        self._signer = signer
        self._clock = clock
        self._path = folder / HEARTBEAT
        self._connector = connector
        self._stopping = Event()
        self._sequence = 0
        self._beaten_ms = 0
        self._failing = False
        self._thread: Thread | None = None
        self.stops = ledger.stops()

    def start(self) -> None:
        """Look from now on."""
        self._thread = Thread(target=self._run, name="controlling", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; its last beat says that the node is not connected."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._beat(connected=False)

    def _run(self) -> None:
        """Look until it is stopped; whoever carries orders out and breaks leaves the node disconnected."""
        try:
            while not self._stopping.wait(LOOK_S):
                try:
                    self.look()
                    self._failing = False
                except (Fault, OSError) as error:
                    self._tell(error)
        finally:
            if not self._stopping.is_set():
                self.stops = replace(self.stops, disconnected=True)
                self._jobs.cancel_all(None)

    def look(self) -> None:
        """Look once."""
        self.stops = self._ledger.stops()
        for owner, job_id in self.stops.jobs:
            self._jobs.cancel(owner, job_id)
        self._jobs.cancel_all(None if self.stops.disconnected else self.stops.members)
        now_ms = self._clock.now_ms()
        if now_ms - self._beaten_ms >= BEAT_MS or now_ms < self._beaten_ms:
            self._beaten_ms = now_ms
            self._beat(connected=not self.stops.disconnected)

    def _beat(self, *, connected: bool) -> None:
        """Write the beat in one step, so that no reader sees half of it."""
        self._sequence += 1
        beat = Heartbeat(
            connector=self._connector,
            at_ms=self._clock.now_ms(),
            sequence=self._sequence,
            connected=connected,
            origin=self._ledger.origin,
            leaves=self._ledger.size(),
            running=len(self._ledger.running()),
        )
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_bytes(documents.sign_heartbeat(beat, self._signer) + b"\n")
        fresh.replace(self._path)

    def _tell(self, error: Exception) -> None:
        """Say once that orders cannot be read: the ledger is broken, and every question fails with it."""
        if not self._failing:
            self._failing = True
            sys.stderr.write(f'{{"controlling": "failing", "note": "{type(error).__name__}"}}\n')
            sys.stderr.flush()


def may_serve(stops: Stops, party: str) -> bool:
    """Say whether `party` is served."""
    return not stops.disconnected and party not in stops.members
