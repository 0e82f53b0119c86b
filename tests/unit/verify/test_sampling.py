"""A sample nobody can choose and anybody can draw again; what was drawn is verified."""

import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from yanmen.cli.main import main
from yanmen.crypto import cosigning, notes
from yanmen.formats import bundle, checkpoint, connector_id, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.verify import BillCode, Code, sampling
from yanmen.verify.heads import Evidence
from yanmen.verify.sampling import Draw, Sample, audit_sample, read_dice, read_seed

from tests.vectors.specimen import SPACE_KEY, signer

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
    assert not audit_sample([], read_seed(SEED), Draw(5)).ok


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
    sample = audit_sample(logs, read_seed(DICE), Draw(6), key)
    assert sample.ok
    assert drawn(sample) == drawn(audit_sample(logs[::-1], read_seed(DICE.replace(" ", "")), Draw(6), key))
    assert len(set(drawn(sample))) == 6
    assert drawn(audit_sample(logs, read_seed(SEED), Draw(6), key)) != drawn(sample)
    assert len(audit_sample(logs, read_seed(DICE), Draw(1_000), key).receipts) == 40


def test_a_sampled_receipt_that_does_not_hold_is_found(specimens: ModuleType, logs: list[Path]) -> None:
    key = specimens.SPACE_KEY.public
    first = audit_sample(logs, read_seed(SEED), Draw(1), key).receipts[0]
    path = next(path for path in logs if first.origin in (path / "checkpoint").read_text())
    (path / bundle.receipt_name(first.index)).unlink()
    sample = audit_sample(logs, read_seed(SEED), Draw(3), key)
    assert [each.ok for each in sample.receipts] == [False, True, True]
    assert [each.code for each in sample.receipts[0].findings] == [Code.RECEIPT_MISSING]
    assert not sample.ok


def test_nothing_is_drawn_from_heads_that_do_not_hold(specimens: ModuleType, logs: list[Path]) -> None:
    key = specimens.SPACE_KEY.public
    twice = audit_sample([logs[0], logs[0]], read_seed(SEED), Draw(3), key)
    assert (twice.receipts, [each.code for each in twice.findings]) == (
        (),
        [BillCode.LOG_TWICE, BillCode.SEED_UNWITNESSED],
    )
    (logs[1] / "checkpoint").write_bytes(b"another")
    broken = audit_sample(logs, read_seed(SEED), Draw(3), key)
    assert broken.receipts == ()
    assert not broken.ok


def test_altered_leaf_hashes_are_found_even_when_the_sample_misses_them(
    specimens: ModuleType, logs: list[Path]
) -> None:
    lines = (logs[0] / "leaves.txt").read_text().splitlines(keepends=True)
    (logs[0] / "leaves.txt").write_text("".join([lines[1], lines[0], *lines[2:]]))
    sample = audit_sample(logs, read_seed(SEED), Draw(1), specimens.SPACE_KEY.public)
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


# Nodes first, and a seed made after the heads were witnessed ------------------------------------------

AT_S = 1_780_000_000
WITNESS = VerifierKey("w1", signer("w1").public, note.COSIGNATURE)


def cosigned(log: Any, size: int | None = None, at_s: int = AT_S, name: str = "w1") -> bytes:
    """Return the log's head of that size with a witness's cosignature."""
    head = log.checkpoint(size)
    line = cosigning.cosign(head.text, name, signer(name), at_s)
    return note.encode(note.Note(head.text, (*head.signatures, line)))


@pytest.fixture
def towns(specimens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Path]]:
    """Return two logs with their bundles: of one node, last year's and this year's."""
    first, second = specimens.specimen(), specimens.specimen("next year")
    second.origin = first.origin.replace("/2026", "/2027")
    made = [(log, log.export(tmp_path / name)) for log, name in ((first, "one"), (second, "two"))]
    for log, path in made:
        (path / "cosigned").write_bytes(cosigned(log))
    return made


def witnessed(towns: list[tuple[Any, Path]], at_s: int, heads: tuple[bytes, ...] = ()) -> Sample:
    return audit_sample(
        [path for _, path in towns], read_seed(DICE), Draw(6), SPACE_KEY.public, Evidence(heads, (WITNESS,), at_s)
    )


