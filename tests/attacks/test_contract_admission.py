"""Attacks on what is asked, in whose name, under which contract."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yanmen.admission.admit import Desk, admit, permits
from yanmen.admission.policies import Policies, load_guards, shipped
from yanmen.crypto import documents, jose, keys
from yanmen.formats import base64url, connector_id, contract, json_canonical, request
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.malformed import Malformed
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
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Reason, Refused
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
        return hashlib.sha256(str(Counting.calls).encode()).digest()[:size]


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
        self.datasets = {"labs": Version(dataset(), "v1", "labs.sealed", 10, NOW_MS)}
        self.register = Register("sx.example", 1, NOW_MS, ())
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


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


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


class TestAdmitted:
    def test_a_signed_question_under_an_active_contract(self, world: World) -> None:
        world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.NODE, datasets=("persons",))
        admitted = world.ask()
        assert admitted.request.consumer == ALICE
        assert admitted.micro_rho == 10
        assert admitted.price_fen == 30
        assert [version.dataset.name for version in admitted.versions] == ["labs"]
        assert admitted.elsewhere == (("civil", "persons"),)
        assert len(admitted.policy_digest) == 64

    def test_only_active_nodes_have_tables_elsewhere(self, world: World) -> None:
        for status in (PartyStatus.PENDING, PartyStatus.REVOKED):
            world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.NODE, status, ("persons",))
            assert world.ask().elsewhere == ()
        world.enrol(OTHER_NODE, "civil", b"k" * 32, PartyRole.AUDITOR, datasets=("persons",))
        assert world.ask().elsewhere == ()
        world.enrol(NODE, "health", b"k" * 32, PartyRole.NODE, datasets=("labs",))
        assert world.ask().elsewhere == ()

    def test_the_charge_may_be_chosen_within_the_contract(self, world: World) -> None:
        assert world.ask(micro_rho=50).micro_rho == 50
        refusal = refused(lambda: world.ask(micro_rho=51))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.SPEND_LIMIT, ("contract:charge",))

    def test_a_session_grant(self, world: World) -> None:
        admitted = world.under_session()
        assert admitted.request.jti == "d" * 32
        assert admitted.request.session_jti == "b" * 32
        assert admitted.request.query_sha256 == hashlib.sha256(SQL.encode()).hexdigest()

    def test_the_policy_digest_follows_the_contract(self, world: World) -> None:
        before = world.ask().policy_digest
        world.sign(terms(not_after_ms=NOW_MS + 2 * DAY_MS))
        assert world.ask().policy_digest != before


class TestRequests:
    @pytest.mark.parametrize(
        ("changed", "reason", "subject"),
        [
            ({"audience": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE, "aud"),
            ({"issuer": MALLORY}, Reason.SIGNATURE_INVALID, "iss"),
            ({"expires_s": NOW_S + 301}, Reason.REQUEST_MALFORMED, "exp"),
            ({"expires_s": 2**40}, Reason.REQUEST_MALFORMED, "exp"),
            ({"issued_s": NOW_S - 100, "expires_s": NOW_S}, Reason.REQUEST_EXPIRED, "exp"),
            ({"issued_s": NOW_S + 61, "expires_s": NOW_S + 90}, Reason.REQUEST_MALFORMED, "iat"),
            ({"query_sha256": "0" * 64}, Reason.SIGNATURE_INVALID, "query_sha256"),
            ({"operation": Operation.EXPLAIN}, Reason.SIGNATURE_INVALID, "op"),
            ({"contract_id": "f" * 32}, Reason.CONTRACT_UNKNOWN, "f" * 32),
            ({"scenario_id": "S2"}, Reason.SCENARIO_MISMATCH, "contract:scenario"),
        ],
    )
    def test_claims_that_do_not_fit(self, world: World, changed: dict[str, Any], reason: Reason, subject: str) -> None:
        refusal = refused(lambda: world.ask(**changed))
        assert (refusal.reason, refusal.detail.subject) == (reason, subject)
        assert refusal.detail.hint_en
        assert refusal.detail.hint_zh

    def test_limits_of_time_are_reached(self, world: World) -> None:
        world.ask(issued_s=NOW_S + 60, expires_s=NOW_S + 61)
        world.ask(issued_s=NOW_S - 299, expires_s=NOW_S + 1)

    def test_a_question_altered_on_the_way(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        altered = dataclasses.replace(asked, sql=SQL + " ")
        assert refused(lambda: admit(altered, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID
        broken = dataclasses.replace(asked, sql="\ud800")
        assert refused(lambda: admit(broken, Operation.SUBMIT, world.desk)).reason is Reason.SQL_MALFORMED

    def test_a_signature_for_a_quote_does_not_buy_an_answer(self, world: World) -> None:
        quote = world.submit(documents.sign_request(world.claims(operation=Operation.EXPLAIN), world.alice))
        admit(quote, Operation.EXPLAIN, world.desk)
        assert refused(lambda: admit(quote, Operation.SUBMIT, world.desk)).detail.subject == "op"

    def test_another_member_s_key(self, world: World) -> None:
        """Mallory signs in Alice's name, and sends it over Alice's connection or her own."""
        forged = documents.sign_request(world.claims(), world.mallory)
        for peer in (ALICE, MALLORY):
            asked = world.submit(forged, peer=world.peer(peer))
            assert refused(lambda asked=asked: admit(asked, Operation.SUBMIT, world.desk)).reason is (  # type: ignore[misc]
                Reason.SIGNATURE_INVALID
            )

    def test_a_stolen_request_over_the_thief_s_connection(self, world: World) -> None:
        stolen = documents.sign_request(world.claims(), world.alice)
        asked = world.submit(stolen, peer=world.peer(MALLORY))
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID

    def test_another_member_s_contract(self, world: World) -> None:
        """Whether a contract of somebody else exists is not told apart from one that does not."""
        own = documents.sign_request(world.claims(issuer=MALLORY), world.mallory)
        none = documents.sign_request(world.claims(issuer=MALLORY, contract_id="e" * 32), world.mallory)
        seen = [
            refused(lambda t=token: admit(world.submit(t, peer=world.peer(MALLORY)), Operation.SUBMIT, world.desk))  # type: ignore[misc]
            for token in (own, none)
        ]
        assert {refusal.reason for refusal in seen} == {Reason.CONTRACT_UNKNOWN}
        assert seen[0].detail.hint_en == seen[1].detail.hint_en
        assert seen[0].detail.clauses == seen[1].detail.clauses == ()

    @pytest.mark.parametrize("typ", [request.SESSION_TYP, contract.OFFER_TYP, contract.ACCEPTANCE_TYP, "JWT"])
    def test_one_document_does_not_stand_for_another(self, world: World, typ: str) -> None:
        token = resign(documents.sign_request(world.claims(), world.alice), world.alice, lambda _: None, typ)
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.SIGNATURE_INVALID
        )

    def test_a_session_grant_is_no_request_and_the_other_way_round(self, world: World) -> None:
        grant = documents.sign_session(world.session(), world.alice)
        assert refused(lambda: admit(world.submit(grant), Operation.SUBMIT, world.desk)).reason is (
            Reason.SIGNATURE_INVALID
        )
        single = world.submit(
            documents.sign_request(world.claims(), world.alice), binding=Binding.SESSION, session_request_id="d" * 32
        )
        assert refused(lambda: admit(single, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID

    @pytest.mark.parametrize(
        "change",
        [
            lambda m: m.pop("jti"),
            lambda m: m.update(extra=1),
            lambda m: m.update(jti="A" * 32),
            lambda m: m.update(jti="a" * 31),
            lambda m: m.update(iat=True),
            lambda m: m.update(iat="1"),
            lambda m: m.update(exp=m["iat"]),
            lambda m: m.update(micro_rho=-1),
            lambda m: m.update(max_price_fen=2**53),
            lambda m: m.update(op="delete"),
            lambda m: m.update(aud=[NODE]),
            lambda m: m.update(scenario="S1\n"),
            lambda m: m.update(contract=None),
        ],
    )
    def test_malformed_claims_even_correctly_signed(
        self, world: World, change: Callable[[dict[str, object]], None]
    ) -> None:
        good = documents.sign_request(world.claims(), world.alice)
        try:
            token = resign(good, world.alice, change)
        except Malformed:  # the writer refuses it already: write the payload by hand
            header, payload, _ = good.decode().split(".")
            members = json.loads(base64url.decode(payload))
            change(members)
            raw = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
            signed = f"{header}.{base64url.encode(raw)}".encode()
            token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    def test_duplicate_json_members(self, world: World) -> None:
        """Two `max_price_fen`: parsers disagree which one counts."""
        header, payload, _ = documents.sign_request(world.claims(), world.alice).decode().split(".")
        raw = base64url.decode(payload).replace(b'"max_price_fen":100', b'"max_price_fen":100,"max_price_fen":0')
        assert raw.count(b"max_price_fen") == 2
        signed = f"{header}.{base64url.encode(raw)}".encode()
        token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    @pytest.mark.parametrize("token", [b"", b"..", b"a.b.c", b"\xff" * 100, b"e30.e30." + b"A" * 86, b"x" * 5000])
    def test_bytes_that_are_no_token(self, world: World, token: bytes) -> None:
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    def test_a_question_that_is_too_long(self, world: World) -> None:
        asked = world.submit(b"", sql="雁" * 5462)
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.SQL_TOO_LONG


class TestSessions:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"audience": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE),
            ({"issuer": MALLORY}, Reason.SIGNATURE_INVALID),
            ({"expires_s": NOW_S + 3601}, Reason.REQUEST_MALFORMED),
            ({"issued_s": NOW_S - 3600, "expires_s": NOW_S}, Reason.REQUEST_EXPIRED),
            ({"scenario_id": "S2"}, Reason.SCENARIO_MISMATCH),
            ({"micro_rho": 51}, Reason.SPEND_LIMIT),
        ],
    )
    def test_claims_that_do_not_fit(self, world: World, changed: dict[str, Any], reason: Reason) -> None:
        assert refused(lambda: world.under_session(**changed)).reason is reason

    @pytest.mark.parametrize("use", ["", "d" * 31, "D" * 32, "d" * 33, "d" * 31 + "\n"])
    def test_every_use_has_an_id_of_its_own(self, world: World, use: str) -> None:
        assert refused(lambda: world.under_session(use)).reason is Reason.REQUEST_MALFORMED


class TestPeers:
    def test_a_member_revoked_while_its_question_waited(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        for status, reason in (
            (PartyStatus.REVOKED, Reason.IDENTITY_REVOKED),
            (PartyStatus.PENDING, Reason.IDENTITY_PENDING),
        ):
            world.enrol(ALICE, "alice", world.alice.public, status=status)
            assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is reason

    def test_a_key_replaced_while_its_question_waited(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        world.enrol(ALICE, "alice", world.mallory.public)
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.IDENTITY_UNKNOWN

    @pytest.mark.parametrize("role", [PartyRole.AUDITOR, PartyRole.REGULATOR, PartyRole.NODE])
    def test_who_checks_does_not_ask(self, world: World, role: PartyRole) -> None:
        world.enrol(ALICE, "alice", world.alice.public, role)
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, ("policy:consumers-only",))

    def test_a_consumer_across_the_border(self, world: World) -> None:
        world.enrol(ABROAD, "abroad", world.alice.public)
        world.sign(terms(consumer=ABROAD))
        token = documents.sign_request(world.claims(issuer=ABROAD), world.alice)
        asked = world.submit(token, peer=world.peer(ABROAD))
        refusal = refused(lambda: admit(asked, Operation.SUBMIT, world.desk))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, ("policy:cross-border",))


class TestContracts:
    @pytest.mark.parametrize(
        ("changed", "reason", "clause"),
        [
            ({"not_after_ms": NOW_MS}, Reason.CONTRACT_EXPIRED, "contract:not-after"),
            ({"not_before_ms": NOW_MS + 1}, Reason.CONTRACT_NOT_YET_VALID, "contract:not-before"),
            ({"scenario": Scenario("S9", "x", "y")}, Reason.SCENARIO_MISMATCH, "contract:scenario"),
        ],
    )
    def test_clauses(self, world: World, changed: dict[str, Any], reason: Reason, clause: str) -> None:
        world.sign(terms(**changed))
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (reason, (clause,))

    def test_a_contract_that_expires_while_the_question_waits(self, world: World) -> None:
        world.clock.ms = NOW_MS + DAY_MS
        assert refused(world.ask).reason is Reason.CONTRACT_EXPIRED

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (ContractStatus.PENDING, Reason.CONTRACT_PENDING),
            (ContractStatus.DENIED, Reason.CONTRACT_DENIED),
            (ContractStatus.REVOKED, Reason.CONTRACT_REVOKED),
            (ContractStatus.SUSPENDED, Reason.CONTRACT_SUSPENDED),
        ],
    )
    def test_only_an_active_contract(self, world: World, status: ContractStatus, reason: Reason) -> None:
        world.sign(terms(), status)
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.clauses) == (reason, ("contract:status",))

    def test_every_violated_clause_is_named(self, world: World) -> None:
        world.enrol(ALICE, "alice", world.alice.public, PartyRole.AUDITOR)
        world.sign(terms(not_after_ms=NOW_MS), ContractStatus.SUSPENDED)
        refusal = refused(lambda: world.ask(scenario_id="S2", micro_rho=99))
        assert refusal.reason is Reason.CONTRACT_SUSPENDED
        assert refusal.detail.clauses == (
            "contract:charge",
            "contract:not-after",
            "contract:scenario",
            "contract:status",
            "policy:consumers-only",
        )

    @pytest.mark.parametrize(
        "changed",
        [
            {"terms": terms(micro_rho=10**9)},
            {"terms": terms(grants=(Grant("labs", ("sex", "age")),))},
            {"terms": terms(not_after_ms=NOW_MS + 99 * DAY_MS)},
            {"digest": "0" * 64},
            {"acceptance": b""},
            {"acceptance": b"a.b.c"},
            {"offer": b""},
            {"status": ContractStatus.DENIED},
        ],
    )
    def test_a_contract_altered_in_the_store(self, world: World, changed: dict[str, Any]) -> None:
        signed = world.sign(terms())
        world.contracts[signed.terms.id] = dataclasses.replace(signed, **changed)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_every_byte_of_offer_and_acceptance_counts(self, world: World) -> None:
        signed = world.sign(terms())
        for name in ("offer", "acceptance"):
            whole: bytes = getattr(signed, name)
            for place in range(0, len(whole), 37):
                flipped = bytearray(whole)
                flipped[place] ^= 1
                change: dict[str, Any] = {name: bytes(flipped)}
                altered = dataclasses.replace(signed, **change)
                if name == "offer":
                    altered = dataclasses.replace(altered, digest=documents.digest(altered.offer))
                world.contracts[signed.terms.id] = altered
                assert refused(world.ask).reason is Reason.CONTRACT_ALTERED, (name, place)

    def test_a_pending_offer_flipped_to_active(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.ACTIVE)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    @pytest.mark.parametrize("changed", [{"digest": "0" * 64}, {"acceptance": b"x"}])
    def test_a_pending_offer_altered(self, world: World, changed: dict[str, Any]) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, **changed)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_an_offer_revoked_before_anybody_decided(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.PENDING)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.REVOKED)
        assert refused(world.ask).reason is Reason.CONTRACT_REVOKED

    def test_one_contract_stored_under_the_id_of_another(self, world: World) -> None:
        world.contracts["f" * 32] = world.sign(terms())
        assert refused(lambda: world.ask(contract_id="f" * 32)).reason is Reason.CONTRACT_UNKNOWN

    def test_a_denial_flipped_to_active(self, world: World) -> None:
        signed = world.sign(terms(), ContractStatus.DENIED)
        world.contracts[signed.terms.id] = dataclasses.replace(signed, status=ContractStatus.ACTIVE)
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_acceptance_by_another_key(self, world: World) -> None:
        """The consumer accepts its own offer in the holder's name."""
        signed = world.sign(terms())
        for signer in (world.alice, world.mallory):
            acceptance = Acceptance(
                signed.terms.id, NODE, signed.digest, ContractStatus.ACTIVE, "专管员 01", Reasons(), NOW_MS
            )
            forged = dataclasses.replace(signed, acceptance=documents.sign_acceptance(acceptance, signer))
            world.contracts[signed.terms.id] = forged
            assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    @pytest.mark.parametrize("changed", [{"contract_id": "f" * 32}, {"holder": OTHER_NODE}, {"offer_sha256": "0" * 64}])
    def test_acceptance_of_another_offer(self, world: World, changed: dict[str, Any]) -> None:
        """The holder's genuine acceptance of a harmless contract is put beside a greedy one."""
        signed = world.sign(terms())
        acceptance = Acceptance(signed.terms.id, NODE, signed.digest, ContractStatus.ACTIVE, "p", Reasons(), NOW_MS)
        other = dataclasses.replace(acceptance, **changed)
        world.contracts[signed.terms.id] = dataclasses.replace(
            signed, acceptance=documents.sign_acceptance(other, world.holder)
        )
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_an_offer_the_consumer_never_signed(self, world: World) -> None:
        greedy = documents.sign_offer(terms(price_per_query_fen=10**6), world.mallory)
        acceptance = Acceptance(
            terms().id, NODE, documents.digest(greedy), ContractStatus.ACTIVE, "p", Reasons(), NOW_MS
        )
        world.contracts[terms().id] = Contract(
            terms(price_per_query_fen=10**6),
            greedy,
            documents.sign_acceptance(acceptance, world.holder),
            documents.digest(greedy),
            ContractStatus.ACTIVE,
        )
        assert refused(world.ask).reason is Reason.CONTRACT_ALTERED

    def test_a_contract_with_another_holder(self, world: World) -> None:
        world.sign(terms(holder=OTHER_NODE))
        refusal = refused(world.ask)
        assert (refusal.reason, refusal.detail.subject) == (Reason.CONTRACT_ALTERED, "holder")


