"""The last value that is right and the first that is wrong, where one rule of the auditor's meets another."""

from pathlib import Path
from typing import Any

import pytest
from yanmen.formats import receipt
from yanmen.formats.bill import Period
from yanmen.formats.erasure import Erasure
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.receipt import Stage
from yanmen.verify import Code
from yanmen.verify.page import report_page
from yanmen.verify.procedure import examine
from yanmen.verify.revenue import sum_revenue

from tests.unit.verify.terms_scene import DAY_S, FIRST, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import CONSUMER, Log


def erased(log: Log, at_s: int) -> None:
    """Say at `at_s` that the use before was destroyed."""
    log.time_s = at_s
    log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST, FIRST + 1),)).json(), Slot.ACTOR: "专管员"})


@pytest.mark.parametrize(("early_s", "named"), [(0, []), (60, [FIRST + 1])])
def test_a_term_is_over_in_its_last_minute(early_s: int, named: list[int], tmp_path: Path) -> None:
    log = started(retention_days=1)
    used(log)
    last_s = receipt.decode_leaf(bytes(log.leaves[FIRST + 1])).head.iat_s
    erased(log, last_s + DAY_S - early_s)
    early = [int(subject) for _, code, subject in found(log, tmp_path) if code is Code.ERASED_EARLY]
    assert early == named


@pytest.mark.parametrize(
    ("micro_rho", "delta_e12", "overspent"),
    [
        (specimen.LIFETIME_MICRO_RHO, 0, False),
        (specimen.LIFETIME_MICRO_RHO + 1, 0, True),
        (0, specimen.LIFETIME_DELTA_E12, False),
        (0, specimen.LIFETIME_DELTA_E12 + 1, True),
    ],
)
def test_a_space_is_overspent_by_one_of_either(micro_rho: int, delta_e12: int, overspent: bool, tmp_path: Path) -> None:
    log = started()
    said = {**log.question(log.request()), **log.charge(micro_rho, delta_e12, 120)}
    log.append(Stage.INTENT, {**said, Slot.DECISION: Decision(Verdict.ALLOWED).json()})
    codes = {code for _, code, _ in found(log, tmp_path)}
    assert (Code.SPACE_OVERSPENT in codes) is overspent


def withheld(log: Log, slot: Slot) -> Log:
    """Withhold a slot of the use that `used` appended."""
    for index in (FIRST, FIRST + 1):
        log.sdjwts[index] = receipt.present(log.sdjwts[index], frozenset(Slot) - {slot})
    return log


@pytest.mark.parametrize("slot", Slot, ids=lambda slot: slot.value)
def test_a_use_that_withholds_a_slot_is_summed_up_and_shown_without_it(slot: Slot, tmp_path: Path) -> None:
    log = started(regulator_discloses=(slot.value,))
    used(log)
    examined = examine(withheld(log, slot).export(tmp_path / "bundle"), specimen.SPACE_KEY.public)
    revenue = sum_revenue([examined], 10_000)
    assert revenue.fen == (0 if slot in {Slot.PRICE, Slot.CONSUMER} else 120)
    assert revenue.ok is examined.report.ok
    assert report_page(examined.report)


def test_revenue_counts_questions_of_one_consumer_in_one_period(tmp_path: Path) -> None:
    log = started()
    for _ in range(3):
        used(log)
    examined = examine(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public)
    times = [use.head.iat_s for use in examined.uses if use.head.stage is Stage.INTENT]

    def counted(**limits: Any) -> list[tuple[int, int]]:
        return [(part.queries, part.fen) for part in sum_revenue([examined], 1_000, **limits).parts]

    assert counted() == [(3, 360)]
    assert counted(consumer=CONSUMER) == [(3, 360)]
    assert counted(consumer=specimen.NODE) == []
    assert counted(period=Period(times[0], times[2])) == [(2, 240)]
    assert counted(period=Period(times[2], times[2] + 60), consumer=CONSUMER) == [(1, 120)]


@pytest.mark.parametrize(("maximum", "right"), [(360, True), (359, False)])
def test_revenue_may_reach_its_maximum(maximum: int, right: bool, tmp_path: Path) -> None:
    log = started()
    for _ in range(3):
        used(log)
    examined = examine(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public)
    assert sum_revenue([examined], maximum).ok is right
