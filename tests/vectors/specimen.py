"""A usage log of pinned keys, time and salts, for FORMATS.md and the tests; `Log` can also do what a dishonest node could."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.crypto import documents, notes, receipts
from yanmen.crypto.keys import FileSigner
from yanmen.formats import base64url, bundle, checkpoint, connector_id, merkle, note, proof, receipt, tiles
from yanmen.formats.bundle import ContractTotal, Entry, Keys, SpaceTotal, Statement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.question_slots import Publication, Reading, ReleaseRule, Sensitivity, scenario_json
from yanmen.formats.receipt import Head, Slot
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.formats.slots import Budget, Decision, Meter, Output, Price, Series, SignedRequest, Verdict
from yanmen.model.catalogue import Channel, DatasetClass
from yanmen.model.contract import ContractStatus, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.model.tariff import metered

from tests.vectors.shapes import Pinned as Pinned
from tests.vectors.shapes import confirmation as confirmation
from tests.vectors.shapes import mechanism as mechanism
from tests.vectors.shapes import output as output
from tests.vectors.shapes import sha256 as sha256

START_S = 1_700_000_040
NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
CONSUMER = connector_id.build("5", "91140100MA0GUUUU1Y", "1401", "D5E6F7G9")
SPACE = "shanxi.example"
ORIGIN = checkpoint.origin(NODE, 2026)
CONTRACT = hashlib.sha256(b"contract one").hexdigest()[:32]
OTHER = hashlib.sha256(b"contract two").hexdigest()[:32]
SUBJECTS = "residents"
SQL = "SELECT count(*) FROM persons"
ROWS_UPTO = 100_000
CEILING_FEN = 200
VERSION = "v1"
LIFETIME_MICRO_RHO = 1_000_000
LIFETIME_DELTA_E12 = 1_000_000


def signer(name: str) -> FileSigner:
    """Return the pinned key called `name`."""
    return FileSigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


SPACE_KEY = signer("space")
RECEIPT_KEY = signer("receipt")
LOG_KEY = signer("log")
MEMBER_KEY = signer("member")


def register() -> Register:
    """Return the space's register: this node and one developer."""

    def party(party_id: str, alias: str, role: PartyRole, key: bytes, log_key: bytes) -> Party:
        digest = hashlib.sha256(alias.encode()).hexdigest()
        return Party(party_id, alias, alias, role, PartyStatus.ACTIVE, key, log_key, digest)

    node = party(NODE, "health", PartyRole.NODE, RECEIPT_KEY.public, LOG_KEY.public)
    member = party(CONSUMER, "lab", PartyRole.DEVELOPER, MEMBER_KEY.public, b"")
    return Register(SPACE, 1, START_S * 1000, (START_S + 30 * 86_400) * 1000, tuple(sorted((node, member), key=lambda item: item.id)))


TERMS = Terms(
    id=CONTRACT,
    holder=NODE,
    consumer=CONSUMER,
    channel=Channel.AUTHORISED_OPERATION,
    scenario=Scenario("S1", "慢病管理", "基本医疗卫生与健康促进法"),
    grants=(Grant("persons", ("age_band", "city")),),
    min_group=10,
    micro_rho=100_000,
    micro_rho_per_query=2_500,
    micro_rho_per_query_max=10_000,
    delta_e12=1_000_000,
    queries=40,
    queries_per_day=10,
    not_before_ms=START_S * 1000,
    not_after_ms=(START_S + 365 * 86_400) * 1000,
    price_per_query_fen=120,
    regulator_discloses=("budget", "decision", "price"),
    retention_days=365,
)
OTHER_TERMS = replace(TERMS, id=OTHER, micro_rho_per_query=1_000, price_per_query_fen=80)
PUBLISHED = Reading("persons", VERSION, ("person_id", "age_band", "city"))


def offer(terms: Terms) -> bytes:
    """Return the consumer's signed offer."""
    return documents.sign_offer(terms, MEMBER_KEY)


def acceptance(terms: Terms, decision: ContractStatus = ContractStatus.ACTIVE) -> Acceptance:
    """Return the holder's decision on it."""
    return Acceptance(
        contract_id=terms.id,
        holder=NODE,
        offer_sha256=documents.digest(offer(terms)),
        decision=decision,
        decided_by="首席数据官",
        reasons=Reasons("必要性", "合法性", "安全性"),
        time_ms=START_S * 1000,
    )


