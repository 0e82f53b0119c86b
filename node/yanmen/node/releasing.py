"""When an answer may leave: at once when it is durable here, or once enough witnesses saw the log that records it.

With the policy `quorum` a thread hands every new head to the witnesses. Answers whose leaf no quorum saw
are held; and once no quorum answered for the set time, no question is taken, before it is charged.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Event, Thread

from yanmen.ledger.ledger import Ledger
from yanmen.model.config import ReleasePolicy, ReleaseRules, Witness
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Fault, Reason, Refused
from yanmen.witness import asking, standing

ROUND_S = 20.0
"""Longest time between two rounds: an idle node shows that its witnesses still answer."""
RETRY_S = 1.0
"""Time after a round that found no quorum."""
MINUTE_MS = 60_000


class Releasing:
    """Gets heads witnessed, and says what may leave; with the policy `local`, all that is durable."""

    def __init__(self, ledger: Ledger, witnesses: Sequence[Witness], rules: ReleaseRules, clock: Clock) -> None:
        """Begin as a node does whose witnesses all answered at its start."""
        self._ledger = ledger
        self._witnesses = tuple(witnesses)
        self._rules = rules
        self._clock = clock
        self._seen = Condition()
        self._covered = 0
        self._quorum_ms = clock.now_ms()
        self._news = Event()
        self._stopping = Event()
        self._thread: Thread | None = None
        if self._waits:
            self._look()

    @property
    def _waits(self) -> bool:
        return self._rules.policy is ReleasePolicy.QUORUM

    def start(self) -> None:
        """Hand heads to witnesses from now on, where the policy asks for it."""
        if self._waits:
            self._thread = Thread(target=self._run, name="witnessing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; what is held stays held until the node serves again."""
        self._stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def require_witnesses(self) -> None:
        """Refuse a question when no quorum has answered for the set time: its answer could not leave."""
        if not self._waits:
            return
        silent_ms = self._clock.now_ms() - self._quorum_ms
        if silent_ms > self._rules.unwitnessed_minutes * MINUTE_MS:
            minutes = silent_ms // MINUTE_MS
            raise Refused(
                Reason.NOT_WITNESSED,
                Detail(
                    hint_en=f"Fewer than {self._rules.quorum} witnesses have answered for {minutes} minutes;"
                    " nothing was charged, ask again later.",
                    hint_zh=f"应答的见证者不足 {self._rules.quorum} 个已达 {minutes} 分钟；未扣减额度，请稍后再试。",
                ),
            )

    def covers(self, index: int) -> bool:
        """Say whether the leaf `index` may be shown to its consumer."""
        return not self._waits or index < self._covered

    def wait(self, index: int, wait_ms: int) -> bool:
        """Wait until the leaf `index` may be shown, and say whether it may."""
        if self.covers(index):
            return True
        self._news.set()
        with self._seen:
            return self._seen.wait_for(lambda: self.covers(index), wait_ms / 1000)

    def round(self) -> bool:
        """Hand the newest head to every witness and say whether a quorum cosigned it."""
        head = self._ledger.checkpoint()  # one for all: a quorum is of cosignatures under the same head
        with ThreadPoolExecutor(len(self._witnesses)) as pool:
            answered = list(pool.map(lambda witness: self._ask(witness, head), self._witnesses))
        if sum(answered) < self._rules.quorum:
            return False
        self._quorum_ms = self._clock.now_ms()
        self._look()
        return True

    def _ask(self, witness: Witness, head: str) -> bool:
        try:
            standing.submit(self._ledger, witness, head)
        except Fault as fault:
            complaint = f"witness: {fault.code.value} {fault.note}"
            print(complaint, file=sys.stderr, flush=True)  # noqa: T201 - the operator's log
            return False
        return True

    def _look(self) -> None:
        """Read what a quorum cosigned, which the ledger keeps over restarts."""
        covered = self._ledger.witnessed(map(asking.key, self._witnesses), self._rules.quorum)
        with self._seen:
            self._covered = covered
            self._seen.notify_all()

    def _run(self) -> None:
        """Go round at once when somebody waits, after a while when nobody does, soon again when too few answered."""
        while not self._stopping.is_set():
            self._news.clear()
            if self.round():
                self._news.wait(ROUND_S)
            else:
                self._stopping.wait(RETRY_S)
