"""Attacks on what can be signed: terms outside the profile, offers and decisions that are not what they seem."""

import copy
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen import contracting
from yanmen.contracting import Approval, Office
from yanmen.crypto import documents, jose, keys
from yanmen.formats import base64url, connector_id, contract, json_canonical
from yanmen.formats.contract import Reasons
from yanmen.formats.contract_constraints import TIME_MAX_MS, MalformedTerms
from yanmen.formats.malformed import Malformed
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
from yanmen.model.contract import Bounds, Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Reason, Refused

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
        digest = hashlib.sha256(str(Counting.calls).encode()).digest()
        return (digest * (size // 32 + 1))[:size]


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


class TestProfile:
    def test_terms_read_back(self) -> None:
        for made in (terms(), terms(paper_sha256=""), terms(regulator_discloses=()), terms(not_after_ms=TIME_MAX_MS)):
            data = json_canonical.encode(contract.encode(made))
            assert contract.decode(json_canonical.decode(data)) == made
            assert json_canonical.encode(contract.encode(contract.decode(json_canonical.decode(data)))) == data

    def test_the_document_has_the_shape_of_odrl(self) -> None:
        document: Any = contract.encode(terms())
        assert document["@type"] == "Offer"
        assert document["@id"] == "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"
        (permission,) = document["permission"]
        assert permission["action"] == "compute"
        assert permission["target"][0]["source"] == "labs"
        for constraint in permission["constraint"]:
            assert set(constraint) == {"leftOperand", "operator", "rightOperand"}
        assert {
            "leftOperand": "dateTime",
            "operator": "gteq",
            "rightOperand": {"@type": "xsd:dateTime", "@value": "2026-09-21T14:13:20.000Z"},
        } in permission["constraint"]

    @pytest.mark.parametrize(
        ("path", "value", "named"),
        [
            ("prohibition", [], ""),
            ("obligation", [], ""),
            ("@context", [], "@context"),
            ("@context/1/x", "y", "@context"),
            ("@type", "Agreement", "@type"),
            ("profile", "urn:other", "profile"),
            ("@id", "urn:uuid:X", ""),
            ("@id", "urn:uuid:01234567-89AB-cdef-0123-456789abcdef", ""),
            ("assigner", ALICE, "assignee"),
            ("assigner", "x", ""),
            ("assignee", 5, ""),
            ("permission", [], "permission"),
            ("permission/0/duty", [], "permission/0"),
            ("permission/0/action", "sell", "permission/0/action"),
            ("permission/0/action", ["compute"], "permission/0/action"),
            ("permission/0/target", [], "permission/0/target"),
            ("permission/0/target", "labs", "permission/0"),
            ("permission/0/target/0/source", "Labs", "permission/0/target/0/source"),
            ("permission/0/target/0/source", "labs; DROP", "permission/0/target/0/source"),
            ("permission/0/target/0/@type", "Asset", "permission/0/target/0/@type"),
            ("permission/0/target/0/x", 1, "permission/0/target/0"),
            (REFINEMENT, [], REFINEMENT),
            (
                f"{REFINEMENT}/0/operator",
                "isNoneOf",
                f"{REFINEMENT}/0/leftOperand",
            ),
            (f"{REFINEMENT}/0/rightOperand", [], f"{REFINEMENT}/0/rightOperand"),
            (
                f"{REFINEMENT}/0/rightOperand",
                ["*"],
                f"{REFINEMENT}/0/rightOperand",
            ),
            (
                f"{REFINEMENT}/0/rightOperand",
                ["sex", "SEX"],
                f"{REFINEMENT}/0/rightOperand",
            ),
            (f"{CONSTRAINT}/0/leftOperand", "porpuse", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/operator", "neq", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/dataType", "x", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/rightOperand/@id", "S 1", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/0/rightOperand/text", " ", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/0/rightOperand/legalBasis", "", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", "", f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", 5, f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", "x" * 2001, f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/1/rightOperand", "theft", f"{CONSTRAINT}/1/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-09-21", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-02-30T00:00:00.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "1969-12-31T23:59:59.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-09-21T24:00:00.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@type", "xsd:date", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand", NOW_MS, f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "٥", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "+5", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "05", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", str(2**53), f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "9", f"{CONSTRAINT}/count"),
            (f"{CONSTRAINT}/13/rightOperand", ["request", "query"], f"{CONSTRAINT}/yanmen:regulatorDiscloses"),
            (f"{CONSTRAINT}/13/rightOperand", ["rows"], f"{CONSTRAINT}/yanmen:regulatorDiscloses"),
            (f"{CONSTRAINT}/14/rightOperand", "A" * 64, f"{CONSTRAINT}/yanmen:paperSha256"),
        ],
    )
    def test_what_is_not_in_the_profile_is_named_by_its_path(self, path: str, value: Any, named: str) -> None:
        document = copy.deepcopy(json.loads(json_canonical.encode(contract.encode(terms()))))
        place, part = walk(document, path)
        place[part] = value
        with pytest.raises(MalformedTerms) as caught:
            contract.decode(document)
        assert caught.value.path == named

    def test_each_constraint_stands_exactly_once_and_in_order(self) -> None:
        whole = json.loads(json_canonical.encode(contract.encode(terms())))
        for index in range(14):
            document = copy.deepcopy(whole)
            removed = document["permission"][0]["constraint"].pop(index)
            with pytest.raises(MalformedTerms, match="is missing") as caught:
                contract.decode(document)
            assert removed["leftOperand"] in str(caught.value)
            document["permission"][0]["constraint"].append(removed)
            if index < 13:
                with pytest.raises(MalformedTerms, match="order"):
                    contract.decode(document)
        document = copy.deepcopy(whole)
        document["permission"][0]["constraint"][14] = document["permission"][0]["constraint"][4]
        with pytest.raises(MalformedTerms, match="stands twice"):
            contract.decode(document)

    @pytest.mark.parametrize(
        "changed",
        [
            {"not_after_ms": NOW_MS},
            {"micro_rho_per_query": 51},
            {"micro_rho_per_query_max": 1001},
            {"queries_per_day": 101},
            {"queries_per_day": 0},
            {"grants": (Grant("labs", ("sex",)), Grant("labs", ("age",)))},
            {"grants": ()},
            {"grants": (Grant("labs", ()),)},
            {"id": "x" * 32},
            {"id": "0" * 31},
            {"holder": ALICE},
            {"micro_rho": 2**53},
            {"micro_rho": -1},
            {"not_before_ms": -1},
            {"not_after_ms": TIME_MAX_MS + 1},
            *({"bounds": Bounds(**{name: 0})} for name in Bounds.__slots__ if name != "spill_bytes"),
            {"bounds": Bounds(spill_bytes=-1)},
            {"bounds": Bounds(rows=2**53)},
        ],
    )
    def test_terms_that_cannot_be_read_are_not_written(self, changed: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            contract.encode(terms(**changed))

    @given(
        st.builds(
            terms,
            micro_rho=st.integers(50, 2**53 - 1),
            queries=st.integers(10, 2**53 - 1),
            not_after_ms=st.integers(NOW_MS + 1, TIME_MAX_MS),
            retention_days=st.integers(0, 2**53 - 1),
            channel=st.sampled_from(Channel),
            paper_sha256=st.sampled_from(["", "0" * 64]),
            bounds=st.builds(
                Bounds,
                **{name: st.none() | st.integers(1, 2**53 - 1) for name in Bounds.__slots__},
            ),
        )
    )
    def test_any_terms_read_back(self, made: Terms) -> None:
        assert contract.decode(json_canonical.decode(json_canonical.encode(contract.encode(made)))) == made


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
        self.register = Register("sx.example", 1, NOW_MS, ())
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
        return Office(self.config, self.ledger, self.holder, self.clock, lambda: self.register)

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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.ledger.close()


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


PERSON = Approval("首席数据官 02")
BOTH = Approval("首席数据官 02", "专管员 01", Reasons("必要", "合法", "安全"))


class TestRule:
    def test_the_owner_s_rule_approves(self, world: World) -> None:
        made = world.offer()
        assert made.status is ContractStatus.ACTIVE
        assert made.decided_by == contracting.RULE
        acceptance = documents.open_acceptance(made.acceptance, world.holder.public)
        assert acceptance.offer_sha256 == made.digest == hashlib.sha256(made.offer).hexdigest()

    @pytest.mark.parametrize(
        "changed",
        [
            {"grants": (Grant("labs", ("sex", "age", "person")),)},
            {"price_per_query_fen": 29},
            {"micro_rho": 1001},
        ],
    )
    def test_what_the_rule_does_not_cover_waits_for_a_person(self, world: World, changed: dict[str, Any]) -> None:
        assert world.offer(**changed).status is ContractStatus.PENDING

    def test_important_data_waits_for_a_person(self, world: World) -> None:
        world.publish(dataset(grade=Grade.IMPORTANT))
        assert world.offer().status is ContractStatus.PENDING

    def test_the_rule_can_be_off(self, world: World) -> None:
        assert world.pending().status is ContractStatus.PENDING

    def test_a_budget_others_have_spent_waits_for_a_person(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not refused: that would tell what others spent."""
        monkeypatch.setattr(Ledger, "space_left", lambda _, name: SubjectSpace(name, 999, 0))
        made = world.offer()
        assert made.status is ContractStatus.PENDING
        refusal = refused(lambda: contracting.approve(made.terms.id, PERSON, world.office))
        assert refusal.reason is Reason.BUDGET_SPENT
        assert contracting.show(made.terms.id, world.office).status is ContractStatus.PENDING

    def test_a_delta_the_space_has_no_more_waits_for_a_person(self, world: World) -> None:
        world.config = dataclasses.replace(world.config, subject_spaces=(SubjectSpace("persons", 5000, 10),))
        assert world.offer(delta_e12=5).status is ContractStatus.PENDING

    def test_an_offer_left_undecided_by_a_crash_is_decided_when_it_comes_again(self, world: World) -> None:
        first = world.pending()
        assert world.offer().status is ContractStatus.ACTIVE
        assert world.offer().digest == first.digest

    def test_the_same_offer_again_is_the_same_contract(self, world: World) -> None:
        size = world.ledger.size
        first = world.pending()
        leaves = size()
        assert world.pending() == first
        assert size() == leaves
        decided = contracting.deny(first.terms.id, "x", world.office)
        assert world.offer() == decided
        assert decided.status is ContractStatus.DENIED

    def test_open_and_exact_data_need_no_privacy_budget_rule(self, world: World) -> None:
        world.publish(
            dataset("firms", cls=DatasetClass.EXACT, subject_space="", price_ceiling_fen=0),
        )
        made = world.offer(
            grants=(Grant("firms", ("sex",)),),
            price_per_query_fen=0,
            micro_rho=0,
            micro_rho_per_query=0,
            micro_rho_per_query_max=0,
        )
        assert made.status is ContractStatus.ACTIVE


class TestOffers:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"price_per_query_fen": 31}, Reason.PRICE_ABOVE_CEILING),
            ({"micro_rho": 5001}, Reason.BUDGET_SPENT),
            ({"delta_e12": 1}, Reason.BUDGET_SPENT),
            ({"not_before_ms": 0, "not_after_ms": NOW_MS}, Reason.CONTRACT_EXPIRED),
            ({"not_after_ms": NOW_MS + 366 * DAY_MS + 1}, Reason.CONTRACT_MALFORMED),
            (
                {"not_before_ms": NOW_MS + 367 * DAY_MS, "not_after_ms": NOW_MS + 368 * DAY_MS},
                Reason.CONTRACT_MALFORMED,
            ),
            ({"grants": (Grant("drugs", ("sex",)),)}, Reason.DATASET_UNKNOWN),
            ({"grants": (Grant("labs", ("height",)),)}, Reason.UNKNOWN_COLUMN),
            ({"grants": (Grant("labs", ("id_number",)),)}, Reason.UNKNOWN_COLUMN),
            ({"channel": Channel.OPENING}, Reason.POLICY_FORBIDS),
            ({"micro_rho_per_query": 0}, Reason.CONTRACT_MALFORMED),
            ({"holder": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE),
            ({"consumer": MALLORY}, Reason.SIGNATURE_INVALID),
        ],
    )
    def test_terms_nobody_could_keep(self, world: World, changed: dict[str, Any], reason: Reason) -> None:
        before = world.ledger.size()
        refusal = refused(lambda: world.offer(**changed))
        assert refusal.reason is reason
        assert refusal.detail.hint_en
        assert refusal.detail.hint_zh
        assert world.ledger.size() == before
        assert contracting.listed(world.office) == ()

    def test_a_hidden_column_is_as_unknown_as_none(self, world: World) -> None:
        hidden = refused(lambda: world.offer(grants=(Grant("labs", ("id_number",)),)))
        absent = refused(lambda: world.offer(grants=(Grant("labs", ("no_number",)),)))
        assert hidden.detail.hint_en == absent.detail.hint_en
        assert hidden.detail.subject.replace("id", "no") == absent.detail.subject

    def test_the_lowest_ceiling_counts(self, world: World) -> None:
        world.publish(dataset("drugs", price_ceiling_fen=20))
        both = (Grant("labs", ("sex",)), Grant("drugs", ("sex",)))
        assert refused(lambda: world.offer(grants=both, price_per_query_fen=21)).reason is Reason.PRICE_ABOVE_CEILING
        assert world.offer(grants=both, price_per_query_fen=20).status is ContractStatus.ACTIVE

    def test_a_retracted_dataset(self, world: World) -> None:
        world.ledger.retract("labs")
        assert refused(world.offer).reason is Reason.DATASET_RETRACTED

    def test_a_subject_space_without_a_budget(self, world: World) -> None:
        world.config = dataclasses.replace(world.config, subject_spaces=())
        assert refused(world.offer).reason is Reason.SUBJECT_SPACE_UNKNOWN

    @pytest.mark.parametrize("role", [PartyRole.AUDITOR, PartyRole.REGULATOR, PartyRole.NODE])
    def test_who_may_not_make_contracts(self, world: World, role: PartyRole) -> None:
        world.enrol(ALICE, world.alice.public, role)
        assert refused(world.offer).reason is Reason.ROLE_NOT_ALLOWED

    def test_an_offer_signed_by_another(self, world: World) -> None:
        forged = documents.sign_offer(terms(), world.mallory)
        for peer in (ALICE, MALLORY):
            call = refused(lambda p=peer: contracting.request(forged, world.peer(p), world.office))  # type: ignore[misc]
            assert call.reason is Reason.SIGNATURE_INVALID

    def test_an_offer_passed_on_by_another(self, world: World) -> None:
        offer = documents.sign_offer(terms(), world.alice)
        refusal = refused(lambda: contracting.request(offer, world.peer(MALLORY), world.office))
        assert refusal.reason is Reason.SIGNATURE_INVALID

    def test_another_offer_under_a_known_id(self, world: World) -> None:
        world.offer()
        refusal = refused(lambda: world.offer(queries=99))
        assert (refusal.reason, refusal.detail.subject) == (Reason.CONTRACT_MALFORMED, "@id")

    def test_an_unknown_constraint_is_refused_at_signing_with_its_path(self, world: World) -> None:
        document: Any = json.loads(json_canonical.encode(contract.encode(terms())))
        extra = {"leftOperand": "yanmen:noNoise", "operator": "eq", "rightOperand": "true"}
        document["permission"][0]["constraint"][14] = extra
        token = jose.sign_jws({}, document, world.alice, keys.thumbprint(world.alice.public), contract.OFFER_TYP)
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert (refusal.reason, refusal.detail.subject) == (
            Reason.CONTRACT_MALFORMED,
            "permission/0/constraint/14",
        )

    def test_duplicate_json_members(self, world: World) -> None:
        """`assignee` twice: one parser sees Alice, another Mallory."""
        header, payload, _ = documents.sign_offer(terms(), world.alice).decode().split(".")
        raw = base64url.decode(payload)
        double = raw.replace(b'"assigner"', f'"assignee":"{MALLORY}","assigner"'.encode(), 1)
        signed = f"{header}.{base64url.encode(double)}".encode()
        token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert refusal.reason is Reason.CONTRACT_MALFORMED

    @pytest.mark.parametrize("token", [b"", b"a.b.c", b"\xff", b"x" * 100_000])
    def test_bytes_that_are_no_offer(self, world: World, token: bytes) -> None:
        refusal = refused(lambda: contracting.request(token, world.peer(), world.office))
        assert refusal.reason is Reason.CONTRACT_MALFORMED


class TestDecisions:
    def test_a_person_approves(self, world: World) -> None:
        made = contracting.approve(world.pending().terms.id, PERSON, world.office)
        assert (made.status, made.decided_by) == (ContractStatus.ACTIVE, "首席数据官 02")

    def test_a_person_denies(self, world: World) -> None:
        made = contracting.deny(world.pending().terms.id, "首席数据官 02", world.office)
        assert made.status is ContractStatus.DENIED
        acceptance = documents.open_acceptance(made.acceptance, world.holder.public)
        assert acceptance.decision is ContractStatus.DENIED
        assert refused(lambda: contracting.approve(made.terms.id, PERSON, world.office)).reason is (
            Reason.CONTRACT_MALFORMED
        )

    def test_important_data_takes_two_persons_and_three_reasons(self, world: World) -> None:
        world.publish(dataset(grade=Grade.IMPORTANT))
        made = world.pending()
        for approval, missing in (
            (PERSON, 2),
            (dataclasses.replace(BOTH, reviewed_by=""), 1),
            (dataclasses.replace(BOTH, reviewed_by=" 首席数据官 02 "), 1),
            (dataclasses.replace(BOTH, reasons=Reasons("必要", "合法", " ")), 1),
        ):
            refusal = refused(lambda a=approval: contracting.approve(made.terms.id, a, world.office))  # type: ignore[misc]
            assert refusal.reason is Reason.POLICY_FORBIDS
            assert len(refusal.detail.clauses) == missing
        approved = contracting.approve(made.terms.id, BOTH, world.office)
        assert approved.decided_by == "专管员 01 → 首席数据官 02"
        acceptance = documents.open_acceptance(approved.acceptance, world.holder.public)
        assert acceptance.reasons == Reasons("必要", "合法", "安全")

    @pytest.mark.parametrize("name", ["", "  ", "x" * 91, "a\nb", "a\u202eb"])
    def test_somebody_decides(self, world: World, name: str) -> None:
        identifier = world.pending().terms.id
        for call in (
            lambda: contracting.approve(identifier, Approval(name), world.office),
            lambda: contracting.deny(identifier, name, world.office),
            lambda: contracting.revoke(identifier, name, world.office),
        ):
            assert refused(call).reason is Reason.CONTRACT_MALFORMED

    def test_everything_is_checked_again_when_a_person_approves(self, world: World) -> None:
        identifier = world.pending().terms.id
        approve = lambda: contracting.approve(identifier, PERSON, world.office)  # noqa: E731
        world.publish(dataset(price_ceiling_fen=29))
        assert refused(approve).reason is Reason.PRICE_ABOVE_CEILING
        world.ledger.retract("labs")
        assert refused(approve).reason is Reason.DATASET_RETRACTED
        world.publish(dataset())
        world.clock.ms = NOW_MS + 2 * DAY_MS
        assert refused(approve).reason is Reason.CONTRACT_EXPIRED

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(PartyStatus.REVOKED, Reason.IDENTITY_REVOKED), (PartyStatus.PENDING, Reason.IDENTITY_PENDING)],
    )
    def test_a_consumer_that_is_not_active_any_more(self, world: World, status: PartyStatus, reason: Reason) -> None:
        identifier = world.pending().terms.id
        world.enrol(ALICE, world.alice.public, status=status)
        assert refused(lambda: contracting.approve(identifier, PERSON, world.office)).reason is reason

    def test_a_consumer_with_another_key_now(self, world: World) -> None:
        identifier = world.pending().terms.id
        world.enrol(ALICE, world.mallory.public)
        refusal = refused(lambda: contracting.approve(identifier, PERSON, world.office))
        assert refusal.reason is Reason.CONTRACT_ALTERED

    def test_the_end(self, world: World) -> None:
        identifier = world.offer().terms.id
        assert contracting.suspend(identifier, "p", world.office).status is ContractStatus.SUSPENDED
        assert contracting.resume(identifier, "p", world.office).status is ContractStatus.ACTIVE
        assert contracting.revoke(identifier, "p", world.office).status is ContractStatus.REVOKED
        for again in (contracting.resume, contracting.suspend, contracting.revoke):
            assert refused(lambda a=again: a(identifier, "p", world.office)).reason is Reason.CONTRACT_MALFORMED  # type: ignore[misc]

    def test_resuming_does_not_approve(self, world: World) -> None:
        identifier = world.pending().terms.id
        assert refused(lambda: contracting.resume(identifier, "p", world.office)).reason is Reason.CONTRACT_MALFORMED
        assert contracting.show(identifier, world.office).status is ContractStatus.PENDING

    def test_no_such_contract(self, world: World) -> None:
        for call in (
            lambda: contracting.show("f" * 32, world.office),
            lambda: contracting.approve("f" * 32, PERSON, world.office),
            lambda: contracting.revoke("f" * 32, "p", world.office),
        ):
            assert refused(call).reason is Reason.CONTRACT_UNKNOWN
