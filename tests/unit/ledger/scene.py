"""A node, a consumer and their papers, with real signatures: what every test of the ledger starts from."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.crypto import documents
from yanmen.crypto.keys import FileSigner
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import connector_id, note, receipt
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Disclosed
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.ledger.answers import Declined
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database
from yanmen.ledger.store import Store
from yanmen.model import tariff
from yanmen.model.catalogue import (
    Cell,
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
    SubjectSpace,
    Version,
)
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Signer
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Usage
from yanmen.model.stages import (
    Admitted,
    Aggregate,
    AggregateKind,
    Answer,
    Binding,
    Output,
    Plan,
    Released,
    Request,
    Reserved,
    Scan,
    Submission,
)
from yanmen.model.tariff import metered

from tests.vectors.specimen import mechanism

NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
CONSUMER = connector_id.build("5", "91140100MA0GUUUU1Y", "1401", "D5E6F7G9")
RIVAL = connector_id.build("5", "91140100MA0GVVVV2Z", "1401", "H5J6K7L9")
SPACE = "shanxi.example"
SUBJECTS = "residents"
START_MS = 1_780_000_000_000
PROFILE = "ab" * 32
COUNT = Aggregate("a0", AggregateKind.ROWS, 0, 0, 100, 1, 1)
LIFETIME_MICRO_RHO = 1_000_000
LIFETIME_DELTA_E12 = 1_000_000


def signer(name: str) -> FileSigner:
    """Return the pinned key called `name`."""
    return FileSigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


RECEIPT_KEY, LOG_KEY, SPACE_KEY = signer("receipt"), signer("log"), signer("space")
MEMBER_KEYS = {CONSUMER: signer("member"), RIVAL: signer("rival")}


@dataclass
class Clockwork:
    """A clock that stands still until it is moved."""

    ms: int = START_MS

    def now_ms(self) -> int:
        """Return the time it shows."""
        return self.ms


def store_of(ledger: Ledger) -> Store:
    """Return the file that `ledger` is kept in."""
    assert isinstance(ledger._store, Store)
    return ledger._store


@dataclass
class Scene:
    """A ledger file and the hands that work on it; several scenes may share one file."""

    path: Path
    limits: NodeLimits = field(default_factory=NodeLimits)
    clock: Clockwork = field(default_factory=Clockwork)
    elsewhere: Database | None = None
    """The database that the ledger is kept in, instead of the file."""
    _count: int = 0

    def keeper(self) -> Keeper:
        """Return the node."""
        return Keeper(NODE, RECEIPT_KEY, LOG_KEY, self.clock, SystemRandomness())

    def open(self, *, create: bool = True) -> Ledger:
        """Open the ledger."""
        return Ledger.open(self.elsewhere or self.path, self.keeper(), self.limits, create=create)

    def name(self) -> str:
        """Return 32 hex digits that were not used before, also in another process."""
        self._count += 1
        return hashlib.sha256(f"{os.getpid()} {id(self)} {self._count}".encode()).hexdigest()[:32]

    def furnish(self, ledger: Ledger, **terms: Any) -> Contract:
        """Register a space, publish a dataset and bring a contract into force."""
        ledger.register_space(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12))
        if ledger.version("persons") is None:
            ledger.publish(version())
        return self.activate(ledger, terms_of(self.name(), **terms))

    def activate(self, ledger: Ledger, terms: Terms) -> Contract:
        """Offer and approve a contract."""
        ledger.add_offer(offered(terms))
        ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms), "Li Si")
        contract = ledger.contract(terms.id)
        assert contract is not None
        return contract

    def plan(self, contract: Contract, **other: Any) -> Plan:
        """Return a plan that no plan before it equals, with a request of its own."""
        number = self.name()
        return plan_of(contract, self.clock.ms, self.name(), self.name(), canonical=number, **other)

    def ask(self, ledger: Ledger, contract: Contract, **other: Any) -> Answer:
        """Take a question through reserve and settle."""
        held = ledger.reserve(self.plan(contract, **other))
        assert isinstance(held, Reserved)
        return ledger.settle(held, released(held.plan), PROFILE)


def reserved(held: Reserved | Answer) -> Reserved:
    """Return the reservation that `held` must be."""
    assert isinstance(held, Reserved)
    return held


def party(party_id: str, role: PartyRole = PartyRole.DEVELOPER) -> Party:
    """Return a party as the register lists it."""
    if role is PartyRole.NODE:
        return Party(
            party_id, "health", "Health", role, PartyStatus.ACTIVE, RECEIPT_KEY.public, LOG_KEY.public, "0" * 64
        )
    alias = {CONSUMER: "lab", RIVAL: "rival"}[party_id]
    return Party(party_id, alias, alias, role, PartyStatus.ACTIVE, MEMBER_KEYS[party_id].public, b"", "1" * 64)


def papers() -> SpacePapers:
    """Return what a bundle carries of the space."""
    parties = (party(NODE, PartyRole.NODE), party(CONSUMER), party(RIVAL))
    register = Register(SPACE, 1, START_MS, START_MS + 86_400_000, tuple(sorted(parties, key=lambda item: item.id)))
    vkey = note.encode_key(VerifierKey(SPACE, SPACE_KEY.public))
    return SpacePapers(SPACE, vkey, documents.sign_register(register, SPACE_KEY))


def terms_of(contract_id: str, **other: Any) -> Terms:
    """Return the terms of a contract."""
    terms = Terms(
        id=contract_id,
        holder=NODE,
        consumer=CONSUMER,
        channel=Channel.SHARING,
        scenario=Scenario("S1", "慢病管理", "卫生健康法"),
        grants=(Grant("persons", ("city", "age")), Grant("gazette", ("city",))),
        min_group=10,
        micro_rho=10_000,
        micro_rho_per_query=100,
        micro_rho_per_query_max=5_000,
        delta_e12=1_000,
        queries=1_000,
        queries_per_day=500,
        not_before_ms=0,
        not_after_ms=START_MS * 2,
        price_per_query_fen=120,
        regulator_discloses=(),
        retention_days=30,
    )
    return replace(terms, **other)


def offered(terms: Terms) -> Contract:
    """Return the consumer's signed offer."""
    token = documents.sign_offer(terms, MEMBER_KEYS[terms.consumer])
    return Contract(terms, token, b"", documents.digest(token), ContractStatus.PENDING)


