"""How much one member may ask of a node at once: open calls, open streams, calls a minute.

How many explanations a minute is the ledger's to count: it survives a restart.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Reason, Refused

OPEN_CALLS = 16
"""Of one member; together with OPEN_STREAMS a small part of the server's threads."""
OPEN_STREAMS = 2
"""Health watches and reflection hold a thread as long as they live."""
_MINUTE_MS = 60_000


class Pacing:
    """Counts per member; a window is a minute of the injected clock."""

    def __init__(self, clock: Clock, calls_per_minute: int) -> None:
        """Hold the clock and the one number that node.toml sets."""
        self._clock = clock
        self._calls_per_minute = calls_per_minute
        self._lock = Lock()
        self._open: Counter[tuple[str, bool]] = Counter()
        self._minute = -1
        self._calls: Counter[str] = Counter()

    @contextmanager
    def call(self, member: str, *, streams: bool) -> Iterator[None]:
        """Hold one open call of `member`; refuse it when there are too many."""
        self._enter(member, streams=streams)
        try:
            yield
        finally:
            with self._lock:
                self._open[member, streams] -= 1
                if not self._open[member, streams]:
                    del self._open[member, streams]

    def _enter(self, member: str, *, streams: bool) -> None:
        with self._lock:
            self._turn()
            most = OPEN_STREAMS if streams else OPEN_CALLS
            if self._open[member, streams] >= most:
                raise Refused(Reason.RATE_LIMITED, _open(most))
            if self._calls[member] >= self._calls_per_minute:
                raise Refused(Reason.RATE_LIMITED, _a_minute(self._calls_per_minute))
            self._open[member, streams] += 1
            self._calls[member] += 1

    def _turn(self) -> None:
        minute = self._clock.now_ms() // _MINUTE_MS
        if minute > self._minute:
            self._minute = minute
            self._calls.clear()


def _open(most: int) -> Detail:
    return Detail(
        hint_en=f"{most} calls of this member are open, as many as may be: let one end first.",
        hint_zh=f"该成员已有 {most} 个未结束的调用，达到上限，请待其一结束。",
    )


def _a_minute(most: int) -> Detail:
    return Detail(
        hint_en=f"This node takes {most} calls a minute from one member (calls_per_minute): wait for the next minute.",
        hint_zh=f"本节点每分钟受理每个成员 {most} 次调用（calls_per_minute），请等待下一分钟。",
    )
