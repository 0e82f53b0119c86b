"""Documents by which a catalogue and what is operated from it are governed; each is signed and stands in the log."""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.catalogue import Channel, Dataset

NATION = "000000"


@unique
class DocumentKind(Enum):
    """What a signed document is; of each kind the newest about one subject counts."""

    REVIEW = "review"
    NEGATIVE_LIST = "negative-list"
    OPERATION = "operation"
    PRODUCT = "product"
    ENDORSEMENT = "endorsement"
    OFFICE = "office"
    CONSENT = "consent"
    EVIDENCE = "evidence"
    EVIDENCE_RECEIPT = "evidence-receipt"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Listing:
    """A catalogue entry as its node signs it: what was declared, which version this is, and those before it.

    `dataset` has its visible columns only, without domains and bounds; `earlier` is newest first; `quality` is that
    of `Version`; `issued_s` is Unix seconds.
    """

    node: str
    dataset: Dataset
    version: str
    earlier: tuple[str, ...]
    quality: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class Review:
    """目录审核: what the data authority of an entry's level decided about what was declared, by its hex SHA-256."""

    by: str
    node: str
    dataset: str
    declared_sha256: str
    passed: bool
    text: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class NegativeItem:
    """One entry of a negative list: what it matches, and what is then forbidden.

    `words` are looked for in what is declared of a dataset, its columns included, `scenarios` in the scenario of a
    contract. `channels` says by which it may not be granted; empty, it may not even be published.
    """

    id: str
    text: str
    basis: str
    words: tuple[str, ...]
    scenarios: tuple[str, ...]
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class NegativeList:
    """负面清单, by the data authority of `region`; a higher `serial` of the same authority replaces a lower one."""

    by: str
    region: str
    serial: int
    items: tuple[NegativeItem, ...]
    issued_s: int


@dataclass(frozen=True, slots=True)
class Objection:
    """数据异议: what the member `by` objects to, a dataset or the leaf `index` of the log `origin` ("" = none)."""

    by: str
    node: str
    dataset: str
    origin: str
    index: int
    contract: str
    text: str
    issued_s: int


def covers(region: str, place: str) -> bool:
    """Say whether `place` lies in `region`, both six digits of GB/T 2260: 000000 is the nation."""
    if region == NATION:
        return True
    if region.endswith("0000"):
        return place[:2] == region[:2]
    if region.endswith("00"):
        return place[:4] == region[:4]
    return place == region


def level(region: str) -> str:
    """Return the level of a region, as a catalogue names it."""
    if region == NATION:
        return "national 国家"
    if region.endswith("0000"):
        return "province 省"
    return "city 市" if region.endswith("00") else "county 县"
