"""Ask two or three departments one question that joins their tables; every step is a call to one party.

statements -> explain everywhere -> manifest -> noise -> each department blinds its rows -> each list round the
others -> tags and shares to the aggregators -> which rows met -> places -> set -> sums -> total -> table

The consumer carries everything and learns nothing of it but sizes that were public before: all of it is sealed for
whoever it goes to. Pieces are carried one by one, so that a call that broke off goes on.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from typing_extensions import override

from yanmen.aggregation.calibration import variances
from yanmen.client.answer import Answer, Quote
from yanmen.client.errors import Refused, ReplyMalformed
from yanmen.client.federated_answer import FederatedAnswer
from yanmen.client.federated_quote import FederatedQuote
from yanmen.client.federating import Federation, Progress, evidence_of
from yanmen.client.federating import federation as connected
from yanmen.client.identity import Identity
from yanmen.client.insisting import insist, naming
from yanmen.client.link import parsed
from yanmen.client.questions import TIMEOUT_S, Asking
from yanmen.crypto import federated, joined
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import shape
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Mode, SignedManifest
from yanmen.model.joining import VIEW_PERCENT, Handed, Piece
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.v1 import join_pb2, match_pb2

Source = Callable[[int], Piece]
"""Gives the piece of a part that begins at a byte."""
Sink = Callable[[int, Piece], int]
"""Takes the piece that begins at a byte and says how much there is now."""
_NO_PIECE = Piece(b"", 0)
T = TypeVar("T")


@dataclass(slots=True)
class Joining(Federation):
    """Two or three departments and three aggregators; use it through `joining`."""

    _statements: dict[str, bytes] = field(default_factory=dict)

    @override
    def query(
        self,
        sql: str,
        *,
        micro_rho: int,
        contributors_least: int = 0,
        partition: str = "",
        timeout: float = TIMEOUT_S,
    ) -> FederatedAnswer:
        """Ask `sql`, which joins tables of all these departments on their common unit, and return its verified answer.

        Each charges `micro_rho`. All of them must take part; `partition` has no meaning here.
        """
        quotes = self._quoted(sql, micro_rho)
        signed = self._manifest(sql, quotes, micro_rho, len(quotes), "")
        self._until = time.monotonic() + timeout
        noise = self._noise(signed)
        answers = self._blinded(sql, signed, timeout)
        self._until = time.monotonic() + timeout
        shown = {name: evidence_of(name, answer.receipt) for name, answer in answers.items()}
        self._carry_rows(signed, shown)
        self._match(signed)
        names = sorted(shown)
        opening = self._opened(signed, names)
        agreed = next(iter(quotes.values())).shape
        try:
            values = federated.total(opening, signed, self.identity.register)
            joined.check_total(values, shape.ranges(agreed), signed.manifest.sigma_squared)
        except (Malformed, BadSignature) as error:
            raise Fault(FaultCode.RECEIPT_INVALID, str(error)) from error
        table, proof = self._finish(sql, signed, opening, names, micro_rho)
        return FederatedAnswer(
            table, signed, tuple(names), {}, answers, (*shown.values(), *noise), opening, proof, shape=agreed
        )

    @override
    def explain(self, sql: str, *, micro_rho: int, partition: str = "") -> FederatedQuote:
        """Return what `sql` would give and cost; no data is touched, and nothing charged."""
        quotes = self._quoted(sql, micro_rho)
        return FederatedQuote.of(quotes, {}, self._variances(quotes, micro_rho, partition), self.mode)

    # The steps

    def _quoted(self, sql: str, micro_rho: int) -> dict[str, Quote]:
        """Return what each department says of `sql`, all of whom must answer and plan one and the same join."""
        self._none_failed(self.unreachable)
        stated, failed = self._each("statements", list(self.nodes), lambda name: self._state(name))
        self._none_failed(failed)
        self._statements = stated
        quotes, refused = self._explained(sql, micro_rho)
        self._none_failed(refused)
        if any(not parsed(partial(shape.ranges, quote.shape)) for quote in quotes.values()):
            raise Fault(FaultCode.REPLY_MALFORMED, "the question joins no tables of two nodes; ask its node alone")
        return quotes

    def _state(self, name: str) -> bytes:
        return self.nodes[name].statement(self.contracts[name])

    @override
    def _others(self, name: str) -> tuple[bytes, ...]:
        return tuple(token for other, token in sorted(self._statements.items()) if other != name)

    @override
    def _variances(self, quotes: Mapping[str, Quote], micro_rho: int, partition: str) -> tuple[int, ...]:
        """Return the noise each aggregator deals for what of the charge is for the figures."""
        worst = [max(values) for values in zip(*(quote.l2_squared for quote in quotes.values()), strict=True)]
        return variances(worst, micro_rho * (100 - VIEW_PERCENT) // 100, 1)

    def _blinded(self, sql: str, signed: SignedManifest, timeout: float) -> dict[str, Answer]:
        """Have each department answer: its list and shares, which stay there until they are fetched."""

        def contribute(name: str) -> Answer:
            asking = Asking(signed.token, joinables=self._others(name))
            node = self.nodes[name]
            return node.contribute(sql, self.contracts[name], signed.manifest.micro_rho, asking).fetch(timeout=timeout)

        answers, failed = self._each("blinded", list(self.nodes), contribute)
        self._none_failed(failed)
        return answers

    def _carry_rows(self, signed: SignedManifest, shown: Mapping[str, Evidence]) -> None:
        """Carry each list round the other departments, then its tags and rows to the aggregators."""

        def carry(name: str) -> None:
            words: list[bytes] = []
            source, stops = self._from_node(name, signed, "list"), joined.way(name, signed)
            for stop in stops:
                handed = _handed("list", shown[name], words)
                words.append(self._blind(stop, signed, handed, source))
                source = self._from_node(stop, signed, f"given {name}")
            for to in signed.manifest.aggregators:
                tags = self._from_node(stops[-1], signed, f"tags {name} {to}")
                self._carry(tags, self._to_aggregator(to, signed, _handed("tags", shown[name], words)))
                rows = self._from_node(name, signed, f"rows {to}")
                self._carry(rows, self._to_aggregator(to, signed, _handed("rows", shown[name], ())))

        _, failed = self._each("lists", list(shown), carry)
        self._none_failed(failed)

    def _blind(self, stop: str, signed: SignedManifest, handed: Handed, source: Source) -> bytes:
        """Have the department `stop` blind a list and return its word on it."""
        words: list[bytes] = []

        def sink(at: int, piece: Piece) -> int:
            request = join_pb2.BlindRequest(manifest=signed.token, handed=_message(handed, at, piece))
            reply = self._call(stop, partial(self.nodes[stop].blind, request))
            if reply.word:
                words.append(reply.word)
            return reply.size

        self._carry(source, sink)
        if not words:
            raise naming(self.party(stop), ReplyMalformed("took a whole list and signed nothing"))
        return words[-1]

    def _match(self, signed: SignedManifest) -> None:
        """Have the aggregators find the rows that met, tell each other where they stand, and add them up."""
        names = signed.manifest.aggregators

        def match(name: str) -> bytes:
            link = self.aggregators[name]
            request = match_pb2.MatchRequest(manifest=signed.token)
            return self._call(name, partial(link.call, link.calls.matches.Match, request)).word

        words, failed = self._each("matched", names, match)
        self._none_failed(failed)

        def gather(name: str) -> None:
            for other in names:
                if other != name:
                    handed = Handed("places", other, "", "", (words[other],), 0, 0, b"")
                    self._carry(self._from_aggregator(other, signed, name), self._to_aggregator(name, signed, handed))
            link = self.aggregators[name]
            request = match_pb2.GatherRequest(manifest=signed.token, words=[words[one] for one in names])
            self._call(name, partial(link.call, link.calls.matches.Gather, request))

        _, failed = self._each("gathered", names, gather)
        self._none_failed(failed)

    # Parts

    def _carry(self, source: Source, sink: Sink) -> None:
        """Carry one part from where it was made to where it is needed, from where an earlier try broke off."""
        at = sink(0, _NO_PIECE)
        piece = source(at)
        while at < piece.size or at == 0:
            taken = sink(at, piece)
            if taken <= at:
                raise ReplyMalformed("a part is not taken on")
            at = taken
            if at < piece.size:
                piece = source(at)

    def _from_node(self, name: str, signed: SignedManifest, part: str) -> Source:
        def source(at: int) -> Piece:
            request = join_pb2.GetPartRequest(manifest=signed.token, name=part, at=at)
            reply = self._call(name, partial(self.nodes[name].part, request))
            return Piece(reply.data, reply.size)

        return source

    def _from_aggregator(self, name: str, signed: SignedManifest, to: str) -> Source:
        link = self.aggregators[name]

        def source(at: int) -> Piece:
            request = match_pb2.GetPlacesRequest(manifest=signed.token, to=to, at=at)
            reply = self._call(name, partial(link.call, link.calls.matches.GetPlaces, request))
            return Piece(reply.data, reply.size)

        return source

    def _to_aggregator(self, name: str, signed: SignedManifest, handed: Handed) -> Sink:
        link = self.aggregators[name]

        def sink(at: int, piece: Piece) -> int:
            request = match_pb2.HandRequest(manifest=signed.token, handed=_message(handed, at, piece))
            return self._call(name, partial(link.call, link.calls.matches.Hand, request)).size

        return sink

    def _call(self, name: str, call: Callable[[float], T]) -> T:
        """Return what `call` to the party `name` returns, asked again while it does not answer."""
        try:
            return insist(call, self._until)
        except (Refused, Fault) as error:
            raise naming(self.party(name), error) from error


@contextmanager
def joining(
    identity: Identity,
    contracts: Mapping[str, str],
    aggregators: Sequence[str],
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> Iterator[Joining]:
    """Connect to each department of `contracts` (alias or id -> contract id) and to the three `aggregators`."""
    with connected(identity, contracts, aggregators, progress=progress, clock=clock, randomness=randomness) as many:
        yield Joining(
            identity=identity,
            nodes=many.nodes,
            contracts=many.contracts,
            aggregators=many.aggregators,
            clock=many.clock,
            randomness=many.randomness,
            progress=many.progress,
            mode=Mode.JOINED,
            unreachable=many.unreachable,
        )


def _handed(name: str, shown: Evidence, words: Sequence[bytes]) -> Handed:
    return Handed(name, shown.dealer, shown.sdjwt, shown.proof, tuple(words), 0, 0, b"")


def _message(handed: Handed, at: int, piece: Piece) -> join_pb2.Handed:
    return join_pb2.Handed(
        name=handed.name,
        of=handed.of,
        sdjwt=handed.sdjwt,
        proof=handed.proof,
        words=handed.words,
        size=piece.size,
        at=at,
        data=piece.data,
    )
