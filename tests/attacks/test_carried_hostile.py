"""The one file to carry reads a bundle as hostile, and tells what was erased after its term from what is withheld."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.formats import note, receipt
from yanmen.formats.erasure import DESTROYED, Erasure
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage

from tests.unit.verify.terms_scene import DAY_S, FIRST, started, used
from tests.vectors import specimen
from tests.vectors.specimen import Log

CARRY = Path(__file__).resolve().parents[2] / "scripts" / "carry-auditor.py"
GIGABYTE = 1024**3
FILES = ("checkpoint", "register.jws", "bundle.json", "leaves/00000003.jws", "receipts/00000003.sdjwt")
BOTH = (FIRST, FIRST + 1)


def carried(bundle: Path, desk: Path) -> tuple[int, str]:
    (desk / "space.vkey").write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
    done = subprocess.run(
        # 400 MB are enough for what is bounded, and not for a gigabyte.
        ["prlimit", f"--as={400 * 1024**2}", sys.executable, CARRY, bundle, desk / "space.vkey"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr or done.stdout


def sparse(path: Path) -> None:
    path.unlink()
    with path.open("wb") as file:
        file.truncate(GIGABYTE)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 200_000)


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a gigabyte": (sparse, "too long"),
    "a pipe": (pipe, "no regular file"),
    "a link": (link, "OSError"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_at_once(kind: str, tmp_path: Path) -> None:
    for name in FILES:
        bundle = specimen.specimen().export(tmp_path / name.replace("/", "-"))
        change, said = HOSTILE[kind]
        change(bundle / name)
        code, text = carried(bundle, tmp_path)
        assert (code, text[:9]) == (1, "NOT VALID"), text
        assert said in text or "too many" in text, (name, text)


def test_json_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    bundle = specimen.specimen().export(tmp_path / "bundle")
    nested(bundle / "bundle.json")
    code, text = carried(bundle, tmp_path)
    assert (code, text[:9]) == (1, "NOT VALID")
    assert "RecursionError" in text


def erased(log: Log, after_s: int, *, told: bool = True) -> Log:
    """Destroy what a use said, after so many seconds, and say so in a leaf if it is `told`."""
    used(log)
    log.time_s += after_s
    if told:
        log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure((BOTH,)).json(), Slot.ACTOR: "专管员"})
    for index in BOTH:
        log.sdjwts[index] = receipt.present(log.sdjwts[index], frozenset(Slot) - DESTROYED)
    return log


def test_what_was_erased_after_its_term_is_no_fault(tmp_path: Path) -> None:
    log = erased(started(retention_days=1), 3 * DAY_S)
    code, text = carried(log.export(tmp_path / "bundle"), tmp_path)
    assert (code, text[:5]) == (0, "VALID"), text


@pytest.mark.parametrize(
    ("after_s", "told", "said"),
    [
        (DAY_S // 2, True, "erased before its contract's term"),
        (3 * DAY_S, False, "does not say"),
    ],
    ids=["before its term", "untold"],
)
def test_what_is_withheld_is_a_fault(after_s: int, told: bool, said: str, tmp_path: Path) -> None:
    log = erased(started(retention_days=1), after_s, told=told)
    code, text = carried(log.export(tmp_path / "bundle"), tmp_path)
    assert (code, said in text) == (1, True), text


def test_sums_of_what_was_erased_still_count(tmp_path: Path) -> None:
    log = erased(started(retention_days=1, queries=1, queries_per_day=1), 3 * DAY_S)
    used(log)
    code, text = carried(log.export(tmp_path / "bundle"), tmp_path)
    assert (code, "more questions than agreed" in text) == (1, True), text


def test_a_leaf_that_is_none_of_a_use_is_not_erased(tmp_path: Path) -> None:
    log = started(retention_days=1)
    used(log)
    log.time_s += 3 * DAY_S
    log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST - 1, FIRST - 1),)).json(), Slot.ACTOR: "专管员"})
    code, text = carried(log.export(tmp_path / "bundle"), tmp_path)
    assert (code, text[:9]) == (1, "NOT VALID")