def accepted(terms: Terms, holder: Signer = RECEIPT_KEY) -> bytes:
    """Return the holder's signed acceptance."""
    digest = offered(terms).digest
    value = Acceptance(terms.id, NODE, digest, ContractStatus.ACTIVE, "Li Si", Reasons(), START_MS)
    return documents.sign_acceptance(value, holder)


def dataset(**other: Any) -> Dataset:
    """Return a dataset about persons."""
    value = Dataset(
        name="persons",
        title_zh="人口",
        title_en="Persons",
        owner="卫健委",
        region="140100",
        registration="R-1",
        ndi_id="N-1",
        source_system="HIS",
        authority="卫健委",
        update_cycle="monthly",
        quality="A",
        rights=("hold", "use"),
        cls=DatasetClass.PERSONAL,
        grade=Grade.GENERAL,
        sharing=Sharing.UNCONDITIONAL,
        sharing_reason="",
        legal_basis="",
        channels=(Channel.SHARING,),
        subject_space=SUBJECTS,
        rows_per_unit=1,
        groups_per_unit=1,
        rows_upto=100_000,
        price_ceiling_fen=200,
        columns=(
            Column("id", ColumnType.TEXT, Role.UNIT),
            Column("city", ColumnType.TEXT, Role.KEY, domain=("太原", "大同", None)),
        ),
    )
    return replace(value, **other)


def version(label: str = "v1", **other: Any) -> Version:
    """Return a published version."""
    return Version(dataset(**other), hashlib.sha256(label.encode()).hexdigest(), f"data/{label}", 1000, START_MS)


