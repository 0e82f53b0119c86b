"""随机抽查: which receipts to look at, drawn so that nobody can choose them and anybody can draw them again.

1. The logs are put in order of their origins; their leaves are numbered through from 0 to n - 1.
2. key = SHA-256("yanmen-sample-1" LF seed LF, then for each log: origin SP size SP base64 root LF).
   The seed is its text, spaces removed and in small letters.
3. If nodes are drawn first: their ids in order, numbered from 0, drawn as in 4 with SHA-256(key || "nodes") for the
   key; then only the logs of these are numbered through.
4. For i = 0, 1, 2…: x is the first 8 bytes of SHA-256(key || i as 8 bytes), both big-endian. An x that is not
   below the largest multiple of n up to 2^64 is skipped, so that every leaf is as likely as another; x mod n is
   drawn, unless it was drawn before.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen.formats import base64std
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.erasure import DAY_S
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.model.contract import Terms
from yanmen.model.party import Register
from yanmen.verify import collection, heads
from yanmen.verify.bill_finding import BillCode, BillFinding, bill_finding
from yanmen.verify.granted import withheld
from yanmen.verify.heads import Evidence, Witnessed, check_seed
from yanmen.verify.not_proven import NOT_PROVEN
from yanmen.verify.selected import CheckedReceipt, OpenBundle

DOMAIN = "yanmen-sample-1"
BITS_LEAST = 128
"""Below this a node that knows how seeds are made could try them all before it publishes its head."""
SEED_MAX = 1024

_SEED = re.compile(r"[0-9a-f]{1,1024}", re.ASCII)
_DICE = re.compile(r"[1-6]+", re.ASCII)
_DRAWN = 2**64


@dataclass(frozen=True, slots=True)
class Seed:
    """The text a sample is drawn with; `bits` is what it can hold at most: of digits 1 to 6 only, that of dice."""

    text: str
    bits: int

    @property
    def weak(self) -> bool:
        """Whether it could be guessed."""
        return self.bits < BITS_LEAST


@dataclass(frozen=True, slots=True)
class Draw:
    """How many `receipts`, of how many `nodes` (None = all); `members` is the register where no bundle has one."""

    receipts: int
    nodes: int | None = None
    members: Register | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn and what came of verifying it."""

    seed: Seed
    heads: tuple[Checkpoint, ...]
    bundles: tuple[OpenBundle, ...]
    receipts: tuple[CheckedReceipt, ...]
    findings: tuple[BillFinding, ...]
    seen: tuple[Witnessed, ...] = ()
    nodes: tuple[str, ...] = ()
    not_proven: tuple[tuple[str, str], ...] = NOT_PROVEN

    @property
    def ok(self) -> bool:
        """Whether every log and every receipt drawn holds; without bundles, whether nodes were drawn."""
        logs = all(each.ok for each in self.bundles) and all(each.note for each in self.findings)
        drawn = bool(self.receipts) if self.bundles else bool(self.nodes)
        return logs and drawn and all(each.ok for each in self.receipts)


def read_seed(text: str) -> Seed:
    """Return the seed that is `text`: hexadecimal digits, or the numbers dice showed."""
    plain = "".join(text.split()).lower()
    if _SEED.fullmatch(plain) is None:
        raise Malformed("seed: write hexadecimal digits, or the numbers dice showed")
    faces = 6 if _DICE.fullmatch(plain) else 16
    return Seed(plain, (faces ** len(plain)).bit_length() - 1)


def read_dice(text: str) -> Seed:
    """Return the seed that dice showed: enough throws of faces 1 to 6."""
    seed = read_seed(text)
    if _DICE.fullmatch(seed.text) is None:
        raise Malformed("dice: faces are 1 to 6")
    if seed.weak:
        raise Malformed(f"dice: {len(seed.text)} throws, 50 are needed")
    return seed


def key(seed: Seed, heads: Sequence[Checkpoint]) -> bytes:
    """Return what fixes the sample: the seed, and the heads it was drawn after."""
    lines = [DOMAIN, seed.text]
    lines += [f"{head.origin} {head.size} {base64std.encode(head.root)}" for head in _ordered(heads)]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode("ascii")).digest()


