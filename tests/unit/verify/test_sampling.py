"""A sample nobody can choose and anybody can draw again; what was drawn is verified."""

import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from yanmen.cli.main import main
from yanmen.formats import bundle
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.verify import BillCode, Code, sampling
from yanmen.verify.sampling import Sample, audit_sample, read_seed

SEED = "3b" * 16
DICE = "3 1 4 1 5 2 6 5 3 5 2 6 2 4 1 3 6 5 5 2 1 4 4 3 6 2 1 5 6 3 2 4 1 1 5 6 3 2 4 5 6 1 2 3 4 5 6 1 2 3"
HEADS = (Checkpoint("b.log", 7, bytes(32)), Checkpoint("a.log", 5, bytes([1]) * 32))


def numbers(fixed: bytes, count: int) -> list[int]:
    """Return the first 64-bit numbers, computed as the procedure says them and by none of the code."""
    blocks = (hashlib.sha256(fixed + bytes(7) + bytes([index])).hexdigest()[:16] for index in range(count))
    return [int(block, 16) for block in blocks]


@pytest.fixture
def logs(specimens: ModuleType, tmp_path: Path) -> list[Path]:
    """Return the bundles of two logs of the specimen's node."""
    made: Any = specimens
    first, second = made.specimen(), made.specimen("next year")
    second.origin = first.origin.replace("/2026", "/2027")
    return [first.export(tmp_path / "one"), second.export(tmp_path / "two")]


def drawn(sample: Sample) -> list[tuple[str, int]]:
    return [(each.origin[-4:], each.index) for each in sample.receipts]


def test_the_procedure_is_the_documented_one() -> None:
    text = f"yanmen-sample-1\n{SEED}\na.log 5 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nb.log 7 {'A' * 43}=\n"
    fixed = hashlib.sha256(text.encode()).digest()
    assert sampling.key(read_seed(SEED), HEADS) == fixed
    assert sampling.key(read_seed(SEED), HEADS[::-1]) == fixed
    expected = list(dict.fromkeys(number % 12 for number in numbers(fixed, 100)))
    assert list(sampling.draw(fixed, 12, 5)) == expected[:5]
    assert sorted(sampling.draw(fixed, 12, 99)) == list(range(12))
    assert [sampling.place(number, HEADS)[0].origin for number in (0, 4, 5, 11)] == ["a.log", "a.log", "b.log", "b.log"]
    assert sampling.place(11, HEADS)[1] == 6
    with pytest.raises(Malformed):
        sampling.place(12, HEADS)
    # Another machine, or a later release, must draw the very same.
    assert sampling.draw(sampling.key(read_seed(DICE), HEADS), 12, 5) == (7, 3, 2, 5, 6)


def test_what_would_make_one_leaf_likelier_is_thrown_away() -> None:
    """Of 2^63 + 1 numbers, taking the rest of the division would hit the small ones twice as often."""
    total, skipped = 2**63 + 1, 0
    for number in range(20):
        fixed = hashlib.sha256(bytes([number])).digest()
        stream = numbers(fixed, 64)
        assert sampling.draw(fixed, total, 1) == (next(each for each in stream if each < total),)
        skipped += stream[0] >= total
    assert skipped > 0


def test_every_leaf_is_about_as_likely() -> None:
    counts = [0] * 7
    for number in range(7_000):
        counts[sampling.draw(number.to_bytes(32, "big"), 7, 1)[0]] += 1
    assert all(850 < count < 1_150 for count in counts)


def test_nothing_is_drawn_from_nothing() -> None:
    assert sampling.draw(bytes(32), 0, 5) == ()
    assert not audit_sample([], read_seed(SEED), 5).ok


@pytest.mark.parametrize(
    ("text", "bits"),
    [(SEED, 128), (DICE, 129), ("1" * 49, 126), ("f" * 31, 124), ("1234567890abcdef" * 2, 128), ("AB cd", 16)],
)
def test_a_seed_is_as_strong_as_what_it_can_be_read_as(text: str, bits: int) -> None:
    seed = read_seed(text)
    assert (seed.bits, seed.weak) == (bits, bits < 128)
    assert seed.text == text.replace(" ", "").lower()


@pytest.mark.parametrize("text", ["", "0x12", "१२३", "xyz", "1" * 1_025, "12-34"])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_seed(text)


def test_same_seed_and_bundles_give_the_same_sample(specimens: ModuleType, logs: list[Path]) -> None:
    key = specimens.SPACE_KEY.public
    sample = audit_sample(logs, read_seed(DICE), 6, key)
    assert sample.ok
    assert drawn(sample) == drawn(audit_sample(logs[::-1], read_seed(DICE.replace(" ", "")), 6, key))
    assert len(set(drawn(sample))) == 6
    assert drawn(audit_sample(logs, read_seed(SEED), 6, key)) != drawn(sample)
    assert len(audit_sample(logs, read_seed(DICE), 1_000, key).receipts) == 40


def test_a_sampled_receipt_that_does_not_hold_is_found(specimens: ModuleType, logs: list[Path]) -> None:
    key = specimens.SPACE_KEY.public
    first = audit_sample(logs, read_seed(SEED), 1, key).receipts[0]
    path = next(path for path in logs if first.origin in (path / "checkpoint").read_text())
    (path / bundle.receipt_name(first.index)).unlink()
    sample = audit_sample(logs, read_seed(SEED), 3, key)
    assert [each.ok for each in sample.receipts] == [False, True, True]
    assert [each.code for each in sample.receipts[0].findings] == [Code.RECEIPT_MISSING]
    assert not sample.ok


def test_nothing_is_drawn_from_heads_that_do_not_hold(specimens: ModuleType, logs: list[Path]) -> None:
    key = specimens.SPACE_KEY.public
    twice = audit_sample([logs[0], logs[0]], read_seed(SEED), 3, key)
    assert (twice.receipts, [each.code for each in twice.findings]) == ((), [BillCode.LOG_TWICE])
    (logs[1] / "checkpoint").write_bytes(b"another")
    broken = audit_sample(logs, read_seed(SEED), 3, key)
    assert broken.receipts == ()
    assert not broken.ok


def test_altered_leaf_hashes_are_found_even_when_the_sample_misses_them(
    specimens: ModuleType, logs: list[Path]
) -> None:
    lines = (logs[0] / "leaves.txt").read_text().splitlines(keepends=True)
    (logs[0] / "leaves.txt").write_text("".join([lines[1], lines[0], *lines[2:]]))
    sample = audit_sample(logs, read_seed(SEED), 1, specimens.SPACE_KEY.public)
    assert not sample.ok
    assert Code.LEAF_LINES_DIFFER in [one.code for each in sample.bundles for one in each.findings]


def test_the_command(logs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for path in logs]
    page = tmp_path / "sample.html"
    assert main(["audit", "sample", *paths, "--count", "3", "--seed", SEED, "--html", str(page), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["ok"] for each in said["receipts"]] == [True] * 3
    assert said["weak"] is False
    text = page.read_text()
    assert SEED in text
    assert all(each["jti"] in text for each in said["receipts"])
    assert main(["audit", "sample", *paths, "--count", "3", "--seed", "1 2 3"]) == 0
    assert "SEED_WEAK" in capsys.readouterr().out
    assert main(["audit", "sample", *paths, "--count", "0", "--seed", SEED]) == 2
    assert main(["audit", "sample", *paths, "--count", "3", "--seed", "dice"]) == 2
