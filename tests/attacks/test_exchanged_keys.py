"""Keys end at a leaf: what they signed before stays valid, what they sign after is found, and none comes back."""

import importlib.util
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from yanmen.crypto import documents, exchanges
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import former_keys, key_change, register
from yanmen.formats.key_change import Exchange, Signed
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.receipt import Slot
from yanmen.model.party import FormerKey, KeyEnd, KeyUse
from yanmen.model.receipt import Stage
from yanmen.verify import Code, Severity, verify_bundle, verify_receipt_of

from tests.attacks.exchanged_keys import NEXT, Operator, operator, without_subject
from tests.attacks.test_audit_script import SCRIPT
from tests.vectors import specimen
from tests.vectors.specimen import CONSUMER, LOG_KEY, MEMBER_KEY, NODE, ORIGIN, RECEIPT_KEY, SPACE_KEY, signer

ROOT = Path(__file__).resolve().parents[2]
RECEIPT, LOG = KeyUse.RECEIPT, KeyUse.LOG
ROTATED, REVOKED = KeyEnd.ROTATED, KeyEnd.REVOKED
EVERY = [(use, end) for use in (RECEIPT, LOG) for end in KeyEnd]


@pytest.fixture(scope="module")
def carried() -> ModuleType:
    spec = importlib.util.spec_from_file_location("carry_auditor", ROOT / "scripts" / "carry-auditor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("go") / "auditor"
    build = ROOT / "scripts" / "go-auditor" / "build"
    done = subprocess.run([build, target], capture_output=True, text=True, check=False, timeout=110)
    if done.returncode == 3 and os.environ.get("CI") != "true":
        pytest.skip(f"Go cannot be installed here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return target


def found(log: Operator, path: Path) -> set[tuple[Code, int | None]]:
    """Return what our verifier finds."""
    report = verify_bundle(log.bundle(path), SPACE_KEY.public)
    return {(each.code, each.index) for each in report.findings if each.severity is Severity.ERROR}


def carried_takes(carried: ModuleType, path: Path) -> bool:
    try:
        carried.audit(path, path / "space.vkey")
    except Exception:  # noqa: BLE001 - the program calls whatever goes wrong NOT VALID
        return False
    return True


def go_takes(auditor: Path, log: Operator, bundle: Path) -> bool:
    tiles = log.static(bundle.with_name("tiles"))
    words: list[str | Path] = [
        auditor,
        "-space",
        bundle / "space.vkey",
        "-register",
        bundle / "register.jws",
        "-tiles",
        tiles,
    ]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("use", "end"), EVERY)
def test_what_was_signed_before_stays_valid(
    carried: ModuleType, auditor: Path, tmp_path: Path, use: KeyUse, end: KeyEnd
) -> None:
    log = operator()
    log.exchange(use, end)
    log.ask()
    assert found(log, tmp_path / "bundle") == set()
    assert carried_takes(carried, tmp_path / "bundle")
    assert go_takes(auditor, log, tmp_path / "bundle")


def test_both_keys_one_after_the_other(carried: ModuleType, tmp_path: Path) -> None:
    log = operator()
    log.exchange(LOG)
    log.exchange(RECEIPT, REVOKED)
    log.ask()
    assert found(log, tmp_path / "bundle") == set()
    assert carried_takes(carried, tmp_path / "bundle")


# What an operator with all keys, old and new, could try --------------------------------------------------


def _old_signs_on(log: Operator) -> None:
    log.exchange(RECEIPT)
    log.keys[RECEIPT] = RECEIPT_KEY
    log.refuse("", "REQUEST_EXPIRED")


def _new_signs_early(log: Operator) -> None:
    log.keys[RECEIPT] = NEXT[RECEIPT]
    log.refuse("", "REQUEST_EXPIRED")
    log.keys[RECEIPT] = RECEIPT_KEY
    log.exchange(RECEIPT)


def _revoked_signs_its_end(log: Operator) -> None:
    signed = log.signed(log.change(RECEIPT, REVOKED))
    index = log.record(signed)
    log.keys[RECEIPT] = NEXT[RECEIPT]
    log.told = (FormerKey(RECEIPT, RECEIPT_KEY.public, ORIGIN, index, REVOKED),)


def _leaf_withheld(log: Operator) -> None:
    without_subject(log, log.exchange(RECEIPT))


def _no_leaf_at_all(log: Operator) -> None:
    log.told = (FormerKey(RECEIPT, RECEIPT_KEY.public, ORIGIN, len(log.leaves) - 1, ROTATED),)
    log.keys[RECEIPT] = NEXT[RECEIPT]
    log.refuse("", "REQUEST_EXPIRED")


def _space_never_told(log: Operator) -> None:
    log.exchange(RECEIPT, tell=False)
    log.refuse("", "REQUEST_EXPIRED")


def _told_of_another_leaf(log: Operator) -> None:
    index = log.exchange(RECEIPT)
    log.refuse("", "REQUEST_EXPIRED")
    log.told = (replace(log.told[0], index=index - 1),)


def _told_it_was_revoked(log: Operator) -> None:
    log.exchange(LOG)
    log.told = (replace(log.told[0], end=REVOKED),)


def _recorded_twice(log: Operator) -> None:
    signed = log.signed(log.change(LOG, ROTATED))
    index = log.record(signed)
    log.keys[LOG] = NEXT[LOG]
    log.told = (FormerKey(LOG, LOG_KEY.public, ORIGIN, index, ROTATED),)
    log.record(signed)


def _recorded_later(log: Operator) -> None:
    signed = log.signed(log.change(RECEIPT, ROTATED))
    log.refuse("", "REQUEST_EXPIRED")
    index = log.record(signed)
    log.keys[RECEIPT] = NEXT[RECEIPT]
    log.told = (FormerKey(RECEIPT, RECEIPT_KEY.public, ORIGIN, index, ROTATED),)


def _without_the_old_key(log: Operator) -> None:
    signed = Signed(log.signed(log.change(LOG, ROTATED)).by_new)
    index = log.record(signed)
    log.keys[LOG] = NEXT[LOG]
    log.told = (FormerKey(LOG, LOG_KEY.public, ORIGIN, index, ROTATED),)


def _back_again(log: Operator) -> None:
    log.exchange(RECEIPT)
    back = log.change(RECEIPT, ROTATED, new=RECEIPT_KEY.public)
    log.record(documents.sign_key_change(back, RECEIPT_KEY, NEXT[RECEIPT]))
    log.keys[RECEIPT] = RECEIPT_KEY
    log.refuse("", "REQUEST_EXPIRED")


def _for_a_third_key(log: Operator) -> None:
    third = signer("receipt three")
    index = log.record(documents.sign_key_change(log.change(RECEIPT, ROTATED, new=third.public), third, RECEIPT_KEY))
    log.keys[RECEIPT] = NEXT[RECEIPT]
    log.told = (FormerKey(RECEIPT, RECEIPT_KEY.public, ORIGIN, index, ROTATED),)


def _old_head(log: Operator) -> None:
    log.exchange(LOG)
    log.keys[LOG] = LOG_KEY


FOUND: dict[Callable[[Operator], None], Code] = {
    _old_signs_on: Code.LEAF_SIGNATURE,
    _new_signs_early: Code.LEAF_SIGNATURE,
    _revoked_signs_its_end: Code.LEAF_SIGNATURE,
    _leaf_withheld: Code.KEY_WRONG,
    _no_leaf_at_all: Code.KEY_WRONG,
    _space_never_told: Code.LEAF_SIGNATURE,
    _told_of_another_leaf: Code.KEY_WRONG,
    _told_it_was_revoked: Code.KEY_WRONG,
    _recorded_twice: Code.KEY_WRONG,
    _recorded_later: Code.KEY_WRONG,
    _without_the_old_key: Code.KEY_WRONG,
    _back_again: Code.KEY_WRONG,
    _for_a_third_key: Code.KEY_WRONG,
    _old_head: Code.CHECKPOINT_SIGNATURE,
}
SIGNATURES = (_old_signs_on, _new_signs_early, _revoked_signs_its_end, _space_never_told, _old_head, _back_again)
"""What the auditor in Go finds too: it reads leaves without their disclosures."""
MISPLACED = (_old_signs_on, _new_signs_early, _old_head)
"""Of these, the ones that are about nothing but which key counts where."""


@pytest.mark.parametrize("forge", FOUND, ids=lambda forge: forge.__name__)
def test_it_is_found(carried: ModuleType, tmp_path: Path, forge: Callable[[Operator], None]) -> None:
    log = operator()
    forge(log)
    assert FOUND[forge] in {code for code, _ in found(log, tmp_path / "bundle")}
    assert not carried_takes(carried, tmp_path / "bundle")


@pytest.mark.parametrize("forge", SIGNATURES, ids=lambda forge: forge.__name__)
def test_the_auditor_in_go_finds_it_too(auditor: Path, tmp_path: Path, forge: Callable[[Operator], None]) -> None:
    log = operator()
    forge(log)
    assert not go_takes(auditor, log, log.bundle(tmp_path / "bundle"))


def test_one_receipt_counts_by_its_place() -> None:
    log = operator()
    index = log.exchange(RECEIPT)
    log.keys[RECEIPT] = RECEIPT_KEY
    log.refuse("", "REQUEST_EXPIRED")
    for before in (3, index):
        verify_receipt_of(log.party(), log.sdjwts[before], log.proven(before))
    with pytest.raises(BadSignature):
        verify_receipt_of(log.party(), log.sdjwts[index + 1], log.proven(index + 1))


def test_a_head_counts_by_its_size() -> None:
    log = operator()
    old = log.proven(3)
    index = log.exchange(LOG)
    verify_receipt_of(log.party(), log.sdjwts[3], old)
    verify_receipt_of(log.party(), log.sdjwts[3], log.proven(3))
    log.keys[LOG] = LOG_KEY
    verify_receipt_of(log.party(), log.sdjwts[3], log.proven(3, index))
    with pytest.raises(BadSignature):
        verify_receipt_of(log.party(), log.sdjwts[3], log.proven(3))


def test_the_script_of_the_auditors_page_follows_too(tmp_path: Path) -> None:
    assert SCRIPT is not None
    log = operator()
    exchanged = log.exchange(LOG)
    index = log.exchange(RECEIPT)
    log.keys[RECEIPT] = RECEIPT_KEY
    log.refuse("", "REQUEST_EXPIRED")
    bundle = log.bundle(tmp_path / "bundle")
    (tmp_path / "audit-receipt").write_text(SCRIPT.group(1), encoding="utf-8")
    for at, code in ((2, 0), (exchanged, 0), (index, 0), (index + 1, 1)):
        words: list[str | Path] = ["bash", tmp_path / "audit-receipt", bundle, str(at), bundle / "space.vkey"]
        assert subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == code, at


# What the space believes -------------------------------------------------------------------------------------


def honest(log: Operator, use: KeyUse, end: KeyEnd) -> Exchange:
    """Exchange a key and return what the space operator is handed."""
    signed = log.signed(log.change(use, end))
    return log.handed(signed, log.exchange(use, end, tell=False))


@pytest.mark.parametrize(("use", "end"), EVERY)
def test_the_space_lists_what_the_log_records(use: KeyUse, end: KeyEnd) -> None:
    log = operator()
    index = len(log.leaves)
    handed = key_change.decode_exchange(key_change.encode_exchange(honest(log, use, end)))
    changed = exchanges.apply(handed, specimen.register())
    old = RECEIPT_KEY if use is RECEIPT else LOG_KEY
    assert changed.former_keys == (FormerKey(use, old.public, ORIGIN, index, end),)
    assert former_keys.key_at(changed, use, ORIGIN, index + 1) == NEXT[use].public
    log.told = changed.former_keys
    assert exchanges.apply(handed, log.register()) == log.party() == changed


def _another_index(log: Operator) -> Exchange:
    signed = log.signed(log.change(RECEIPT, ROTATED, index=3))
    return log.handed(signed, log.record(signed))


def _no_proof(log: Operator) -> Exchange:
    return replace(honest(log, RECEIPT, ROTATED), proof=log.proven(3))


def _of_a_fork(log: Operator) -> Exchange:
    handed = honest(log, RECEIPT, ROTATED)
    fork = operator()
    fork.refuse("", "REQUEST_EXPIRED")
    return replace(handed, proof=fork.proven(len(fork.leaves) - 1))


def _only_the_new_key(log: Operator) -> Exchange:
    handed = honest(log, RECEIPT, ROTATED)
    return replace(handed, signed=Signed(handed.signed.by_new))


def _by_a_thief_of_one_key(log: Operator) -> Exchange:
    """Whoever has the receipt key alone cannot make a head over its leaf."""
    log.keys[LOG] = signer("thief")
    return honest(log, RECEIPT, REVOKED)


def _to_a_members_key(log: Operator) -> Exchange:
    change = log.change(RECEIPT, ROTATED, new=MEMBER_KEY.public)
    signed = documents.sign_key_change(change, MEMBER_KEY, RECEIPT_KEY)
    return log.handed(signed, log.record(signed))


def _as_a_member(log: Operator) -> Exchange:
    change = log.change(KeyUse.MEMBER, ROTATED, old=RECEIPT_KEY.public, new=NEXT[RECEIPT].public, origin="", index=0)
    return Exchange(documents.sign_key_change(change, NEXT[RECEIPT], RECEIPT_KEY))


def _member_revokes_itself(log: Operator) -> Exchange:
    new = signer("member two")
    change = log.change(
        KeyUse.MEMBER, REVOKED, party=CONSUMER, old=MEMBER_KEY.public, new=new.public, origin="", index=0
    )
    return Exchange(documents.sign_key_change(change, new, MEMBER_KEY))


@pytest.mark.parametrize(
    "forge",
    [
        _another_index,
        _no_proof,
        _of_a_fork,
        _only_the_new_key,
        _by_a_thief_of_one_key,
        _to_a_members_key,
        _as_a_member,
        _member_revokes_itself,
    ],
    ids=lambda forge: forge.__name__,
)
def test_the_space_does_not_believe_it(forge: Callable[[Operator], Exchange]) -> None:
    handed = forge(operator())
    with pytest.raises((Malformed, BadSignature, BadProof)):
        exchanges.apply(handed, specimen.register())


def test_no_key_comes_back_and_no_two_end_at_one_place() -> None:
    log = operator()
    log.exchange(RECEIPT)
    ended, good = log.told[0], log.register()
    assert register.decode(register.encode(good)) == good
    party = log.party()
    wrong = (
        replace(party, signing_key=ended.key),
        replace(party, former_keys=(ended, replace(ended, key=bytes(31) + b"\x01", use=LOG))),
        replace(party, former_keys=(replace(ended, index=ended.index + 1, key=bytes(31) + b"\x02"), ended)),
        replace(party, former_keys=(replace(ended, origin=ORIGIN.replace(NODE, CONSUMER)),)),
        replace(party, former_keys=(replace(ended, use=KeyUse.MEMBER),)),
    )
    for each in wrong:
        others = tuple(one for one in good.parties if one.id != NODE)
        parties = tuple(sorted((*others, each), key=lambda one: one.id))
        with pytest.raises(Malformed):
            register.encode(replace(good, parties=parties))


def test_a_key_that_ended_counts_for_every_log_before() -> None:
    log = operator()
    index = log.exchange(RECEIPT)
    for origin, at, key in (
        (ORIGIN.replace("2026", "2025"), 10**6, RECEIPT_KEY),
        (ORIGIN, index, RECEIPT_KEY),
        (ORIGIN, index + 1, NEXT[RECEIPT]),
        (f"{ORIGIN}-2", 0, NEXT[RECEIPT]),
        (ORIGIN.replace("2026", "2027"), 0, NEXT[RECEIPT]),
    ):
        assert former_keys.key_at(log.party(), RECEIPT, origin, at) == key.public


def test_a_stated_key_is_held_to_the_register(tmp_path: Path) -> None:
    log = operator()
    other = {"key": "A" * 43, "kid": "", "node": NODE, "use": "log"}
    log.append(Stage.KEY, {Slot.SUBJECT: {**other}})
    assert Code.KEY_WRONG in {code for code, _ in found(log, tmp_path / "bundle")}
