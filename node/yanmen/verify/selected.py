"""Some receipts of a bundle, verified one by one (steps 1 to 7 of the procedure), with all they disclose.

A single one is also held to all that the leaves before it say (steps 8 to 20), its contract's terms above all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen.formats import bundle, merkle, note
from yanmen.formats.bundle import LeafLine
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.erasure import Erasure
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Terms
from yanmen.model.receipt import Stage
from yanmen.verify import directory
from yanmen.verify.clauses import Clause, clauses
from yanmen.verify.entries import Entries
from yanmen.verify.erasing import destroyed
from yanmen.verify.following import Following, Trust
from yanmen.verify.key_book import KeyBook
from yanmen.verify.procedure import Stop, establish, leaf_lines, node_of
from yanmen.verify.report import Code, Finding, Severity, finding
from yanmen.verify.standing import All, Standing
from yanmen.verify.uses import ASKED, Use

_TERMS = frozenset({Stage.GENESIS, Stage.MEMBER, Stage.CONTRACT})
"""Leaves that offers follow from, with the keys they are signed with."""


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """One receipt: what it says, once it belongs to its leaf, and what is wrong with it.

    `stage` is None and there is nothing else when the receipt is not that of this leaf.
    """

    origin: str
    index: int
    stage: Stage | None
    issuer: str
    jti: str
    iat_s: int
    slots: Mapping[str, Json]
    findings: tuple[Finding, ...]
    clauses: tuple[Clause, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it was read and nothing is wrong with it."""
        return self.stage is not None and all(each.severity is Severity.NOTE for each in self.findings)


class OpenBundle:
    """A bundle of which steps 1 to 4 were taken; `findings` are those about the bundle as a whole."""

    __slots__ = ("_entries", "_lines", "_path", "findings", "trust")

    def __init__(self, path: Path, space_key: bytes | None = None) -> None:
        """Open the bundle in `path`; `trust` is None when its keys or its head do not hold."""
        findings: list[Finding] = []
        self._path = path
        self.trust: Trust | None = None
        self._entries: Entries | None = None
        self._lines: tuple[LeafLine, ...] = ()
        try:
            self.trust = establish(path, space_key, findings)
            listed = leaf_lines(path, self.trust.head, findings)
            self._entries = Entries(path, node_of(self.trust), listed)
            self._lines = () if listed is None else listed.lines
        except Stop as stop:
            findings.append(stop.found)
        self.findings: tuple[Finding, ...] = tuple(findings)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with the bundle as a whole."""
        return self._entries is not None and all(each.severity is Severity.NOTE for each in self.findings)

    def holds_head(self, head: Checkpoint) -> bool:
        """Say whether the bundle's log begins with the log that `head` is over."""
        if not 0 < head.size <= len(self._lines):
            return False
        return merkle.root(head.size, merkle.full_subtrees(line.hash for line in self._lines[: head.size])) == head.root

    def cosigned(self) -> bytes | None:
        """Return the newest head with cosignatures as the bundle has it, not verified yet."""
        try:
            return directory.read(self._path, bundle.COSIGNED, note.BYTES_MAX)
        except (directory.Missing, directory.Unreadable):
            return None

    def terms(self) -> Mapping[str, Terms]:
        """Return the terms of all contracts whose signed offer the bundle discloses."""
        if self.trust is None or self._entries is None:
            return {}
        keys = KeyBook(self.trust.members, self.trust.party, self.trust.head.origin)
        standing = Standing(keys)
        for index, line in enumerate(self._lines):
            checked = self._entries.check(index) if line.stage in _TERMS else None
            if checked is not None and checked.use is not None:
                tuple(keys.follow(checked.use))
                tuple(standing.follow(checked.use, checked.said))
        return {name: agreement.terms for name, agreement in standing.agreements.items()}

    def check(self, index: int) -> CheckedReceipt:
        """Return the receipt of leaf `index`, which need not be there."""
        if self.trust is None or self._entries is None:
            return _nothing("", index, ())
        origin = self.trust.head.origin
        if not 0 <= index < self.trust.head.size:
            return _nothing(origin, index, (finding(Code.LEAF_MISSING, index),))
        before = len(self._entries.findings)
        checked = self._entries.check(index)
        found = tuple(self._entries.findings[before:])
        if checked.use is None:
            return _nothing(origin, index, found)
        return _shown(origin, checked.use, checked.said, found)

    def excused(self, index: int, wrong: Sequence[Finding], due_s: int) -> tuple[Finding, ...]:
        """Return what is `wrong` with leaf `index`, but for what a leaf not dated before `due_s` says was destroyed."""
        if index not in self._erased_since(due_s):
            return tuple(wrong)
        kept = [each for each in wrong if not destroyed(each)]
        return (*kept, finding(Code.ERASED, index, Stage.ERASURE, "1"))

    def _erased_since(self, due_s: int) -> set[int]:
        found: set[int] = set()
        for at, line in enumerate(self._lines):
            checked = None if self._entries is None or line.stage is not Stage.ERASURE else self._entries.check(at)
            if checked is None or checked.use is None or checked.use.head.iat_s < due_s:
                continue
            try:
                found.update(Erasure.read(checked.use.subject, at).indices())
            except Malformed:
                continue  # a finding of the log's own
        return found

    def check_in_log(self, index: int) -> CheckedReceipt:
        """Return the receipt of leaf `index`, held to every leaf before it as well: to its contract, above all."""
        alone = self.check(index)
        if self.trust is None or self._entries is None or alone.stage is None or not self._lines:
            return alone
        following, before = Following(self.trust), len(self._entries.findings)
        for each, line in enumerate(self._lines):
            if each > index and line.stage is not Stage.ERASURE:
                continue
            checked = self._entries.check(each)
            if checked.use is not None and each <= index:
                following.add(checked.use, checked.said)
            elif checked.use is not None:
                following.erased(checked.use)
        use = following.uses[-1]
        intents = (each.index for each in following.uses if each.reference == use.head.intent)
        indices = {index, *intents}
        read = [each for each in self._entries.findings[before:] if each.index in indices]
        found = following.about(indices, read)
        terms = following.terms.get(use.contract)
        held = () if terms is None or use.head.stage not in ASKED else clauses(use, terms, found)
        return replace(alone, findings=tuple(found), clauses=held)


def _shown(origin: str, use: Use, said: All, findings: tuple[Finding, ...]) -> CheckedReceipt:
    head, slots = use.head, {slot.value: one.value for slot, one in said.items()}
    return CheckedReceipt(origin, use.index, head.stage, head.iss, head.jti, head.iat_s, slots, findings)


def _nothing(origin: str, index: int, findings: tuple[Finding, ...]) -> CheckedReceipt:
    return CheckedReceipt(origin, index, None, "", "", 0, {}, findings)
