"""A node that goes beyond what its contracts say: each clause has the use that breaks it, and is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.formats.json_canonical import Json
from yanmen.formats.question_slots import Reading, ReleaseRule, Sensitivity
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget, Decision, Meter, Verdict
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.tariff import metered
from yanmen.verify import Code
from yanmen.verify.keeping import SAME

from tests.unit.verify.terms_scene import DAY_S, FIRST, Use, audited, found, started, used
from tests.unit.verify.test_verify_contract_life import LIFE
from tests.unit.verify.test_verify_dishonest_node import TERMS as CODES
from tests.vectors import specimen
from tests.vectors.specimen import CONTRACT, Log, Pinned, mechanism, output


def reads(*readings: Reading) -> Json:
    return [reading.json() for reading in readings]


def rule(cls: DatasetClass = DatasetClass.PERSONAL, least: int = 10, squared: int = 1) -> Json:
    noisy = (Sensitivity("a0", squared),) if cls is DatasetClass.PERSONAL else ()
    return ReleaseRule(cls, least, noisy).json()


def shown(micro_rho: int = 2_500, **other: Any) -> Json:
    return replace(output(micro_rho), **other).json()


def asked(log: Log, micro_rho: int) -> None:
    """Append a use whose request names its charge."""
    signed = log.request(micro_rho=micro_rho, max_micro_rho=100_000)
    used(log, micro_rho, request=signed.json())


def test_honest_uses_hold(tmp_path: Path) -> None:
    log = started()
    used(log)
    asked(log, 10_000)
    assert found(log, tmp_path) == []


# One use that breaks one clause: the terms it needs, the use, the code and subject it is found under --------

MINUTE_MS = 60_000
NOW_MS = (specimen.START_S + FIRST * 60) * 1000
SCENARIO: Json = {"id": "S2", "legal_basis": "基本医疗卫生与健康促进法", "text": "商业保险定价"}
BROKEN: dict[str, tuple[dict[str, Any], Use, Code, str]] = {
    "dataset": (
        {},
        lambda log: used(log, datasets=reads(Reading("income", "v1", ("city",)))),
        Code.TERMS_BROKEN,
        "dataset income",
    ),
    "column": (
        {},
        lambda log: used(log, datasets=reads(Reading("persons", "v1", ("city", "income")))),
        Code.TERMS_BROKEN,
        "column persons.income",
    ),
    "scenario": ({}, lambda log: used(log, scenario=SCENARIO), Code.TERMS_BROKEN, "scenario"),
    "scenario of the request": (
        {"scenario": replace(specimen.TERMS.scenario, id="S3")},
        used,
        Code.TERMS_BROKEN,
        "scenario of the request",
    ),
    "consumer": ({}, lambda log: used(log, consumer=specimen.NODE), Code.TERMS_BROKEN, "consumer"),
    "digest": ({}, lambda log: used(log, contract_digest="0" * 64), Code.TERMS_BROKEN, "contract_digest"),
    "too early": ({"not_before_ms": NOW_MS + MINUTE_MS}, used, Code.TERMS_BROKEN, "not before"),
    "too late": ({"not_after_ms": NOW_MS}, used, Code.TERMS_BROKEN, "not after"),
    "price": ({}, lambda log: used(log, fen=121), Code.PRICE_DIFFERS, "121 / 120"),
    "price too low": ({}, lambda log: used(log, fen=0), Code.PRICE_DIFFERS, "0 / 120"),
    "charge above the default": ({}, lambda log: used(log, 2_501), Code.TERMS_BROKEN, "charge"),
    "charge below the default": ({}, lambda log: used(log, 2_499), Code.TERMS_BROKEN, "charge"),
    "highest charge": ({}, lambda log: asked(log, 10_001), Code.TERMS_BROKEN, "highest charge"),
    "budget of the contract": (
        {"micro_rho": 4_999, "micro_rho_per_query_max": 4_999},
        lambda log: several(log, 2),
        Code.TERMS_BROKEN,
        "micro_rho",
    ),
    "delta of the contract": (
        {"delta_e12": 4},
        lambda log: log.ask(),
        Code.TERMS_BROKEN,
        "delta_e12",
    ),
    "queries": ({"queries": 1, "queries_per_day": 1}, lambda log: across_days(log, 2), Code.TERMS_BROKEN, "queries"),
    "queries of a day": (
        {"queries_per_day": 2},
        lambda log: several(log, 3),
        Code.TERMS_BROKEN,
        "queries of a day",
    ),
    "version": (
        {},
        lambda log: used(log, datasets=reads(Reading("persons", "v0", ("city",)))),
        Code.DATASET_NOT_CURRENT,
        "persons",
    ),
    "class": (
        {},
        lambda log: used(log, 0, release=rule(DatasetClass.EXACT), output=shown(1, mechanism="threshold k=10 p=10%")),
        Code.RELEASE_TOO_LAX,
        "class",
    ),
    "least group": ({}, lambda log: used(log, release=rule(least=9)), Code.RELEASE_TOO_LAX, "least group"),
    "subject space": (
        {},
        lambda log: in_space(log, "somebody else"),
        Code.RELEASE_TOO_LAX,
        "subject space",
    ),
    "noise too little": (
        {},
        lambda log: used(log, output=shown(mechanism=mechanism(2_500).replace("sigma=14.14", "sigma=14.13"))),
        Code.NOISE_DIFFERS,
        "a0 sigma",
    ),
    "noise too much": (
        {},
        lambda log: used(log, output=shown(mechanism=mechanism(2_500, 2))),
        Code.NOISE_DIFFERS,
        "a0 sigma",
    ),
    "noise of a smaller sensitivity": (
        {},
        lambda log: used(log, release=rule(squared=4)),
        Code.NOISE_DIFFERS,
        "a0 sigma",
    ),
    "noise of another charge": (
        {},
        lambda log: used(log, output=shown(mechanism=mechanism(5_000))),
        Code.NOISE_DIFFERS,
        "a0 micro_rho",
    ),
    "no noise": ({}, lambda log: used(log, output=shown(mechanism="none")), Code.NOISE_DIFFERS, "mechanism"),
    "noise written otherwise": (
        {},
        lambda log: used(log, output=shown(mechanism=mechanism(2_500).replace("sigma=", "sigma=0"))),
        Code.NOISE_DIFFERS,
        "mechanism",
    ),
    "noise of other aggregates": (
        {},
        lambda log: used(log, output=shown(mechanism=mechanism(2_500).replace("a0", "a1"))),
        Code.NOISE_DIFFERS,
        "aggregates",
    ),
    "an answer said to be a repetition": (
        {},
        lambda log: used(log, output=shown(repeats="ab" * 16)),
        Code.REPEAT_DIFFERS,
        "repeats",
    ),
}


def several(log: Log, count: int) -> None:
    for _ in range(count):
        used(log)


def across_days(log: Log, days: int) -> None:
    for _ in range(days):
        used(log)
        log.time_s += DAY_S


def in_space(log: Log, name: str) -> None:
    """Append a use that is charged on another subject space, which is there and has room."""
    lifetime: Json = {"lifetime_delta_e12": 0, "lifetime_micro_rho": 10_000, "space": name, "status": "registered"}
    log.append(Stage.DATASET, {Slot.SUBJECT: lifetime})
    log.charge(2_500, 0, 120)
    log.spaces = {name: replace(log.spaces[specimen.SUBJECTS], space=name)}
    total = log.contracts[CONTRACT]
    log.contracts[CONTRACT] = replace(total, queries=0, micro_rho=0, fen=0)
    kept, log.spaces = log.spaces, {}
    used(log, budget=Budget(name, 2_500, 0, 2_500, 0).json())
    log.spaces = kept


@pytest.mark.parametrize("name", BROKEN)
def test_what_goes_beyond_the_terms_is_named(tmp_path: Path, name: str) -> None:
    terms, use, code, subject = BROKEN[name]
    log = started(**terms)
    use(log)
    report = audited(log, tmp_path)
    assert not report.ok
    assert (code, subject) in [(item.code, item.subject) for item in report.findings]
    # Nothing but the use that broke it is blamed.
    stages = {log.stages[item.index] for item in report.findings if item.index is not None}
    assert stages <= {Stage.INTENT, Stage.OUTCOME}
    assert {item.code for item in report.findings} <= CODES | {Code.REQUEST_DIFFERS, Code.PRICE_DIFFERS}


# Datasets, spaces, outcomes, repetitions --------------------------------------------------------------------


def test_a_replaced_version_is_not_asked_but_may_still_be_answered_from(tmp_path: Path) -> None:
    log = started()
    reference, slots = log.intent(log.request())
    log.publish(replace(specimen.PUBLISHED, version="v2"))
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: output(2_500).json()}, reference)
    used(log)
    assert found(log, tmp_path) == [(8, Code.DATASET_NOT_CURRENT, "persons")]


def test_nothing_is_answered_from_a_retracted_dataset(tmp_path: Path) -> None:
    log = started()
    reference, slots = log.intent(log.request())
    log.append(Stage.DATASET, {Slot.SUBJECT: {"dataset": "persons", "status": "retracted"}})
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: output(2_500).json()}, reference)
    used(log)
    stale = [(index, Code.DATASET_NOT_CURRENT, "persons") for index in (7, 8, 9)]
    assert found(log, tmp_path) == stale


def test_a_subject_space_is_not_charged_beyond_its_lifetime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimen, "LIFETIME_MICRO_RHO", 4_999)
    log = started()
    used(log)
    used(log)
    assert found(log, tmp_path) == [(7, Code.SPACE_OVERSPENT, "residents")]


def test_a_subject_space_has_one_lifetime_budget(tmp_path: Path) -> None:
    """Registering it again would be a fresh budget for the same persons."""
    log = started()
    lifetime: Json = {"lifetime_delta_e12": 9, "lifetime_micro_rho": 9, "space": "residents", "status": "registered"}
    log.append(Stage.DATASET, {Slot.SUBJECT: lifetime})
    assert found(log, tmp_path) == [(FIRST, Code.SLOT_MALFORMED, "datasets: a subject space has one lifetime budget")]


@pytest.mark.parametrize("slot", SAME, ids=[slot.value for slot in SAME])
@pytest.mark.parametrize("stage", [Stage.OUTCOME, Stage.ABORTED])
def test_what_ends_an_intent_says_what_it_said(tmp_path: Path, slot: Slot, stage: Stage) -> None:
    other: dict[Slot, Json] = {
        Slot.CONTRACT_DIGEST: "0" * 64,
        Slot.CONSUMER: specimen.NODE,
        Slot.CNF: specimen.confirmation(specimen.RECEIPT_KEY.public),
        Slot.SCENARIO: SCENARIO,
        Slot.DATASETS: reads(Reading("persons", "v1", ("person_id",))),
        Slot.POLICY: "1" * 64,
        Slot.REQUEST: Log(Pinned("another")).request().json(),
        Slot.QUERY: {"sha256": specimen.sha256("SELECT 1"), "sql": "SELECT 1"},
        Slot.PLAN: {"canonical_sha256": "0" * 64, "sha256": specimen.sha256("SELECT 1"), "sql": "SELECT 1"},
        Slot.RELEASE: rule(least=11),
        Slot.METER: Meter(metered(7, [("persons", specimen.ROWS_UPTO)]), free=False).json(),
    }
    log = started()
    reference, slots = log.intent(log.request())
    verdict = Verdict.ALLOWED if stage is Stage.OUTCOME else Verdict.ABORTED
    said = {**slots, Slot.DECISION: Decision(verdict).json(), Slot.OUTPUT: output(2_500).json()}
    log.append(stage, {**said, slot: other[slot]}, reference)
    assert found(log, tmp_path) == [(6, Code.OUTCOME_DIFFERS, slot.value)]


def again(log: Log, **other: Any) -> dict[Slot, Json]:
    """Let a question be answered, and return what an honest leaf says that gives the answer again."""
    reference, slots = log.intent(log.request())
    log.append(Stage.OUTCOME, {**slots, Slot.OUTPUT: output(2_500).json()}, reference, "cd" * 16)
    said = {**slots, **log.spent(0, 0, 0), Slot.DECISION: Decision(Verdict.REPEATED).json()}
    repeated = replace(output(2_500), **{"repeats": "cd" * 16, **other})
    return {**said, Slot.REQUEST: log.request().json(), Slot.OUTPUT: repeated.json()}


def test_an_honest_repetition_holds(tmp_path: Path) -> None:
    log = started()
    log.append(Stage.OUTCOME, again(log))
    assert found(log, tmp_path) == []


@pytest.mark.parametrize(
    ("shows", "says", "subject"),
    [
        ({"repeats": "ce" * 16}, {}, "repeats"),
        ({"repeats": ""}, {}, "repeats"),
        ({"sha256": "0" * 64}, {}, "question"),
        ({"rows": 4}, {}, "question"),
        ({"mechanism": "none"}, {}, "question"),
        ({}, {Slot.PLAN: {"canonical_sha256": "0" * 64, "sha256": "0" * 64, "sql": ""}}, "question"),
        ({}, {Slot.DATASETS: reads(Reading("persons", "v1", ("city",)))}, "question"),
    ],
)
def test_an_answer_given_again_is_the_one_given_before(
    tmp_path: Path, shows: dict[str, Any], says: dict[Slot, Json], subject: str
) -> None:
    log = started()
    log.append(Stage.OUTCOME, {**again(log, **shows), **says})
    assert found(log, tmp_path) == [(7, Code.REPEAT_DIFFERS, subject)]


def test_an_answer_is_not_given_again_after_the_contract_ended(tmp_path: Path) -> None:
    log = started(not_after_ms=NOW_MS + 10 * MINUTE_MS)
    said = again(log)
    log.time_s += 600
    log.append(Stage.OUTCOME, said)
    assert found(log, tmp_path) == [(7, Code.TERMS_BROKEN, "not after")]


def test_an_answer_is_not_given_again_while_the_contract_is_suspended(tmp_path: Path) -> None:
    log = started()
    said = again(log)
    log.stands(CONTRACT, ContractStatus.SUSPENDED)
    log.append(Stage.OUTCOME, said)
    assert found(log, tmp_path) == [(8, Code.CONTRACT_NOT_IN_FORCE, "")]


@pytest.mark.parametrize("value", [{"rows": 3}, "x", {**dict(output(1).json()), "sha256": "x"}])  # type: ignore[arg-type]
def test_an_output_says_what_left(tmp_path: Path, value: Json) -> None:
    log = started()
    used(log, output=value)
    assert found(log, tmp_path) == [(6, Code.SLOT_MALFORMED, "output")]


def test_the_mechanism_is_read_as_the_node_writes_it() -> None:
    """What the disclosure stage writes of real noise is what the verifier reads, and demands."""
    from yanmen.disclosure import mechanism as library
    from yanmen.disclosure import noise as drawn
    from yanmen.model.stages import Aggregate, AggregateKind
    from yanmen.verify import noise

    for squared, micro_rho in [(1, 1), (1, 13), (7, 2_500), (10**24, 999_999), (3**40, 100_000_000)]:
        aggregate = Aggregate("a0", AggregateKind.SUM, 0, 0, 1, 1, squared)
        scale = drawn.calibrate(aggregate, micro_rho).scale
        text = f"discrete-gaussian {library.engine()}: a0 sigma={scale!r} micro_rho={micro_rho}"
        expected = ReleaseRule(DatasetClass.PERSONAL, 10, (Sensitivity("a0", squared),))
        assert list(noise.differences(expected, micro_rho, 0, text)) == []


def test_every_terms_code_is_attacked_here() -> None:
    attacked = {code for _, _, code, _ in BROKEN.values()} | {code for _, code, _ in LIFE.values()}
    attacked |= {Code.CONTRACT_NOT_IN_FORCE, Code.SPACE_OVERSPENT, Code.OUTCOME_DIFFERS, Code.REPEAT_DIFFERS}
    assert attacked == CODES | {Code.PRICE_DIFFERS}


def renewed(**other: Json) -> Json:
    """Return what a leaf says that renews the budget of `residents`."""
    return {
        "approver": "Zhang San",
        "epsilon_delta_e12": 1_000_000,
        "epsilon_lifetime": "1",
        "epsilon_spent": "0",
        "lifetime_delta_e12": specimen.LIFETIME_DELTA_E12,
        "lifetime_micro_rho": specimen.LIFETIME_MICRO_RHO + 100,
        "next_ms": 0,
        "reason": "second survey",
        "space": specimen.SUBJECTS,
        "spent_delta_e12": 0,
        "spent_micro_rho": 0,
        "status": "renewed",
        **other,
    }


def test_a_renewed_budget_may_be_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimen, "LIFETIME_MICRO_RHO", 4_999)
    log = started()
    log.append(Stage.DATASET, {Slot.SUBJECT: renewed()})
    used(log)
    used(log)
    assert found(log, tmp_path) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lifetime_micro_rho": 1}, "a renewal that adds nothing"),
        ({"space": "nobody"}, "a subject space renewed that was never registered"),
        ({"reason": " "}, "a renewal without approver or reason"),
        ({"approver": ""}, "a renewal without approver or reason"),
    ],
)
def test_a_renewal_that_is_none_is_named(tmp_path: Path, change: dict[str, Json], why: str) -> None:
    log = started()
    log.append(Stage.DATASET, {Slot.SUBJECT: renewed(**change)})
    assert found(log, tmp_path) == [(FIRST, Code.SLOT_MALFORMED, f"datasets: {why}")]


def test_a_renewal_before_its_announced_day_is_named(tmp_path: Path) -> None:
    log = started()
    log.append(Stage.DATASET, {Slot.SUBJECT: renewed(next_ms=(log.time_s + DAY_S) * 1000)})
    log.append(Stage.DATASET, {Slot.SUBJECT: renewed(lifetime_micro_rho=specimen.LIFETIME_MICRO_RHO + 200)})
    why = "datasets: a renewal before the day that the last one announced"
    assert found(log, tmp_path) == [(FIRST + 1, Code.SLOT_MALFORMED, why)]