def codes(sample: Sample) -> list[BillCode]:
    """Return what was found, but for where heads came from (tests/attacks/successors)."""
    told = {BillCode.HEAD_OF_BUNDLE, BillCode.LEAVES_SINCE}
    return [each.code for each in sample.findings if each.code not in told]


def test_a_seed_made_after_the_heads_were_seen_counts(towns: list[tuple[Any, Path]]) -> None:
    sample = witnessed(towns, AT_S + 1)
    assert (codes(sample), sample.ok, len(sample.receipts)) == ([], True, 6)
    assert {each.at_s for each in sample.seen} == {AT_S}


@pytest.mark.parametrize("at_s", [AT_S, AT_S - 1, 0])
def test_a_seed_that_was_there_before_a_witness_saw_the_heads_is_refused(
    towns: list[tuple[Any, Path]], at_s: int
) -> None:
    sample = witnessed(towns, at_s)
    assert (codes(sample), sample.receipts, sample.ok) == ([BillCode.SEED_TOO_EARLY] * 2, (), False)


def test_a_head_that_no_witness_saw_is_refused(towns: list[tuple[Any, Path]]) -> None:
    log, path = towns[0]
    (path / "cosigned").write_bytes(cosigned(log, name="w2"))
    assert codes(witnessed(towns, AT_S + 1)) == [BillCode.HEAD_WRONG]
    (path / "cosigned").unlink()
    sample = witnessed(towns, AT_S + 1)
    assert (codes(sample), sample.receipts) == ([BillCode.HEAD_WRONG], ())
    (path / "cosigned").write_bytes((towns[1][1] / "cosigned").read_bytes())
    assert BillCode.HEAD_WRONG in codes(witnessed(towns, AT_S + 1))


def test_a_log_shortened_or_rewritten_since_is_found(
    specimens: ModuleType, towns: list[tuple[Any, Path]], tmp_path: Path
) -> None:
    """The head was published before the seed; the bundle that comes afterwards must contain it."""
    other = specimens.specimen("rewritten")
    sample = witnessed(towns, AT_S + 1, (cosigned(other),))
    assert (codes(sample), sample.receipts) == ([BillCode.HEAD_OTHER_HISTORY], ())
    longer = specimens.long_specimen()
    assert codes(witnessed(towns, AT_S + 1, (cosigned(longer),))) == [BillCode.HEAD_OTHER_HISTORY]


def test_leaves_added_since_are_not_drawn(towns: list[tuple[Any, Path]]) -> None:
    heads = tuple(cosigned(log, 12) for log, _ in towns)
    sample = witnessed(towns, AT_S + 1, heads)
    assert sample.ok
    assert [head.size for head in sample.heads] == [12, 12]
    drawn_all = audit_sample(
        [path for _, path in towns], read_seed(DICE), Draw(99), SPACE_KEY.public, Evidence(heads, (WITNESS,), AT_S + 1)
    )
    assert sorted(each.index for each in drawn_all.receipts) == sorted([*range(12), *range(12)])


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-10], lambda text: text.replace(b"/2026\n", b"/2026\n1"), lambda _: b""]
)
def test_a_head_its_log_did_not_sign_is_refused(towns: list[tuple[Any, Path]], spoil: Any) -> None:
    sample = witnessed(towns, AT_S + 1, (spoil(cosigned(towns[0][0])),))
    assert (codes(sample)[0], sample.receipts) == (BillCode.HEAD_WRONG, ())


def test_the_same_head_twice_would_count_twice(towns: list[tuple[Any, Path]]) -> None:
    head = cosigned(towns[0][0])
    assert codes(witnessed(towns, AT_S + 1, (head, head))) == [BillCode.LOG_TWICE]


def test_without_a_witness_that_is_said(towns: list[tuple[Any, Path]]) -> None:
    sample = audit_sample([path for _, path in towns], read_seed(DICE), Draw(6), SPACE_KEY.public)
    assert (codes(sample), sample.ok) == ([BillCode.SEED_UNWITNESSED], True)


