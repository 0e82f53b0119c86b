"""What this member saw of a node's log, kept between programs: a log may grow and do nothing else.

The newest checkpoint of each log lies in the state folder. Whatever checkpoint comes next, larger
or smaller, must be proven consistent with it before anything is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from yanmen.client import durable
from yanmen.client.errors import LogWentBack, Refused
from yanmen.crypto import notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import key_at
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.model.party import KeyUse, Party
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode, Reason
from yanmen.verify import verify_consistency

Prove = Callable[[int, int], tuple[bytes, ...]]


class Grown(NamedTuple):
    """What a reply brought with it: the proof that the log in it begins with its first `known` leaves."""

    known: int
    hashes: tuple[bytes, ...]


UNTOLD = Grown(0, ())
Keep = Callable[[], None]
"""Puts what was looked at on disk, where the next program finds it."""
_DAY_MS = 86_400_000
_TRANSIENT = frozenset({Reason.RATE_LIMITED, Reason.SHUTTING_DOWN})
"""Refusals of a proof that say nothing about the log."""


@dataclass(frozen=True, slots=True)
class History:
    """The memory of one node's logs; `prove` asks the node for a consistency proof."""

    folder: Path
    node: Party
    clock: Clock
    prove: Prove
    kept: list[int] = field(default_factory=list)
    """How large the log was that this program kept last, if it kept any."""

    def newest(self, ask: Callable[[], bytes]) -> Checkpoint:
        """Return the head that `ask` fetches; it must not be smaller than any seen before."""
        with durable.locked(self.folder, f"{self.node.id}.lock"):
            signed = ask()
            head = self._open(signed)
            before = self._before(head, signed)
            if before is not None and head.size < self._remembered(before).size:
                raise LogWentBack("the log has fewer leaves than it had", before, signed)
            self._follow(before, head, signed)
        return head

    def known_size(self) -> int:
        """Return how large the log of the latest year was when it was last seen, 0 for never.

        Another program may have seen more since this one did: then its growth is asked for, as without this.
        """
        if self.kept:
            return self.kept[0]
        latest = max(self._years(), default=0)
        known = durable.read(self.folder, _file(checkpoint.origin(self.node.id, latest)), note.BYTES_MAX)
        return 0 if known is None else self._remembered(known).size

    def look(self, signed: bytes, grown: Grown = UNTOLD) -> tuple[Checkpoint, Keep]:
        """Return the checkpoint `signed` of a proof, once it is consistent with what was seen before, and its `Keep`.

        The node is asked for a proof unless `grown` is from the very size that was seen.
        """
        with durable.locked(self.folder, f"{self.node.id}.lock"):
            head = self._open(signed)
            before = self._before(head, signed)
            self._consistent(before, head, signed, grown)
        return head, partial(self._keep, before, head, signed)

    def _keep(self, before: bytes | None, head: Checkpoint, signed: bytes) -> None:
        """Keep `head`, proven to follow `before`; proven anew where another program has kept another meanwhile."""
        with durable.locked(self.folder, f"{self.node.id}.lock"):
            now = self._before(head, signed)
            if now == before:
                self._write(before, head, signed)
            else:
                self._follow(now, head, signed)

    def _follow(self, before: bytes | None, head: Checkpoint, signed: bytes) -> None:
        self._consistent(before, head, signed, UNTOLD)
        self._write(before, head, signed)

    def _write(self, before: bytes | None, head: Checkpoint, signed: bytes) -> None:
        if before is None or head.size > self._remembered(before).size:
            durable.write(self.folder, _file(head.origin), signed)
            self.kept[:] = [head.size]

    def _consistent(self, before: bytes | None, head: Checkpoint, signed: bytes, grown: Grown) -> None:
        if before is None:
            return
        known = self._remembered(before)
        try:
            if head.size >= known.size:
                verify_consistency(before, signed, self._hashes(known.size, head.size, grown), self.node)
            else:
                verify_consistency(signed, before, self._hashes(head.size, known.size, UNTOLD), self.node)
        except (BadProof, Malformed) as error:
            raise LogWentBack(f"the log is not the one seen before: {error}", before, signed) from error
        except Refused as error:
            if error.reason in _TRANSIENT:
                raise
            raise LogWentBack("the node cannot prove that the log only grew", before, signed) from error

    def _hashes(self, old: int, new: int, grown: Grown) -> tuple[bytes, ...]:
        if old in (0, new):
            return ()
        return grown.hashes if grown.known == old and grown.hashes else self.prove(old, new)

    def _open(self, signed: bytes) -> Checkpoint:
        """Return the checkpoint that this node's log key signed, for a log of this node."""
        parsed = note.decode(signed)
        claimed = checkpoint.decode(parsed.text)
        if checkpoint.origin_node(claimed.origin) != self.node.id:
            raise BadSignature("checkpoint of another node's log")
        key = key_at(self.node, KeyUse.LOG, claimed.origin, claimed.size - 1)
        return notes.verify_checkpoint(parsed, claimed.origin, key)

    def _remembered(self, before: bytes) -> Checkpoint:
        try:
            return self._open(before)
        except (Malformed, BadSignature) as error:
            raise Fault(
                FaultCode.STORAGE, f"{self.folder}: a checkpoint kept here is not the node's: {error}"
            ) from error

    def _before(self, head: Checkpoint, signed: bytes) -> bytes | None:
        """Return the checkpoint seen last of this log; a new log must be that of a new year."""
        known = durable.read(self.folder, _file(head.origin), note.BYTES_MAX)
        if known is not None:
            if self._remembered(known).origin != head.origin:
                why = "another log of this year appeared: one that says it lost leaves; who decides to believe the node"
                zh = "节点出现了声明曾丢失记录的新日志；经核实并决定采信后，请移走"
                kept = self.folder / _file(head.origin)
                raise LogWentBack(f"{why} puts {kept} aside, and keeps it（{zh}该文件并留存）", known, signed)
            return known
        year = _year(head.origin)
        latest = max(self._years(), default=0)
        if year <= latest:
            before = durable.read(self.folder, _file(checkpoint.origin(self.node.id, latest)), note.BYTES_MAX)
            raise LogWentBack("a log of an earlier year appeared", before or b"", signed)
        if year > datetime.fromtimestamp((self.clock.now_ms() + _DAY_MS) / 1000, UTC).year:
            raise LogWentBack("a log of a year to come", b"", signed)
        return None

    def _years(self) -> list[int]:
        names = (path.name.removesuffix(".checkpoint") for path in self.folder.glob("*.checkpoint"))
        return [int(name.rpartition("-")[2]) for name in names if name.startswith(f"{self.node.id}-")]


def _file(origin: str) -> str:
    return f"{checkpoint.origin_node(origin)}-{_year(origin)}.checkpoint"


def _year(origin: str) -> int:
    return checkpoint.origin_year(origin)[0]
