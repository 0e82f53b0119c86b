"""A space with real certificates and a real server on 127.0.0.1; only the node behind the wire is a double."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from yanmen.crypto import x509
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import connector_id
from yanmen.model.catalogue import (
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
    Version,
)
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Balance, Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.federation import Opening
from yanmen.model.joining import Handed, Piece
from yanmen.model.office import Act, Waiting
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Answer, ColumnQuote, Finished, Names, Output, Quote, Submission
from yanmen.model.template import PublishedTemplate
from yanmen.planning.parameters import Placeholder
from yanmen.wire.gate import Gate
from yanmen.wire.https import schemas
from yanmen.wire.https.dataspace import Connector
from yanmen.wire.https.entrance import Entrance, no_request
from yanmen.wire.https.server import HttpsServer, Port
from yanmen.wire.https.serving import routes
from yanmen.wire.server import Credentials, Server, Surroundings, node_services

from tests.unit.wire.https_caller import Interfaces

_BODY = "591140100MA0GTTTT0X14010000000"


def _id(number: int) -> str:
    body = f"{_BODY}{number}"
    return body + connector_id.check_character(body)


IDS = {who: _id(n) for n, who in enumerate(("node", "developer", "auditor", "pending", "revoked"))}
RECEIPT = Receipt(index=7, jti="0" * 32, stage=Stage.OUTCOME, sdjwt="jws~disclosure~", proof="proof")
COLUMNS = (
    Column("person", ColumnType.INTEGER, Role.UNIT),
    Column("sex", ColumnType.TEXT, Role.KEY, domain=("F", "M", None)),
    Column("bmi", ColumnType.DECIMAL, Role.MEASURE, lower=Decimal("10.00"), upper=Decimal("70"), scale=2),
    Column("secret_name", ColumnType.TEXT, Role.HIDDEN, source_name="raw_name"),
)
DATASET = Dataset(
    name="nafld1",
    title_zh="肝病随访",
    title_en="Liver follow-up",
    owner="Civil affairs",
    region="140100",
    registration="R-1",
    ndi_id="",
    source_system="register",
    authority="Health",
    update_cycle="yearly",
    quality="A",
    rights=("hold", "use"),
    cls=DatasetClass.PERSONAL,
    grade=Grade.GENERAL,
    sharing=Sharing.CONDITIONAL,
    sharing_reason="statistics",
    legal_basis="Art. 1",
    channels=(Channel.SHARING, Channel.AUTHORISED_OPERATION),
    subject_space="persons",
    rows_per_unit=1,
    groups_per_unit=1,
    rows_upto=20_000,
    price_ceiling_fen=500,
    columns=COLUMNS,
)
VERSION = Version(DATASET, "ab" * 32, "snapshots/nafld1.sealed", 123_456, 1_700_000_000_000)
TERMS = Terms(
    id="1" * 32,
    holder=IDS["node"],
    consumer=IDS["developer"],
    channel=Channel.SHARING,
    scenario=Scenario("s1", "text", "basis"),
    grants=(Grant("nafld1", ("sex", "bmi")),),
    min_group=10,
    micro_rho=1_000_000,
    micro_rho_per_query=1_000,
    micro_rho_per_query_max=10_000,
    delta_e12=0,
    queries=100,
    queries_per_day=10,
    not_before_ms=0,
    not_after_ms=1,
    price_per_query_fen=100,
    regulator_discloses=(),
    retention_days=30,
)
CONTRACT = Contract(TERMS, b"offer.jws.x", b"", "cd" * 32, ContractStatus.PENDING, decided_by="a person's name")
ANSWER = Answer(
    job_id="a" * 32,
    labels=("sex", "n", "big", "mean", "day", "yes"),
    types=(
        ColumnType.TEXT,
        ColumnType.INTEGER,
        ColumnType.INTEGER,
        ColumnType.DECIMAL,
        ColumnType.DATE,
        ColumnType.BOOLEAN,
    ),
    rows=(("F", 5, 2**70, Decimal("1.50"), date(2024, 2, 29), True), (None, -5, 0, None, None, False)),
    widths=((None, 3.25, 1e6, None, None, None), (None, 3.25, None, None, None, None)),
    suppressed=2,
    mechanism="gaussian sigma=10",
    notice="差分隐私估计值，不作为法定统计数据",
    micro_rho=1_000,
    micro_rho_left=5,
    price_fen=100,
    repeated=True,
    receipt=RECEIPT,
)
QUOTE = Quote(
    columns=(ColumnQuote("sex", ColumnType.TEXT, None), ColumnQuote("n", ColumnType.INTEGER, 3.25)),
    release=DatasetClass.PERSONAL,
    cells=3,
    micro_rho=1_000,
    micro_rho_left=5,
    price_fen=100,
    deadline_ms=2_000,
    repeated=False,
    plan_text="scan nafld1",
    receipt=RECEIPT,
)


@dataclass
class Desk:
    """The node behind the wire: remembers what reached it, says what it was told to say."""

    parties: dict[str, Party] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    error: Exception | None = None
    answer: Answer | None = ANSWER
    meanwhile: Callable[[], None] | None = None
    turned_away: list[tuple[str, Reason]] = field(default_factory=list)

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.error is not None:
            raise self.error

    def turn_away(self, party: Party, refusal: Refused) -> Receipt | None:
        """Note who was not let in."""
        self.turned_away.append((party.id, refusal.reason))
        return None

    def identify(self, certificate_pem: bytes) -> Party:
        party = self.parties.get(x509.parse_peer(certificate_pem).sha256)
        if party is None:
            raise Refused(Reason.IDENTITY_UNKNOWN)
        match party.status:
            case PartyStatus.ACTIVE:
                return party
            case PartyStatus.PENDING:
                raise Refused(Reason.IDENTITY_PENDING)
            case PartyStatus.REVOKED:
                raise Refused(Reason.IDENTITY_REVOKED)

    def abilities(self, interfaces: Sequence[str]) -> bytes:
        self._note("abilities", *interfaces)
        return b"abilities.jws.x"

    def waiting(self, party: Party) -> tuple[tuple[Waiting, bool], ...]:
        self._note("waiting", party.alias)
        return ((Waiting(CONTRACT, True, Act.REVIEW, 5), False),)

    def record_act(self, party: Party, token: bytes) -> tuple[Receipt, Contract]:
        self._note("record_act", party.alias, token)
        return RECEIPT, CONTRACT

    def datasets(self, party: Party) -> tuple[Version, ...]:
        self._note("datasets", party.alias)
        return (VERSION,)

    def dataset(self, party: Party, name: str) -> Version:
        self._note("dataset", party.alias, name)
        return VERSION

    def request_contract(self, party: Party, offer: bytes) -> Contract:
        self._note("request_contract", party.alias, offer)
        return CONTRACT

    def act(self, party: Party, token: bytes) -> Contract:
        self._note("act", party.alias)
        return CONTRACT

    def contract(self, party: Party, contract_id: str) -> Contract:
        self._note("contract", party.alias, contract_id)
        return CONTRACT

    def contracts(self, party: Party) -> tuple[Contract, ...]:
        self._note("contracts", party.alias)
        return (CONTRACT,)

    def released(self, party: Party, contract_id: str) -> tuple[ReleasedAnswer, ...]:
        self._note("released", party.alias, contract_id)
        return ()

    def templates(self, party: Party) -> tuple[PublishedTemplate, ...]:
        self._note("templates", party.alias)
        return ()

    def balance(self, party: Party, contract_id: str) -> Balance:
        self._note("balance", party.alias, contract_id)
        return Balance(1, 2, 3, 4, 5)

    def names(self) -> Names:
        return Names("space.test", "node")

    def placeholders(self, submission: Submission) -> tuple[Placeholder, ...]:
        self._note("placeholders", submission)
        return ()

    def describe(self, submission: Submission) -> tuple[Output, ...]:
        return tuple(Output(column.label, column.type, "") for column in QUOTE.columns)

    def explain(self, submission: Submission) -> Quote:
        self._note("explain", submission)
        return QUOTE

    def submit(self, submission: Submission) -> str:
        self._note("submit", submission)
        return submission.job_id

    def finish(self, submission: Submission, opening: Opening) -> Finished:
        self._note("finish", submission, opening)
        raise Refused(Reason.MANIFEST_INVALID)

    def fetch(self, party: Party, job_id: str, wait_ms: int) -> Answer | None:
        self._note("fetch", party.alias, job_id, wait_ms)
        return self.answer

    def cancel(self, party: Party, job_id: str, why: str = "") -> None:
        self._note("cancel", party.alias, job_id, *([why] if why else []))

    def state(self, party: Party, contract_id: str) -> bytes:
        self._note("state", party.alias, contract_id)
        return b"statement"

    def hand(self, party: Party, manifest: bytes, handed: Handed) -> tuple[int, bytes]:
        self._note("hand", party.alias, manifest, handed)
        return len(handed.data), b"word"

    def get(self, party: Party, manifest: bytes, name: str, at: int) -> Piece:
        self._note("get", party.alias, manifest, name, at)
        return Piece(b"piece", 5)

    def checkpoint(self, party: Party) -> str:
        self._note("checkpoint", party.alias)
        return "checkpoint"

    def receipt(self, party: Party, index: int) -> Receipt:
        self._note("receipt", party.alias, index)
        return RECEIPT

    def object_to(self, party: Party, token: bytes) -> Receipt:
        self._note("object_to", party.alias, token)
        return RECEIPT

    def acknowledge(self, party: Party, index: int, token: bytes) -> Receipt:
        self._note("acknowledge", party.alias, index, token)
        return RECEIPT

    def consistency(self, party: Party, old_size: int, new_size: int) -> tuple[bytes, ...]:
        self._note("consistency", party.alias, old_size, new_size)
        return (b"\x01" * 32, b"\x02" * 32)

    def drain(self, wait_ms: int) -> None:
        self._note("drain", wait_ms)


@dataclass
class Site:
    """Where tests call: the server's port, its double, its log, and everybody's keys."""

    folder: Path
    ca: bytes
    desk: Desk
    log: io.StringIO
    server: Server
    port: int

    def channel(self, who: str, ca: bytes | None = None, **options: object) -> grpc.Channel:
        """Open a channel with the certificate of `who`."""
        key, chain = (self.folder / f"{who}.key").read_bytes(), (self.folder / f"{who}.crt").read_bytes()
        tls = grpc.ssl_channel_credentials(self.ca if ca is None else ca, key, chain)
        return grpc.secure_channel(f"127.0.0.1:{self.port}", tls, options=list(options.items()))

    def lines(self) -> list[dict[str, object]]:
        """Return the server's log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def make_authority(folder: Path, name: str) -> x509.Authority:
    """Make a certificate authority of its own."""
    key = folder / f"{name}.key"
    return x509.load_authority(
        key, x509.create_authority(key, "space.test", SystemClock().now_ms(), SystemRandomness())
    )


