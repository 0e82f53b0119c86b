"""An aggregator as a served party: its folder opened, its refusals logged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from yanmen import enrolment
from yanmen.aggregation.aggregator import Aggregator, Dealer, Noise
from yanmen.aggregation.matching import Matching
from yanmen.crypto import envelopes
from yanmen.ledger.join_book import JoinBook
from yanmen.ledger.sum_book import SumBook
from yanmen.model.federation import OpenedSum
from yanmen.model.joining import Handed, Piece
from yanmen.model.party import Party
from yanmen.model.refusal import Refused
from yanmen.node.doorkeeper import Doorkeeper
from yanmen.node.holder import JOINS, Holder
from yanmen.node.sweeping import Sweeping
from yanmen.witness import standing

BOOK = "sums.sqlite"

T = TypeVar("T")


class Institution(Doorkeeper):
    """Implements yanmen.wire.api.AggregatorApi."""

    def __init__(self, holder: Holder, aggregator: Aggregator, matching: Matching) -> None:
        """Begin to answer, unless a witness saw more of the log."""
        super().__init__(holder)
        self._aggregator = aggregator
        self._matching = matching
        standing.check(holder.ledger, holder.config.witnesses)
        holder.ledger.recover()
        aggregator.hold_to_log()

    def deposit(self, peer: Party, manifest: bytes, dealer: Dealer) -> None:
        """Keep a dealer's sealed share."""
        self._receipted(peer, lambda: self._aggregator.deposit(peer, manifest, dealer))

    def noise(self, peer: Party, manifest: bytes) -> Noise:
        """Return this aggregator's own noise."""
        return self._receipted(peer, lambda: self._aggregator.noise(peer, manifest))

    def certify(self, peer: Party, manifest: bytes, nodes: Sequence[str], noise_of: Sequence[str]) -> bytes:
        """Fix the set and return its certificate."""
        return self._receipted(peer, lambda: self._aggregator.certify(peer, manifest, nodes, noise_of))

    def open(self, peer: Party, manifest: bytes, certificates: Sequence[bytes]) -> OpenedSum:
        """Return the sum over the certified set."""
        return self._receipted(peer, lambda: self._aggregator.open(peer, manifest, certificates))

    def hand(self, peer: Party, manifest: bytes, handed: Handed) -> int:
        """Keep a piece of a part of a join."""
        return self._receipted(peer, lambda: self._matching.hand(peer, manifest, handed))

    def get(self, peer: Party, manifest: bytes, to: str, at: int) -> Piece:
        """Return a piece of the places that this aggregator sealed for the aggregator `to`."""
        return self._receipted(peer, lambda: self._matching.get(peer, manifest, to, at))

    def match(self, peer: Party, manifest: bytes) -> bytes:
        """Return this aggregator's word on which rows met."""
        return self._receipted(peer, lambda: self._matching.match(peer, manifest))

    def gather(self, peer: Party, manifest: bytes, words: Sequence[bytes]) -> None:
        """Add up the rows that met."""
        self._receipted(peer, lambda: self._matching.gather(peer, manifest, words))

    def drain(self, wait_ms: int) -> None:
        """Nothing runs beyond its call."""

    def _receipted(self, peer: Party, work: Callable[[], T]) -> T:
        """Do `work`; a refusal is in the log before it is told."""
        try:
            return work()
        except Refused as refusal:
            refusal.receipt = self.turn_away(peer, refusal)
            raise


@contextmanager
def open_institution(holder: Holder) -> Iterator[Institution]:
    """Give the aggregator in the holder's folder and close its book after."""
    path = holder.directory / BOOK
    opener = envelopes.load(holder.directory / enrolment.ENVELOPE_KEY)
    with SumBook(path, create=False) as book, JoinBook(holder.directory / JOINS) as joins:
        aggregator = Aggregator(
            me=holder.config.id,
            signer=holder.receipt_signer,
            opener=opener,
            book=book,
            ledger=holder.ledger,
            register=holder.register.current,
            clock=holder.clock,
            randomness=holder.randomness,
        )
        matching = Matching(
            me=holder.config.id,
            signer=holder.receipt_signer,
            opener=opener,
            book=joins,
            sums=book,
            register=holder.register.current,
            clock=holder.clock,
            randomness=holder.randomness,
        )
        sweeping = Sweeping(joins, holder.clock)
        sweeping.start()
        try:
            yield Institution(holder, aggregator, matching)
        finally:
            sweeping.stop()