def draw(fixed: bytes, total: int, count: int) -> tuple[int, ...]:
    """Return `count` different numbers below `total`, or all of them, in the order in which they are drawn."""
    drawn: dict[int, None] = {}
    below, block = _DRAWN - _DRAWN % total if total else 0, 0
    while len(drawn) < min(count, total):
        number = int.from_bytes(hashlib.sha256(fixed + block.to_bytes(8, "big")).digest()[:8], "big")
        block += 1
        if number < below:
            drawn.setdefault(number % total)
    return tuple(drawn)


def place(number: int, heads: Sequence[Checkpoint]) -> tuple[Checkpoint, int]:
    """Return the log and the leaf that `number` stands for."""
    left = number
    for head in _ordered(heads):
        if left < head.size:
            return head, left
        left -= head.size
    raise Malformed("sample: a number beyond the last leaf")


def audit_sample(
    paths: Sequence[Path], seed: Seed, draw_: Draw, space_key: bytes | None = None, evidence: Evidence | None = None
) -> Sample:
    """Draw nodes, then receipts of theirs, and verify these; nothing is drawn unless every head holds.

    The heads are those in `evidence`, and for a log without one that of its bundle: the cosigned one if witnesses are
    asked. Only a node that was drawn has to hand over a bundle.
    """
    shown = evidence or Evidence()
    bundles = tuple(OpenBundle(path, space_key) for path in paths)
    trusted = [each.trust for each in bundles if each.trust is not None]
    members = collection.newest(trusted) if draw_.members is None else draw_.members
    seen, findings = heads.population(bundles, members, shown)
    findings += collection.check(trusted, {each.node for each in seen})
    findings += check_seed(seen, shown)
    first = [each.check(0).slots.get(Slot.SUBJECT.value) for each in bundles]
    findings += collection.before(first, {each.head.origin for each in seen})
    ordered = _ordered([each.head for each in seen])
    sample = Sample(seed, ordered, bundles, (), tuple(findings), seen=tuple(seen))
    if len(trusted) < len(bundles) or not all(each.note for each in findings):
        return sample
    return _drawn(sample, draw_)


def _drawn(sample: Sample, draw_: Draw) -> Sample:
    """Return `sample` with nodes and receipts drawn; a drawn node without a bundle is a finding."""
    fixed = key(sample.seed, sample.heads)
    nodes = sorted({each.node for each in sample.seen})
    if draw_.nodes is not None:
        picked = draw(hashlib.sha256(fixed + b"nodes").digest(), len(nodes), draw_.nodes)
        nodes = [nodes[number] for number in picked]
    by_origin = {each.trust.head.origin: each for each in sample.bundles if each.trust is not None}
    chosen = [each.head for each in sample.seen if each.node in nodes]
    sample = replace(sample, nodes=tuple(nodes))
    absent = [head.origin for head in chosen if head.origin not in by_origin]
    if absent and not by_origin:
        return sample  # the first half only: which nodes have to hand over their bundles
    if absent:
        missing = tuple(bill_finding(BillCode.DRAWN_NODE_ABSENT, subject=origin) for origin in sorted(absent))
        return replace(sample, findings=(*sample.findings, *missing))
    numbers = draw(fixed, sum(head.size for head in chosen), draw_.receipts)
    places = [place(number, chosen) for number in numbers]
    terms = {origin: bundle.terms() for origin, bundle in by_origin.items()}
    return replace(
        sample, receipts=tuple(_checked(by_origin[head.origin], index, terms[head.origin]) for head, index in places)
    )


def _checked(bundle: OpenBundle, index: int, terms: Mapping[str, Terms]) -> CheckedReceipt:
    """Return receipt `index` verified, with what its contract grants the regulator and it withholds."""
    found = bundle.check(index)
    if found.stage is None:
        return found
    agreed = terms.get(str(found.slots.get(Slot.CONTRACT.value, "")))
    disclosed = {Slot(name) for name in found.slots}
    wrong = (*found.findings, *withheld(index, found.stage, disclosed, agreed))
    if wrong and agreed is not None:
        wrong = bundle.excused(index, wrong, found.iat_s + agreed.retention_days * DAY_S)
    return replace(found, findings=wrong)


def _ordered(heads: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    return tuple(sorted(heads, key=lambda head: head.origin))
