"""A department, its owner and who makes offers to it."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yanmen import contracting
from yanmen.admission.policies import Rails, load_guards, shipped
from yanmen.contracting import Approval, Office
from yanmen.crypto import documents, keys
from yanmen.formats import connector_id
from yanmen.formats.contract import Reasons
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import (
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
    SubjectSpace,
    Version,
)
from yanmen.model.config import Config, NodeLimits
from yanmen.model.contract import Contract, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Refused

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001")
OTHER_NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0002")
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
MALLORY = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "EEEEEEEE")


class Counting:
    """Bytes that are all different."""

    calls = 0

    def token(self, size: int) -> bytes:
        Counting.calls += 1
        return hashlib.shake_256(str(Counting.calls).encode()).digest(size)


@dataclasses.dataclass
class Standing:
    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


def terms(**changed: Any) -> Terms:
    made = Terms(
        id="0123456789abcdef" * 2,
        holder=NODE,
        consumer=ALICE,
        channel=Channel.AUTHORISED_OPERATION,
        scenario=Scenario("S1", "医疗资源规划", "《数据安全法》"),
        grants=(Grant("labs", ("sex",)),),
        min_group=10,
        micro_rho=1000,
        micro_rho_per_query=10,
        micro_rho_per_query_max=50,
        delta_e12=0,
        queries=100,
        queries_per_day=10,
        not_before_ms=NOW_MS,
        not_after_ms=NOW_MS + DAY_MS + 1,
        price_per_query_fen=30,
        regulator_discloses=("query", "request"),
        retention_days=365,
        paper_sha256="a" * 64,
    )
    return dataclasses.replace(made, **changed)


def walk(document: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Return the holder of the last part of `path` and that part."""
    parts = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = document
    for part in parts[:-1]:
        place = place[part]
    return place, parts[-1]


CONSTRAINT = "permission/0/constraint"
REFINEMENT = "permission/0/target/0/refinement"


def dataset(name: str = "labs", **changed: Any) -> Dataset:
    made = Dataset(
        name=name,
        title_zh="化验",
        title_en="Laboratory values",
        owner="卫健委",
        region="140100",
        registration="",
        ndi_id="",
        source_system="HIS",
        authority="职责",
        update_cycle="monthly",
        quality="B",
        rights=("hold",),
        cls=DatasetClass.PERSONAL,
        grade=Grade.GENERAL,
        sharing=Sharing.UNCONDITIONAL,
        sharing_reason="",
        legal_basis="",
        channels=(Channel.AUTHORISED_OPERATION,),
        subject_space="persons",
        rows_per_unit=1,
        groups_per_unit=1,
        rows_upto=1000,
        price_ceiling_fen=30,
        columns=(
            Column("person", ColumnType.INTEGER, Role.UNIT),
            Column("sex", ColumnType.TEXT, Role.KEY, domain=("f", "m")),
            Column("age", ColumnType.INTEGER, Role.KEY),
            Column("id_number", ColumnType.TEXT, Role.HIDDEN),
        ),
    )
    return dataclasses.replace(made, **changed)


def shipped_rails() -> Rails:
    """Return the guard rails that come with the program."""
    return Rails(load_guards(shipped()))


class World:
    """A holder's office over a real ledger."""

    def __init__(self, path: Path) -> None:
        self.clock = Standing()
        self.holder = keys.generate(path / "holder", Counting())
        self.alice = keys.generate(path / "alice", Counting())
        self.mallory = keys.generate(path / "mallory", Counting())
        log_key = keys.generate(path / "log", Counting())
        keeper = Keeper(NODE, self.holder, log_key, self.clock, Counting())
        self.ledger = Ledger.open(path / "ledger.sqlite", keeper, NodeLimits())
        self.ledger.register_space(SubjectSpace("persons", 5000, 0))
        self.register = Register("sx.example", 1, NOW_MS, NOW_MS + 30 * DAY_MS, ())
        self.enrol(ALICE, self.alice.public)
        self.enrol(MALLORY, self.mallory.public)
        self.config = Config(
            id=NODE,
            name="n",
            alias="health",
            address="127.0.0.1:1",
            space="sx.example",
            register="r",
            space_key=b"",
            sandbox="landlock",
            approve_general=True,
            approve_columns_max=2,
            subject_spaces=(SubjectSpace("persons", 5000, 0),),
            approve_micro_rho_max=1000,
        )
        self.publish(dataset())

    def enrol(
        self,
        identifier: str,
        key: bytes,
        role: PartyRole = PartyRole.DEVELOPER,
        status: PartyStatus = PartyStatus.ACTIVE,
    ) -> None:
        party = Party(identifier, "a", "名", role, status, key, b"", "0" * 64)
        others = tuple(entry for entry in self.register.parties if entry.id != identifier)
        self.register = dataclasses.replace(self.register, parties=(*others, party))

    def publish(self, declared: Dataset) -> None:
        number = len(self.ledger.versions())
        self.ledger.publish(Version(declared, f"v{number}", f"{number}.sealed", 1, NOW_MS))

    @property
    def office(self) -> Office:
        return Office(self.config, self.ledger, self.holder, self.clock, lambda: self.register, shipped_rails)

    def peer(self, identifier: str = ALICE) -> Party:
        party = self.register.find(identifier)
        assert party is not None
        return party

    def offer(self, **changed: Any) -> Contract:
        return contracting.request(documents.sign_offer(terms(**changed), self.alice), self.peer(), self.office)

    def pending(self, **changed: Any) -> Contract:
        """Offer when the owner's rule approves nothing."""
        rule, self.config = self.config, dataclasses.replace(self.config, approve_general=False)
        try:
            return self.offer(**changed)
        finally:
            self.config = rule


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


PERSON = Approval("首席数据官 02")
BOTH = Approval("首席数据官 02", "专管员 01", Reasons("必要", "合法", "安全"))
