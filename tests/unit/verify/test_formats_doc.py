"""docs/FORMATS.md shows what the code does, and the vector files hold what their names say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, bill, bundle, contract, enrolment, inspection, listing, receipt, register, request
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.receipt import Slot
from yanmen.model.receipt import Stage
from yanmen.verify import verify_consistency, verify_receipt

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "FORMATS.md").read_text(encoding="utf-8")
ERRORS: dict[str, type[Exception]] = {"malformed": Malformed, "bad signature": BadSignature, "bad proof": BadProof}


def cases(name: str) -> tuple[dict[str, Any], list[Any]]:
    data = json.loads((ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8"))
    return data, [pytest.param(case, id=case["name"]) for case in data["cases"]]


RECEIPTS, RECEIPT_CASES = cases("receipts.json")
CONSISTENCY, CONSISTENCY_CASES = cases("consistency.json")


def test_examples_and_vectors_are_those_of_the_code() -> None:
    command = [sys.executable, "-m", "tests.vectors.examples", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("case", RECEIPT_CASES)
def test_receipt_vectors(case: dict[str, str]) -> None:
    keys = (base64url.decode(RECEIPTS["receipt_key"]), base64url.decode(RECEIPTS["log_key"]))
    assert (case["expect"] == "valid") == case["name"].startswith("good_")
    if case["expect"] == "valid":
        verify_receipt(case["sdjwt"], case["proof"], *keys)
        return
    with pytest.raises(ERRORS[case["expect"]]):
        verify_receipt(case["sdjwt"], case["proof"], *keys)


@pytest.mark.parametrize("case", CONSISTENCY_CASES)
def test_consistency_vectors(case: dict[str, Any]) -> None:
    hashes = [base64url.decode(item) for item in case["hashes"]]
    arguments = (case["old"].encode(), case["new"].encode(), hashes, base64url.decode(CONSISTENCY["log_key"]))
    assert (case["expect"] == "valid") == case["name"].startswith("good_")
    if case["expect"] == "valid":
        verify_consistency(*arguments)
        return
    with pytest.raises(ERRORS[case["expect"]]):
        verify_consistency(*arguments)


def test_every_slot_stage_and_type_is_documented() -> None:
    names = [slot.value for slot in Slot] + [stage.value for stage in Stage]
    names += [receipt.TYP, receipt.SUITE, register.TYP, request.REQUEST_TYP, request.SESSION_TYP, listing.TYP]
    names += [
        bill.TYP,
        inspection.TYP,
        contract.OFFER_TYP,
        contract.ACCEPTANCE_TYP,
        enrolment.APPLICATION_TYP,
        enrolment.GRANT_TYP,
    ]
    assert [name for name in names if f"`{name}`" not in TEXT] == []
    for name in (bundle.STATEMENT, bundle.CHECKPOINT, bundle.LOG_KEY, bundle.SPACE_KEY, bundle.REGISTER):
        assert name in TEXT


def test_figures_are_those_of_the_code() -> None:
    assert receipt.LEAF_BYTES == 2560
    assert "2,560 bytes" in TEXT
    assert receipt.DIGESTS == 24
    assert "exactly 24 different digests" in TEXT
