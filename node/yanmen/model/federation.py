"""A question to many nodes at once (联邦查询): who is asked, who adds, what one unit may move, how much noise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invited:
    """A node that is asked, and the contract it is asked under."""

    node: str
    contract_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the consumer signs once for all nodes and aggregators.

    `shape_sha256` is the hex digest of the table every node must plan (formats/shape), `cells` its
    numbers: aggregates times public groups. `sigma_squared` holds the variance each aggregator adds
    to each aggregate, in its integer units. `multiplicity` is in how many of the nodes one unit may
    appear: all of them, or 1 within a declared `partition`. `contributors_least` nodes must be in the
    sum, or nothing is opened. Times are Unix seconds.
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
    """All that the aggregators published of one question, in the manifest's order."""

    certificates: tuple[bytes, ...]
    sums: tuple[OpenedSum, ...]
