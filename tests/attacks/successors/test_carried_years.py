"""The one file to carry judges unit prices, free uses and the log of a second year, and says what it does not judge."""

import subprocess
import sys
from pathlib import Path

import pytest
from yanmen.model.contract import ContractStatus

from tests.attacks.successors.test_shed_by_the_year import Years, years
from tests.unit.ledger.scene import papers
from tests.unit.verify.terms_scene import started, used

__all__ = ["years"]
CARRY = Path(__file__).parents[3] / "scripts" / "carry-auditor.py"


def judged(bundle: Path, folder: Path, vkey: str = "") -> tuple[int, str]:
    (folder / "space.vkey").write_text((vkey or papers().vkey) + "\n")
    done = subprocess.run(
        [sys.executable, CARRY, bundle, folder / "space.vkey"], capture_output=True, check=False, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_both_years_hold(years: Years, tmp_path: Path) -> None:
    years.close()
    years.follow()
    for name in ("old", "new"):
        code, said = judged(years.folder / name, tmp_path)
        assert (code, said[:5]) == (0, "VALID"), said


def test_a_free_use_too_many_and_a_sum_that_was_shed_do_not(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    years.close()
    monkeypatch.setattr("yanmen.ledger.budget.is_free", lambda _db, _plan: True)
    years.follow()
    code, said = judged(years.folder / "new", years.folder)
    assert code == 1
    assert "another price than signed" in said


def test_what_it_does_not_read_it_says(tmp_path: Path) -> None:
    from yanmen.formats import note
    from yanmen.formats.note import VerifierKey

    from tests.vectors import specimen

    log = started()
    used(log)
    log.stands(specimen.CONTRACT, ContractStatus.OFFERED, b"e30.eyJ5YW5tZW46cm91bmQiOjF9.AA")
    vkey = note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public))
    code, said = judged(log.export(tmp_path / "bundle"), tmp_path, vkey)
    assert (code, said[:10]) == (2, "NOT JUDGED")
