"""A consumer, nodes and three real aggregators without servers: keys, logs and books in files, calls in process."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from yanmen.aggregation.aggregator import Aggregator, Dealer
from yanmen.crypto import dealing, documents, envelopes, keys, manifests
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.federated import Evidence
from yanmen.crypto.keys import FileSigner
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import connector_id, receipt
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Output
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.log import About
from yanmen.ledger.sum_book import SumBook
from yanmen.model.config import NodeLimits
from yanmen.model.federation import Invited, Manifest, Mode, Opening, SignedManifest
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Receipt, Stage

CLOCK, RANDOM = SystemClock(), SystemRandomness()
CONTRACT = "c" * 32


def party_id(kind: str, at: int) -> str:
    """Return a connector id; each aggregator is an institution of its own."""
    return connector_id.build(
        "5", f"11140000MB0GTTTA{at:02}" if kind == "A" else "11140000MB0GTTTT0X", "1400", f"{kind}{at:07}"
    )


@dataclass
class Member:
    """A party with its keys and, for those who keep one, its ledger."""

    id: str
    signer: FileSigner
    party: Party
    ledger: Ledger | None = None
    aggregator: Aggregator | None = None


@dataclass
class Parties:
    """Everybody of one space."""

    consumer: Member
    nodes: tuple[Member, ...]
    aggregators: tuple[Member, ...]
    register: Register

    def manifest(self, cells: int = 4, *, least: int = 0, expires_s: int = 600, jti: str = "") -> SignedManifest:
        """Return a signed manifest to all nodes and aggregators, one aggregate."""
        now_s = CLOCK.now_ms() // 1000
        manifest = Manifest(
            jti=jti or RANDOM.token(16).hex(),
            consumer=self.consumer.id,
            issued_s=now_s - 10,
            expires_s=now_s + expires_s,
            query_sha256="0" * 64,
            shape_sha256="1" * 64,
            cells=cells,
            micro_rho=10_000,
            sigma_squared=(4,),
            multiplicity=len(self.nodes),
            partition="",
            contributors_least=least or len(self.nodes),
            nodes=tuple(Invited(node.id, CONTRACT) for node in sorted(self.nodes, key=lambda node: node.id)),
            aggregators=tuple(sorted(one.id for one in self.aggregators)),
            mode=next(mode for mode in Mode if mode.aggregators == len(self.aggregators)),
        )
        return manifests.read(documents.sign_manifest(manifest, self.consumer.signer), self.register)

    def deal(self, node: Member, signed: SignedManifest, values: Sequence[int]) -> tuple[Evidence, tuple[bytes, ...]]:
        """Return what a node gives its consumer: a logged receipt and three envelopes."""
        dealt = dealing.deal(values, signed, node.id, RANDOM)
        return evidence(node, outcome(node, dealt.dealing.text())), dealt.envelopes

    def deposit(self, signed: SignedManifest, shown: Evidence, sealed: Sequence[bytes]) -> None:
        """Hand each envelope to its aggregator."""
        for at, name in enumerate(signed.manifest.aggregators):
            self.at(name).deposit(self.consumer.party, signed.token, Dealer(shown, sealed[at]))

    def noise(self, signed: SignedManifest) -> None:
        """Have every aggregator deal its noise to all."""
        for name in signed.manifest.aggregators:
            dealt = self.at(name).noise(self.consumer.party, signed.token)
            self.deposit(signed, Evidence(name, dealt.receipt.sdjwt, dealt.receipt.proof), dealt.envelopes)

    def at(self, name: str) -> Aggregator:
        """Return the aggregator called `name`."""
        found = next(one.aggregator for one in self.aggregators if one.id == name)
        assert found is not None
        return found

    def certificates(
        self, signed: SignedManifest, nodes: Sequence[str], noise_of: Sequence[str] = ()
    ) -> tuple[bytes, ...]:
        """Have every aggregator certify `nodes` and noise."""
        peer = self.consumer.party
        return tuple(self.at(name).certify(peer, signed.token, nodes, noise_of) for name in signed.manifest.aggregators)

    def open(self, signed: SignedManifest, certificates: tuple[bytes, ...]) -> Opening:
        """Have every aggregator open."""
        peer = self.consumer.party
        opened = (self.at(name).open(peer, signed.token, certificates) for name in signed.manifest.aggregators)
        return Opening(certificates, tuple(opened))


def outcome(node: Member, mechanism: str) -> Receipt:
    """Log an outcome of `node` that says `mechanism`, as the ledger does when an intent is settled."""
    assert node.ledger is not None
    said = Output(2, 3, hashlib.sha256(mechanism.encode()).hexdigest(), 0, mechanism).json()
    ledger = node.ledger
    with ledger._writing() as db:
        entry = ledger._log.append(db, Stage.OUTCOME, {Slot.OUTPUT: said, Slot.CONSUMER: "x"}, About("", node.id))
        return ledger._receipt(db, entry.position)


def evidence(node: Member, given: Receipt) -> Evidence:
    """Return the receipt as the consumer shows it."""
    return Evidence(node.id, receipt.present(given.sdjwt, frozenset({Slot.OUTPUT})), given.proof)


@contextmanager
def gathered(root: Path, nodes: int = 3, aggregators: int = 3) -> Iterator[Parties]:
    """Give a space with so many nodes and aggregators; everything lies under `root`."""
    with ExitStack() as open_:
        openers: dict[str, Opener] = {}
        made: list[Member] = []
        kinds = (
            [("N", PartyRole.NODE)] * nodes + [("A", PartyRole.AGGREGATOR)] * aggregators + [("D", PartyRole.DEVELOPER)]
        )
        for at, (kind, role) in enumerate(kinds):
            made.append(_member(root / f"p{at}", party_id(kind, at), role, openers, open_))
        now_ms = CLOCK.now_ms()
        register = Register("league.example", 1, now_ms, now_ms + 10**9, _in_order(made))
        for member in made:
            if member.id in openers:
                assert member.ledger is not None
                book = open_.enter_context(SumBook(root / f"{member.id[-6:-1]}.sums", create=True))
                member.aggregator = Aggregator(
                    member.id, member.signer, openers[member.id], book, member.ledger, lambda: register, CLOCK, RANDOM
                )
        by_role = {role: tuple(m for m in made if m.party.role is role) for role in PartyRole}
        yield Parties(by_role[PartyRole.DEVELOPER][0], by_role[PartyRole.NODE], by_role[PartyRole.AGGREGATOR], register)


def _in_order(made: list[Member]) -> tuple[Party, ...]:
    return tuple(sorted((member.party for member in made), key=lambda party: party.id))


def _member(folder: Path, name: str, role: PartyRole, openers: dict[str, Opener], open_: ExitStack) -> Member:
    folder.mkdir()
    signer = keys.generate(folder / "signing.key", RANDOM)
    log_key, envelope_key, ledger = b"", b"", None
    if role is not PartyRole.DEVELOPER:
        log_signer = keys.generate(folder / "log.key", RANDOM)
        log_key = log_signer.public
        keeper = Keeper(name, signer, log_signer, CLOCK, RANDOM)
        ledger = open_.enter_context(Ledger.open(folder / "ledger.sqlite", keeper, NodeLimits()))
    if role is PartyRole.AGGREGATOR:
        openers[name] = envelopes.generate(folder / "envelope.key", RANDOM)
        envelope_key = openers[name].public
    party = Party(
        name, f"p{folder.name}", folder.name, role, PartyStatus.ACTIVE, signer.public, log_key,
        hashlib.sha256(name.encode()).hexdigest(), envelope_key=envelope_key,
    )  # fmt: skip
    return Member(name, signer, party, ledger)
