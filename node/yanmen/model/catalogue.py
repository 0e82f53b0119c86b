"""What a department publishes: datasets, their columns and their versions."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, unique

from yanmen.model.consent import ConsentRule

Cell = None | bool | int | Decimal | str | date
TEXT_MAX = 1000
"""Characters of a text without a domain in a snapshot of data that is not open: what is longer becomes NULL."""


@unique
class DatasetClass(Enum):
    """What may leave (DESIGN §4): rows as asked, thresholded exact figures, or DP only."""

    OPEN = "open"
    EXACT = "exact"
    PERSONAL = "personal"


@unique
class Grade(Enum):
    """分级: 一般 general, 重要 important, 核心 core (refused at publish)."""

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


@unique
class Sharing(Enum):
    """共享属性 between public bodies."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_SHARED = "not-shared"


@unique
class Channel(Enum):
    """渠道: sharing, opening or authorised operation (授权运营)."""

    SHARING = "sharing"
    OPENING = "opening"
    AUTHORISED_OPERATION = "authorised-operation"


@unique
class Role(Enum):
    """What a column is to disclosure control."""

    UNIT = "unit"
    KEY = "key"
    MEASURE = "measure"
    HIDDEN = "hidden"


@unique
class ColumnType(Enum):
    """Types a snapshot holds; decimals are fixed point with a declared scale."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    `domain` is the public key domain (role key; empty = an open domain, whose values are found by DP),
    `lower`/`upper` the declared bounds (role measure), `scale` the decimal places kept (type decimal).
    Values outside the domain become NULL and values outside the bounds are clamped when the snapshot
    is made.
    """

    name: str
    type: ColumnType
    role: Role
    title_zh: str = ""
    title_en: str = ""
    domain: tuple[Cell, ...] | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    scale: int = 0
    source_name: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the values are not public: they are found under DP, at a charge of δ."""
        return self.domain == ()


@dataclass(frozen=True, slots=True)
class Description:
    """What the national catalogue asks of an entry beside the rest; codes as formats/ndi_codes has them, "" = not said.

    `item` names what the entry is the one source of (数源事项): two owners that name the same are two claimants.
    `measured` lets the bands of quality of personal data be shown, which are not noised.
    """

    topic: str = ""
    scene: str = ""
    acquisition: str = ""
    delivery: str = ""
    update: str = ""
    security: str = ""
    item: str = ""
    abstract_zh: str = ""
    abstract_en: str = ""
    keywords: tuple[str, ...] = ()
    measured: bool = False


PLAIN = Description()
"""An entry that says no more than it must."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset as its owner declared it; nothing here is derived from rows.

    `rows_per_unit` and `groups_per_unit` are the contribution bounds, `rows_upto` a public upper
    bound on the number of rows, prices are in fen (分). `partition` names a way of dividing the units
    among nodes in which each unit is in this dataset or in one other, never in both ("" = none declared).
    `units_upto` is a public upper bound on the number of units (0 = no other than that on the rows).
    `clustered_by` names the date column by which an open snapshot's rows lie in order ("" = as they came).
    `consent` says whose rows a contract may use; one that asks for less is not signed.
    """

    name: str
    title_zh: str
    title_en: str
    owner: str
    region: str
    registration: str
    ndi_id: str
    source_system: str
    authority: str
    update_cycle: str
    quality: str
    rights: tuple[str, ...]
    cls: DatasetClass
    grade: Grade
    sharing: Sharing
    sharing_reason: str
    legal_basis: str
    channels: tuple[Channel, ...]
    subject_space: str
    rows_per_unit: int
    groups_per_unit: int
    rows_upto: int
    price_ceiling_fen: int
    columns: tuple[Column, ...]
    partition: str = ""
    description: Description = PLAIN
    units_upto: int = 0
    clustered_by: str = ""
    consent: ConsentRule = ConsentRule.UNLESS_WITHDRAWN

    def column(self, name: str) -> Column | None:
        """Return the visible column called `name` (case-insensitive), never a hidden one."""
        for column in self.visible():
            if column.name.lower() == name.lower():
                return column
        return None

    def visible(self) -> tuple[Column, ...]:
        """Return the columns a catalogue may show."""
        return tuple(column for column in self.columns if column.role is not Role.HIDDEN)

    def counted(self) -> bool:
        """Tell whether a unit can have more rows than groups, so that publishing counts the rows of each."""
        return (
            self.cls is DatasetClass.PERSONAL and self.unit() is not None and self.groups_per_unit < self.rows_per_unit
        )

    @property
    def consent_space(self) -> str:
        """Where its units' consents are kept: its subject space, or, of exact data, which have none, under its name."""
        return self.subject_space or self.name

    def unit(self) -> Column | None:
        """Return the unit column, if the dataset declares one."""
        for column in self.columns:
            if column.role is Role.UNIT:
                return column
        return None


UNIT_ROWS = "unit rows"
"""The column of a snapshot that says how many rows the row's unit has in it: no column a specification names."""


@dataclass(frozen=True, slots=True)
class Version:
    """One published snapshot: `version` is a digest over ciphertext, so it says nothing of rows.

    `path` is the sealed file relative to the node's directory, `plain_bytes` its unsealed size. `quality` has one
    letter for each index (完整性, 准确性, 一致性), the band in which the jailed job found it; "" = not measured.
    With `counted` the snapshot has a column `UNIT_ROWS` beside the declared ones.
    """

    dataset: Dataset
    version: str
    path: str
    plain_bytes: int
    published_ms: int
    retracted: bool = False
    quality: str = ""
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """The object in a store that a snapshot was made of, for the record of its publication.

    `etag` and `sha256` are what the store and the node made of its bytes; `keyed`, which they are unless the data is
    open, they are HMACs under a key of the node's: a digest of rows would let rows be guessed.
    """

    location: str
    endpoint: str
    version: str
    etag: str
    sha256: str
    keyed: bool


@dataclass(frozen=True, slots=True)
class Renewal:
    """More lifetime budget for a subject space, as a person decided it; `next_ms` is when it may be decided again.

    The losses add up for the persons in the data: this is no fresh start, so the decision says why.
    """

    space: str
    micro_rho: int
    delta_e12: int
    approver: str
    reason: str
    next_ms: int


@dataclass(frozen=True, slots=True)
class SpaceBudget:
    """How a subject space stands: the lifetime budget with all renewals, what is spent, the next renewal (0: none)."""

    name: str
    micro_rho: int
    micro_rho_spent: int
    delta_e12: int
    delta_e12_spent: int
    next_renewal_ms: int


@dataclass(frozen=True, slots=True)
class SubjectSpace:
    """All datasets about the same units share one lifetime privacy budget (zCDP, micro-ρ, δ).

    `lifetime_delta_e12` counts δ in units of 1e-12.
    """

    name: str
    lifetime_micro_rho: int
    lifetime_delta_e12: int
