"""Some receipts of a bundle, verified one by one (steps 1 to 7 of the procedure), with all they disclose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats.json_canonical import Json
from yanmen.model.receipt import Stage
from yanmen.verify.entries import Entries
from yanmen.verify.following import Trust
from yanmen.verify.procedure import Stop, establish, leaf_lines, node_of
from yanmen.verify.report import Code, Finding, Severity, finding


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

    @property
    def ok(self) -> bool:
        """Whether it was read and nothing is wrong with it."""
        return self.stage is not None and all(each.severity is Severity.NOTE for each in self.findings)


class OpenBundle:
    """A bundle of which steps 1 to 4 were taken; `findings` are those about the bundle as a whole."""

    __slots__ = ("_entries", "_path", "findings", "trust")

    def __init__(self, path: Path, space_key: bytes | None = None) -> None:
        """Open the bundle in `path`; `trust` is None when its keys or its head do not hold."""
        findings: list[Finding] = []
        self._path = path
        self.trust: Trust | None = None
        self._entries: Entries | None = None
        try:
            self.trust = establish(path, space_key, findings)
            self._entries = Entries(path, node_of(self.trust), leaf_lines(path, self.trust.head, findings))
        except Stop as stop:
            findings.append(stop.found)
        self.findings: tuple[Finding, ...] = tuple(findings)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with the bundle as a whole."""
        return self._entries is not None and all(each.severity is Severity.NOTE for each in self.findings)

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
        head, slots = checked.use.head, {slot.value: one.value for slot, one in checked.said.items()}
        return CheckedReceipt(origin, index, head.stage, head.iss, head.jti, head.iat_s, slots, found)


def _nothing(origin: str, index: int, findings: tuple[Finding, ...]) -> CheckedReceipt:
    return CheckedReceipt(origin, index, None, "", "", 0, {}, findings)
