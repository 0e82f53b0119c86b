"""What a leaf leaves out, or says where nobody expects it, ends in a finding and never in a crash."""

from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import merkle, note
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Budget, Decision, Verdict
from yanmen.model.catalogue import DatasetClass
from yanmen.model.party import FormerKey, KeyEnd, KeyUse
from yanmen.model.receipt import Stage
from yanmen.verify import Code, dated, verify_consistency
from yanmen.verify.attested import Anchored, Stamped
from yanmen.verify.procedure import examine
from yanmen.verify.requests import EARLY_S
from yanmen.verify.selected import OpenBundle

from tests.unit.verify.terms_scene import FIRST, audited, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import Log


@pytest.fixture
def log() -> Log:
    return started()


def test_a_charge_on_a_space_nobody_registered_is_above_its_lifetime(log: Log, tmp_path: Path) -> None:
    budget = Budget("others", 2_500, 0, 2_500, 0)
    used(log, budget=budget.json())
    overspent = [subject for _, code, subject in found(log, tmp_path) if code is Code.SPACE_OVERSPENT]
    assert overspent == ["others"]


def test_a_decision_on_a_leaf_that_decides_nothing_is_no_crash(log: Log, tmp_path: Path) -> None:
    said = {Slot.SUBJECT: {"register": 1}, Slot.DECISION: Decision(Verdict.REFUSED, "X").json()}
    log.append(Stage.MEMBER, said)
    assert found(log, tmp_path) == []


def test_a_broken_series_of_no_contract_is_called_so(log: Log, tmp_path: Path) -> None:
    log.append(Stage.MEMBER, {Slot.SUBJECT: {"register": 1}, Slot.SERIES: {"n": 9, "prev": "A" * 43}})
    assert (FIRST, Code.SERIES_BROKEN, "-") in found(log, tmp_path)


@pytest.mark.parametrize(("micro_rho", "wrong"), [(0, False), (1, True)])
def test_what_is_not_personal_costs_no_privacy(micro_rho: int, wrong: bool, log: Log, tmp_path: Path) -> None:
    rule = {**log.question(log.request())}[Slot.RELEASE]
    assert isinstance(rule, dict)
    used(log, micro_rho, release={**rule, "class": DatasetClass.EXACT.value}, output=specimen.output(2_500).json())
    charges = [subject for _, code, subject in found(log, tmp_path) if code is Code.TERMS_BROKEN]
    assert charges == (["charge"] if wrong else [])


def test_an_anchor_nobody_looked_up_is_listed_as_unchecked(log: Log, tmp_path: Path) -> None:
    bundle = log.export(tmp_path / "bundle")
    (bundle / "anchors.txt").write_text("3 0x9f3c\n")
    report = examine(bundle, specimen.SPACE_KEY.public).report
    assert report.anchored == (Anchored(3, "0x9f3c", checked=False),)
    assert [each.code for each in report.findings] == [Code.NOT_CHECKED]


def test_a_bundle_with_something_wrong_as_a_whole_is_not_in_order(log: Log, tmp_path: Path) -> None:
    bundle = log.export(tmp_path / "bundle")
    assert OpenBundle(bundle, specimen.SPACE_KEY.public).ok
    lines = (bundle / "leaves.txt").read_text().splitlines(keepends=True)
    (bundle / "leaves.txt").write_text("".join(lines[:-1]))
    opened = OpenBundle(bundle, specimen.SPACE_KEY.public)
    assert [each.code for each in opened.findings] == [Code.LEAF_LINES_DIFFER]
    assert not opened.ok


def test_of_leaves_dated_alike_the_first_is_named(log: Log, tmp_path: Path) -> None:
    at_s = log.time_s
    used(log)
    log.time_s = at_s
    uses = examine(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public).uses
    alike = tuple(
        use if use.index < FIRST else use._replace(head=use.head._replace(iat_s=at_s // 60 * 60)) for use in uses
    )
    (named,) = dated.ahead(alike, [], [Stamped(FIRST + 2, at_s // 60 * 60 - EARLY_S - 1)])
    assert named.index == FIRST


def test_a_request_in_a_leaf_without_key_or_consumer_is_held_to_nobody(tmp_path: Path) -> None:
    for number, slot in enumerate((Slot.CNF, Slot.CONSUMER)):
        log = started()
        said = {**log.question(log.request()), Slot.DECISION: Decision(Verdict.REFUSED, "X").json()}
        said.pop(slot)
        log.append(Stage.REFUSED, said)
        assert found(log, tmp_path / str(number)) == []


def test_terms_that_grant_the_regulator_nothing_withhold_nothing(tmp_path: Path) -> None:
    log = started(regulator_discloses=())
    used(log)
    report = audited(log, tmp_path)
    assert report.ok
    assert replace(report, findings=()) == report


def test_a_clause_shows_what_the_use_says(log: Log, tmp_path: Path) -> None:
    used(log)
    shown = OpenBundle(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public).check_in_log(FIRST).clauses
    (scenario,) = (each for each in shown if each.name.startswith("scenario"))
    assert scenario.said == scenario.signed == ("S1", "慢病管理", "基本医疗卫生与健康促进法")


def test_anchors_that_are_none_are_named_and_none_is_listed(log: Log, tmp_path: Path) -> None:
    bundle = log.export(tmp_path / "bundle")
    (bundle / "anchors.txt").write_text("three 0x9f3c\n")
    report = examine(bundle, specimen.SPACE_KEY.public).report
    assert (report.anchored, [each.code for each in report.findings]) == ((), [Code.FILE_MALFORMED])


def test_a_log_key_that_ended_signs_no_newer_head(log: Log) -> None:
    (node,) = (each for each in specimen.register().parties if each.id == specimen.NODE)
    ended = FormerKey(KeyUse.LOG, specimen.LOG_KEY.public, log.origin, 4, KeyEnd.ROTATED)
    party = replace(node, log_key=specimen.signer("the next log key").public, former_keys=(ended,))
    old, last, above = (note.encode(log.checkpoint(size)) for size in (2, 4, 5))
    read = log.reader()
    assert verify_consistency(old, last, merkle.consistency(2, 4, read), party).size == 4
    with pytest.raises(BadSignature):
        verify_consistency(old, above, merkle.consistency(2, 5, read), party)
