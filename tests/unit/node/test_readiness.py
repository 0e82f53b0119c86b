"""Each probe of readiness fails for its own reason, and a probe that fails is an obstacle, not an end."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused
from yanmen.node import readiness
from yanmen.node.holder import Holder
from yanmen.node.readiness import HINTS, Readiness

NOW_MS = 1_790_000_000_000


class Clock:
    def now_ms(self) -> int:
        return NOW_MS


class Books:
    """A ledger whose clock stands where it is told."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault

    def check_clock(self) -> None:
        if self.fault is not None:
            raise self.fault


class Folder:
    """As much of a holder as the probes look at."""

    def __init__(self, directory: Path, clock: Fault | None = None, register: Fault | None = None) -> None:
        self.directory = directory
        self.ledger = Books(clock)
        self.fault = register

    def party(self) -> None:
        if self.fault is not None:
            raise self.fault


def looked(holder: object) -> dict[str, str]:
    assert isinstance(holder, Folder)
    found = Readiness(readiness.probes(holder)).look()  # type: ignore[arg-type]
    return {name: obstacle.note for name, obstacle in found.items()}


def test_a_node_with_time_room_and_register_is_ready(tmp_path: Path) -> None:
    assert looked(Folder(tmp_path)) == {}


def test_a_clock_set_back_is_in_the_way(tmp_path: Path) -> None:
    behind = Fault(FaultCode.CLOCK_BEHIND, "the clock is 9000 ms behind the last leaf")
    assert looked(Folder(tmp_path, clock=behind)) == {"clock": "CLOCK_BEHIND the clock is 9000 ms behind the last leaf"}


def test_a_register_that_is_over_is_in_the_way(tmp_path: Path) -> None:
    assert list(looked(Folder(tmp_path, register=Fault(FaultCode.REGISTER, "over")))) == ["register"]


@pytest.mark.parametrize(
    ("free", "ready"), [(readiness.DISK_LEAST_BYTES, True), (readiness.DISK_LEAST_BYTES - 1, False)]
)
def test_a_full_disk_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, *, ready: bool) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, free))
    assert (list(looked(Folder(tmp_path))) == []) == ready


@pytest.mark.parametrize(("end_ms", "ready"), [(NOW_MS + 1, True), (NOW_MS, False)])
def test_a_certificate_that_is_over_is_in_the_way(end_ms: int, *, ready: bool) -> None:
    found = Readiness({"certificate": readiness.valid_until(lambda: end_ms, Clock())}).look()
    assert (not found) == ready


def test_missing_witnesses_are_in_the_way() -> None:
    def silent() -> None:
        raise Refused(Reason.NOT_WITNESSED)

    assert Readiness({"witness": silent}).look()["witness"].note == "NOT_WITNESSED"


def test_a_disk_that_cannot_be_asked_is_in_the_way(tmp_path: Path) -> None:
    assert list(looked(Folder(tmp_path / "gone"))) == ["disk"]


def test_every_hint_is_in_both_languages() -> None:
    assert all(en.isascii() and not zh.isascii() for en, zh in HINTS.values())
    assert isinstance(Holder, type)
