"""Times of leaves are held to other clocks: those of witnesses, time stamps and consumers."""

from pathlib import Path

import pytest
from yanmen.crypto import cosigning, documents
from yanmen.formats import acknowledgement, note, receipt
from yanmen.formats.acknowledgement import Acknowledged, Acknowledgement
from yanmen.formats.erasure import Erasure
from yanmen.formats.note import Note, VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage
from yanmen.verify import Beside, Code, dated, verify_bundle
from yanmen.verify.attested import Stamped
from yanmen.verify.procedure import examine
from yanmen.verify.report import Cosigned
from yanmen.verify.requests import EARLY_S, MINUTE_S

from tests.unit.verify.terms_scene import DAY_S, FIRST, found, started, used
from tests.vectors import specimen
from tests.vectors.specimen import CONSUMER, CONTRACT, MEMBER_KEY, Log

WITNESS = VerifierKey("w1", specimen.signer("w1").public, note.COSIGNATURE)
Found = list[tuple[int | None, Code, str]]


def seen(log: Log, size: int, at_s: int, path: Path) -> Found:
    """Return what is found once a witness saw so many leaves at `at_s`."""
    head = log.checkpoint(size)
    line = cosigning.cosign(head.text, "w1", specimen.signer("w1"), at_s)
    bundle = log.export(path / "bundle")
    (bundle / "cosigned").write_bytes(note.encode(Note(head.text, (*head.signatures, line))))
    report = verify_bundle(bundle, specimen.SPACE_KEY.public, Beside(witnesses=(WITNESS,)))
    return [(one.index, one.code, one.subject) for one in report.findings if one.code is not Code.COSIGNED_PART]


def last_s(log: Log) -> int:
    return receipt.decode_leaf(bytes(log.leaves[-1])).head.iat_s


@pytest.mark.parametrize(("late_s", "ahead"), [(0, False), (EARLY_S, False), (EARLY_S + 1, True), (DAY_S, True)])
def test_a_leaf_dated_later_than_a_witness_saw_it_is_found(late_s: int, ahead: bool, tmp_path: Path) -> None:
    log = started()
    used(log)
    expected = [(FIRST + 1, Code.TIME_AHEAD, "w1")] if ahead else []
    assert seen(log, FIRST + 2, last_s(log) - late_s, tmp_path) == expected


def test_leaves_the_witness_did_not_see_are_dated_by_nobody(tmp_path: Path) -> None:
    log = started()
    at_s = last_s(log)
    log.time_s += DAY_S
    used(log)
    assert seen(log, FIRST, at_s, tmp_path / "before") == []
    assert seen(log, FIRST + 1, at_s, tmp_path / "with the first") == [(FIRST, Code.TIME_AHEAD, "w1")]


def test_a_term_made_over_by_dating_ahead_is_found(tmp_path: Path) -> None:
    """An operator writes an erasure three days ahead of time, so that the contract's term of a day looks over."""
    log = started(retention_days=1)
    used(log)
    now_s = log.time_s
    log.time_s += 3 * DAY_S
    log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST, FIRST + 1),)).json(), Slot.ACTOR: "专管员"})
    ahead = [one for one in seen(log, FIRST + 3, now_s, tmp_path) if one[1] is not Code.ERASED]
    assert ahead == [(FIRST + 2, Code.TIME_AHEAD, "w1")]


def test_each_leaf_is_named_once_and_every_clock_counts(tmp_path: Path) -> None:
    log = started()
    used(log)
    uses = examine(log.export(tmp_path / "bundle"), specimen.SPACE_KEY.public).uses
    at_s = last_s(log) - EARLY_S - 1
    stamps = [Stamped(FIRST + 2, at_s), Stamped(FIRST + 2, at_s - 1), Stamped(FIRST, at_s)]
    assert [(one.index, one.subject) for one in dated.ahead(uses, [], stamps)] == [(FIRST + 1, "time stamp")]
    both = dated.ahead(uses, [Cosigned("w1", FIRST, 0)], stamps)
    assert [(one.index, one.subject) for one in both] == [(FIRST - 1, "w1"), (FIRST + 1, "time stamp")]
    assert list(dated.ahead((), [Cosigned("w1", FIRST, 0)], stamps)) == []


# What a consumer signed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shift_s", "right"),
    [
        (-EARLY_S - MINUTE_S, False),
        (-EARLY_S + MINUTE_S, True),
        (0, True),
        (EARLY_S, True),
        (EARLY_S + 3 * MINUTE_S, False),
    ],
)
def test_an_acknowledgement_is_signed_between_the_answer_and_its_leaf(
    shift_s: int, right: bool, tmp_path: Path
) -> None:
    log = started()
    used(log)
    given = receipt.decode(log.sdjwts[-1])
    at_s = given.leaf.head.iat_s + shift_s
    said = Acknowledgement(
        log.origin, at_s, given.leaf.head.jti, acknowledgement.sd_hash(acknowledgement.as_given(given))
    )
    subject = Acknowledged(said.jti, documents.sign_acknowledgement(said, MEMBER_KEY).decode()).json()
    log.append(Stage.ACKNOWLEDGED, {Slot.SUBJECT: subject, Slot.CONTRACT: CONTRACT, Slot.CONSUMER: CONSUMER})
    assert found(log, tmp_path) == ([] if right else [(FIRST + 2, Code.ACKNOWLEDGEMENT, "another time")])
