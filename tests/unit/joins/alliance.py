"""Departments and aggregators of one join, with keys, logs and books of their own, and a relay that can lie."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from yanmen.aggregation.department import Department
from yanmen.aggregation.matching import Matching
from yanmen.crypto import documents, federated, joined, manifests, packets
from yanmen.crypto.federated import Evidence
from yanmen.disclosure.joining import Blinded
from yanmen.ledger.join_book import JoinBook
from yanmen.model.federation import Opening, SignedManifest
from yanmen.model.joining import Handed, Piece

from tests.unit.aggregation.parties import CLOCK, RANDOM, Member, Parties, evidence, gathered, outcome
from tests.unit.joins import sides as departments
from tests.unit.joins.sides import Side


@dataclass
class Alliance:
    """Everybody, and the state of one question: its manifest, what each department made, and its receipt."""

    parties: Parties
    departments: dict[str, Department]
    matchings: dict[str, Matching]
    sides: list[Side]
    signed: SignedManifest
    made: dict[str, Blinded]
    shown: dict[str, Evidence]

    @property
    def token(self) -> bytes:
        """The signed manifest."""
        return self.signed.token

    @property
    def peer(self) -> Member:
        """Who carries everything."""
        return self.parties.consumer

    @property
    def nodes(self) -> list[str]:
        """The departments' ids, in order."""
        return sorted(self.departments)

    def part(self, node: str, name: str) -> Piece:
        """Return a whole part that a department made."""
        found, size = b"", 1
        while len(found) < size:
            piece = self.departments[node].get(self.peer.party, self.token, name, len(found))
            found, size = found + piece.data, piece.size
        return Piece(found, size)

    def keys(self, of: str) -> dict[str, bytes]:
        """Return the keys that the other departments stated."""
        return {node: each.envelope_key() for node, each in self.departments.items() if node != of}

    def sealed(self, of: str, sender: str, to: str, points: bytes) -> Piece:
        """Return points sealed for a department as anyone can: nothing in an envelope says who sealed it."""
        place = packets.place(self.signed.sha256, f"list {of}", sender, to)
        data = packets.seal(self.departments[to].envelope_key(), points, place, RANDOM)
        return Piece(data, len(data))

    def handed(self, name: str, of: str, words: Sequence[bytes], data: Piece, at: int = 0) -> Handed:
        """Return a part as it is handed on."""
        shown = self.shown.get(of, Evidence(of, "", ""))
        return Handed(name, of, shown.sdjwt, shown.proof, tuple(words), data.size, at, data.data)

    def blind(self, stop: str, of: str, words: Sequence[bytes], data: Piece) -> bytes:
        """Have a department blind a whole list and return its word."""
        given = self.handed("list", of, words, data)
        size, word = self.departments[stop].hand(self.peer.party, self.token, given)
        assert size == data.size
        return word

    def round(self, of: str) -> list[bytes]:
        """Carry a list round the other departments and return their words."""
        words: list[bytes] = []
        data = self.part(of, "list")
        for stop in joined.way(of, self.signed):
            words.append(self.blind(stop, of, words, data))
            if len(words) < len(self.nodes) - 1:
                data = self.part(stop, f"given {of}")
        return words

    def hand(self, to: str, given: Handed) -> int:
        """Hand a part to an aggregator."""
        return self.matchings[to].hand(self.peer.party, self.token, given)

    def tags(self, of: str, to: str) -> Piece:
        """Return a list's tags, sealed for the aggregator `to`."""
        return self.part(joined.way(of, self.signed)[-1], f"tags {of} {to}")

    def deposit(self, words: dict[str, list[bytes]]) -> None:
        """Hand tags and rows to all aggregators."""
        for of in self.nodes:
            for to in self.signed.manifest.aggregators:
                self.hand(to, self.handed("tags", of, words[of], self.tags(of, to)))
                self.hand(to, self.handed("rows", of, (), self.part(of, f"rows {to}")))

    def match(self) -> list[bytes]:
        """Have all aggregators say which rows met."""
        return [self.matchings[name].match(self.peer.party, self.token) for name in self.signed.manifest.aggregators]

    def places(self, words: Sequence[bytes]) -> None:
        """Carry each aggregator's places to the others."""
        names = self.signed.manifest.aggregators
        for at, sender in enumerate(names):
            for to in names:
                if to != sender:
                    piece = self.matchings[sender].get(self.peer.party, self.token, to, 0)
                    self.hand(to, self.handed("places", sender, (words[at],), piece))

    def gather(self, words: Sequence[bytes]) -> None:
        """Have all aggregators add up the rows that met."""
        for name in self.signed.manifest.aggregators:
            self.matchings[name].gather(self.peer.party, self.token, words)

    def opened(self) -> Opening:
        """Have one set certified and the sums over it opened."""
        self.parties.noise(self.signed)
        return self.parties.open(self.signed, self.parties.certificates(self.signed, self.nodes))

    def total(self) -> tuple[int, ...]:
        """Go the whole way, and return the opened total with its noise."""
        self.deposit({of: self.round(of) for of in self.nodes})
        words = self.match()
        self.places(words)
        self.gather(words)
        return federated.total(self.opened(), self.signed, self.parties.register)


