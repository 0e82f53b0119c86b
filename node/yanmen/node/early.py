"""An intent written while a job still binds its SQL: the commit waits for the proof, so that an asker waits for one.

Planning ends with the engine binding, over empty tables, the SQL that will be run. Meanwhile the node looks at what
that SQL would read, and goes as far with the intent as can be undone: everything but the commit.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
H = TypeVar("H")

Sure = Callable[[], None]
"""Returns once what was written may be committed; what it raises undoes it."""
WAIT_S = 0.01
"""How long a transaction is held open for a proof: others wait for it, and a proof usually comes within 2 ms."""


class Late(Exception):
    """The proof did not come in time, or will not come: nothing is committed."""


def certain() -> None:
    """Be sure at once."""


@dataclass(slots=True)
class Early(Generic[H]):
    """What goes on beside a proof: `checked` when it was looked at, then `held` once it is committed."""

    checked: "Future[None]" = field(default_factory=Future)
    held: "Future[H]" = field(default_factory=Future)
    proof: "Future[None]" = field(default_factory=Future)

    def begin(self, beside: Executor, check: Callable[[], None], reserve: Callable[[Sure], H] | None) -> None:
        """Have `beside` call `check`, and `reserve` after it, if there is one."""

        def work() -> H:
            try:
                check()
            except BaseException as error:
                self.checked.set_exception(error)
                raise
            self.checked.set_result(None)
            if reserve is None:
                raise Late
            return reserve(self._sure)

        self.held = beside.submit(work)

    def prove(self, proof: Callable[[], T]) -> T:
        """Return what `proof` gives, once it was looked at too; whichever fails, nothing is committed."""
        try:
            found = proof()
            self.checked.result()
        except BaseException:
            self.forbid()
            raise
        return found

    def forbid(self) -> None:
        """Let nothing be committed."""
        self.proof.set_exception(Late())

    def allow(self) -> H | None:
        """Let it be committed, and return what was reserved; None when nothing was, for want of time or of an order."""
        self.proof.set_result(None)
        try:
            return self.held.result()
        except Late:
            return None

    def _sure(self) -> None:
        try:
            self.proof.result(WAIT_S)
        except TimeoutError as error:
            raise Late from error
