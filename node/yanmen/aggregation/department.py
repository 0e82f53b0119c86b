"""A department in a join across nodes, beyond its answer: it states its tables, hands out parts, blinds lists."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from yanmen.aggregation.relayed import for_join, piece, spoilt
from yanmen.crypto import blinding, documents, joined, packets
from yanmen.crypto.blame import blamed
from yanmen.crypto.curve25519 import POINT_BYTES
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.disclosure.joining import Blinded
from yanmen.formats import joinable
from yanmen.formats.blinded import Blinded as Word
from yanmen.formats.joinable import Statement
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.ledger.join_book import PIECE, JoinBook, LinkState
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import Contract
from yanmen.model.federation import SignedManifest
from yanmen.model.joining import Handed, Piece
from yanmen.model.party import Party, Register
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.refusal import Reason, Refused

OUTCOME = "outcome"
"""The part that says where this department's outcome stands in its log: without it nothing of its rows leaves."""


@dataclass(frozen=True, slots=True)
class Department:
    """The department `me` with its key, its book of joins and its ledger."""

    me: str
    signer: Signer
    book: JoinBook
    ledger: Ledger
    register: Callable[[], Register]
    clock: Clock
    randomness: Randomness
    covers: Callable[[int], bool]
    """Whether the leaf at an index may be shown to its consumer."""

    def state(self, contract: Contract) -> bytes:
        """Return, signed, what others must know of the personal tables that `contract` grants, in force or not."""
        datasets = []
        for grant in contract.terms.grants:
            version = self.ledger.version(grant.dataset)
            if version is not None and not version.retracted and version.dataset.cls is DatasetClass.PERSONAL:
                columns = frozenset(name.lower() for name in grant.columns)
                datasets.append(joinable.granted(version.dataset, columns))
        statement = Statement(
            self.me, contract.terms.consumer, contract.terms.id, tuple(datasets), self.clock.now_ms() // 1000
        )
        return documents.sign_joinable(statement, self.signer)

    def keep(self, made: Blinded, signed: SignedManifest) -> None:
        """Keep what was made of this department's rows, for those who carry it on, until the manifest ends."""
        self.book.sweep(self.clock.now_ms() // 1000)
        with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
            link.keep_secret(made.secret, made.salt)
            link.store("list", made.points)
            for name, key, share in zip(signed.manifest.aggregators, signed.keys, made.rows, strict=True):
                place = packets.place(signed.sha256, "rows", self.me, name)
                link.store(f"rows {name}", packets.seal(key, share, place, self.randomness))

    def release(self, signed: SignedManifest, index: int) -> None:
        """Let what was made of this department's rows leave: its outcome is on disk, the leaf at `index`."""
        with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
            link.store(OUTCOME, index.to_bytes(8, "big"))

    def get(self, peer: Party, token: bytes, name: str, at: int) -> Piece:
        """Return a piece of the whole part `name`, to the consumer of its manifest alone."""
        signed = self._signed(peer, token)
        if name not in _parts(signed):
            raise spoilt(Malformed(f"{self.me}: hands out no such part"))
        with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
            outcome = piece(link, OUTCOME, 0).data
            if not self.covers(int.from_bytes(outcome, "big")):
                raise Refused(Reason.NOT_WITNESSED)
            return piece(link, name, at)

    def hand(self, peer: Party, token: bytes, handed: Handed) -> tuple[int, bytes]:
        """Blind the next piece of another department's list; return how much there is, and the word on a whole one."""
        signed = self._signed(peer, token)
        try:
            with blamed(joined.giver(handed, signed)), self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
                return self._blind(signed, link, handed)
        except (Malformed, BadSignature, BadProof) as error:
            raise spoilt(error) from error

    def _blind(self, signed: SignedManifest, link: LinkState, handed: Handed) -> tuple[int, bytes]:
        share = joined.check(Evidence(handed.of, handed.sdjwt, handed.proof), signed, self.register())
        stops = joined.way(share.node, signed)
        if share.node == self.me or len(handed.words) != stops.index(self.me):
            raise Malformed(f"{share.node}: its list is not due here now")
        expected = joined.arrived(share, handed.words, signed, self.register())
        taken, given = f"taken {share.node}", f"given {share.node}"
        secret = link.secret()
        if not secret:
            raise Malformed(f"{self.me}: has no secret of this join, or no longer")
        so_far = link.part(taken)
        if so_far.whole:
            return so_far.size, so_far.word
        whole = share.joining.items * POINT_BYTES
        if handed.at == 0 and handed.data and so_far.size:
            link.drop(taken)  # begun again
            link.drop(given)
            so_far = link.part(taken)
        if handed.at != so_far.size or not handed.data:
            return so_far.size, b""
        if len(handed.data) > PIECE or so_far.size + len(handed.data) > whole:
            raise Malformed(f"{joined.giver(handed, signed)}: the list of {share.node} is longer than its receipt says")
        link.append(given, blinding.blind_again(secret, handed.data))
        link.append(taken, handed.data)
        size = so_far.size + len(handed.data)
        return (size, b"" if size < whole else self._finished(signed, link, handed, expected))

    def _finished(self, signed: SignedManifest, link: LinkState, handed: Handed, expected: str) -> bytes:
        """Hold the whole list to what was signed of it, then sign what came of it; nothing of it left before."""
        found, of = hashlib.sha256(), handed.of
        for data in link.pieces(f"taken {of}"):
            found.update(data)
        if found.hexdigest() != expected:
            raise Malformed(f"{joined.giver(handed, signed)}: the list of {of} is not the one that was signed")
        points = b"".join(link.pieces(f"given {of}"))
        last = joined.way(of, signed)[-1] == self.me
        content = blinding.tags(points) if last else points
        word = documents.sign_blinded(
            Word(self.me, signed.sha256, of, expected, joined.digest(content), self.clock.now_ms() // 1000), self.signer
        )
        link.finish(f"taken {of}", word)
        if last:
            link.drop(f"given {of}")
            for name, key in zip(signed.manifest.aggregators, signed.keys, strict=True):
                place = packets.place(signed.sha256, f"tags {of}", self.me, name)
                link.store(f"tags {of} {name}", packets.seal(key, content, place, self.randomness))
        else:
            link.finish(f"given {of}", word)
        return word

    def _signed(self, peer: Party, token: bytes) -> SignedManifest:
        """Return the manifest of a join that this department is asked to take part in."""
        signed = for_join(token, peer, self.register(), self.clock)
        if signed.manifest.asks(self.me) is None:
            raise spoilt(Malformed(f"{self.me}: no department of this join"))
        return signed


def _parts(signed: SignedManifest) -> frozenset[str]:
    """Return the names of what a department may hand to the consumer, none of which says anything to them."""
    nodes, to = [invited.node for invited in signed.manifest.nodes], signed.manifest.aggregators
    sealed = [f"rows {name}" for name in to] + [f"tags {of} {name}" for of in nodes for name in to]
    return frozenset(("list", *sealed, *(f"given {of}" for of in nodes)))
