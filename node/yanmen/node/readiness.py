"""Whether a serving node could answer a question now, and if not, what is in the way and who can change it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from yanmen.model.catalogue import Version
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode, Refused
from yanmen.node.holder import Holder

DISK_LEAST_BYTES = 256 << 20
"""Below this a node is not ready: a busy day's leaves, their answers and the journal need less."""

Probe = Callable[[], None]
"""Raises the `Fault` or `Refused` that a question would meet."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is in the way: a note for the operator, and what to do in both languages."""

    note: str
    hint_en: str
    hint_zh: str


HINTS: Mapping[str, tuple[str, str]] = {
    "clock": ("Set the clock right; it is behind the last leaf.", "请校准时钟：当前时间早于最近一片叶。"),
    "disk": ("Make room on the ledger's disk.", "请为台账所在磁盘腾出空间。"),
    "register": ("Copy the current register from the space operator.", "请向空间运营者取得现行名册。"),
    "certificate": (
        "Have the space sign the application again: yanmen space sign.",
        "请空间运营者重新签发证书：yanmen space sign。",
    ),
    "snapshots": ("Put the sealed file back, or publish again.", "请放回封存文件，或重新发布。"),
    "witness": ("Get enough witnesses going.", "请恢复足够的见证者。"),
}


class Readiness:
    """Asks every probe when it is looked at; nothing of it waits for the network."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        """Hold the probes by the names of `HINTS`."""
        self._probes = dict(probes)

    @property
    def names(self) -> tuple[str, ...]:
        """What is looked at."""
        return tuple(self._probes)

    def look(self) -> dict[str, Obstacle]:
        """Return what is in the way now, by name; empty is ready."""
        found = {name: _note(probe) for name, probe in self._probes.items()}
        return {name: Obstacle(note, *HINTS[name]) for name, note in found.items() if note}


def probes(holder: Holder) -> dict[str, Probe]:
    """Return what everybody who keeps a log needs: time, room, and a register that is good."""

    def clock() -> None:
        holder.ledger.check_clock()

    def disk() -> None:
        free = disk_free_bytes(holder)
        if free < DISK_LEAST_BYTES:
            raise Fault(FaultCode.STORAGE_FULL, f"{free} bytes are free, fewer than {DISK_LEAST_BYTES}")

    def register() -> None:
        holder.party()

    return {"clock": clock, "disk": disk, "register": register}


def snapshots(holder: Holder, holds: Callable[[Version], bool]) -> Probe:
    """Return what looks for the sealed file of every dataset in force."""

    def there() -> None:
        lost = [each.dataset.name for each in holder.ledger.current_versions() if not holds(each)]
        if lost:
            note = f"missing, or of another length: {', '.join(lost)}; publish again（请重新发布）"
            raise Fault(FaultCode.SNAPSHOT_ALTERED, note)

    return there


def valid_until(end_ms: Callable[[], int], clock: Clock) -> Probe:
    """Return what looks whether the certificate is good."""

    def good() -> None:
        if clock.now_ms() >= end_ms():
            raise Fault(FaultCode.KEYS, "the certificate is over")

    return good


def disk_free_bytes(holder: Holder) -> int:
    """Return the room on the disk of the node's folder."""
    return shutil.disk_usage(holder.directory).free


def _note(probe: Probe) -> str:
    try:
        probe()
    except Fault as fault:
        return f"{fault.code.value} {fault.note}"
    except Refused as refused:
        return refused.reason.value
    except OSError as error:
        return f"{FaultCode.STORAGE.value} {error.strerror}"
    return ""
