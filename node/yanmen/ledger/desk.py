"""What every part of the ledger stands on: one store, one log, the keeper's keys, and transactions over them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from yanmen.ledger import log
from yanmen.ledger.connection import Connection
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.group import GroupCommit, internal
from yanmen.ledger.log import Log
from yanmen.ledger.recovery import Serving
from yanmen.ledger.store import Keeping
from yanmen.model.config import NodeLimits
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Fault, FaultCode

K = TypeVar("K")
T = TypeVar("T")


class Desk:
    """The open ledger file and the transactions its parts are made of."""

    __slots__ = ("_group", "_keeper", "_limits", "_log", "_serving", "_store")

    def __init__(self, store: Keeping, log_: Log, keeper: Keeper, limits: NodeLimits, serving: Serving) -> None:
        """Hold what `Ledger.open` made."""
        self._store = store
        self._log = log_
        self._keeper = keeper
        self._limits = limits
        self._serving = serving
        self._group = GroupCommit(store, log_.seal)

    def _commit(self, change: Callable[[Connection], K], show: Callable[[Connection, K], T]) -> T:
        """Make `change` durable, perhaps with other callers' changes, and return what `show` makes of it then."""
        return self._group.do(change, show)

    def _recorded(self, change: Callable[[Connection], int]) -> Receipt:
        """Make `change` durable and return the receipt of the leaf it names."""
        return self._group.do(change, _receipt)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a transaction of one caller alone, in which no leaf stays without a signed head over it."""
        with self._store.write() as db, internal():
            yield db
            if not log.sealed(db):
                raise Fault(FaultCode.INTERNAL, "a leaf without a head")

    def _receipt(self, db: Connection, position: int) -> Receipt:
        self._log.seal(db)
        return _receipt(db, position)


def _receipt(db: Connection, position: int) -> Receipt:
    return log.read_receipt(db, position, whole=False)
