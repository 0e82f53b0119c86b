"""What every part of the ledger stands on: one store, one log, the keeper's keys, and transactions over them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from yanmen.formats.malformed import Malformed
from yanmen.ledger import log
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.log import Log
from yanmen.ledger.recovery import ServingLock
from yanmen.ledger.store import Store
from yanmen.model.config import NodeLimits
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Fault, FaultCode


class Desk:
    """The open ledger file and the transactions its parts are made of."""

    __slots__ = ("_keeper", "_limits", "_log", "_serving", "_store")

    def __init__(self, store: Store, log_: Log, keeper: Keeper, limits: NodeLimits, serving: ServingLock) -> None:
        """Hold what `Ledger.open` made."""
        self._store = store
        self._log = log_
        self._keeper = keeper
        self._limits = limits
        self._serving = serving

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction in which no leaf stays without a signed head over it."""
        with self._store.write() as db, internal():
            yield db
            if not log.sealed(db):
                raise Fault(FaultCode.INTERNAL, "a leaf without a head")

    def _receipt(self, db: sqlite3.Connection, position: int) -> Receipt:
        self._log.seal(db)
        return log.read_receipt(db, position, whole=False)


@contextmanager
def internal() -> Iterator[None]:
    """A value of ours that breaks its own format is our fault, and nothing of it is recorded."""
    try:
        yield
    except Malformed as error:
        raise Fault(FaultCode.INTERNAL, str(error)) from error
