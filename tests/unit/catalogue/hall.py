"""A node, its members and the data authorities of province, city and county, with real keys and a real ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yanmen.crypto import documents, governance
from yanmen.crypto.keys import FileSigner
from yanmen.formats import connector_id, declared, note
from yanmen.formats.note import VerifierKey
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Channel, Dataset, Description, SubjectSpace
from yanmen.model.governance import NegativeItem, NegativeList, Review
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.verify import Report, verify_bundle

from tests.unit.ledger.scene import (
    CONSUMER,
    NODE,
    RECEIPT_KEY,
    RIVAL,
    SPACE,
    SPACE_KEY,
    START_MS,
    SUBJECTS,
    Scene,
    party,
    signer,
    version,
)

NOW_S = START_MS // 1000
REGIONS = {"nation": "000000", "province": "140000", "city": "140100", "county": "140105"}


def authority_id(name: str) -> str:
    """Return the id of the authority called `name`."""
    return connector_id.build("5", "11140000MB0GTTTT0X", "1401", f"AUTH{list(REGIONS).index(name)}000")


AUTHORITIES = {name: authority_id(name) for name in REGIONS}
KEYS = {authority_id(name): signer(f"authority {name}") for name in REGIONS}


def authority(name: str, status: PartyStatus = PartyStatus.ACTIVE) -> Party:
    """Return the data authority of a region as the register lists it."""
    known = AUTHORITIES[name]
    key = KEYS[known].public
    return Party(known, f"a_{name}", name, PartyRole.AUTHORITY, status, key, b"", "3" * 64, region=REGIONS[name])


def register(*names: str, more: tuple[Party, ...] = ()) -> Register:
    """Return the register with these authorities."""
    parties = (party(NODE, PartyRole.NODE), party(CONSUMER), party(RIVAL), *map(authority, names), *more)
    return Register(SPACE, 2, START_MS, START_MS + 2**40, tuple(sorted(parties, key=lambda each: each.id)))


@dataclass
class Config:
    id: str = NODE


@dataclass
class Hall:
    """A node as the modules about its catalogue see it."""

    scene: Scene
    ledger: Ledger
    listed: Register
    receipt_signer: FileSigner = RECEIPT_KEY
    config: Any = field(default_factory=Config)

    @property
    def clock(self) -> Any:
        return self.scene.clock

    @property
    def register(self) -> Any:
        return self

    def current(self) -> Register:
        return self.listed

    def publish(self, label: str = "v1", **declared_: Any) -> Dataset:
        """Publish a version of `persons`, or of what is declared."""
        if self.ledger.space_left(SUBJECTS) is None:
            self.ledger.register_space(SubjectSpace(SUBJECTS, 1_000_000, 1_000_000))
        made = version(label, **declared_)
        self.ledger.publish(made)
        return made.dataset

    def report(self, folder: Path) -> Report:
        """Export the log and verify it."""
        vkey = note.encode_key(VerifierKey(SPACE, SPACE_KEY.public))
        papers = SpacePapers(SPACE, vkey, documents.sign_register(self.listed, SPACE_KEY))
        path = folder / f"bundle-{self.ledger.size()}"
        if not path.exists():
            self.ledger.export(path, papers)
        return verify_bundle(path, SPACE_KEY.public)


@contextmanager
def hall(path: Path, *names: str, more: tuple[Party, ...] = ()) -> Iterator[Hall]:
    """Give a node whose space has these authorities."""
    scene = Scene(path / "ledger.db")
    with scene.open() as ledger:
        yield Hall(scene, ledger, register(*names, more=more))
        ledger.check()


def review(dataset: Dataset, by: str = "city", *, passed: bool = True, at_s: int = NOW_S, node: str = NODE) -> bytes:
    """Return the review of what is declared, signed by that authority."""
    known = AUTHORITIES[by]
    said = Review(known, node, dataset.name, declared.digest(dataset), passed, "著录规范", at_s)
    return governance.sign_review(said, KEYS[known])


def item(**other: Any) -> NegativeItem:
    """Return an item of a negative list."""
    values: dict[str, Any] = {
        "id": "N1",
        "text": "涉疫流调个案",
        "basis": "传染病防治法",
        "words": ("流调",),
        "scenarios": (),
        "channels": (),
    }
    return NegativeItem(**{**values, **other})


def forbidding(*items: NegativeItem, by: str = "province", serial: int = 1, region: str = "140000") -> bytes:
    """Return a negative list signed by that authority."""
    known = AUTHORITIES[by]
    return governance.sign_negative_list(NegativeList(known, region, serial, items, NOW_S), KEYS[known])


DESCRIBED = Description(
    topic="C0200",
    scene="T0200",
    acquisition="001",
    delivery="002",
    update="004",
    security="003",
    item="参保人基本信息",
    abstract_zh="全市参保人员与医疗保险费用",
    abstract_en="Insured persons and their costs",
    keywords=("医保", "insurance"),
)
OPERATED = (Channel.SHARING, Channel.AUTHORISED_OPERATION)
