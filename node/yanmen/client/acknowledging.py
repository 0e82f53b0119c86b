"""Acknowledgements on their way to the node: who has a verified answer does not wait for them, the next call does."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from yanmen.client.history import Keep
from yanmen.client.receipts import CheckedReceipt

Acknowledge = Callable[[CheckedReceipt], CheckedReceipt | None]
Sent = Future[CheckedReceipt | None]


class Acknowledging:
    """Sends acknowledgements one after the other, in the order of the answers."""

    def __init__(self, acknowledge: Acknowledge) -> None:
        """Begin with none; the thread that sends them starts with the first."""
        self._acknowledge = acknowledge
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="acknowledge")
        self._lock = Lock()
        self._sent: list[Sent] = []

    def send(self, given: CheckedReceipt, keep: Keep) -> Sent:
        """Begin to acknowledge `given`, once the head of its log is on disk: what follows must follow from that."""
        sent = self._pool.submit(self._kept, given, keep)
        with self._lock:
            self._sent.append(sent)
        return sent

    def _kept(self, given: CheckedReceipt, keep: Keep) -> CheckedReceipt | None:
        keep()
        return self._acknowledge(given)

    def settle(self) -> None:
        """Wait for those on their way; raises what the first of them met, once: a node that lied, say."""
        with self._lock:
            sent, self._sent = self._sent, []
        errors = [sent_one.exception() for sent_one in sent]
        for error in filter(None, errors):
            raise error

    def close(self) -> None:
        """Settle, and send no more."""
        self._pool.shutdown(wait=True)
        self.settle()