def province(count: int) -> tuple[Register, list[bytes]]:
    """Return a register of so many nodes with one key each, and a witnessed head of each."""
    parties, heads = [], []
    for number in range(count):
        node = connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"A1B2C{number:03}")
        log_key = signer(f"log {number}")
        parties.append(
            Party(node, f"n{number}", "", PartyRole.NODE, PartyStatus.ACTIVE, signer(f"receipt {number}").public,
                  log_key.public, "0" * 64)
        )  # fmt: skip
        head = notes.sign_checkpoint(Checkpoint(checkpoint.origin(node, 2026), 7, bytes([number]) * 32), log_key)
        line = cosigning.cosign(head.text, "w1", signer("w1"), AT_S)
        heads.append(note.encode(note.Note(head.text, (*head.signatures, line))))
    return Register("shanxi.example", 1, 0, 2**50, tuple(sorted(parties, key=lambda party: party.id))), heads


def test_nodes_are_drawn_from_heads_alone_and_the_same_by_anybody() -> None:
    members, heads = province(9)
    evidence = Evidence(tuple(heads), (WITNESS,), AT_S + 60)
    sample = audit_sample([], read_seed(DICE), Draw(5, 3, members), None, evidence)
    assert (codes(sample), sample.ok, len(set(sample.nodes))) == ([], True, 3)
    again = audit_sample(
        [], read_dice(DICE), Draw(1, 3, members), None, Evidence(tuple(heads[::-1]), (WITNESS,), AT_S + 1)
    )
    assert again.nodes == sample.nodes
    other = audit_sample([], read_seed(SEED), Draw(5, 3, members), None, evidence)
    assert other.nodes != sample.nodes
    # The procedure as documented, by none of the code: ids in order, numbers of SHA-256(key || "nodes").
    ids = [party.id for party in members.parties]
    fixed = hashlib.sha256(sampling.key(read_seed(DICE), sample.heads) + b"nodes").digest()
    assert list(sample.nodes) == [ids[number] for number in dict.fromkeys(each % 9 for each in numbers(fixed, 40))][:3]


def test_every_node_is_about_as_likely() -> None:
    members, heads = province(3)
    hits = {party.id: 0 for party in members.parties}
    for number in range(300):
        sample = audit_sample([], read_seed(f"{number:032x}"), Draw(1, 1, members), None, Evidence(tuple(heads)))
        hits[sample.nodes[0]] += 1
    assert all(50 < count < 150 for count in hits.values())


def test_a_node_that_was_drawn_hands_over_its_bundle(specimens: ModuleType, towns: list[tuple[Any, Path]]) -> None:
    members, heads = province(4)
    own = specimens.register()
    both = Register(own.space, 2, 0, 2**50, tuple(sorted((*own.parties, *members.parties), key=lambda party: party.id)))
    evidence = Evidence((*heads, cosigned(towns[0][0])), (WITNESS,), AT_S + 60)
    key = specimens.SPACE_KEY.public
    sample = audit_sample([towns[0][1]], read_seed(DICE), Draw(3, 5, both), key, evidence)
    assert codes(sample) == [BillCode.DRAWN_NODE_ABSENT] * 4
    assert (sample.ok, sample.receipts) == (False, ())


@pytest.mark.parametrize("text", ["1" * 49, "7" * 50, "0" * 50, "a" * 50, ""])
def test_dice_have_six_faces_and_are_thrown_often_enough(text: str) -> None:
    with pytest.raises(Malformed):
        read_dice(text)


def test_the_command_holds_the_seed_against_witnesses(
    towns: list[tuple[Any, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w1.vkey").write_text(note.encode_key(WITNESS) + "\n")
    line = ["audit", "sample", *(str(path) for _, path in towns), "--count", "3", "--dice", *DICE.split()]
    seen = ["--witness-key", str(tmp_path / "w1.vkey")]
    assert main([*line, *seen, "--seed-at", "2026-05-28T20:26:41+00:00", "--nodes", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (len(said["nodes"]), set(said["witnessed"].values())) == (1, {AT_S})
    assert main([*line, *seen, "--seed-at", "2026-05-28T20:26:40+00:00"]) == 1
    assert "SEED_TOO_EARLY" in capsys.readouterr().out
    assert main([*line, *seen]) == 2
    assert main([*line, "--seed-at", "2026-05-28T20:26:41+00:00"]) == 2
    assert main([*line, *seen, "--seed-at", "2026-05-28T20:26:41"]) == 2
    assert main([*line, "--seed", SEED]) == 2