@contextmanager
def allied(
    root: Path, question: str, seed: int = 1, nodes: str = "ab", tables: Sequence[Side] = ()
) -> Iterator[Alliance]:
    """Give departments that have answered `question` over random rows or `tables`, each with its receipt."""
    with gathered(root, nodes=len(nodes)) as parties, ExitStack() as open_:
        members = sorted(parties.nodes, key=lambda node: node.id)
        sides = [
            replace(side, node=member.id)
            for side, member in zip(tables or departments.random_sides(Random(seed), nodes), members, strict=True)
        ]
        plans = departments.plans(question, sides)
        signed = _signed(parties, departments.manifest(plans))
        made = departments.blinded(plans, sides, signed)
        alliance = Alliance(parties, {}, {}, sides, signed, made, {})
        for member in members:
            book = open_.enter_context(JoinBook(root / f"{member.id[-6:-1]}.joins"))
            assert member.ledger is not None
            department = Department(
                me=member.id,
                signer=member.signer,
                book=book,
                ledger=member.ledger,
                register=lambda: parties.register,
                clock=CLOCK,
                randomness=RANDOM,
                covers=lambda index: index >= 0,
            )
            alliance.departments[member.id] = department
        for member in members:
            department = alliance.departments[member.id]
            department.keep(made[member.id], signed, alliance.keys(member.id))
            settled = outcome(member, made[member.id].released.mechanism)
            alliance.shown[member.id] = evidence(member, settled)
            department.release(signed, settled.index)
        for member in parties.aggregators:
            book = open_.enter_context(JoinBook(root / f"{member.id[-6:-1]}.joins"))
            aggregator = member.aggregator
            assert aggregator is not None
            alliance.matchings[member.id] = Matching(
                me=member.id,
                signer=member.signer,
                opener=aggregator.opener,
                book=book,
                sums=aggregator.book,
                register=lambda: parties.register,
                clock=CLOCK,
                randomness=RANDOM,
            )
        yield alliance


def _signed(parties: Parties, like: SignedManifest) -> SignedManifest:
    """Return the manifest `like` as the consumer signs it to these parties."""
    plain = parties.manifest().manifest
    made = replace(
        like.manifest, jti=plain.jti, consumer=plain.consumer, issued_s=plain.issued_s, expires_s=plain.expires_s,
        nodes=plain.nodes, aggregators=plain.aggregators,
    )  # fmt: skip
    return manifests.read(documents.sign_manifest(made, parties.consumer.signer), parties.register)


def flipped(data: Piece, at: int) -> Piece:
    """Return a part with one bit of it changed."""
    changed = bytearray(data.data)
    changed[at] ^= 1
    return Piece(bytes(changed), data.size)
