"""The questions running in this process; what became of them is in the ledger, here only for those who wait for it."""

import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event, RLock

from typing_extensions import override

from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Answer

Work = Callable[[Event], Answer | None]
"""Returns the answer it recorded; None where there is none, or it is for the ledger to say."""


CANCEL_S = 0.5
"""A stopped question is told of at this time after the stop, whatever there was to stop."""


class Stop(Event):
    """A cancel that remembers when it was first set, and what was said of it then."""

    def __init__(self) -> None:
        """Start unset."""
        super().__init__()
        self._at = 0.0
        self.why = ""

    @override
    def set(self) -> None:
        """Set it, noting the time of the first time."""
        if not self.is_set():
            self._at = time.monotonic()
        super().set()

    def wait_settled(self) -> None:
        """Wait for the fixed time after the stop: how long stopping took would tell what was running."""
        time.sleep(max(0.0, self._at + CANCEL_S - time.monotonic()))


@dataclass(slots=True)
class _Job:
    owner: str
    cancel: Stop = field(default_factory=Stop)
    future: "Future[Answer | None] | None" = None

    def open(self) -> bool:
        """Whether it has not ended."""
        return self.future is None or not self.future.done()


class Jobs:
    """Runs at most `workers` questions at once and holds at most `per_owner` of one party."""

    def __init__(self, workers: int, per_owner: int) -> None:
        """Start with nothing running."""
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="question")
        self._per_owner = per_owner
        self._lock = RLock()  # a job that ends at once calls back under it
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._draining = False

    def start(self, owner: str, job_id: str, work: Work) -> bool:
        """Run `work` under `job_id`; False when it runs already. Raises `Refused` when there are too many."""
        with self._lock:
            if (owner, job_id) in self._jobs:
                return False
            if self._draining:
                raise Refused(Reason.SHUTTING_DOWN)
            if sum(job.owner == owner and job.open() for job in self._jobs.values()) >= self._per_owner:
                raise Refused(Reason.RATE_LIMITED, _too_many(self._per_owner))
            job = _Job(owner)
            self._jobs[owner, job_id] = job
            job.future = self._pool.submit(work, job.cancel)
            job.future.add_done_callback(lambda done: self._ended(owner, job_id, done))
            return True

    def runs(self, owner: str, job_id: str) -> bool:
        """Whether the job was started here and the ledger may not know its end yet."""
        with self._lock:
            return (owner, job_id) in self._jobs

    @property
    def count(self) -> int:
        """How many have not ended."""
        with self._lock:
            return sum(job.open() for job in self._jobs.values())

    def wait(self, owner: str, job_id: str, wait_ms: int) -> bool | Answer:
        """Wait for the job and return whether it has ended, or its answer; raises the `Fault` it ended with."""
        with self._lock:
            job = self._jobs.get((owner, job_id))
        if job is None or job.future is None:
            return True
        done, _ = wait([job.future], timeout=wait_ms / 1000)
        if not done:
            return False
        error = job.future.exception()
        if isinstance(error, Fault):
            raise error
        if error is not None:
            raise Fault(FaultCode.INTERNAL, type(error).__name__) from None
        return job.future.result() or True

    def cancel(self, owner: str, job_id: str, why: str = "") -> None:
        """Ask the job to stop, for what its owner says is the reason; one that ended, or never was, is left alone."""
        with self._lock:
            job = self._jobs.get((owner, job_id))
        if job is not None:
            if not job.cancel.is_set():
                job.cancel.why = why
            job.cancel.set()

    def cancel_all(self, owners: Collection[str] | None) -> None:
        """Ask every job of `owners` to stop, or every job."""
        with self._lock:
            stopped = [job for job in self._jobs.values() if owners is None or job.owner in owners]
        for job in stopped:
            job.cancel.set()

    def drain(self, wait_ms: int) -> None:
        """Take no more, give what runs `wait_ms`, then cancel it and wait for its end."""
        with self._lock:
            self._draining = True
            running = [job for job in self._jobs.values() if job.future is not None]
        futures = [job.future for job in running if job.future is not None]
        wait(futures, timeout=wait_ms / 1000)
        for job in running:
            job.cancel.set()
        wait(futures)
        self._pool.shutdown(wait=True)

    def _ended(self, owner: str, job_id: str, done: "Future[Answer | None]") -> None:
        """Forget a job the ledger knows the end of; one that faulted stays, to be told so."""
        if not done.cancelled() and done.exception() is None:
            with self._lock:
                self._jobs.pop((owner, job_id), None)


def _too_many(most: int) -> Detail:
    return Detail(
        hint_en=f"{most} questions of yours are open, as many as this node holds for one member (jobs_per_consumer):"
        " fetch or cancel one first.",
        hint_zh=f"本成员已有 {most} 个未完成的查询，达到本节点上限（jobs_per_consumer），请先取回或取消其一。",
    )
