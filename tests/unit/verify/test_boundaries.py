"""The last value that is right and the first that is wrong, where one rule of the auditor's meets another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import receipt
from yanmen.formats.bill import Period
from yanmen.formats.erasure import Erasure
from yanmen.formats.receipt import Slot
from yanmen.formats.request import SessionClaims
from yanmen.formats.slots import Decision, SignedRequest, Verdict
from yanmen.model.party import FormerKey, KeyEnd, KeyUse
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding
from yanmen.verify import Code
from yanmen.verify.page import report_page
from yanmen.verify.procedure import examine
from yanmen.verify.receipt import verify_receipt_of
from yanmen.verify.requests import EARLY_S, LATE_S
from yanmen.verify.revenue import sum_revenue

from tests.unit.verify.altered_files import given_again
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


@pytest.mark.parametrize(
    ("micro_rho", "broken"), [(specimen.TERMS.micro_rho_per_query_max, []), (10_001, ["charge", "highest charge"])]
)
def test_a_charge_may_reach_the_highest(micro_rho: int, broken: list[str], tmp_path: Path) -> None:
    log = started()
    asked = log.request(micro_rho=min(micro_rho, 10_000), max_micro_rho=20_000)
    used(log, micro_rho, request=asked.json())
    named = [subject for index, code, subject in found(log, tmp_path) if code is Code.TERMS_BROKEN and index == FIRST]
    assert named == broken


@pytest.mark.parametrize(("fen", "above"), [(240, False), (239, True)])
def test_a_grant_is_spent_in_fen_as_in_micro_rho(fen: int, above: bool, tmp_path: Path) -> None:
    log = started()
    grant = SessionClaims(
        specimen.NODE, CONSUMER, "ab" * 16, log.time_s, log.time_s + 3600, specimen.CONTRACT, "S1", 0, 90_000, fen
    )
    token = documents.sign_session(grant, specimen.MEMBER_KEY).decode()
    for _ in range(2):
        used(log, request=SignedRequest(Binding.SESSION, token).json())
    spent = [(index, code) for index, code, _ in found(log, tmp_path) if code is Code.REQUEST_DIFFERS]
    assert spent == ([(FIRST + 2, Code.REQUEST_DIFFERS)] if above else [])


@pytest.mark.parametrize(
    ("issued_s", "expires_s", "right"),
    [
        (EARLY_S + 59, EARLY_S + 300, True),
        (EARLY_S + 60, EARLY_S + 300, False),
        (-7200, -LATE_S, True),
        (-7200, -LATE_S - 1, False),
    ],
)
def test_a_leaf_lies_within_the_life_of_its_request(issued_s: int, expires_s: int, right: bool, tmp_path: Path) -> None:
    log = started()
    at_s = log.time_s // 60 * 60
    used(log, request=log.request(issued_s=at_s + issued_s, expires_s=at_s + expires_s).json())
    wrong = [subject for _, code, subject in found(log, tmp_path) if code is Code.REQUEST_DIFFERS]
    assert wrong == ([] if right else ["time"])


@pytest.mark.parametrize("charge", [(1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=["rho", "delta", "fen"])
def test_an_answer_given_again_costs_nothing_of_anything(charge: tuple[int, int, int], tmp_path: Path) -> None:
    log = started()
    said = given_again(specimen, log)
    log.append(Stage.OUTCOME, {**said, **log.spent(*charge)})
    assert Code.CHARGE_DIFFERS in {code for _, code, _ in found(log, tmp_path)}


def test_a_log_key_that_ended_signs_no_head_over_the_leaf_that_ended_it() -> None:
    log = specimen.specimen()
    (node,) = (each for each in specimen.register().parties if each.id == specimen.NODE)
    ended = FormerKey(KeyUse.LOG, specimen.LOG_KEY.public, log.origin, 12, KeyEnd.ROTATED)
    party = replace(node, log_key=specimen.signer("the next log key").public, former_keys=(ended,))
    assert verify_receipt_of(party, log.sdjwts[3], log.proof(3, 12))["size"] == 12
    with pytest.raises(BadSignature):
        verify_receipt_of(party, log.sdjwts[3], log.proof(3, 13))
