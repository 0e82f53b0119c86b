"""Consent asked beforehand: whoever said nothing is in no figure, and nobody who asks learns how many did."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from yanmen import consenting
from yanmen.admission import offers
from yanmen.execution.jail import JailRunner
from yanmen.formats import contract as contract_format
from yanmen.formats import declared, spec, spec_draft
from yanmen.formats.malformed import Malformed
from yanmen.ledger import records
from yanmen.model.catalogue import Column, ColumnType, Dataset, DatasetClass, Role, SubjectSpace, Version
from yanmen.model.config import Config, NodeLimits
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import Grant
from yanmen.model.ports import Limits
from yanmen.model.refusal import Reason, Refused
from yanmen.node import question
from yanmen.node.consents import Consents

from tests.unit.catalogue.hall import hall
from tests.unit.catalogue.operated import Bytes
from tests.unit.catalogue.test_consents import SEAL, Desk, hash_of, said
from tests.unit.ledger.scene import START_MS, SUBJECTS, dataset, plan_of, terms_of, version

FIRST = ConsentRule.RECORDED
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=10, wall_ms=60_000, reply_bytes=1 << 20, rows=10_000)
COLUMNS = (
    Column("id", ColumnType.TEXT, Role.UNIT),
    Column("city", ColumnType.TEXT, Role.KEY, domain=("太原", "大同")),
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Desk]:
    with hall(tmp_path) as opened:
        opened.publish()
        yield Desk(opened.scene, opened.ledger, opened.listed)


def give(node: Desk, unit: str, **other: Any) -> None:
    consenting.decide(unit, said(**{"given": True, **other}), node)


def test_who_says_nothing_does_not_consent(node: Desk) -> None:
    first, second = node.scene.furnish(node.ledger).terms.id, node.scene.furnish(node.ledger).terms.id
    assert node.ledger.consenting(SUBJECTS, first) == ()
    give(node, "u1")
    give(node, "u2", scope=first)
    assert node.ledger.consenting(SUBJECTS, first) == tuple(sorted((hash_of("u1"), hash_of("u2"))))
    assert node.ledger.consenting(SUBJECTS, second) == (hash_of("u1"),)
    give(node, "u1", given=False)
    assert node.ledger.consenting(SUBJECTS, first) == (hash_of("u2"),)
    give(node, "u2", scope=first, given=False)
    assert node.ledger.consenting(SUBJECTS, first) == ()
    assert node.ledger.consenting("other", first) == ()


class Registry:
    """A node with data about `rows`, asked under a contract."""

    def __init__(self, node: Desk, folder: Path, rows: str, cls: ConsentRule, contract: ConsentRule) -> None:
        folder.mkdir()
        self.node, self.folder = node, folder
        self.runner = JailRunner(folder, SEAL, Bytes(), NodeLimits())
        source = folder / "source.csv"
        source.write_text("id,city\n" + rows, encoding="utf-8")
        stated = dataset(columns=COLUMNS, rows_per_unit=3, consent=cls)
        made = self.runner.publish(str(source), stated)
        self.version = Version(stated, made.version, made.path, made.plain_bytes, 1)
        self.contract = node.scene.furnish(node.ledger, consent=contract)

    @property
    def consents(self) -> Consents:
        return Consents(self.node.ledger, self.runner, SEAL, self.folder)

    def answer(self) -> list[tuple[str, int]]:
        """Return what the engine counts before any noise."""
        scene = self.node.scene
        plan = plan_of(self.contract, scene.clock.ms, scene.name(), scene.name(), scanned=self.version)
        instead = self.consents.attached(plan)
        read = instead.get(self.version.version, self.version.version)
        sql = 'SELECT city, count(*) FROM "s0"."data" GROUP BY ALL ORDER BY ALL'
        rows, _ = self.runner.query((("s0", read),), sql, (ColumnType.TEXT, ColumnType.INTEGER), LIMITS, Event())
        return [(str(city), int(str(count))) for city, count in rows]


FEW = "u1,太原\nu1,大同\nu2,太原\nu3,大同\n"


@pytest.mark.parametrize(
    "rules", [(FIRST, FIRST), (FIRST, ConsentRule.UNLESS_WITHDRAWN), (ConsentRule.UNLESS_WITHDRAWN, FIRST)]
)
def test_a_person_without_consent_changes_no_answer_before_noise(
    node: Desk, tmp_path: Path, rules: tuple[ConsentRule, ConsentRule]
) -> None:
    few = Registry(node, tmp_path / "few", FEW, *rules)
    more = Registry(node, tmp_path / "more", FEW + "u4,太原\nu4,太原\nu5,大同\n", *rules)
    assert few.answer() == more.answer() == []
    give(node, "u1")
    assert few.answer() == more.answer() == [("大同", 1), ("太原", 1)]
    give(node, "u2", scope=few.contract.terms.id)
    give(node, "u2", scope=more.contract.terms.id)
    assert few.answer() == more.answer() == [("大同", 1), ("太原", 2)]
    give(node, "u4")
    assert few.answer() == [("大同", 1), ("太原", 2)]
    assert more.answer() == [("大同", 1), ("太原", 4)]


def test_a_withdrawal_takes_effect_at_the_next_question(node: Desk, tmp_path: Path) -> None:
    held = Registry(node, tmp_path / "held", FEW, FIRST, FIRST)
    give(node, "u1")
    give(node, "u3")
    assert held.answer() == [("大同", 2), ("太原", 1)]
    give(node, "u1", given=False)
    assert held.answer() == [("大同", 1)]
    give(node, "u3", scope=held.contract.terms.id, given=False)
    assert held.answer() == []


def test_the_time_a_snapshot_takes_tells_only_that_there_was_a_new_one(
    node: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Registry(node, tmp_path / "held", FEW, FIRST, FIRST)
    plan = plan_of(held.contract, node.scene.clock.ms, "a" * 32, "b" * 32, scanned=held.version)
    step = plan.deadline_ms / 1000
    slept: list[float] = []
    now = iter((10.0, 10.0 + step * 0.25, 20.0, 20.0 + step * 0.9))

    class Clock:
        monotonic = staticmethod(lambda: next(now))
        sleep = staticmethod(slept.append)

    monkeypatch.setattr(question, "time", Clock)
    question._attached(plan, held.consents)
    give(node, "u1")
    question._attached(plan, held.consents)
    assert slept == pytest.approx([step * 0.75, step * 0.1])
    question._attached(plan, held.consents)
    assert len(slept) == 2


def test_the_history_has_only_uses_after_consent(node: Desk) -> None:
    contract = node.scene.furnish(node.ledger, consent=FIRST)
    node.scene.ask(node.ledger, contract)
    give(node, "u1")
    during = node.scene.ask(node.ledger, contract).receipt.index
    give(node, "u1", given=False)
    node.scene.ask(node.ledger, contract)
    assert [use.index for use in consenting.history("u1", SUBJECTS, node)] == [during]
    assert consenting.history("u2", SUBJECTS, node) == ()


def test_the_history_goes_by_what_the_version_read_declares(node: Desk) -> None:
    node.publish("v2", consent=FIRST)
    contract = node.scene.furnish(node.ledger)
    newest = node.ledger.version("persons")
    assert newest is not None
    assert newest.dataset.consent is FIRST
    node.scene.ask(node.ledger, contract, scanned=newest)
    assert consenting.history("u1", SUBJECTS, node) == ()


def config() -> Config:
    return Config(
        id="n",
        name="n",
        alias="health",
        address="127.0.0.1:1",
        space="shanxi.example",
        register="r",
        space_key=b"",
        sandbox="landlock",
        approve_general=True,
        approve_columns_max=9,
        subject_spaces=(SubjectSpace(SUBJECTS, 10**6, 10**6),),
    )


def signed(terms_rule: ConsentRule, **declared_: Any) -> None:
    made = version("v9", **declared_)
    until = START_MS + 30 * 86_400_000
    made_ = {"grants": (Grant("persons", ("city",)),), "delta_e12": 0, "price_per_query_fen": 0}
    terms = terms_of("ab" * 16, consent=terms_rule, not_before_ms=START_MS, not_after_ms=until, **made_)
    offers.check_offer(terms, {grant.dataset: made for grant in terms.grants}, config(), START_MS)


def test_terms_that_ask_for_less_than_the_owner_are_not_signed() -> None:
    signed(FIRST, consent=FIRST)
    signed(FIRST)
    with pytest.raises(Refused) as refused:
        signed(ConsentRule.UNLESS_WITHDRAWN, consent=FIRST)
    assert (refused.value.reason, refused.value.detail.subject) == (Reason.CONTRACT_MALFORMED, "yanmen:consent")
    with pytest.raises(Refused) as refused:
        signed(FIRST, cls=DatasetClass.OPEN, subject_space="", columns=COLUMNS[1:])
    assert refused.value.reason is Reason.CLAUSE_NOT_ENFORCEABLE


def test_what_is_said_reads_back() -> None:
    terms = terms_of("ab" * 16, consent=FIRST)
    document = contract_format.encode(terms)
    assert contract_format.decode(document) == terms
    asked = {"leftOperand": "yanmen:consent", "operator": "eq", "rightOperand": "recorded"}
    permission: Any = document["permission"]
    assert asked in permission[0]["constraint"]
    stated: Dataset = dataset(consent=FIRST, columns=COLUMNS, ndi_id="")
    assert records.decode_dataset(records.encode_dataset(stated)) == stated
    assert declared.decode(declared.encode(stated)).consent is FIRST
    assert declared.digest(stated) != declared.digest(dataset(columns=COLUMNS, ndi_id=""))
    assert b"consent" not in records.encode_dataset(dataset())
    assert spec.decode(spec_draft.encode(stated).encode()).consent is FIRST


@pytest.mark.parametrize("said_", ["unless-withdrawn", "", None, True])
def test_what_goes_without_saying_is_not_said(said_: Any) -> None:
    document = contract_format.encode(terms_of("ab" * 16, consent=FIRST))
    constraints: Any = document["permission"]
    for each in constraints[0]["constraint"]:
        if each["leftOperand"] == "yanmen:consent":
            each["rightOperand"] = said_
    with pytest.raises(Malformed):
        contract_format.decode(document)
    with pytest.raises(Malformed):
        declared.decode({**declared.encode(dataset()), "consent": said_})


def test_nobody_consents_to_open_data() -> None:
    text = spec_draft.encode(dataset(consent=FIRST, columns=COLUMNS, ndi_id="")).replace(
        'class = "personal"', 'class = "open"'
    )
    with pytest.raises(Refused) as refused:
        spec.decode(text.encode())
    assert any(clause.partition(":")[2] for clause in refused.value.detail.clauses if "consent" in clause)