@dataclass
class Log:
    """A log that grows leaf by leaf, with the books its node keeps."""

    random: Pinned
    origin: str = ORIGIN
    leaves: list[bytes] = field(default_factory=list)
    sdjwts: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    contracts: dict[str, ContractTotal] = field(default_factory=dict)
    spaces: dict[str, SpaceTotal] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)
    time_s: int = START_S
    terms: dict[str, Terms] = field(default_factory=lambda: {CONTRACT: TERMS, OTHER: OTHER_TERMS})

    def begin(self) -> None:
        """Append what stands before any use: genesis, subject space, dataset."""
        self.append(Stage.GENESIS, {Slot.SUBJECT: {"origin": ORIGIN, "suite": receipt.SUITE}})
        lifetime = {"lifetime_delta_e12": LIFETIME_DELTA_E12, "lifetime_micro_rho": LIFETIME_MICRO_RHO}
        self.append(Stage.DATASET, {Slot.SUBJECT: {**lifetime, "space": SUBJECTS, "status": "registered"}})
        self.publish()

    def publish(self, reading: Reading = PUBLISHED, unit: str = "person_id", cls: DatasetClass = DatasetClass.PERSONAL) -> None:
        """Append the leaf of a published version."""
        slots: dict[Slot, Json] = {
            Slot.DATASETS: Publication(reading, unit).json(),
            Slot.RELEASE: {"class": cls.value, "grade": "general"},
            Slot.SUBJECT: {
                "price_ceiling_fen": CEILING_FEN,
                "rows_upto": ROWS_UPTO,
                "space": SUBJECTS if cls is DatasetClass.PERSONAL else "",
                "status": "published",
            },
        }
        self.append(Stage.DATASET, slots)

    def agree(self, contract: str = CONTRACT) -> None:
        """Append the offer of a contract and the decision that brings it into force."""
        terms = self.terms[contract]
        self.stands(contract, ContractStatus.PENDING, offer(terms))
        signed = documents.sign_acceptance(acceptance(terms), RECEIPT_KEY)
        self.stands(contract, ContractStatus.ACTIVE, signed, Stage.APPROVAL)

    def stands(
        self, contract: str, status: ContractStatus, document: bytes = b"", stage: Stage = Stage.CONTRACT, **other: Json
    ) -> None:
        """Append the leaf that says how a contract stands now."""
        slots: dict[Slot, Json] = {
            Slot.CONTRACT: contract,
            Slot.CONTRACT_DIGEST: documents.digest(offer(self.terms[contract])),
            Slot.CONSUMER: CONSUMER,
            Slot.ACTOR: "首席数据官",
            Slot.SUBJECT: {"document": document.decode(), "status": status.value},
        }
        self.append(stage, {**slots, **{Slot(name): value for name, value in other.items()}})

    def append(self, stage: Stage, slots: Mapping[Slot, Json], intent: str = "", jti: str = "") -> str:
        """Sign a leaf that says `slots` and return its reference."""
        said = dict(slots)
        contract = said.get(Slot.CONTRACT, "")
        assert isinstance(contract, str)
        total = self.contracts.get(contract, ContractTotal(contract))
        last = self.last.get(contract)
        said.setdefault(Slot.SERIES, Series(total.leaves + 1, base64url.encode(last) if last else "").json())
        head = Head(
            iss=NODE,
            iat_s=self.time_s,
            jti=jti or self.random.token(16).hex(),
            stage=stage,
            intent=intent or base64url.encode(self.random.token(32)),
        )
        issued = receipts.issue(head, said, RECEIPT_KEY, self.random)
        leaf = issued.leaf
        self.leaves.append(leaf)
        self.sdjwts.append(issued.sdjwt)
        self.stages.append(stage)
        self.contracts[contract] = replace(total, leaves=total.leaves + 1)
        self.last[contract] = merkle.leaf_hash(leaf)
        self.time_s += 60
        return base64url.encode(self.last[contract])

    def request(self, contract: str = CONTRACT, **other: object) -> SignedRequest:
        """Return the consumer's signed question."""
        claims = RequestClaims(
            audience=NODE,
            issuer=CONSUMER,
            jti=self.random.token(16).hex(),
            issued_s=self.time_s,
            expires_s=self.time_s + 300,
            contract_id=contract,
            scenario_id="S1",
            query_sha256=hashlib.sha256(SQL.encode()).hexdigest(),
            operation=Operation.SUBMIT,
            micro_rho=0,
            max_micro_rho=10_000,
            max_price_fen=1_000,
        )
        token = documents.sign_request(replace(claims, **other), MEMBER_KEY)  # type: ignore[arg-type]
        return SignedRequest(Binding.PER_REQUEST, token.decode())

    def session(self, max_micro_rho: int, contract: str = CONTRACT) -> SignedRequest:
        """Return a session grant."""
        claims = SessionClaims(
            audience=NODE,
            issuer=CONSUMER,
            jti=self.random.token(16).hex(),
            issued_s=self.time_s,
            expires_s=self.time_s + 3600,
            contract_id=contract,
            scenario_id="S1",
            micro_rho=0,
            max_micro_rho=max_micro_rho,
            max_price_fen=1_000,
        )
        return SignedRequest(Binding.SESSION, documents.sign_session(claims, MEMBER_KEY).decode())

    def charge(self, micro_rho: int, delta_e12: int, fen: int, contract: str = CONTRACT) -> dict[Slot, Json]:
        """Put a charge in the books and return the slots that say so."""
        total = self.contracts.get(contract, ContractTotal(contract))
        total = replace(
            total,
            queries=total.queries + 1,
            micro_rho=total.micro_rho + micro_rho,
            delta_e12=total.delta_e12 + delta_e12,
            fen=total.fen + fen,
        )
        self.contracts[contract] = total
        space = self.spaces.get(SUBJECTS, SpaceTotal(SUBJECTS))
        self.spaces[SUBJECTS] = replace(
            space, micro_rho=space.micro_rho + micro_rho, delta_e12=space.delta_e12 + delta_e12
        )
        used = metered(6, [("persons", ROWS_UPTO)])
        return {**self.spent(micro_rho, delta_e12, fen, contract), Slot.METER: Meter(used, free=False).json()}

    def spent(self, micro_rho: int, delta_e12: int, fen: int, contract: str = CONTRACT) -> dict[Slot, Json]:
        """Return the slots that say what a use cost, and what the books hold."""
        total = self.contracts[contract]
        return {
            Slot.BUDGET: Budget(SUBJECTS, micro_rho, delta_e12, total.micro_rho, total.delta_e12).json(),
            Slot.PRICE: Price(fen, total.fen).json(),
            Slot.METER: Meter(metered(0, ()), free=False).json(),
        }

    def intent(
        self,
        request: SignedRequest,
        contract: str = CONTRACT,
        micro_rho: int = 2_500,
        delta_e12: int = 0,
        fen: int = 120,
    ) -> tuple[str, dict[Slot, Json]]:
        """Append an intent and return its reference and what it said."""
        slots: dict[Slot, Json] = {
            **self.question(request, contract),
            **self.charge(micro_rho, delta_e12, fen, contract),
            Slot.DECISION: Decision(Verdict.ALLOWED).json(),
        }
        return self.append(Stage.INTENT, slots), slots

    def question(self, request: SignedRequest, contract: str = CONTRACT) -> dict[Slot, Json]:
        """Return what a use says of the question: all but its charge."""
        terms, emitted = self.terms[contract], 'SELECT count(*) FROM "s0"."data"'
        return {
            Slot.CONTRACT: contract,
            Slot.CONTRACT_DIGEST: documents.digest(offer(terms)),
            Slot.CONSUMER: CONSUMER,
            Slot.CNF: confirmation(MEMBER_KEY.public),
            Slot.SCENARIO: scenario_json(terms.scenario),
            Slot.DATASETS: [Reading("persons", VERSION, ("city", "person_id")).json()],
            Slot.POLICY: hashlib.sha256(b"policies").hexdigest(),
            Slot.REQUEST: request.json(),
            Slot.QUERY: {"sha256": hashlib.sha256(SQL.encode()).hexdigest(), "sql": SQL},
            Slot.PLAN: {"canonical_sha256": sha256("canonical"), "sha256": sha256(emitted), "sql": emitted},
            Slot.RELEASE: ReleaseRule(DatasetClass.PERSONAL, 10, (Sensitivity("a0", 1),)).json(),
        }

    def ask(self, contract: str = CONTRACT, micro_rho: int = 2_500, fen: int = 120) -> str:
        """Append an intent and its outcome and return the intent's reference."""
        reference, slots = self.intent(self.request(contract), contract, micro_rho, 5, fen)
        self.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: output(micro_rho).json()}, reference)
        return reference

    def refuse(self, contract: str, reason: str) -> None:
        """Append a refusal; `contract` may be empty."""
        slots: dict[Slot, Json] = {Slot.DECISION: Decision(Verdict.REFUSED, reason).json()}
        if contract:
            slots[Slot.CONTRACT] = contract
        self.append(Stage.REFUSED, slots)

    def reader(self) -> merkle.HashReader:
        """Return the hashes of the tree."""
        return merkle.full_subtrees(merkle.leaf_hash(leaf) for leaf in self.leaves)

    def checkpoint(self, size: int | None = None) -> note.Note:
        """Return the signed head over the first `size` leaves."""
        count = len(self.leaves) if size is None else size
        return notes.sign_checkpoint(Checkpoint(self.origin, count, merkle.root(count, self.reader())), LOG_KEY)

    def proof(self, index: int, size: int | None = None) -> str:
        """Return the inclusion proof of leaf `index` in the first `size` leaves."""
        count = len(self.leaves) if size is None else size
        path = merkle.inclusion(index, count, self.reader())
        return proof.encode(Proof(index, path, self.checkpoint(count)))

    def statement(self) -> Statement:
        """Return what the node states: its books."""
        return Statement(
            space=SPACE,
            node=NODE,
            origin=self.origin,
            size=len(self.leaves),
            contracts=tuple(self.contracts[name] for name in sorted(self.contracts) if name),
            spaces=tuple(self.spaces[name] for name in sorted(self.spaces)),
        )

    def export(self, path: Path, statement: Statement | None = None) -> Path:
        """Write the audit bundle into the new directory `path`."""
        keys = Keys(
            log_vkey=note.encode_key(VerifierKey(self.origin, LOG_KEY.public)),
            space_vkey=note.encode_key(VerifierKey(SPACE, SPACE_KEY.public)),
            register=documents.sign_register(register(), SPACE_KEY),
        )
        reader, head, size = self.reader(), self.checkpoint(), len(self.leaves)
        entries = [
            Entry(stage, leaf, sdjwt, proof.encode(Proof(index, merkle.inclusion(index, size, reader), head)))
            for index, (stage, leaf, sdjwt) in enumerate(zip(self.stages, self.leaves, self.sdjwts, strict=True))
        ]
        for name, data in bundle.files(statement or self.statement(), note.encode(head), keys, entries):
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return path

    def mirror(self, path: Path, size: int | None = None) -> Path:
        """Write the static tiles of the first `size` leaves into the new directory `path`."""
        count = len(self.leaves) if size is None else size
        path.mkdir()
        for tile in tiles.of_size(count):
            files = {tile.path: tiles.encode_hashes(tile, self.reader())}
            if tile.level == 0:
                begin = tile.index * tiles.WIDTH
                files[tile.entries_path] = tiles.encode_entries(self.leaves[begin : begin + tile.width])
            for name, data in files.items():
                file = path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        (path / "checkpoint").write_bytes(note.encode(self.checkpoint(count)))
        return path


