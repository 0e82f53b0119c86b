"""The values of the life of a query; each is made in one package only (tests/unit/test_makers.py).

Submission (wire) -> Admitted (admission) -> Plan (planning) -> Reserved (ledger)
  -> Raw (execution) -> Released (disclosure) -> Receipt, Answer (ledger)
"""

from dataclasses import dataclass, field
from enum import Enum, unique

from yanmen.model.catalogue import Cell, ColumnType, DatasetClass, Version
from yanmen.model.contract import Contract
from yanmen.model.federation import SignedManifest
from yanmen.model.joining import Joinable, Part
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt as Receipt
from yanmen.model.receipt import Stage as Stage
from yanmen.model.refusal import Usage
from yanmen.model.tariff import Metered


@unique
class Binding(Enum):
    """How the consumer bound itself: each request signed, or a signed session grant."""

    PER_REQUEST = "per-request"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Submission:
    """What arrived: the mTLS peer, its signed authorisation and the SQL text, nothing checked yet.

    `authorisation` is a request JWS (`binding` per-request) or a session grant JWS (session);
    under a grant `session_request_id` is the caller's unique id of this use. `manifest` is the signed
    manifest (JWS) of a federated question, b"" for a question to this node alone. `address` is the network
    address the call came from, "" when that is not known. `joinables` are what other nodes state of their
    tables (JWS), of a join across nodes.
    """

    job_id: str
    peer: Party
    binding: Binding
    authorisation: bytes
    sql: str
    received_ms: int
    session_request_id: str = ""
    manifest: bytes = b""
    address: str = ""
    joinables: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """The checked claims of a signed request (FORMATS.md, request).

    `micro_rho` is the charge asked for, 0 = the contract's default; `max_price_fen` and
    `max_micro_rho` bound what the consumer agreed to spend (for a session: over all its uses).
    """

    jti: str
    consumer: str
    contract_id: str
    scenario_id: str
    query_sha256: str
    micro_rho: int
    max_micro_rho: int
    max_price_fen: int
    issued_ms: int
    expires_ms: int
    session_jti: str = ""
    manifest_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A question that may be asked by this party, under this contract, now.

    `versions` are the current versions of the granted datasets, `elsewhere` the listed tables of
    other nodes as (node alias, table name), `policy_digest` the hex SHA-256 of the policies that
    were evaluated, `micro_rho` the charge of this answer. With a `manifest` the answer is this node's
    shares of a federated one; `joinables` are tables of other nodes that it may join.
    """

    submission: Submission
    request: Request
    contract: Contract
    versions: tuple[Version, ...]
    elsewhere: tuple[tuple[str, str], ...]
    policy_digest: str
    micro_rho: int
    price_fen: int
    manifest: SignedManifest | None = None
    here: str = ""
    here_id: str = ""
    joinables: tuple[Joinable, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A grouping column of the engine's reply: `name` is k0, k1…; its public domain in order.

    An empty domain is an open one: the only key of its plan, its values found by DP among those of the reply.
    """

    name: str
    type: ColumnType
    domain: tuple[Cell, ...]


