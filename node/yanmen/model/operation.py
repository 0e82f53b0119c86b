"""授权运营: what a holder grants an operator, the products made under it, and the operator's word for a contract."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.catalogue import ColumnType
from yanmen.model.contract import Grant


@unique
class OperatingMode(Enum):
    """授权模式: 整体授权, 分领域授权, 依场景授权; by scenario, only the scenarios named may be contracted for."""

    WHOLE = "whole"
    BY_FIELD = "by-field"
    BY_SCENARIO = "by-scenario"


@dataclass(frozen=True, slots=True)
class OperatingGrant:
    """The holder `by` lets `operator` offer products over `grants` until `until_ms`, none above `ceiling_fen` a use.

    `exit` says how it is wound up (退出); with `ended` it is over from the leaf that records it, and so is every
    contract that hangs on it.
    """

    id: str
    by: str
    operator: str
    grants: tuple[Grant, ...]
    mode: OperatingMode
    scenarios: tuple[str, ...]
    from_ms: int
    until_ms: int
    ceiling_fen: int
    exit: str
    decided_by: str
    issued_s: int
    ended: bool = False
    reason: str = ""

    def covers(self, grants: tuple[Grant, ...]) -> bool:
        """Say whether these columns are all within the scope."""
        scope = {grant.dataset: {column.lower() for column in grant.columns} for grant in self.grants}
        return all({column.lower() for column in each.columns} <= scope.get(each.dataset, set()) for each in grants)


@unique
class ReviewKind(Enum):
    """合规审查 of every product, 算法审查 where its template fits a model."""

    COMPLIANCE = "compliance"
    ALGORITHM = "algorithm"


@dataclass(frozen=True, slots=True)
class ProductReview:
    """One review of a product: who looked at it and what they found; it passed, or there is no product."""

    kind: ReviewKind
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What stands for `{name}` in a template: one of `values`, or a number from `lower` to `upper`, as texts."""

    name: str
    type: ColumnType
    values: tuple[str, ...] = ()
    lower: str = ""
    upper: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A query template approved under a grant, with the NDI id it is offered by; `withdrawn`, it answers no more."""

    id: str
    by: str
    operation: str
    title_zh: str
    title_en: str
    sql: str
    parameters: tuple[Parameter, ...]
    price_fen: int
    fits_model: bool
    reviews: tuple[ProductReview, ...]
    decided_by: str
    issued_s: int
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Endorsement:
    """The operator's signature under a developer's offer, by its digest, that hangs on the grant `operation`."""

    by: str
    node: str
    operation: str
    contract: str
    offer_sha256: str
    issued_s: int
