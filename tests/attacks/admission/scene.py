"""A node, its members and one contract, before admission."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yanmen.admission.admit import Desk, admit
from yanmen.admission.policies import Policies, load_guards, shipped
from yanmen.crypto import documents, jose, keys
from yanmen.formats import base64url, connector_id
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.model.catalogue import (
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
    Version,
)
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.office import Act
from yanmen.model.operation import Product
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Refused
from yanmen.model.stages import Admitted, Binding, Plan, Scan, Submission

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS // 1000
DAY_MS = 86_400_000
SQL = "SELECT sex, count(*) FROM labs GROUP BY sex -- 雁门"
NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001")
OTHER_NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0002")
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
MALLORY = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "EEEEEEEE")
ABROAD = connector_id.build("5", "91140100MA0GTTTT0X", "8100", "A1B2C3D4")


class Counting:
    """Bytes that are all different and the same in every run."""

    calls = 0

    def token(self, size: int) -> bytes:
        Counting.calls += 1
        return hashlib.shake_256(str(Counting.calls).encode()).digest(size)


@dataclasses.dataclass
class Standing:
    """A clock that moves when told."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms


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
        price_ceiling_fen=100,
        columns=(
            Column("person", ColumnType.INTEGER, Role.UNIT),
            Column("sex", ColumnType.TEXT, Role.KEY, domain=("f", "m")),
            Column("age", ColumnType.INTEGER, Role.KEY),
        ),
    )
    return dataclasses.replace(made, **changed)


def terms(**changed: Any) -> Terms:
    made = Terms(
        id="0" * 31 + "1",
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
        not_before_ms=NOW_MS - DAY_MS,
        not_after_ms=NOW_MS + DAY_MS,
        price_per_query_fen=30,
        regulator_discloses=("query", "request"),
        retention_days=365,
    )
    return dataclasses.replace(made, **changed)


class World:
    """One node, its register, its contracts and datasets, with everybody's keys in the attacker's reach."""

    def __init__(self, path: Path) -> None:
        self.holder = keys.generate(path / "holder", Counting())
        self.alice = keys.generate(path / "alice", Counting())
        self.mallory = keys.generate(path / "mallory", Counting())
        self.clock = Standing()
        self.contracts: dict[str, Contract] = {}
        self.products: dict[str, Product] = {}
        self.acts: dict[tuple[str, Act, str], tuple[int, bytes]] = {}
        self.datasets = {"labs": Version(dataset(), "v1", "labs.sealed", 10, NOW_MS)}
        self.register = Register("sx.example", 1, NOW_MS, NOW_MS + 30 * DAY_MS, ())
        self.enrol(ALICE, "alice", self.alice.public)
        self.enrol(MALLORY, "mallory", self.mallory.public)
        self.desk = Desk(
            node_id=NODE,
            receipt_key=self.holder.public,
            limits=NodeLimits(),
            clock=self.clock,
            register=lambda: self.register,
            books=self,
            policies=Policies(load_guards(shipped())),
        )
        self.sign(terms())

    def enrol(
        self,
        identifier: str,
        alias: str,
        key: bytes,
        role: PartyRole = PartyRole.DEVELOPER,
        status: PartyStatus = PartyStatus.ACTIVE,
        datasets: tuple[str, ...] = (),
    ) -> Party:
        party = Party(identifier, alias, "名", role, status, key, b"", "0" * 64, "", datasets)
        others = tuple(entry for entry in self.register.parties if entry.id != identifier)
        self.register = dataclasses.replace(self.register, parties=(*others, party))
        return party

    def contract(self, contract_id: str) -> Contract | None:
        return self.contracts.get(contract_id)

    def version(self, name: str) -> Version | None:
        return self.datasets.get(name)

    def product(self, name: str) -> Product | None:
        return self.products.get(name)

    def office_over(self, contract_id: str, act: Act, offer_sha256: str) -> tuple[int, bytes] | None:
        return self.acts.get((contract_id, act, offer_sha256))

    def sign(self, agreed: Terms, status: ContractStatus = ContractStatus.ACTIVE) -> Contract:
        offer = documents.sign_offer(agreed, self.alice)
        decision = ContractStatus.DENIED if status is ContractStatus.DENIED else ContractStatus.ACTIVE
        acceptance = Acceptance(
            agreed.id, agreed.holder, documents.digest(offer), decision, "专管员 01", Reasons(), NOW_MS
        )
        signed = b"" if status is ContractStatus.PENDING else documents.sign_acceptance(acceptance, self.holder)
        made = Contract(agreed, offer, signed, documents.digest(offer), status, "专管员 01")
        self.contracts[agreed.id] = made
        return made

    def claims(self, **changed: Any) -> RequestClaims:
        made = RequestClaims(
            audience=NODE,
            issuer=ALICE,
            jti="a" * 32,
            issued_s=NOW_S,
            expires_s=NOW_S + 60,
            contract_id=terms().id,
            scenario_id="S1",
            query_sha256=hashlib.sha256(SQL.encode()).hexdigest(),
            operation=Operation.SUBMIT,
            micro_rho=0,
            max_micro_rho=50,
            max_price_fen=100,
        )
        return dataclasses.replace(made, **changed)

    def session(self, **changed: Any) -> SessionClaims:
        made = SessionClaims(
            audience=NODE,
            issuer=ALICE,
            jti="b" * 32,
            issued_s=NOW_S,
            expires_s=NOW_S + 3600,
            contract_id=terms().id,
            scenario_id="S1",
            micro_rho=0,
            max_micro_rho=500,
            max_price_fen=1000,
        )
        return dataclasses.replace(made, **changed)

    def peer(self, identifier: str = ALICE) -> Party:
        party = self.register.find(identifier)
        assert party is not None
        return party

    def submit(self, token: bytes, **changed: Any) -> Submission:
        made = Submission("c" * 32, self.peer(), Binding.PER_REQUEST, token, SQL, NOW_MS)
        return dataclasses.replace(made, **changed)

    def ask(self, **changed: Any) -> Admitted:
        """Ask as Alice would, with claims changed."""
        return admit(
            self.submit(documents.sign_request(self.claims(**changed), self.alice)), Operation.SUBMIT, self.desk
        )

    def under_session(self, use: str = "d" * 32, **changed: Any) -> Admitted:
        grant = documents.sign_session(self.session(**changed), self.alice)
        asked = self.submit(grant, binding=Binding.SESSION, session_request_id=use)
        return admit(asked, Operation.SUBMIT, self.desk)

    def plan(self, admitted: Admitted, *scans: Scan, release: DatasetClass = DatasetClass.PERSONAL) -> Plan:
        return Plan(
            admitted=admitted,
            release=release,
            subject_space="persons",
            scans=scans,
            sql="",
            keys=(),
            aggregates=(),
            averages=(),
            outputs=(),
            post_sql="",
            canonical="",
            rows_max=1,
            deadline_ms=1,
            micro_rho=10,
            delta_e12=0,
            price_fen=30,
            min_group=10,
        )


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def resign(token: bytes, signer: keys.FileSigner, change: Callable[[dict[str, object]], None], typ: str = "") -> bytes:
    """Sign the altered payload of `token` again, as a malicious member can with its own key."""
    header, payload, _ = token.split(b".")
    members = json.loads(base64url.decode(payload.decode()))
    change(members)
    kid, found = keys.thumbprint(signer.public), json.loads(base64url.decode(header.decode()))["typ"]
    return jose.sign_jws({}, members, signer, kid, typ or found)