@unique
class AggregateKind(Enum):
    """What is counted or summed."""

    ROWS = "rows"
    UNITS = "units"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An integer column of the engine's reply: `name` is a0, a1…; all bounds in units of 10^-scale.

    `lower`..`upper` is the public range of one cell, `l1` and `l2_squared` bound how far one unit's
    presence moves the whole vector of cells (add/remove one unit), both integers rounded up. `of` says
    what is counted or summed, without bounds: figures of several nodes add up only where it is the same.
    `valued` says of exact data that it rests on the units with a value only, whom the reply counts apart.
    """

    name: str
    kind: AggregateKind
    scale: int
    lower: int
    upper: int
    l1: int
    l2_squared: int
    of: str = ""
    valued: bool = False


@dataclass(frozen=True, slots=True)
class Average:
    """A released column computed from two released aggregates: `name` is m0, m1…"""

    name: str
    sum: str
    count: str


@dataclass(frozen=True, slots=True)
class Block:
    """One grid of cells among several under one charge: the names of its keys, aggregates and averages.

    Over exact data each has its own `chosen` and `grouped`, as a frame has.
    """

    keys: tuple[str, ...]
    aggregates: tuple[str, ...]
    averages: tuple[str, ...]
    chosen: tuple[tuple[Cell, ...], ...] = ()
    grouped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the answer: its label, type, and the released column whose ± it carries ("" = none).

    For queries around it: `length` is the most characters of its texts, `weight` the terms that stand for it.
    """

    label: str
    type: ColumnType
    source: str
    length: int = field(default=0, compare=False, repr=False)
    weight: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Scan:
    """One dataset version the plan reads, attached to the engine under `schema` (s0, s1…).

    With `counted` it also reads how many rows each row's unit has there.
    """

    schema: str
    version: Version
    columns: tuple[str, ...]
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """For exact data: the finest table of its dataset, by which every question's cells are withheld alike.

    `sql` yields one row for each combination of all declared dimensions, NULL among them: `keys`, then
    `aggregates` (rows, then every measure, summed or counted), then contributors as in a reply. It is the same
    for all questions on a version. `chosen` holds per dimension the values the question's filters let pass,
    `grouped` the dimension that each of the question's keys is; `alone` says that a unit can have one row only.
    """

    scans: tuple[Scan, ...]
    sql: str
    keys: tuple[Key, ...]
    aggregates: tuple[Aggregate, ...]
    chosen: tuple[tuple[Cell, ...], ...]
    grouped: tuple[int, ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What will run and what may leave, derived from the question and public facts only.

    `sql` is text we emitted. For `PERSONAL` and `EXACT` its reply columns are keys then aggregates
    (for `EXACT` then `units`, `units_<name>` of each that is `valued`, and per SUM `top1_<name>`, `top2_<name>`);
    for `OPEN` they are `outputs` as they stand. `post_sql` (or "") runs in a data-less job over the table `cells`
    of released columns (keys, aggregates, averages, and a `w_<name>` width column for each of the
    latter two) and yields the outputs followed by one width column per output with a source.
    Where an answer rests on several grids, `blocks` says whose each column is (`units` is of all); the
    reply and `cells` then begin with a column `b`, the number of the row's block, and hold NULL in the
    columns of other blocks. `canonical` identifies the question for the answer cache. `micro_rho` is the
    whole charge, split evenly over the aggregates. `frame` is there for `EXACT` only; `price_fen` is
    what the use costs unless it is a free one. With a `manifest` the figures leave as sealed shares only.
    `together` tells whether the answer depends on which rows one unit has in the same place: units are
    counted, grouped by or joined on. `rows_max` is what the engine may reply, `answer_rows` what the answer may have
    after post-processing at most. `groups_kept` is in
    how many cells a unit counts at most that could be in more, None where nothing of any unit is left out. With a
    `part`, `sql` yields this node's rows of a join across nodes, whose keys, aggregates and outputs stand here; nobody
    but the aggregators, with noise, gets to the figures.
    """

    admitted: Admitted
    release: DatasetClass
    subject_space: str
    scans: tuple[Scan, ...]
    sql: str
    keys: tuple[Key, ...]
    aggregates: tuple[Aggregate, ...]
    averages: tuple[Average, ...]
    outputs: tuple[Output, ...]
    post_sql: str
    canonical: str
    rows_max: int
    deadline_ms: int
    micro_rho: int
    delta_e12: int
    price_fen: int
    min_group: int
    frame: Frame | None = None
    blocks: tuple[Block, ...] = ()
    manifest: SignedManifest | None = None
    together: bool = False
    part: Part | None = None
    metered: Metered = field(default_factory=Metered)
    answer_rows: int | None = None
    groups_kept: int | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """A durable intent: the debit is on disk. `ref` is the base64url SHA-256 leaf hash of the intent."""

    plan: Plan
    intent_index: int
    ref: str


@dataclass(frozen=True, slots=True)
class Raw:
    """The engine's reply, parsed as hostile bytes and not yet controlled: never shown, never logged.

    `frame` holds the rows of the plan's frame, of exact data only, and `left` those of the same table without the
    units that withdrew, whom `rows` leave out; None where nobody did.
    """

    plan: Plan
    rows: tuple[tuple[Cell, ...], ...] = field(repr=False)
    usage: Usage
    frame: tuple[tuple[Cell, ...], ...] = field(repr=False, default=())
    left: tuple[tuple[Cell, ...], ...] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Released:
    """What may leave. `widths` is parallel to `rows`: the half-width of the 95 % interval or None.

    `suppressed` counts cells withheld by the exact rules; `mechanism` names what was done, with
    its scale. `notice` is the sentence that must accompany the figures.
    """

    plan: Plan
    labels: tuple[str, ...]
    types: tuple[ColumnType, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[tuple[float | None, ...], ...]
    suppressed: int
    mechanism: str
    notice: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """A released table with the receipt that must exist before it is shown."""

    job_id: str
    labels: tuple[str, ...]
    types: tuple[ColumnType, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[tuple[float | None, ...], ...]
    suppressed: int
    mechanism: str
    notice: str
    micro_rho: int
    micro_rho_left: int
    price_fen: int
    repeated: bool
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ColumnQuote:
    """What `explain` says of one output column: the half-width of 95 %, None when it depends on data."""

    label: str
    type: ColumnType
    width: float | None


@dataclass(frozen=True, slots=True)
class Quote:
    """An explanation that touched no data: would it be answered, how wide, at what cost.

    `next_renewal_ms` is when the subject space's budget may be renewed next, 0 when nothing was announced.
    `shape` (formats/shape) and `l2_squared`, one for each aggregate, are what a manifest of a
    federated question is made of; "" and () when this one cannot be federated.
    """

    columns: tuple[ColumnQuote, ...]
    release: DatasetClass
    cells: int
    micro_rho: int
    micro_rho_left: int
    price_fen: int
    deadline_ms: int
    repeated: bool
    plan_text: str
    receipt: Receipt
    next_renewal_ms: int = 0
    shape: str = ""
    l2_squared: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """How a database tool lists a node's tables: under the catalogue of its space, in a schema called by its alias."""

    catalogue: str
    schema: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The table of a federated question, made of its opened total, and the receipt of making it."""

    labels: tuple[str, ...]
    types: tuple[ColumnType, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[tuple[float | None, ...], ...]
    mechanism: str
    notice: str
    receipt: Receipt
