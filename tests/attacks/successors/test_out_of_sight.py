"""An operator with all keys of its node keeps out of sight what would be found: logs, heads, disclosures."""

from pathlib import Path

import pytest
from yanmen.crypto import cosigning
from yanmen.formats import base64url, checkpoint, note, receipt
from yanmen.formats.bill import Period
from yanmen.formats.bundle import ContractTotal
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.erasure import DESTROYED, Erasure
from yanmen.formats.json_canonical import Json
from yanmen.formats.note import VerifierKey
from yanmen.formats.opening import Opening
from yanmen.formats.receipt import SUITE, Slot
from yanmen.formats.slots import Meter
from yanmen.model.receipt import Stage
from yanmen.model.tariff import metered
from yanmen.verify import BillCode, Code
from yanmen.verify.heads import Evidence
from yanmen.verify.procedure import examine
from yanmen.verify.revenue import sum_revenue
from yanmen.verify.sampling import Draw, Sample, audit_sample, read_seed

from tests.unit.verify.terms_scene import DAY_S, FIRST, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import LOG_KEY, NODE, SPACE_KEY, START_S, Log, Pinned, signer

SEED = read_seed("3b" * 16)
BEFORE, NOW = checkpoint.origin(NODE, 2026), checkpoint.origin(NODE, 2027)
AT_S = 1_800_000_000
WITNESS = VerifierKey("w1", signer("w1").public, note.COSIGNATURE)

# Logs ---------------------------------------------------------------------------------------------------


def continued(folder: Path) -> Path:
    """Return the bundle of a log that continues the one of the year before, in which 40,000 fen were charged."""
    log = Log(Pinned("continued"), NOW)
    sums = (ContractTotal(specimen.CONTRACT, 0, 3, 0, 0, 40_000),)
    told = Opening(Checkpoint(BEFORE, 9, bytes(32)), 9, "", sums, ())
    log.contracts[specimen.CONTRACT] = ContractTotal(specimen.CONTRACT, 0, 3, 0, 0, 40_000)
    log.append(Stage.GENESIS, {Slot.SUBJECT: {"continues": told.json(), "origin": NOW, "suite": SUITE}})
    return log.export(folder / "now")


@pytest.mark.parametrize(("from_s", "told"), [(None, True), (START_S - 60, True), (START_S, False)])
def test_a_log_that_is_not_handed_over_is_named(from_s: int | None, told: bool, tmp_path: Path) -> None:
    """Who sums the log of this year alone is told that there is one before; not if the period began later."""
    now = continued(tmp_path)
    period = None if from_s is None else Period(from_s, from_s + DAY_S)
    summed = sum_revenue([examine(now, SPACE_KEY.public)], 0, "", period)
    assert summed.fen == 0
    named = [each.subject for each in summed.findings if each.code is BillCode.LOG_BEFORE_ABSENT]
    assert named == ([BEFORE] if told else [])


def test_a_log_that_is_handed_over_is_not_named(tmp_path: Path) -> None:
    both = [examine(path, SPACE_KEY.public) for path in (continued(tmp_path), started().export(tmp_path / "before"))]
    assert [each.code for each in sum_revenue(both, 0).findings] == []


def test_a_sample_of_the_new_log_alone_says_so(tmp_path: Path) -> None:
    sample = audit_sample([continued(tmp_path)], SEED, Draw(1), SPACE_KEY.public)
    assert [each.subject for each in sample.findings if each.code is BillCode.LOG_BEFORE_ABSENT] == [BEFORE]


# Heads --------------------------------------------------------------------------------------------------


def cosigned(log: Log, size: int) -> bytes:
    head = log.checkpoint(size)
    return note.encode(note.Note(head.text, (*head.signatures, cosigning.cosign(head.text, "w1", signer("w1"), AT_S))))


def sampled(path: Path, *heads: bytes) -> Sample:
    evidence = Evidence(heads, (WITNESS,), AT_S + 60)
    return audit_sample([path], SEED, Draw(3), SPACE_KEY.public, evidence)


