"""`node.toml` as values: every limit is named, has a default and a reason."""

from dataclasses import dataclass, field, replace
from enum import Enum, unique

from yanmen.model.catalogue import SubjectSpace
from yanmen.model.contract import Bounds


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """Bounds that hold for every question; a contract may only narrow them."""

    sql_bytes: int = 16 * 1024
    """A question an analyst writes fits; parser bombs measured at 200 kB and more do not."""
    ast_bytes: int = 2 * 1024 * 1024
    """DuckDB's JSON syntax tree of 16 KiB of SQL stays under this."""
    cells: int = 10_000
    """Grid of one answer: public domains multiplied."""
    open_rows: int = 10_000
    """Rows of an answer from open data."""
    memory_bytes: int = 512 * 1024 * 1024
    """DuckDB's own limit; the address space of the worker is this plus 1 GiB (measured need)."""
    cpu_seconds: int = 20
    """CPU time of one job, enforced by the kernel."""
    reply_bytes: int = 16 * 1024 * 1024
    """One framed reply, enforced while writing and again before reading."""
    deadline_ms: int = 3_000
    """Answers about persons are released at a multiple of this, fixed per plan from public facts."""
    request_age_ms: int = 300_000
    """Longest life of a signed request: replays are remembered longer than this."""
    session_age_ms: int = 3_600_000
    """Longest life of a session grant."""
    clock_skew_ms: int = 60_000
    """How far a consumer's clock may be ahead of ours."""
    jobs: int = 4
    """Questions running at once; more wait."""
    jobs_per_consumer: int = 2
    """Open questions of one consumer; more are refused."""
    explains_per_minute: int = 60
    """`explain` touches no data but costs CPU and tells about columns."""
    waiting_workers: int = 12
    """Workers that wait, three for each question under way (parse, bind, ask), or each of its jobs begins a process.

    20 MB each, their engine's buffers, and the snapshot once; none once no question came for `waiting_seconds`."""
    waiting_seconds: int = 60
    """How long one waits for its tenant's next question."""
    worker_uses: int = 200
    """Questions one worker serves, all of one consumer under one contract; 1 gives each question its own."""
    failures: int = 8
    """Run-time failures per consumer and subject space over all time: which of N questions failed is what they tell."""
    violations: int = 2
    """System calls that only foreign code in a job makes, per consumer over all time; from here on each suspends."""
    micro_rho_least: int = 1_000
    """Least charge of an answer about persons: even one drowned in noise tells that it did not fail."""
    open_key_delta_e12: int = 1_000_000
    """δ (1e-6) charged for an answer whose keys are found by DP: so likely may one person's own key be shown."""
    contract_days: int = 366
    """Longest validity of a contract: its terms are looked at again at least once a year."""
    message_bytes: int = 4 * 1024 * 1024
    """One gRPC message from a caller."""
    calls_per_minute: int = 1_200
    """gRPC calls of one member; a question of the SDK is three, of a stock Flight SQL driver up to five."""
    spill_bytes: int = 0
    """What one worker may write to disk while it computes; 0: memory only. Needs Landlock, and a disk to trust."""

    def within(self, bounds: Bounds) -> "NodeLimits":
        """Return these limits, narrowed to what a contract allows."""
        return replace(
            self,
            open_rows=_least(self.open_rows, bounds.rows),
            cells=_least(self.cells, bounds.groups),
            reply_bytes=_least(self.reply_bytes, bounds.reply_bytes),
            memory_bytes=_least(self.memory_bytes, bounds.memory_bytes),
            cpu_seconds=_least(self.cpu_seconds, bounds.cpu_seconds),
            deadline_ms=_least(self.deadline_ms, bounds.wall_ms),
            spill_bytes=_least(self.spill_bytes, bounds.spill_bytes),
        )


def _least(limit: int, bound: int | None) -> int:
    return limit if bound is None else min(limit, bound)


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigns this node's log heads: where it is asked, and the name and raw Ed25519 key it signs with."""

    url: str
    name: str
    public: bytes


@unique
class ReleasePolicy(Enum):
    """When an answer may leave: durably logged here, or cosigned by a quorum of witnesses as well."""

    LOCAL = "local"
    QUORUM = "quorum"


