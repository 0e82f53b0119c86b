"""随机抽查: which receipts to look at, drawn so that nobody can choose them and anybody can draw them again.

1. The logs are put in order of their origins; their leaves are numbered through from 0 to n - 1.
2. key = SHA-256("yanmen-sample-1" LF seed LF, then for each log: origin SP size SP base64 root LF).
   The seed is its text, spaces removed and in small letters.
3. For i = 0, 1, 2…: x is the first 8 bytes of SHA-256(key || i as 8 bytes), both big-endian. An x that is not
   below the largest multiple of n up to 2^64 is skipped, so that every leaf is as likely as another; x mod n is
   drawn, unless it was drawn before.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats import base64std
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.verify import collection
from yanmen.verify.bill_finding import BillFinding
from yanmen.verify.report import NOT_PROVEN
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
class Sample:
    """What was drawn and what came of verifying it."""

    seed: Seed
    heads: tuple[Checkpoint, ...]
    bundles: tuple[OpenBundle, ...]
    receipts: tuple[CheckedReceipt, ...]
    findings: tuple[BillFinding, ...]
    not_proven: tuple[tuple[str, str], ...] = NOT_PROVEN

    @property
    def ok(self) -> bool:
        """Whether every log and every receipt drawn holds."""
        logs = all(each.ok for each in self.bundles) and all(each.note for each in self.findings)
        return logs and bool(self.receipts) and all(each.ok for each in self.receipts)


def read_seed(text: str) -> Seed:
    """Return the seed that is `text`: hexadecimal digits, or the numbers dice showed."""
    plain = "".join(text.split()).lower()
    if _SEED.fullmatch(plain) is None:
        raise Malformed("seed: write hexadecimal digits, or the numbers dice showed")
    faces = 6 if _DICE.fullmatch(plain) else 16
    return Seed(plain, (faces ** len(plain)).bit_length() - 1)


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


def audit_sample(paths: Sequence[Path], seed: Seed, count: int, space_key: bytes | None = None) -> Sample:
    """Draw `count` receipts of the bundles in `paths` and verify them; nothing is drawn unless every head holds."""
    bundles = tuple(OpenBundle(path, space_key) for path in paths)
    trusted = [each.trust for each in bundles if each.trust is not None]
    findings = collection.check(trusted)
    heads = _ordered([trust.head for trust in trusted])
    if len(trusted) < len(bundles) or not all(each.note for each in findings):
        return Sample(seed, heads, bundles, (), findings)
    by_origin = {each.trust.head.origin: each for each in bundles if each.trust is not None}
    numbers = draw(key(seed, heads), sum(head.size for head in heads), count)
    places = [place(number, heads) for number in numbers]
    receipts = tuple(by_origin[head.origin].check(index) for head, index in places)
    return Sample(seed, heads, bundles, receipts, findings)


def _ordered(heads: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    return tuple(sorted(heads, key=lambda head: head.origin))
