"""The node serves only from a jail that held against its probes; otherwise it says what the host lacks."""

import hashlib
import json
import sys
from pathlib import Path
from threading import Event
from typing import ClassVar

import pytest
from typing_extensions import override
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import account, preflight
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.orders import Order
from yanmen.execution.process import Fresh
from yanmen.execution.worker import Bounds, Worker
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Profile
from yanmen.model.refusal import Fault, FaultCode, JobFailed

SCRIPT = Path(__file__).with_name("weaker_worker.py")
HOSTILE = Path(__file__).with_name("hostile_worker.py")


def weaker(weakness: str, script: Path = SCRIPT) -> Launcher:
    return Launcher(Fresh((sys.executable, "-I", "-B", str(script), weakness)))


def note(launcher: Launcher) -> str:
    with pytest.raises(Fault) as fault:
        preflight.check(launcher, NodeLimits(memory_bytes=64 << 20), SystemRandomness())
    assert fault.value.code is FaultCode.SANDBOX
    return fault.value.note


class Remembering(SystemRandomness):
    """Remembers what it gave, so that a test can look for its own files among those of others."""

    given: ClassVar[list[bytes]] = []

    @override
    def token(self, size: int) -> bytes:
        self.given.append(super().token(size))
        return self.given[-1]


@pytest.fixture(scope="module")
def profile() -> Profile:
    return preflight.check(Launcher(), NodeLimits(), Remembering())


def test_the_profile_names_every_layer(profile: Profile) -> None:
    names = [layer.rsplit(":", 1)[0].rsplit("-", 1)[0] for layer in profile.layers]
    assert profile.name == "landlock"
    assert names == ["landlock-abi", "seccomp", "user", "address", "memory", "cpu", "reply", "threads", "start"]
    assert profile.engine == "duckdb-2.0.0"
    jobs = account.of_jobs()
    assert f"user:{'node' if jobs is None else jobs.name}" in profile.layers


def test_anyone_can_recompute_the_digest(profile: Profile) -> None:
    members = {"engine": profile.engine, "layers": list(profile.layers), "name": profile.name}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    assert profile.digest == hashlib.sha256(canonical).hexdigest()


def test_the_digest_follows_the_limits(profile: Profile) -> None:
    other = preflight.check(Launcher(), NodeLimits(cpu_seconds=21), SystemRandomness())
    assert other.digest != profile.digest


@pytest.mark.parametrize(("weakness", "lacking"), [("no-landlock", "Landlock"), ("no-seccomp", "seccomp")])
def test_a_host_without_a_layer_is_named(weakness: str, lacking: str) -> None:
    assert lacking in note(weaker(weakness))


@pytest.mark.parametrize("weakness", ["no-landlock", "no-seccomp"])
def test_a_host_without_a_layer_runs_no_job_at_all(weakness: str, tmp_path: Path) -> None:
    """Not only the preflight: a job started without it fails closed as well."""
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits(), weaker(weakness))
    with pytest.raises(JobFailed):
        runner.vet("SELECT 1")


def test_probes_that_work_are_named() -> None:
    found = note(weaker("everything-left-out"))
    for probe in ("read-file", "read-environment", "list-root", "write-file", "map-executable", "exceed-memory"):
        assert probe in found


def test_a_missing_filter_is_found_though_landlock_holds() -> None:
    found = note(weaker("seccomp-left-out"))
    assert "map-executable" in found
    assert "read-file" not in found


def test_a_missing_second_filter_is_found() -> None:
    assert "become-dumpable" in note(weaker("second-filter-left-out"))


def test_missing_landlock_is_found_though_the_filter_holds() -> None:
    assert "read-file-while-attaching" in note(weaker("landlock-left-out"))


@pytest.mark.parametrize("name", preflight.ENDING)
def test_each_ending_probe_is_tried(name: str) -> None:
    """Where nothing confines, each of them reports success instead of dying."""
    with pytest.raises(Fault) as fault:
        preflight._ending(weaker("everything-left-out"), preflight._bounds(NodeLimits()), Path("/nonexistent"), name)
    assert name in fault.value.note


class Unlimited(Launcher):
    """A launcher that holds no job to its wall time and its reply's length."""

    @override
    def start(self, order: Order, limits: Limits, cancel: Event) -> Worker:
        process = self.spawner.spawn(order.fds)
        return Worker(process, Bounds(wall_ms=60_000, cpu_seconds=60, reply_bytes=1 << 20), cancel)


@pytest.mark.parametrize("name", preflight.LIMITED)
def test_each_limit_is_tried_and_named_when_it_does_not_hold(name: str) -> None:
    bounds = preflight._bounds(NodeLimits())
    preflight._ending(Launcher(), bounds, Path("/nonexistent"), name)
    with pytest.raises(Fault) as fault:
        preflight._ending(Unlimited(), bounds, Path("/nonexistent"), name)
    assert name in fault.value.note


@pytest.mark.parametrize("mode", ["good", "silent", "crashes", "bad_call", "claims_four_gigabytes"])
def test_a_worker_that_does_not_answer_the_probes_is_a_fault(mode: str) -> None:
    assert note(weaker(mode, HOSTILE))


def test_the_runner_asks_once(tmp_path: Path) -> None:
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits())
    assert runner.profile is runner.profile


def test_nothing_is_left_of_the_probes(profile: Profile) -> None:
    assert profile.digest
    assert Remembering.given
    assert not [token for token in Remembering.given if list(Path("/tmp").glob(f"yanmen-probe-*{token.hex()}*"))]