class TestPlans:
    def scan(self, world: World, *columns: str, name: str = "labs") -> Scan:
        return Scan("s0", world.datasets[name], columns)

    def test_what_was_granted(self, world: World) -> None:
        permits(world.plan(world.ask(), self.scan(world, "sex", "person")), world.desk)
        permits(world.plan(world.ask(), self.scan(world, "SEX")), world.desk)

    def test_a_column_that_was_not(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex", "age"))
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.subject) == (Reason.COLUMN_NOT_IN_CONTRACT, "labs")
        assert refusal.detail.clauses == ("contract:columns",)

    def test_a_dataset_that_was_not(self, world: World) -> None:
        world.datasets["drugs"] = Version(dataset("drugs"), "v9", "p", 1, NOW_MS)
        plan = world.plan(world.ask(), self.scan(world, "sex"), self.scan(world, "sex", name="drugs"))
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.subject) == (Reason.DATASET_NOT_IN_CONTRACT, "drugs")

    @pytest.mark.parametrize("changed", [{"retracted": True}, {"version": "v2"}])
    def test_a_dataset_retracted_or_replaced_meanwhile(self, world: World, changed: dict[str, Any]) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.datasets["labs"] = dataclasses.replace(world.datasets["labs"], **changed)
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.DATASET_RETRACTED

    def test_a_dataset_that_is_gone(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.datasets.clear()
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.DATASET_RETRACTED

    @pytest.mark.parametrize(
        ("changed", "release", "clause"),
        [
            ({"grade": Grade.CORE}, DatasetClass.PERSONAL, "policy:core-never"),
            ({"grade": Grade.IMPORTANT}, DatasetClass.OPEN, "policy:important-not-visible"),
            ({"channels": (Channel.OPENING,)}, DatasetClass.PERSONAL, "policy:channel-declared"),
        ],
    )
    def test_guard_rails_on_datasets(
        self, world: World, changed: dict[str, Any], release: DatasetClass, clause: str
    ) -> None:
        world.datasets["labs"] = Version(dataset(**changed), "v1", "p", 1, NOW_MS)
        plan = world.plan(world.ask(), self.scan(world, "sex"), release=release)
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, (clause,))

    def test_a_contract_that_expires_during_planning(self, world: World) -> None:
        plan = world.plan(world.ask(), self.scan(world, "sex"))
        world.clock.ms = NOW_MS + DAY_MS
        assert refused(lambda: permits(plan, world.desk)).reason is Reason.CONTRACT_EXPIRED


def test_documents_are_their_bytes(world: World) -> None:
    for token, typ in (
        (documents.sign_request(world.claims(), world.alice), request.REQUEST_TYP),
        (documents.sign_session(world.session(), world.alice), request.SESSION_TYP),
        (documents.sign_offer(terms(), world.alice), contract.OFFER_TYP),
    ):
        payload = jose.verify_jws(token, world.alice.public, typ)
        assert base64url.encode(json_canonical.encode(payload)).encode() == token.split(b".")[1]
