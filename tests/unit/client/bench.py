"""A node with a real log of real receipts, and the means to make it lie."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from yanmen.crypto import documents, notes, receipts, x509
from yanmen.crypto.keys import FileSigner
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import base64url, checkpoint, connector_id, merkle, note, proof, receipt, released
from yanmen.formats.acknowledgement import Acknowledged
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Head, Slot
from yanmen.formats.released import Table
from yanmen.formats.slots import Budget, Decision, Meter, Price, SignedRequest, Verdict
from yanmen.model.catalogue import Channel, Column, ColumnType, Dataset, DatasetClass, Grade, Role, Sharing, Version
from yanmen.model.contract import Balance, Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.deletion import ReleasedAnswer
from yanmen.model.federation import Opening
from yanmen.model.joining import Handed, Piece
from yanmen.model.office import Waiting
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Detail, Fault, Reason, Refused
from yanmen.model.stages import Answer, ColumnQuote, Finished, Names, Output, Quote, Submission
from yanmen.model.tariff import metered
from yanmen.model.template import PublishedTemplate
from yanmen.planning.parameters import Placeholder

CLOCK, RANDOM = SystemClock(), SystemRandomness()
YEAR = time.gmtime().tm_year
SQL = "SELECT sex, COUNT(*) AS n FROM nafld1 GROUP BY sex"
TABLE = Table(
    labels=("性别", "n", "mean", "n"),
    types=(ColumnType.TEXT, ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.INTEGER),
    rows=(("F", 9_012, Decimal("1.50"), 2**70), ("男", -3, None, 1), (None, 8_537, Decimal("-0.25"), 2)),
    widths=((None, 39.2, 0.5, None), (None, 39.2, None, None), (None, 39.2, 0.5, None)),
    suppressed=1,
    mechanism="discrete gaussian",
    notice="差分隐私估计值，不作为法定统计数据",
)
DATASET = Dataset(
    "nafld1", "随访", "follow-up", "Civil affairs", "140100", "R-1", "", "register", "Health", "yearly", "A", ("hold",),
    DatasetClass.PERSONAL, Grade.GENERAL, Sharing.UNCONDITIONAL, "", "", (Channel.SHARING,), "persons",
    1, 1, 20_000, 500,
    (
        Column("person", ColumnType.INTEGER, Role.UNIT),
        Column("sex", ColumnType.TEXT, Role.KEY, "性别", "Sex", domain=("F", "M")),
        Column("bmi", ColumnType.DECIMAL, Role.MEASURE, lower=Decimal(10), upper=Decimal(70), scale=2),
        Column("visit", ColumnType.DATE, Role.KEY, domain=tuple(date(2024, 1, day) for day in range(1, 13))),
    ),
)  # fmt: skip


def identifier(number: int) -> str:
    """Return the connector id of a party of the tests."""
    body = f"591140100MA0GTTTT0X14010000000{number}"
    return body + connector_id.check_character(body)


NODE, MEMBER, OTHER = identifier(1), identifier(2), identifier(3)
TERMS = Terms(
    id="1" * 32,
    holder=NODE,
    consumer=MEMBER,
    channel=Channel.SHARING,
    scenario=Scenario("s1", "health statistics", "Art. 1"),
    grants=(Grant("nafld1", ("sex", "bmi")),),
    min_group=10,
    micro_rho=1_000_000,
    micro_rho_per_query=1_000,
    micro_rho_per_query_max=10_000,
    delta_e12=0,
    queries=100,
    queries_per_day=10,
    not_before_ms=1_700_000_000_000,
    not_after_ms=2_000_000_000_000,
    price_per_query_fen=150,
    regulator_discloses=(),
    retention_days=30,
)


@dataclass
class Logbook:
    """A usage log in memory; a list of leaves can be cut and rewritten, which is what a dishonest node does."""

    receipt_signer: FileSigner
    log_signer: FileSigner
    node: str = NODE
    year: int = YEAR
    number: int = 1
    leaves: list[bytes] = field(default_factory=list)
    sdjwts: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)

    def append(self, stage: Stage, slots: dict[Slot, Json]) -> int:
        jti, intent = RANDOM.token(16).hex(), base64url.encode(RANDOM.token(32))
        head = Head(NODE, receipt.whole_minute(CLOCK.now_ms()), jti, stage, intent)
        issued = receipts.issue(head, slots, self.receipt_signer, RANDOM)
        leaf, sdjwt = issued.leaf, issued.sdjwt
        self.leaves.append(leaf)
        self.sdjwts.append(sdjwt)
        self.stages.append(stage)
        return len(self.leaves) - 1

    def cut(self, size: int) -> None:
        """Forget every leaf from `size` on."""
        del self.leaves[size:], self.sdjwts[size:], self.stages[size:]

    def read(self) -> merkle.HashReader:
        return merkle.full_subtrees(merkle.leaf_hash(leaf) for leaf in self.leaves)

    def head(self, size: int | None = None) -> note.Note:
        size = len(self.leaves) if size is None else size
        root = merkle.root(size, self.read()) if size else merkle.EMPTY_ROOT
        head = checkpoint.Checkpoint(checkpoint.origin(self.node, self.year, self.number), size, root)
        return notes.sign_checkpoint(head, self.log_signer)

    def receipt(self, index: int, size: int | None = None) -> Receipt:
        size = len(self.leaves) if size is None else size
        path = merkle.inclusion(index, size, self.read())
        text = proof.encode(proof.Proof(index, path, self.head(size)))
        disclosed = receipt.decode(self.sdjwts[index])
        return Receipt(index, disclosed.leaf.head.jti, self.stages[index], self.sdjwts[index], text)


@dataclass
class Bench:
    """A node behind the wire that answers every question with `TABLE`, and lies where it is told to."""

    log: Logbook
    members: dict[str, Party]
    calls: list[tuple[object, ...]] = field(default_factory=list)
    submissions: dict[str, Submission] = field(default_factory=dict)
    pending: int = 0
    refusal: Refused | None = None
    held: Contract | None = None
    spoil_slots: Callable[[dict[Slot, Json]], None] = lambda _: None
    spoil_answer: Callable[[Answer], Answer] = lambda answer: answer
    spoil_quote: Callable[[Quote], Quote] = lambda quote: quote
    outcome: Stage = Stage.OUTCOME
    proof_size: int | None = None
    receipt_instead: Receipt | None = None
    job_instead: str = ""
    consistency_lie: tuple[bytes, ...] | Refused | None = None
    objection_lie: str = ""
    key: FileSigner | None = None
    acknowledging: Refused | Fault | None = None
    spoil_acknowledgement: Callable[[dict[Slot, Json]], None] = lambda _: None

    def turn_away(self, party: Party, refusal: Refused) -> Receipt | None:
        return None

    def identify(self, certificate_pem: bytes) -> Party:
        return self.members[x509.parse_peer(certificate_pem).sha256]

    def abilities(self, interfaces: Sequence[str]) -> bytes:
        raise NotImplementedError

    def waiting(self, party: Party) -> tuple[tuple[Waiting, bool], ...]:
        raise NotImplementedError

    def record_act(self, party: Party, token: bytes) -> tuple[Receipt, Contract]:
        raise NotImplementedError

    def datasets(self, party: Party) -> tuple[Version, ...]:
        return (Version(DATASET, "ab" * 32, "path", 1, 1_700_000_000_000),)

    def dataset(self, party: Party, name: str) -> Version:
        if name != DATASET.name:
            raise Refused(Reason.DATASET_UNKNOWN, Detail(subject=name, hint_en="See the list.", hint_zh="请看目录。"))
        return self.datasets(party)[0]

    def request_contract(self, party: Party, offer: bytes) -> Contract:
        terms = documents.open_offer(offer, party.signing_key)
        self.held = Contract(terms, offer, b"", documents.digest(offer), ContractStatus.PENDING)
        return self.held

    def decide(self, decision: ContractStatus) -> None:
        """Answer the offer."""
        assert self.held is not None
        assert self.key is not None
        reasons = Reasons("needed", "lawful", "safe")
        decided = Acceptance(
            self.held.terms.id, NODE, self.held.digest, decision, "officer 7", reasons, 1_700_000_000_000
        )
        self.held = replace(self.held, status=decision, acceptance=documents.sign_acceptance(decided, self.key))

    def act(self, party: Party, token: bytes) -> Contract:
        assert self.held is not None
        return self.held

    def contract(self, party: Party, contract_id: str) -> Contract:
        self.calls.append(("contract", contract_id))
        if self.held is None or self.held.terms.id != contract_id:
            raise Refused(Reason.CONTRACT_UNKNOWN)
        return self.held

    def contracts(self, party: Party) -> tuple[Contract, ...]:
        return () if self.held is None else (self.held,)

    def released(self, party: Party, contract_id: str) -> tuple[ReleasedAnswer, ...]:
        return ()

    def templates(self, party: Party) -> tuple[PublishedTemplate, ...]:
        return ()

    def balance(self, party: Party, contract_id: str) -> Balance:
        return Balance(999_000, 0, 99, 9, 150)

    def names(self) -> Names:
        return Names("space.test", "civil")

    def placeholders(self, submission: Submission) -> tuple[Placeholder, ...]:
        return ()

    def describe(self, submission: Submission) -> tuple[Output, ...]:
        return ()

    def explain(self, submission: Submission) -> Quote:
        self.submissions["explain"] = submission
        self._refuse(submission)
        slots = self._slots(submission, Verdict.ALLOWED)
        slots[Slot.SUBJECT] = {"micro_rho": 1_000, "price_fen": 150}
        self.spoil_slots(slots)
        index = self.log.append(Stage.EXPLAINED, slots)
        columns = tuple(
            ColumnQuote(label, kind, width)
            for label, kind, width in zip(TABLE.labels, TABLE.types, TABLE.widths[0], strict=True)
        )
        quote = Quote(
            columns, DatasetClass.PERSONAL, 3, 1_000, 999_000, 150, 2_000, False, "scan nafld1", self.log.receipt(index)
        )
        return self.spoil_quote(quote)

    def submit(self, submission: Submission) -> str:
        self.calls.append(("submit", submission.job_id))
        self.submissions[submission.job_id] = submission
        return self.job_instead or submission.job_id

    def finish(self, submission: Submission, opening: Opening) -> Finished:
        raise Refused(Reason.MANIFEST_INVALID, Detail(subject=f"{submission.sql} {len(opening.sums)}"))

    def fetch(self, party: Party, job_id: str, wait_ms: int) -> Answer | None:
        self.calls.append(("fetch", job_id, wait_ms))
        if self.pending:
            self.pending -= 1
            return None
        submission = self.submissions.get(job_id)
        if submission is None:
            raise Refused(Reason.JOB_UNKNOWN)
        self._refuse(submission)
        slots = self._slots(submission, Verdict.ALLOWED)
        slots[Slot.OUTPUT] = {"sha256": hashlib.sha256(released.encode(TABLE)).hexdigest()}
        self.spoil_slots(slots)
        index = self.log.append(self.outcome, slots)
        shown = TABLE
        answer = Answer(
            job_id, shown.labels, shown.types, shown.rows, shown.widths, shown.suppressed, shown.mechanism,
            shown.notice, 1_000, 999_000, 150, False, self.log.receipt(index, self.proof_size),
        )  # fmt: skip
        return self.spoil_answer(answer)

    def _slots(self, submission: Submission, verdict: Verdict) -> dict[Slot, Json]:
        signed = SignedRequest(submission.binding, submission.authorisation.decode())
        return {
            Slot.CONTRACT: TERMS.id,
            Slot.CONSUMER: submission.peer.id,
            Slot.REQUEST: signed.json(),
            Slot.QUERY: {"sha256": hashlib.sha256(submission.sql.encode()).hexdigest(), "sql": submission.sql},
            Slot.BUDGET: Budget("persons", 1_000, 0, 1_000, 0).json(),
            Slot.PRICE: Price(150, 150).json(),
            Slot.METER: Meter(metered(40, [("persons", 100_000)]), free=False).json(),
            Slot.DECISION: Decision(verdict).json(),
        }

    def _refuse(self, submission: Submission) -> None:
        if self.refusal is None:
            return
        slots = self._slots(submission, Verdict.REFUSED)
        slots[Slot.DECISION] = Decision(Verdict.REFUSED, self.refusal.reason.value).json()
        self.spoil_slots(slots)
        index = self.log.append(Stage.REFUSED, slots)
        self.refusal.receipt = self.log.receipt(index)
        raise self.refusal

    def cancel(self, party: Party, job_id: str, why: str = "") -> None:
        self.calls.append(("cancel", job_id))

    def state(self, party: Party, contract_id: str) -> bytes:
        raise Refused(Reason.CONTRACT_UNKNOWN)

    def hand(self, party: Party, manifest: bytes, handed: Handed) -> tuple[int, bytes]:
        raise Refused(Reason.MANIFEST_INVALID)

    def get(self, party: Party, manifest: bytes, name: str, at: int) -> Piece:
        raise Refused(Reason.MANIFEST_INVALID)

    def checkpoint(self, party: Party) -> str:
        return note.encode(self.log.head()).decode()

    def receipt(self, party: Party, index: int) -> Receipt:
        self.calls.append(("receipt", index))
        return self.receipt_instead or self.log.receipt(index, self.proof_size)

    def acknowledge(self, party: Party, index: int, token: bytes) -> Receipt:
        self.calls.append(("acknowledge", index))
        if self.acknowledging is not None:
            raise self.acknowledging
        jti = receipt.decode(self.log.sdjwts[index]).leaf.head.jti
        said: dict[Slot, Json] = {
            Slot.CONSUMER: party.id,
            Slot.SUBJECT: Acknowledged(jti, token.decode()).json(),
        }
        self.spoil_acknowledgement(said)
        return self.log.receipt(self.log.append(Stage.ACKNOWLEDGED, said))

    def object_to(self, party: Party, token: bytes) -> Receipt:
        self.calls.append(("object_to", party.alias))
        said: dict[Slot, Json] = {Slot.SUBJECT: {"document": self.objection_lie or token.decode()}}
        return self.log.receipt(self.log.append(Stage.OBJECTION, said))

    def consistency(self, party: Party, old_size: int, new_size: int) -> tuple[bytes, ...]:
        self.calls.append(("consistency", old_size, new_size))
        if isinstance(self.consistency_lie, Refused):
            raise self.consistency_lie
        if self.consistency_lie is not None:
            return self.consistency_lie
        if not 0 < old_size <= new_size <= len(self.log.leaves):
            raise Refused(Reason.REQUEST_MALFORMED)
        return merkle.consistency(old_size, new_size, self.log.read())

    def drain(self, wait_ms: int) -> None:
        self.calls.append(("drain", wait_ms))