def issue(folder: Path, authority: x509.Authority, who: str, connector: str, hosts: tuple[str, ...] = ()) -> str:
    """Make `who`.key and `who`.crt and return the certificate's digest."""
    key = folder / f"{who}.key"
    x509.create_key(key)
    kind = x509.Kind.NODE if hosts else x509.Kind.MEMBER
    subject = x509.Subject("space.test", kind, connector, hosts)
    now = SystemClock().now_ms()
    leaf = x509.sign_csr(authority, x509.create_csr(key), subject, now, SystemRandomness())
    (folder / f"{who}.crt").write_bytes(leaf)
    return x509.parse_peer(leaf).sha256


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, dict[str, Party]]:
    """Make a space: its root, a node and members of every standing, and one stranger of another root."""
    folder = tmp_path_factory.mktemp("space")
    authority = make_authority(folder, "root")
    parties: dict[str, Party] = {}
    for who, connector in IDS.items():
        digest = issue(folder, authority, who, connector, ("127.0.0.1",) if who == "node" else ())
        role = PartyRole(who) if who in {"node", "auditor"} else PartyRole.DEVELOPER
        status = PartyStatus(who) if who in {"pending", "revoked"} else PartyStatus.ACTIVE
        parties[digest] = Party(connector, who, who, role, status, b"", b"", digest)
    issue(folder, authority, "unregistered", IDS["developer"])
    issue(folder, make_authority(folder, "other-root"), "stranger", IDS["developer"])
    return folder, authority.certificate.public_bytes(Encoding.PEM), parties


