"""A question to many nodes at once (联邦查询): who is asked, who adds, what one unit may move, how much noise."""

from dataclasses import dataclass
from enum import Enum, unique

NOISES = 3
"""Aggregators whose noise is in a sum: one more than may collude, so that one full variance stays."""
OPENING = 3
"""Aggregators that open a sum: any two together learn nothing."""


@unique
class Mode(Enum):
    """How figures are shared: all three aggregators are needed, or some of five may fail or lie.

    Of joined tables no department knows the figures: three aggregators, additive too.
    """

    ADDITIVE = "additive"
    ROBUST = "robust"
    JOINED = "joined"

    @property
    def aggregators(self) -> int:
        """How many there are."""
        match self:
            case Mode.ADDITIVE | Mode.JOINED:
                return 3
            case Mode.ROBUST:
                return 5

    @property
    def certifying(self) -> int:
        """How many must certify one set: of two such quorums one honest party is in both."""
        match self:
            case Mode.ADDITIVE | Mode.JOINED:
                return 3
            case Mode.ROBUST:
                return 4

    @property
    def reach(self) -> int:
        """Totals must stay below this, either way from zero."""
        match self:
            case Mode.ADDITIVE | Mode.JOINED:
                return 2**63
            case Mode.ROBUST:
                return 2**60


@dataclass(frozen=True, slots=True)
class Invited:
    """A node that is asked, and the contract it is asked under."""

    node: str
    contract_id: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers of one grid of cells: so many aggregates in each of so many public groups."""

    aggregates: int
    groups: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the consumer signs once for all nodes and aggregators.

    `shape_sha256` is the hex digest of the table every node must plan (formats/shape), `cells` its
    numbers: aggregates times public groups, of several `grids` one after another where a question rests
    on several (() for one). `sigma_squared` holds the variance each aggregator adds
    to each aggregate, in its integer units. `multiplicity` is in how many of the nodes one unit may
    appear: all of them, or 1 within a declared `partition`, or of a
    join, whose sensitivities are of all its tables. `contributors_least` nodes must be in the
    sum, or nothing is opened. Times are Unix seconds. How figures are shared is the consumer's choice,
    signed with the rest: nobody on the way can make it another.
    """

    jti: str
    consumer: str
    issued_s: int
    expires_s: int
    query_sha256: str
    shape_sha256: str
    cells: int
    micro_rho: int
    sigma_squared: tuple[int, ...]
    multiplicity: int
    partition: str
    contributors_least: int
    nodes: tuple[Invited, ...]
    aggregators: tuple[str, ...]
    mode: Mode = Mode.ADDITIVE
    grids: tuple[Grid, ...] = ()

    @property
    def layout(self) -> tuple[Grid, ...]:
        """The grids, the only one too."""
        each = len(self.sigma_squared)
        return self.grids or (Grid(each, self.cells // each),)

    def asks(self, node: str) -> Invited | None:
        """Return how `node` is asked, None when it is not."""
        for invited in self.nodes:
            if invited.node == node:
                return invited
        return None


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """A manifest whose signature and parties were checked, with the token it came in.

    `sha256` is the token's hex digest, by which everything names the question; `keys` are the
    aggregators' envelope keys, in their order.
    """

    manifest: Manifest
    token: bytes
    sha256: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Dealt:
    """What one dealer (a node with its figures, an aggregator with its noise) has put in, by its receipt.

    `leaf` is the RFC 6962 hash of the receipt's leaf, `commitment` the 32 bytes its vector is committed to.
    """

    dealer: str
    leaf: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class SetCertificate:
    """An aggregator's word that exactly these are in the sum of a manifest: it gives this word once.

    `manifest_sha256` is the hex digest of the signed manifest; `nodes` and `noise` are in order of the dealers' ids.
    """

    aggregator: str
    manifest_sha256: str
    nodes: tuple[Dealt, ...]
    noise: tuple[Dealt, ...]
    issued_s: int


@dataclass(frozen=True, slots=True)
class PartialSum:
    """What one aggregator opens: the digest of its sum of shares over a certified set.

    `set_sha256` is the digest of the set all aggregators certified, `share_sha256` that of the share's bytes.
    """

    aggregator: str
    manifest_sha256: str
    set_sha256: str
    share_sha256: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class OpenedSum:
    """What one aggregator published, as it came: the signed words and the bytes of the share."""

    partial: bytes
    share: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """All that the aggregators published of one question, in the manifest's order.

    In robust mode an aggregator may be missing: its certificate or sum is then empty.
    """

    certificates: tuple[bytes, ...]
    sums: tuple[OpenedSum, ...]


NOTHING = OpenedSum(b"", b"")
"""Stands in an opening for an aggregator that published no sum."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A total that the commitments prove, and what its recovery showed of the aggregators.

    `lied` published sums that are on no proven polynomial. Of the `disputed` some did: two lied in concert.
    """

    values: tuple[int, ...]
    missing: tuple[str, ...] = ()
    lied: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