def plan_of(
    contract: Contract,
    now_ms: int,
    jti: str,
    job_id: str,
    *,
    canonical: str = "q",
    micro_rho: int = 100,
    delta_e12: int = 0,
    price_fen: int | None = None,
    session: str = "",
    max_micro_rho: int = 5_000,
    max_price_fen: int = 10_000,
    release: DatasetClass = DatasetClass.PERSONAL,
    space: str = SUBJECTS,
    scanned: Version | None = None,
    sql: str = "SELECT city, count(*) FROM persons GROUP BY city",
    operation: Operation = Operation.SUBMIT,
) -> Plan:
    """Return a plan with its signed request behind it."""
    consumer = contract.terms.consumer
    common = (now_ms // 1000, now_ms // 1000 + 300, contract.terms.id, "S1")
    query = hashlib.sha256(sql.encode()).hexdigest()
    if session:
        grant = SessionClaims(NODE, consumer, session, *common, max(0, micro_rho), max_micro_rho, max_price_fen)
        token = documents.sign_session(grant, MEMBER_KEYS[consumer])
    else:
        claims = RequestClaims(
            NODE, consumer, jti, *common, query, operation, max(0, micro_rho), max_micro_rho, max_price_fen
        )
        token = documents.sign_request(claims, MEMBER_KEYS[consumer])
    request = Request(
        jti=jti,
        consumer=consumer,
        contract_id=contract.terms.id,
        scenario_id="S1",
        query_sha256=query,
        micro_rho=micro_rho,
        max_micro_rho=max_micro_rho,
        max_price_fen=max_price_fen,
        issued_ms=now_ms,
        expires_ms=now_ms + 300_000,
        session_jti=session,
    )
    binding = Binding.SESSION if session else Binding.PER_REQUEST
    submission = Submission(job_id, party(consumer), binding, token, sql, now_ms, jti if session else "")
    read = scanned or version()
    terms, listed = contract.terms, read.dataset
    used = metered(20, [(listed.name, listed.rows_upto)])
    usual = tariff.price_fen(terms.price_per_query_fen, terms.tariff, used, micro_rho, listed.price_ceiling_fen)
    fen = usual if price_fen is None else price_fen
    admitted = Admitted(submission, request, contract, (read,), (), "cd" * 32, micro_rho, fen)
    return Plan(
        admitted=admitted,
        release=release,
        subject_space=space,
        scans=(Scan("s0", read, ("city",)),),
        sql='SELECT "city", count(*) FROM "s0"."data" GROUP BY "city"',
        keys=(),
        aggregates=(COUNT,) if release is DatasetClass.PERSONAL else (),
        averages=(),
        outputs=(Output("city", ColumnType.TEXT, ""), Output("n", ColumnType.INTEGER, "a0")),
        post_sql="",
        canonical=canonical,
        rows_max=10,
        deadline_ms=10,
        micro_rho=micro_rho,
        delta_e12=delta_e12,
        price_fen=fen,
        min_group=10,
        metered=used,
    )


def released(plan: Plan, count: int = 41) -> Released:
    """Return a released table for `plan`."""
    rows: tuple[tuple[Cell, ...], ...] = (("太原", count), ("大同", -3))
    return Released(
        plan=plan,
        labels=("city", "n"),
        types=(ColumnType.TEXT, ColumnType.INTEGER),
        rows=rows,
        widths=((None, 12.5), (None, 12.5)),
        suppressed=0,
        mechanism=mechanism(plan.micro_rho) if plan.aggregates else "none",
        notice="差分隐私估计值，不作为法定统计数据",
        usage=Usage(cpu_ms=123, peak_bytes=50_000_000, reply_bytes=100),
    )


def disclosed(found: Receipt | Declined) -> Disclosed:
    """Return what a receipt says."""
    shown = found.receipt if isinstance(found, Declined) else found
    return receipt.decode(shown.sdjwt)