def test_an_old_head_chosen_after_the_seed_is_told(tmp_path: Path) -> None:
    """A witness saw every head; a node that knows the seed picks one that its worst leaves lie behind."""
    log = specimen.specimen()
    path = log.export(tmp_path / "bundle")
    (path / "cosigned").write_bytes(cosigned(log, 6))
    sample = sampled(path)
    assert sample.ok, "people must judge: nobody else knows when the bundle was handed over"
    assert [(each.code, each.stated, each.counted) for each in sample.findings] == [
        (BillCode.HEAD_OF_BUNDLE, None, None),
        (BillCode.LEAVES_SINCE, 6, len(log.leaves) - 6),
    ]
    whole = cosigned(log, len(log.leaves))
    assert sampled(path, whole).findings == ()


# Disclosures --------------------------------------------------------------------------------------------


def withhold(log: Log, index: int, *slots: Slot) -> None:
    log.sdjwts[index] = receipt.present(log.sdjwts[index], frozenset(Slot) - set(slots))


SAID: dict[Stage, Json] = {
    Stage.OBJECTION: {"case": "", "status": "open", "text": "t"},
    Stage.INCIDENT: {"case": "", "status": "open", "text": "t"},
    Stage.STATEMENT: {"statement_sha256": "00" * 32, "from_s": 0, "to_s": 1},
    Stage.MEMBER: {"register": 1, "sha256": "00" * 32, "space": specimen.SPACE},
    Stage.KEY: {"key": base64url.encode(LOG_KEY.public), "use": "log"},
}


@pytest.mark.parametrize("stage", SAID, ids=lambda stage: stage.value)
def test_what_a_leaf_is_about_cannot_be_withheld(stage: Stage, tmp_path: Path) -> None:
    """An objection that is not answered, a second statement, a register that ended a key: nobody could see them."""
    log = started()
    log.append(stage, {Slot.SUBJECT: SAID[stage]})
    assert found(log, tmp_path / "told") == []
    withhold(log, FIRST, Slot.SUBJECT)
    assert found(log, tmp_path / "hidden") == [(FIRST, Code.SLOT_WITHHELD, "subject")]


def erased(fen: int, *, free: bool = False) -> Log:
    """Return a log with a use that cost `fen`, all of which that may be destroyed is destroyed after its term."""
    log, units = started(retention_days=1), metered(6, [("persons", specimen.ROWS_UPTO)])
    used(log, 2_500, fen, meter=Meter(units, free=free).json())
    log.time_s += 3 * DAY_S
    log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST, FIRST + 1),)).json(), Slot.ACTOR: "专管员"})
    for index in (FIRST, FIRST + 1):
        withhold(log, index, *DESTROYED)
    return log


def test_what_was_charged_rightly_holds_after_it_is_erased(tmp_path: Path) -> None:
    assert [code for _, code, _ in found(erased(120), tmp_path)] == [Code.ERASED]


@pytest.mark.parametrize(("fen", "free"), [(121, False), (119, False), (120, True), (0, False)])
def test_erasing_does_not_hide_a_charge(fen: int, free: bool, tmp_path: Path) -> None:
    """One fen beside the price both sides signed, or a favour, is found when what it was for is gone as well."""
    codes = {code for _, code, _ in found(erased(fen, free=free), tmp_path)} - {Code.ERASED}
    assert codes == ({Code.PRICE_DIFFERS} if not free else {Code.METER_DIFFERS})


def test_a_sample_tells_what_was_destroyed_from_what_is_withheld(tmp_path: Path) -> None:
    def drawn(log: Log, name: str) -> list[tuple[bool, tuple[Code, ...]]]:
        sample = audit_sample([log.export(tmp_path / name)], SEED, Draw(99), SPACE_KEY.public)
        by_index = {each.index: each for each in sample.receipts}
        return [(each.ok, tuple(one.code for one in each.findings)) for each in (by_index[FIRST], by_index[FIRST + 1])]

    assert drawn(erased(120), "due") == [(True, (Code.ERASED,))] * 2
    early = started(retention_days=9)
    used(early)
    early.time_s += 3 * DAY_S
    early.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST, FIRST + 1),)).json()})
    for index in (FIRST, FIRST + 1):
        withhold(early, index, Slot.QUERY)
    assert drawn(early, "early") == [(False, (Code.SLOT_WITHHELD,))] * 2
    other = erased(120)
    withhold(other, FIRST, Slot.PRICE, *DESTROYED)
    assert drawn(other, "price")[0] == (False, (Code.SLOT_WITHHELD, Code.GRANT_WITHHELD, Code.ERASED))
