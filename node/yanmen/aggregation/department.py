"""A department in a join across nodes, beyond its answer: it states its tables, hands out parts, blinds lists."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yanmen.aggregation.relayed import for_join, piece, spoilt
from yanmen.crypto import blinding, documents, joined, packets, sealing
from yanmen.crypto.blame import blamed
from yanmen.crypto.curve25519 import POINT_BYTES
from yanmen.crypto.envelopes import SECRET_BYTES, Opener
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
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused

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
            self.me,
            contract.terms.consumer,
            contract.terms.id,
            tuple(datasets),
            self.clock.now_ms() // 1000,
            self.envelope_key(),
        )
        return documents.sign_joinable(statement, self.signer)

    def envelope_key(self) -> bytes:
        """Return the public key that other departments now seal with what is handed on to this one."""
        fresh = self.randomness.token(SECRET_BYTES)
        return Opener(self.book.envelope_key(self.clock.now_ms() // 1000, fresh)).public

    def keep(self, made: Blinded, signed: SignedManifest, keys: Mapping[str, bytes]) -> None:
        """Keep what was made of this department's rows, for those who carry it on, until the manifest ends.

        `keys` are those that the other departments stated: what goes to one of them is sealed with its key.
        """
        with self.book.turn(signed.sha256, signed.manifest.expires_s) as link:
            if not link.keep_secret(made.secret, made.salt):
                raise JobFailed(JobCode.FAILED)  # answered before: its secret and salt stay
            for node, key in keys.items():
                link.store(_key(node), key)
            self._seal(signed, link, "list", made.points, self.me)
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
        whole, done = packets.size(share.joining.items * POINT_BYTES), link.part(_done(handed.of))
        if done.whole:
            return whole, done.word
        sealed = f"sealed {handed.of}"
        so_far = link.part(sealed).size
        if handed.at == 0 and handed.data and so_far:
            self._forget(link, handed.of)  # begun again
            so_far = 0
        if handed.at != so_far or not handed.data:
            return so_far, b""
        if len(handed.data) > PIECE or so_far + len(handed.data) > whole:
            raise Malformed(f"{joined.giver(handed, signed)}: the list of {share.node} is longer than its receipt says")
        link.append(sealed, handed.data)
        self._take(signed, link, handed, share.joining.items * POINT_BYTES)
        size = so_far + len(handed.data)
        return (size, b"" if size < whole else self._finished(signed, link, handed, expected))

    def _take(self, signed: SignedManifest, link: LinkState, handed: Handed, content: int) -> None:
        """Open what is there of a sealed list, chunk by chunk, and blind its points."""
        secret = link.secret()
        if not secret:
            raise Malformed(f"{self.me}: has no secret of this join, or no longer")
        place = packets.place(signed.sha256, _list(handed.of), joined.giver(handed, signed), self.me)
        openers = [Opener(key) for key in link.envelope_keys()]
        sealed, taken = f"sealed {handed.of}", f"taken {handed.of}"
        there = link.part(sealed).size
        while (opened := link.part(taken).size) < content:
            number = opened // sealing.CHUNK
            begins, ends = packets.chunk(number, content)
            if there < ends:
                return
            packet = link.between(sealed, 0, packets.HEAD) + link.between(sealed, begins, ends)
            last = ends == packets.size(content)
            points = packets.open_chunk(packet, number, openers, place, last=last)
            link.append(f"given {handed.of}", blinding.blind_again(secret, points))
            link.append(taken, points)

    def _forget(self, link: LinkState, of: str) -> None:
        for name in ("sealed", "taken", "given"):
            link.drop(f"{name} {of}")

    def _seal(self, signed: SignedManifest, link: LinkState, name: str, points: bytes, of: str) -> None:
        """Seal the list of `of` for the department it goes to next, as the part `name`: nobody else sees the points."""
        stops = joined.way(of, signed)
        to = stops[0] if of == self.me else stops[stops.index(self.me) + 1]
        if not link.part(_key(to)).whole:
            raise Malformed(f"{to}: stated no key to seal with")
        key = b"".join(link.pieces(_key(to)))
        link.store(
            name, packets.seal(key, points, packets.place(signed.sha256, _list(of), self.me, to), self.randomness)
        )

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
        self._forget(link, of)
        link.store(_done(of), b"", word)
        if last:
            for name, key in zip(signed.manifest.aggregators, signed.keys, strict=True):
                place = packets.place(signed.sha256, f"tags {of}", self.me, name)
                link.store(f"tags {of} {name}", packets.seal(key, content, place, self.randomness))
        else:
            self._seal(signed, link, f"given {of}", content, of)
        if all(link.part(_done(node)).whole for node in joined.way(self.me, signed)):
            link.destroy_secret()
        return word

    def _signed(self, peer: Party, token: bytes) -> SignedManifest:
        """Return the manifest of a join that this department is asked to take part in."""
        signed = for_join(token, peer, self.register(), self.clock)
        if signed.manifest.asks(self.me) is None:
            raise spoilt(Malformed(f"{self.me}: no department of this join"))
        return signed


def _key(node: str) -> str:
    return f"key {node}"


def _done(of: str) -> str:
    return f"blinded {of}"


def _list(of: str) -> str:
    """Return how a packet with the list of the department `of` is called."""
    return f"list {of}"


def _parts(signed: SignedManifest) -> frozenset[str]:
    """Return the names of what a department may hand to the consumer, none of which says anything to them."""
    nodes, to = [invited.node for invited in signed.manifest.nodes], signed.manifest.aggregators
    sealed = [f"rows {name}" for name in to] + [f"tags {of} {name}" for of in nodes for name in to]
    return frozenset(("list", *sealed, *(f"given {of}" for of in nodes)))
