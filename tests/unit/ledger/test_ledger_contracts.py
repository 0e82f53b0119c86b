"""Contracts and datasets as the ledger keeps them: every change a leaf, no change that may not be."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger import contracts, records
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Column, ColumnType, DatasetClass, Grade, Role, SubjectSpace
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused

from tests.unit.ledger.scene import (
    CONSUMER,
    RIVAL,
    SUBJECTS,
    Scene,
    accepted,
    dataset,
    disclosed,
    offered,
    terms_of,
    version,
)

ID = "e" * 32


def why(call: Any, *arguments: Any) -> Reason:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    reason: Reason = refused.value.reason
    return reason


def test_from_offer_to_revocation(ledger: Ledger) -> None:
    terms = terms_of(ID)
    offer = offered(terms)
    first = ledger.add_offer(offer)
    assert first.stage is Stage.CONTRACT
    assert ledger.contract(ID) == offer
    assert ledger.add_offer(offer).index == first.index
    second = ledger.decide(ID, ContractStatus.ACTIVE, accepted(terms), "Li Si")
    assert second.stage is Stage.APPROVAL
    assert ledger.contract(ID) == replace(
        offer, acceptance=accepted(terms), status=ContractStatus.ACTIVE, decided_by="Li Si"
    )
    for status in (ContractStatus.SUSPENDED, ContractStatus.ACTIVE, ContractStatus.REVOKED):
        assert ledger.set_status(ID, status, "Wang Wu").stage is Stage.CONTRACT
    said = [disclosed(ledger.receipt(index)).slots for index in range(first.index, ledger.size())]
    subjects = [slots[Slot.SUBJECT] for slots in said]
    statuses = [subject["status"] for subject in subjects if isinstance(subject, dict)]
    assert statuses == ["pending", "active", "suspended", "active", "revoked"]
    assert said[0][Slot.SUBJECT] == {"document": offer.offer.decode(), "status": "pending"}
    assert said[1][Slot.ACTOR] == "Li Si"
    assert all(slots[Slot.CONTRACT] == ID for slots in said)


@pytest.mark.parametrize("last", [ContractStatus.DENIED, ContractStatus.REVOKED])
def test_what_ended_stays_ended(ledger: Ledger, last: ContractStatus) -> None:
    terms = terms_of(ID)
    ledger.add_offer(offered(terms))
    if last is ContractStatus.DENIED:
        ledger.decide(ID, last, accepted(terms), "Li Si")
    else:
        ledger.set_status(ID, last, "Li Si")
    size = ledger.size()
    for status in ContractStatus:
        assert why(ledger.set_status, ID, status, "Li Si") is contracts.reason_of(last)
    assert why(ledger.decide, ID, ContractStatus.ACTIVE, accepted(terms), "Li Si") is contracts.reason_of(last)
    assert ledger.size() == size


def test_only_a_signed_decision_brings_a_contract_into_force(ledger: Ledger) -> None:
    ledger.add_offer(offered(terms_of(ID)))
    assert why(ledger.set_status, ID, ContractStatus.ACTIVE, "Li Si") is Reason.CONTRACT_MALFORMED
    with pytest.raises(Fault):
        ledger.decide(ID, ContractStatus.SUSPENDED, b"x", "Li Si")
    with pytest.raises(Fault):
        ledger.add_offer(replace(offered(terms_of("d" * 32)), status=ContractStatus.ACTIVE))


def test_unknown_contracts(ledger: Ledger) -> None:
    assert ledger.contract(ID) is None
    assert why(ledger.set_status, ID, ContractStatus.REVOKED, "x") is Reason.CONTRACT_UNKNOWN
    assert why(ledger.decide, ID, ContractStatus.ACTIVE, b"x", "x") is Reason.CONTRACT_UNKNOWN


def test_an_id_is_taken_once(ledger: Ledger) -> None:
    ledger.add_offer(offered(terms_of(ID)))
    assert why(ledger.add_offer, offered(terms_of(ID, consumer=RIVAL))) is Reason.CONTRACT_MALFORMED
    assert why(ledger.add_offer, offered(terms_of(ID, micro_rho=999_999))) is Reason.CONTRACT_MALFORMED


def test_the_terms_are_those_of_the_signed_offer(ledger: Ledger) -> None:
    offer = offered(terms_of(ID))
    richer = terms_of(ID, micro_rho=10**9)
    assert why(ledger.add_offer, replace(offer, terms=richer)) is Reason.CONTRACT_ALTERED
    assert why(ledger.add_offer, replace(offer, digest="0" * 64)) is Reason.CONTRACT_ALTERED
    assert ledger.contract(ID) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract SET micro_rho_cap = micro_rho_cap * 10",
        "UPDATE contract SET delta_e12_cap = delta_e12_cap * 10",
        "UPDATE contract SET queries_cap = queries_cap * 10",
        "UPDATE contract SET queries_per_day_cap = queries_per_day_cap * 10",
        "UPDATE contract SET digest = '0'",
    ],
)
def test_altered_caps_admit_nothing(scene: Scene, ledger: Ledger, contract: Contract, statement: str) -> None:
    """Who can write the file cannot give a contract more than both parties signed."""
    connection = sqlite3.connect(scene.path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert why(ledger.reserve, scene.plan(contract)) is Reason.CONTRACT_ALTERED
    ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si")


def test_an_altered_offer_admits_nothing_and_can_still_be_stopped(
    scene: Scene, ledger: Ledger, contract: Contract
) -> None:
    connection = sqlite3.connect(scene.path)
    connection.execute("UPDATE contract SET offer = x'00'")
    connection.commit()
    connection.close()
    assert why(ledger.contract, contract.terms.id) is Reason.CONTRACT_ALTERED
    assert ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "Li Si").stage is Stage.CONTRACT
    assert why(ledger.reserve, scene.plan(contract)) is Reason.CONTRACT_REVOKED


def test_listing(scene: Scene, ledger: Ledger) -> None:
    made = [scene.furnish(ledger, consumer=consumer) for consumer in (CONSUMER, RIVAL, CONSUMER)]
    assert ledger.contracts() == tuple(made)
    assert ledger.contracts(CONSUMER) == (made[0], made[2])
    assert ledger.contracts("nobody") == ()


def test_a_contract_unknown_at_the_ledger_admits_nothing(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    stray = offered(terms_of(ID))
    assert why(ledger.reserve, scene.plan(stray)) is Reason.CONTRACT_UNKNOWN


def test_every_status_has_its_reason() -> None:
    admitting = [status for status in ContractStatus if status is ContractStatus.ACTIVE]
    assert len({contracts.reason_of(status) for status in ContractStatus if status not in admitting}) == 6
    with pytest.raises(Fault):
        contracts.reason_of(ContractStatus.ACTIVE)


# Datasets -------------------------------------------------------------------------------------------


@pytest.fixture
def spaced(ledger: Ledger) -> Ledger:
    ledger.register_space(SubjectSpace(SUBJECTS, 1_000, 0))
    return ledger


def test_versions_follow_each_other(spaced: Ledger) -> None:
    for label in ("v1", "v2"):
        assert spaced.publish(version(label)).stage is Stage.DATASET
    spaced.publish(version("w1", name="other"))
    assert [one.version for one in spaced.current_versions()] == [
        version("w1").version,
        version("v2").version,
    ]
    assert len(spaced.versions()) == 3
    spaced.retract("persons")
    assert [one.dataset.name for one in spaced.current_versions()] == ["other"], "an older version never comes back"
    newest = spaced.version("persons")
    assert newest is not None
    assert (newest.version, newest.retracted) == (version("v2").version, True)
    assert why(spaced.retract, "persons") is Reason.DATASET_RETRACTED
    assert why(spaced.retract, "nothing") is Reason.DATASET_UNKNOWN
    spaced.publish(version("v3"))
    newest = spaced.version("persons")
    assert newest == version("v3")
    with pytest.raises(Fault):
        spaced.publish(version("v3"))
    assert spaced.version("nothing") is None


def test_core_data_is_never_published(spaced: Ledger) -> None:
    assert why(spaced.publish, version(grade=Grade.CORE)) is Reason.GRADE_CORE


def test_persons_need_a_registered_space(spaced: Ledger) -> None:
    assert why(spaced.publish, version(subject_space="elsewhere")) is Reason.SUBJECT_SPACE_UNKNOWN
    assert why(spaced.publish, version(subject_space="")) is Reason.SUBJECT_SPACE_UNKNOWN
    spaced.publish(version(subject_space="", cls=DatasetClass.OPEN))


def test_a_dataset_cannot_move_to_a_fresh_budget(spaced: Ledger) -> None:
    spaced.publish(version("v1"))
    spaced.register_space(SubjectSpace("fresh", 1_000, 0))
    for space in ("fresh", ""):
        assert why(spaced.publish, version("v2", subject_space=space, cls=DatasetClass.EXACT)) is Reason.SPEC_INVALID
    spaced.retract("persons")
    assert why(spaced.publish, version("v2", subject_space="fresh")) is Reason.SPEC_INVALID


def test_a_lifetime_budget_is_fixed_once(spaced: Ledger) -> None:
    assert spaced.register_space(SubjectSpace(SUBJECTS, 1_000, 0)) is None
    for other in (SubjectSpace(SUBJECTS, 1_001, 0), SubjectSpace(SUBJECTS, 999, 0), SubjectSpace(SUBJECTS, 1_000, 1)):
        with pytest.raises(Fault) as fault:
            spaced.register_space(other)
        assert fault.value.code is FaultCode.CONFIG
    assert spaced.space_left(SUBJECTS) == SubjectSpace(SUBJECTS, 1_000, 0)
    assert spaced.space_left("elsewhere") is None
    said = disclosed(spaced.receipt(3)).slots[Slot.SUBJECT]
    assert said == {"lifetime_delta_e12": 0, "lifetime_micro_rho": 1_000, "space": SUBJECTS, "status": "registered"}


def test_the_register_only_goes_up(ledger: Ledger) -> None:
    first = ledger.accept_register("s", 4, "a" * 64)
    assert first is not None
    assert disclosed(first).slots[Slot.SUBJECT] == {"register": 4, "sha256": "a" * 64, "space": "s"}
    assert ledger.accept_register("s", 4, "a" * 64) is None
    for serial, digest in ((3, "b" * 64), (4, "b" * 64), (3, "a" * 64)):
        with pytest.raises(Fault) as fault:
            ledger.accept_register("s", serial, digest)
        assert fault.value.code is FaultCode.REGISTER
    assert ledger.accept_register("s", 9, "b" * 64) is not None
    with pytest.raises(Fault):
        ledger.accept_register("s", 5, "c" * 64)


CELLS = {
    ColumnType.INTEGER: st.integers(-(10**30), 10**30),
    ColumnType.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=3),
    ColumnType.TEXT: st.text(max_size=8),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates(),
}
COLUMNS = st.sampled_from(list(ColumnType)).flatmap(
    lambda kind: st.builds(
        Column,
        name=st.text(min_size=1, max_size=5),
        type=st.just(kind),
        role=st.sampled_from(list(Role)),
        title_zh=st.text(max_size=5),
        domain=st.none() | st.lists(st.none() | CELLS[kind], max_size=4).map(tuple),
        lower=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
        upper=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
        scale=st.integers(0, 9),
    )
)


@settings(max_examples=40, deadline=None)
@given(st.lists(COLUMNS, max_size=4).map(tuple))
def test_datasets_come_back(columns: tuple[Column, ...]) -> None:
    value = dataset(columns=columns)
    data = records.encode_dataset(value)
    assert records.decode_dataset(data) == value
    assert records.encode_dataset(records.decode_dataset(data)) == data


@pytest.mark.parametrize(
    "cell", [1, True, 1.5, "x", date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), Decimal("NaN"), Decimal("Infinity")]
)
def test_a_cell_of_another_type_is_not_written(cell: Any) -> None:
    for kind in ColumnType:
        column = Column("c", kind, Role.KEY, domain=(cell,))
        fits = {
            ColumnType.INTEGER: isinstance(cell, int) and not isinstance(cell, bool),
            ColumnType.BOOLEAN: isinstance(cell, bool),
            ColumnType.TEXT: isinstance(cell, str),
            ColumnType.DATE: type(cell) is date,
            ColumnType.DECIMAL: False,
        }
        if fits[kind]:
            assert records.decode_dataset(records.encode_dataset(dataset(columns=(column,)))).columns == (column,)
        else:
            with pytest.raises(Malformed):
                records.encode_dataset(dataset(columns=(column,)))


def test_what_cannot_be_read_back_is_not_published(spaced: Ledger) -> None:
    assert why(spaced.publish, version(title_zh="长" * 5_000)) is Reason.SPEC_INVALID
    assert why(spaced.publish, version(rows_upto=2**53)) is Reason.SPEC_INVALID
    assert spaced.versions() == ()