@pytest.fixture
def site(keys: tuple[Path, bytes, dict[str, Party]]) -> Iterator[Site]:
    """Serve a fresh double."""
    folder, ca, parties = keys
    desk, log = Desk(parties=parties), io.StringIO()
    secret = Credentials((folder / "node.key").read_bytes(), (folder / "node.crt").read_bytes(), ca)
    limits = NodeLimits(message_bytes=64 * 1024)
    server = Server(
        desk,
        Surroundings("127.0.0.1:0", secret, limits, SystemClock(), SystemRandomness(), log),
        node_services(desk, SystemClock(), SystemRandomness()),
    )
    yield Site(folder, ca, desk, log, server, server.start())
    desk.error = desk.meanwhile = None
    server.stop(0)


@pytest.fixture
def interfaces(keys: tuple[Path, bytes, dict[str, Party]]) -> Iterator[Interfaces]:
    """Serve a fresh double over gRPC and, beside it, over HTTPS."""
    folder, ca, parties = keys
    (folder / "root.pem").write_bytes(ca)
    desk, log = Desk(parties=parties), io.StringIO()
    secret = Credentials((folder / "node.key").read_bytes(), (folder / "node.crt").read_bytes(), ca)
    me = Connector(IDS["node"], "卫健委", "https://health.example:7444")
    clock, randomness = SystemClock(), SystemRandomness()

    def beside(gate: Gate) -> HttpsServer:
        entrance = Entrance(gate, schemas.load(), routes(desk, me, clock))
        return HttpsServer(Port("127.0.0.1:0", secret, clock), entrance.answer, no_request)

    server = Server(
        desk,
        Surroundings("127.0.0.1:0", secret, NodeLimits(), clock, randomness, log, beside=beside),
        node_services(desk, clock, randomness),
    )
    server.start()
    yield Interfaces(folder, desk, log, server, int(server.address_beside.rpartition(":")[2]))
    desk.error = desk.meanwhile = None
    server.stop(0)