def specimen(seed: str = "specimen") -> Log:
    """Return an honest log with every stage a node writes: 20 leaves, the last refusal at index 17."""
    log = Log(Pinned(seed))
    log.begin()
    for contract in (CONTRACT, OTHER):
        log.agree(contract)
    decided = {Slot.DECISION: Decision(Verdict.ALLOWED).json()}
    log.append(Stage.EXPLAINED, {Slot.CONTRACT: CONTRACT, **log.spent(0, 0, 0), **decided})
    log.ask()
    log.refuse(CONTRACT, "ROWS_WOULD_LEAVE")
    first, first_slots = log.intent(log.session(5_000))
    log.refuse("", "REQUEST_EXPIRED")
    second, second_slots = log.intent(log.request(OTHER), OTHER, 1_000, 7, 80)
    log.append(Stage.ABORTED, {**second_slots, Slot.DECISION: Decision(Verdict.ABORTED, "RUN_FAILED").json()}, second)
    shown = output(2_500)
    used: dict[Slot, Json] = {Slot.OUTPUT: shown.json(), Slot.USAGE: {"cpu_ms_upto": 200}}
    log.append(Stage.OUTCOME, {**first_slots, **used}, first, "cd" * 16)
    repeated = {**first_slots, **log.spent(0, 0, 0), Slot.DECISION: Decision(Verdict.REPEATED).json()}
    repeated[Slot.OUTPUT] = replace(shown, repeats="cd" * 16).json()
    log.append(Stage.OUTCOME, repeated)
    log.refuse(OTHER, "BUDGET_SPENT")
    log.append(Stage.KEY, {Slot.SUBJECT: {"key": base64url.encode(LOG_KEY.public)}})
    log.append(Stage.MEMBER, {Slot.SUBJECT: {"register": 1}})
    return log


def long_specimen(seed: str = "specimen") -> Log:
    """Return that log with 249 refusals more: a full tile, partial ones and a second level."""
    log = specimen(seed)
    for _ in range(249):
        log.refuse("", "REQUEST_EXPIRED")
    return log