@dataclass(frozen=True, slots=True)
class ReleaseRules:
    """What must be so before an answer leaves.

    With the policy `QUORUM` the head over an answer's leaf is cosigned by `quorum` witnesses first, and
    no question is taken once `unwitnessed_minutes` have passed without that. `acknowledged_first` asks
    for the acknowledgement of each receipt before the next question.
    """

    policy: ReleasePolicy = ReleasePolicy.LOCAL
    quorum: int = 0
    unwitnessed_minutes: int = 10
    acknowledged_first: bool = False


@dataclass(frozen=True, slots=True)
class Docker:
    """Where the profile `docker` has its workers; nothing of it is looked for elsewhere."""

    socket: str = "/var/run/docker.sock"
    """The engine's, on this host: descriptors are passed to the container, not bytes."""
    image: str = "yanmen-worker"
    runtime: str = "runc"
    """`runc`, or another that the engine knows under this name, such as `runsc`."""
    memory_bytes: int = 8 << 30
    """All jobs of the container together; one that passes its own limit ends before."""


@unique
class AtRest(Enum):
    """How published snapshots are encrypted at rest; what was sealed by the other is opened all the same."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"


@dataclass(frozen=True, slots=True)
class LargeSnapshots:
    """Where snapshots lie in the clear, while in use, that are too large for memory."""

    folder: str = ""
    """Of the node's user alone, on an encrypted volume or a tmpfs; empty: every snapshot is held in memory."""
    above_bytes: int = 1 << 30
    """Smaller ones are held in memory all the same."""
    largest_bytes: int = 64 << 30


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where the ledger is kept: in the node's folder, or in PostgreSQL, which replicas of the node share."""

    postgresql: str = ""
    """The private file with a libpq connection string, absolute or by the node's folder; "": a file of SQLite."""
    schema: str = "yanmen"
    """This node's own, in that database."""


@dataclass(frozen=True, slots=True)
class Stamping:
    """The time stamp authority (RFC 3161): where it is asked, "" = by files only, and its root certificates (PEM)."""

    url: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class AnchorRules:
    """The program that writes heads into a chain, with its arguments; none, and nothing is anchored."""

    command: tuple[str, ...] = ()
    minutes: int = 60
    """How often a head that grew is handed over."""
    seconds: int = 30
    """How long one call may take."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a serving node tells the operator's programs; nothing, unless it is named here."""

    address: str = ""
    """Where on this host figures and readiness are read over HTTP: a loopback address and port."""
    traces: str = ""
    """Where spans are sent (OTLP over HTTP)."""


@dataclass(frozen=True, slots=True)
class Interfaces:
    """Where a node answers JSON over HTTPS beside gRPC; nowhere, unless it is named here."""

    address: str = ""
    """Where it listens."""
    url: str = ""
    """Under which `https://` prefix others reach it; the catalogue says so."""


@dataclass(frozen=True, slots=True)
class NotifyRules:
    """The program that notices of incidents are handed to, with its arguments; none, and they wait in the outbox."""

    command: tuple[str, ...] = ()
    seconds: int = 30
    """How long one call may take."""


@dataclass(frozen=True, slots=True)
class Config:
    """One node's configuration; paths are relative to the node's directory unless absolute.

    The owner's rule approves a contract by itself when `approve_general` is set, every dataset is
    of grade general, at most `approve_columns_max` columns are granted, the whole privacy budget is
    at most `approve_micro_rho_max` and the price is the listed one. `policies` holds the
    department's Cedar guard rails. An offer not decided within
    `approve_hours` is alerted. `encrypted_volume`: the node's folder and the host's swap must be.
    """

    id: str
    name: str
    alias: str
    address: str
    space: str
    register: str
    space_key: bytes
    sandbox: str
    approve_general: bool
    approve_columns_max: int
    subject_spaces: tuple[SubjectSpace, ...]
    limits: NodeLimits = field(default_factory=NodeLimits)
    approve_micro_rho_max: int = 0
    approve_hours: int = 24
    policies: str = "policies"
    witnesses: tuple[Witness, ...] = ()
    release: ReleaseRules = field(default_factory=ReleaseRules)
    docker: Docker = field(default_factory=Docker)
    encrypted_volume: bool = False
    at_rest: AtRest = AtRest.AES
    large: LargeSnapshots = field(default_factory=LargeSnapshots)
    stamping: Stamping = field(default_factory=Stamping)
    anchor: AnchorRules = field(default_factory=AnchorRules)
    ledger: LedgerPlace = field(default_factory=LedgerPlace)
    notify: NotifyRules = field(default_factory=NotifyRules)
    telling: Telling = field(default_factory=Telling)
    log_days: int = 180
    https: Interfaces = field(default_factory=Interfaces)
