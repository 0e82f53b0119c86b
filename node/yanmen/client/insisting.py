"""Calls that are made again while nobody answers, and failures that say who failed.

Only for calls whose repetition changes nothing: an aggregator keeps the first deposit, noise, set and
sum of a question durably and gives the same again, so one that was killed and comes back goes on.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from yanmen.client.errors import Refused, Unreachable
from yanmen.model.party import Party
from yanmen.model.refusal import Fault, FaultCode, Reason

FIRST_S, LONGEST_S = 0.2, 2.0
"""Time between two calls: it doubles, up to a bound."""

T = TypeVar("T")


class AggregatorFailed(Fault):
    """An aggregator did not answer, or failed: no node is to blame, and nothing can be opened without it."""

    def __init__(self, error: Refused | Fault) -> None:
        """Hold the failure, which names the aggregator."""
        super().__init__(*((error.code, error.note) if isinstance(error, Fault) else (FaultCode.INTERNAL, str(error))))


def insist(call: Callable[[float], T], until: float) -> T:
    """Return what `call`, given the seconds left, returns; until monotonic `until` nobody's answering is tolerated."""
    pause = FIRST_S
    while True:
        try:
            return call(max(FIRST_S, until - time.monotonic()))
        except (Unreachable, Refused) as error:
            passing = isinstance(error, Unreachable) or error.reason is Reason.RATE_LIMITED
            if not passing or time.monotonic() + pause >= until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_S)


def naming(party: Party, error: Refused | Fault) -> Refused | Fault:
    """Return `error` as one that says it came from `party`."""
    who = f"{party.alias} ({party.id})"
    if isinstance(error, Fault):
        return Fault(error.code, f"{who}: {error.note}")
    named = Refused(
        error.reason,
        replace(error.detail, subject=f"{who}: {error.detail.subject}"),
        (error.message, error.message_zh),
        error.request_id,
    )
    named.receipt = error.receipt
    return named


def each(
    names: Sequence[str], work: Callable[[str], T], at_once: int, done: Callable[[int], None] = lambda _: None
) -> tuple[dict[str, T], dict[str, Refused | Fault]]:
    """Do `work` for each of `names`, `at_once` at a time; return what came of it and who refused or failed."""
    gave: dict[str, T] = {}
    failed: dict[str, Refused | Fault] = {}
    with ThreadPoolExecutor(at_once, thread_name_prefix="federation") as pool:
        for at, (name, future) in enumerate([(name, pool.submit(work, name)) for name in names], start=1):
            try:
                gave[name] = future.result()
            except (Refused, Fault) as error:
                failed[name] = error
            done(at)
    return gave, failed
