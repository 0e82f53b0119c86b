"""Some receipts of a bundle, verified one by one (steps 1 to 7 of the procedure), with all they disclose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats import bundle, receipt
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import leaf_hash
from yanmen.model.receipt import Stage
from yanmen.verify import directory
from yanmen.verify.entries import Entries
from yanmen.verify.procedure import Stop, Trust, establish, leaf_lines
from yanmen.verify.report import Code, Finding, Severity, finding
from yanmen.verify.uses import Use


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
            self._entries = Entries(path, self.trust.node, leaf_lines(path, self.trust.head, findings))
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
        use, _ = self._entries.check(index)
        found = tuple(self._entries.findings[before:])
        if use is None:
            return _nothing(origin, index, found)
        try:
            slots = self._slots(use)
        except (directory.Missing, directory.Unreadable, Malformed):
            changed = finding(Code.FILE_UNREADABLE, index, use.head.stage, bundle.receipt_name(index))
            return _nothing(origin, index, (*found, changed))
        head = use.head
        return CheckedReceipt(origin, index, head.stage, head.iss, head.jti, head.iat_s, slots, found)

    def _slots(self, use: Use) -> Mapping[str, Json]:
        """Read again, for showing, the disclosures of a receipt that was just verified."""
        text = directory.read(self._path, bundle.receipt_name(use.index), receipt.BYTES_MAX).decode("ascii")
        disclosed = receipt.decode(text)
        if leaf_hash(disclosed.leaf.jws) != use.hash:
            raise directory.Unreadable(bundle.receipt_name(use.index))
        return {slot.value: value for slot, value in disclosed.slots.items()}


def _nothing(origin: str, index: int, findings: tuple[Finding, ...]) -> CheckedReceipt:
    return CheckedReceipt(origin, index, None, "", "", 0, {}, findings)
