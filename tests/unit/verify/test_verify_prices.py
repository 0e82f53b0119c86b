"""A node cannot charge, measure or free a use otherwise than its consumer signed: each way of doing so is found."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.formats import json_canonical
from yanmen.formats.bill import Period
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Meter
from yanmen.ledger import billing, budget, jobs, leaves
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.log import Log
from yanmen.model.contract import Contract, Grant
from yanmen.model.refusal import Reason, Refused
from yanmen.model.revenue import Share
from yanmen.model.stages import Plan
from yanmen.model.tariff import Free, FreeFor, Metered, Part, Split, SplitBy, Tariff
from yanmen.verify import BillCode, Code, Report, audit_bill, verify_bundle

from tests.unit.ledger.scene import (
    PROFILE,
    SPACE_KEY,
    START_MS,
    Scene,
    disclosed,
    papers,
    released,
    reserved,
    terms_of,
    version,
)

TARIFF = Tariff(most_fen=200, per_cell=500, per_row_bucket=3_000, per_cpu_unit=1_999, per_milli_rho=7_000)
"""20 cells, 10 buckets, 1 CPU unit and one thousand micro-rho: 10 + 30 + 1.999 + 7 fen beside the price of a use."""
FREE = replace(TARIFF, free=Free(FreeFor.FIRST_USES, 2))
SPLIT = Split(SplitBy.SHARES, (Part("医保局", "", 1), Part("卫健委", "", 2)))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "ledger.db")


@pytest.fixture
def ledger(scene: Scene) -> Iterator[Ledger]:
    with scene.open() as opened:
        yield opened


def report(ledger: Ledger, folder: Path) -> Report:
    ledger.export(folder / "bundle", papers())
    return verify_bundle(folder / "bundle", SPACE_KEY.public)


def codes(found: Report) -> list[tuple[Code, str]]:
    return [(each.code, each.subject) for each in found.findings]


def test_a_use_costs_what_its_units_come_to(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    answer = scene.ask(ledger, contract)
    assert answer.price_fen == 120 + 10 + 30 + 1 + 7
    assert scene.ask(ledger, contract, micro_rho=5_000).price_fen == 120 + 10 + 30 + 1 + 5 * 7
    dear = scene.activate(ledger, terms_of(scene.name(), tariff=replace(TARIFF, per_cell=200_000)))
    assert scene.ask(ledger, dear).price_fen == 200
    assert codes(report(ledger, tmp_path)) == []


def test_the_first_uses_are_free_and_then_no_more(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    contract = scene.furnish(ledger, tariff=FREE)
    first = scene.plan(contract)
    assert ledger.is_free(first)
    assert scene.ask(ledger, contract).price_fen == 0
    ledger.abort(reserved(ledger.reserve(scene.plan(contract))), Reason.CANCELLED, None, released(first).usage)
    assert not ledger.is_free(first)
    assert [scene.ask(ledger, contract).price_fen for _ in range(2)] == [168, 168]
    assert ledger.balance(contract.terms.id).spent_fen == 336
    assert codes(report(ledger, tmp_path)) == []


def test_more_than_was_agreed_to_is_refused_and_nothing_is_debited(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    with pytest.raises(Refused) as refusal:
        ledger.reserve(scene.plan(contract, max_price_fen=167))
    assert (refusal.value.reason, refusal.value.detail.subject) == (Reason.SPEND_LIMIT, "max_price_fen")
    assert ledger.balance(contract.terms.id).spent_fen == 0
    assert scene.ask(ledger, contract, max_price_fen=168).price_fen == 168


def test_no_use_is_charged_above_a_ceiling_lowered_since(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    lower = version("v2", price_ceiling_fen=90)
    ledger.publish(lower)
    assert scene.ask(ledger, contract, scanned=lower).price_fen == 90
    assert codes(report(ledger, tmp_path)) == []


# What a dishonest node could do -----------------------------------------------------------------------

Trick = Callable[[pytest.MonkeyPatch, Scene, Ledger], None]


def overcharges(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    """One fen more than the units come to."""
    contract = scene.furnish(ledger, tariff=TARIFF)
    scene.ask(ledger, contract, price_fen=169)


def overcharges_flat(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    scene.ask(ledger, scene.furnish(ledger), price_fen=121)


def undercharges(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    """A favour: the departments that share the revenue lose by it."""
    scene.ask(ledger, scene.furnish(ledger, tariff=TARIFF), price_fen=167)


def charges_above_the_ceiling(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    lower = version("v2", price_ceiling_fen=90)
    ledger.publish(lower)
    scene.ask(ledger, contract, scanned=lower, price_fen=168)


def charges_a_free_use(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    """The second of two free uses is charged, and said not to be free."""
    contract = scene.furnish(ledger, tariff=FREE)
    scene.ask(ledger, contract)
    monkeypatch.setattr(budget, "is_free", lambda *_: False)
    scene.ask(ledger, contract)


def frees_one_too_many(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    monkeypatch.setattr(budget, "is_free", lambda *_: True)
    scene.ask(ledger, scene.furnish(ledger))


def measured(plan: Plan, **other: Any) -> Plan:
    return replace(plan, metered=replace(plan.metered, **other))


def ask(scene: Scene, ledger: Ledger, plan: Plan) -> None:
    held = reserved(ledger.reserve(plan))
    ledger.settle(held, released(held.plan), PROFILE)


def counts_rows_that_were_not_declared(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    ask(scene, ledger, measured(scene.plan(contract, price_fen=171), rows=(("persons", 11),)))


def counts_cpu_twice(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, tariff=TARIFF)
    ask(scene, ledger, measured(scene.plan(contract), cpu_units=2))


def releases_more_cells_than_it_charged(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    """Four cells leave, three are paid for."""
    contract = scene.furnish(ledger, tariff=TARIFF)
    ask(scene, ledger, measured(scene.plan(contract, price_fen=120 + 1 + 30 + 2 + 7), cells=3))


def hides_the_units(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    honest = leaves.use

    def silent(*arguments: Any) -> leaves.Slots:
        return {slot: value for slot, value in honest(*arguments).items() if slot is not Slot.METER}

    monkeypatch.setattr(leaves, "use", silent)
    scene.ask(ledger, scene.furnish(ledger))


def hides_what_it_published(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    """The leaf that publishes says no bound on rows, so that any number could be charged."""
    honest = Log.append

    def silent(log: Any, db: Any, stage: Any, slots: leaves.Slots, *rest: Any) -> Any:
        subject = slots.get(Slot.SUBJECT)
        if isinstance(subject, dict):
            subject.pop("rows_upto", None)
        return honest(log, db, stage, slots, *rest)

    monkeypatch.setattr(Log, "append", silent)
    scene.ask(ledger, scene.furnish(ledger))


def charges_for_a_repeated_answer(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger)
    first, again = scene.plan(contract), scene.plan(contract)
    object.__setattr__(again, "canonical", first.canonical)
    ask(scene, ledger, first)
    monkeypatch.setattr(jobs, "Metered", lambda: Metered(4, 1, (("persons", 10),)))
    ledger.reserve(again)


def changes_the_units_in_the_outcome(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    honest = leaves.outcome

    def other(intended: Any, *rest: Any, **named: Any) -> leaves.Slots:
        return honest(
            {**intended, Slot.METER: Meter(Metered(4, 1, (("persons", 10),)), free=False).json()}, *rest, **named
        )

    monkeypatch.setattr(leaves, "outcome", other)
    scene.ask(ledger, scene.furnish(ledger))


def approves_above_the_ceiling(monkeypatch: pytest.MonkeyPatch, scene: Scene, ledger: Ledger) -> None:
    scene.furnish(ledger, tariff=replace(TARIFF, most_fen=201))


@pytest.mark.parametrize(
    ("trick", "code", "subject"),
    [
        (overcharges, Code.PRICE_DIFFERS, "169 / 168"),
        (overcharges_flat, Code.PRICE_DIFFERS, "121 / 120"),
        (undercharges, Code.PRICE_DIFFERS, "167 / 168"),
        (charges_above_the_ceiling, Code.PRICE_DIFFERS, "168 / 90"),
        (charges_a_free_use, Code.PRICE_DIFFERS, "168 / 0"),
        (charges_a_free_use, Code.METER_DIFFERS, "free"),
        (frees_one_too_many, Code.PRICE_DIFFERS, "0 / 120"),
        (frees_one_too_many, Code.METER_DIFFERS, "free"),
        (counts_rows_that_were_not_declared, Code.METER_DIFFERS, "datasets"),
        (counts_cpu_twice, Code.METER_DIFFERS, "datasets"),
        (releases_more_cells_than_it_charged, Code.METER_DIFFERS, "cells"),
        (hides_the_units, Code.SLOT_WITHHELD, "meter"),
        (hides_what_it_published, Code.SLOT_MALFORMED, "datasets"),
        (charges_for_a_repeated_answer, Code.METER_DIFFERS, "repeated"),
        (changes_the_units_in_the_outcome, Code.OUTCOME_DIFFERS, "meter"),
        (approves_above_the_ceiling, Code.CEILING_EXCEEDED, "1"),
    ],
)
def test_it_is_found(
    scene: Scene,
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trick: Trick,
    code: Code,
    subject: str,
) -> None:
    trick(monkeypatch, scene, ledger)
    monkeypatch.undo()
    found = report(ledger, tmp_path)
    assert not found.ok
    assert [(each, text) for each, text in codes(found) if each is code and subject in text]
    assert all(each.en and each.zh and "{" not in each.en + each.zh for each in found.findings)


def test_a_bill_cannot_be_held_to_terms_that_are_not_shown(
    scene: Scene, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = leaves.contract

    def silent(row: Any, status: Any, actor: str, signed: bytes) -> leaves.Slots:
        return honest(row, status, actor, b"")

    monkeypatch.setattr(leaves, "contract", silent)
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    token = stated(scene, ledger)
    ledger.export(tmp_path / "bundle", papers())
    found = audit_bill(tmp_path / "bundle", token, SPACE_KEY.public)
    assert (BillCode.TERMS_WITHHELD, contract.terms.id) in [(each.code, each.contract) for each in found.findings]
    assert not found.ok


def stated(scene: Scene, ledger: Ledger) -> bytes:
    start = START_MS // 86_400_000 * 86_400
    scene.clock.ms += 3 * 86_400_000
    return ledger.state_account(Period(start, start + 2 * 86_400))[1]


# Splits ----------------------------------------------------------------------------------------------


def shares(ledger: Ledger, scene: Scene) -> dict[str, int]:
    value = documents.open_statement(stated(scene, ledger), scene.keeper().receipt_signer.public)
    (line,) = value.lines
    assert sum(share.fen for share in line.shares) == line.fen
    return {share.department: share.fen for share in line.shares}


def test_revenue_is_split_by_fixed_shares(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, split=SPLIT, price_per_query_fen=100)
    scene.ask(ledger, contract)
    assert shares(ledger, scene) == {"医保局": 33, "卫健委": 67}


def two_datasets(scene: Scene, ledger: Ledger, by: SplitBy) -> Contract:
    """Return a contract over two datasets of 10 and of 2 buckets."""
    parts = (Part("医保局", "claims", 1), Part("卫健委", "persons", 1))
    grants = (Grant("claims", ("city",)), Grant("persons", ("city",)))
    scene.furnish(ledger)
    ledger.publish(version("c1", name="claims", rows_upto=20_000))
    contract = scene.furnish(ledger, grants=grants, split=Split(by, parts), price_per_query_fen=100)
    scene.ask(ledger, contract)
    plan = scene.plan(contract, scanned=version("c1", name="claims", rows_upto=20_000))
    ask(scene, ledger, plan)
    joined = measured(scene.plan(contract), rows=(("claims", 2), ("persons", 10)), cpu_units=2)
    scans = (*plan.scans, replace(joined.scans[0], schema="s1"))
    ask(scene, ledger, replace(joined, scans=scans))
    return contract


@pytest.mark.parametrize(
    ("by", "split"), [(SplitBy.ROWS, {"医保局": 117, "卫健委": 183}), (SplitBy.USES, {"医保局": 150, "卫健委": 150})]
)
def test_revenue_is_split_by_what_was_read(
    scene: Scene, ledger: Ledger, tmp_path: Path, by: SplitBy, split: dict[str, int]
) -> None:
    two_datasets(scene, ledger, by)
    token = stated(scene, ledger)
    value = documents.open_statement(token, scene.keeper().receipt_signer.public)
    assert {share.department: share.fen for share in value.lines[0].shares} == split
    ledger.export(tmp_path / "bundle", papers())
    found = audit_bill(tmp_path / "bundle", token, SPACE_KEY.public)
    assert found.ok, [*found.report.findings, *found.findings]
    assert found.counted == value.lines


def test_a_fen_moved_between_departments_is_found(
    scene: Scene, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum stays the same: only the split was agreed otherwise."""
    contract = scene.furnish(ledger, split=SPLIT, price_per_query_fen=100)
    scene.ask(ledger, contract)
    honest = billing._lines

    def moved(*arguments: Any) -> Any:
        (line,) = honest(*arguments)
        return (replace(line, shares=(Share("医保局", 34), Share("卫健委", 66))),)

    monkeypatch.setattr(billing, "_lines", moved)
    token = stated(scene, ledger)
    ledger.export(tmp_path / "bundle", papers())
    found = audit_bill(tmp_path / "bundle", token, SPACE_KEY.public)
    assert [(each.code, each.subject, each.stated, each.counted) for each in found.findings] == [
        (BillCode.SHARE_DIFFERS, "医保局", 34, 33),
        (BillCode.SHARE_DIFFERS, "卫健委", 66, 67),
    ]


def test_the_leaf_says_the_units_and_the_books_keep_them(scene: Scene, ledger: Ledger) -> None:
    contract = scene.furnish(ledger, tariff=FREE)
    answer = scene.ask(ledger, contract)
    said = disclosed(answer.receipt).slots[Slot.METER]
    assert said == {"cells": 20, "cpu_units": 1, "free": True, "rows": [{"buckets": 10, "dataset": "persons"}]}
    assert json_canonical.encode(said) == json_canonical.encode(Meter.read(said).json())
