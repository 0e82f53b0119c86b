"""The ledger's part about signed documents: reviews and negative lists in force."""

from collections.abc import Callable
from typing import TypeVar

from yanmen.formats import json_canonical, jws, negative_list, review
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.ledger import contracts, signed
from yanmen.ledger.desk import Desk
from yanmen.ledger.signed import Paper
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.governance import DocumentKind, NegativeList, Review
from yanmen.model.office import Act
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Fault, FaultCode

T = TypeVar("T")
BYTES_MAX = 128 * 1024
"""Longest document recorded: a leaf discloses all of it."""


class Registry(Desk):
    """What authorities and the holder signed about catalogue and operation."""

    __slots__ = ()

    def record_document(self, paper: Paper, follows: Callable[[bytes | None], None]) -> Receipt:
        """Record a document whose signature was verified, unless `follows` refuses it after the newest before it."""
        if len(paper.token) > BYTES_MAX:
            raise Fault(FaultCode.INTERNAL, "a document longer than a leaf discloses")
        return self._recorded(lambda db: signed.record(db, self._log, paper, follows))

    def review(self, declared_sha256: str) -> Review | None:
        """Return the newest review of what has this digest."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.REVIEW, declared_sha256)
        return None if token is None else read(token, review.decode)

    def office(self, contract_id: str, act: Act) -> bytes | None:
        """Return the newest act of an officer about a contract, as signed."""
        with self._store.read() as db:
            return signed.newest(db, DocumentKind.OFFICE, f"{contract_id}/{act.value}")

    def pending(self) -> tuple[tuple[Contract, int], ...]:
        """Return every contract that waits for a decision, oldest first, with the time it was offered."""
        with self._store.read() as db:
            waiting = [each for each in contracts.listed(db, "") if each.status is ContractStatus.PENDING]
            return tuple((each, contracts.offered_ms(db, each.terms.id)) for each in waiting)

    def negative_lists(self) -> tuple[NegativeList, ...]:
        """Return the negative lists in force, one for each authority that issued any."""
        with self._store.read() as db:
            papers = signed.in_force(db, DocumentKind.NEGATIVE_LIST)
        return tuple(negative(paper.token) for paper in papers)


def negative(token: bytes) -> NegativeList:
    """Return a negative list that was recorded."""
    return read(token, negative_list.decode)


def read(token: bytes, decode: Callable[[Json], T]) -> T:
    """Return a document that was verified before it was recorded."""
    try:
        return decode(json_canonical.decode_object(jws.split(token, BYTES_MAX).payload, BYTES_MAX))
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: a document is not readable") from error
