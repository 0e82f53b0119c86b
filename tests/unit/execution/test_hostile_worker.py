"""A subverted worker can lie, stall and die, but not stay, overflow the node or speak out of turn."""

import os
import sys
from pathlib import Path
from threading import Event, Timer

import pytest
from yanmen.execution.process import Fresh
from yanmen.execution.worker import Bounds, Worker
from yanmen.model.refusal import JobCode, JobFailed, Usage

from tests.patience import once_within, timed

SCRIPT = Path(__file__).with_name("hostile_worker.py")


def exchange(
    mode: str, *, wall_ms: int = 60_000, cancel: Event | None = None, request: bytes = b"{}", cpu_seconds: int = 60
) -> tuple[bytes, Usage]:
    bounds = Bounds(wall_ms=wall_ms, cpu_seconds=cpu_seconds, reply_bytes=1 << 16)
    command = (sys.executable, "-I", "-B", str(SCRIPT), mode)
    with Worker(Fresh(command).spawn(()), bounds, cancel if cancel is not None else Event()) as worker:
        pid = worker.pid
        try:
            return worker.exchange(request)
        finally:
            assert worker.exit_status is not None
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_good_worker_is_heard_and_measured() -> None:
    reply, usage = exchange("good")
    assert reply == b'{"ok":true}'
    assert usage.reply_bytes == len(reply)
    assert usage.cpu_ms > 0
    assert 1 << 20 < usage.peak_bytes < 1 << 30


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("claims_four_gigabytes", JobCode.OUTPUT),
        ("cut_short", JobCode.BAD_REPLY),
        ("speaks_after_reply", JobCode.BAD_REPLY),
        ("two_frames", JobCode.BAD_REPLY),
        ("silent", JobCode.BAD_REPLY),
        ("replies_and_fails", JobCode.FAILED),
        ("killed", JobCode.MEMORY),
        ("bad_call", JobCode.VIOLATION),
        ("crashes", JobCode.FAILED),
    ],
)
def test_a_bad_end_has_one_of_the_codes(mode: str, code: JobCode) -> None:
    with pytest.raises(JobFailed) as failed:
        exchange(mode)
    assert failed.value.code is code
    assert failed.value.usage.reply_bytes == 0


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["never_reads", "hangs_up_and_lives", "replies_and_lives", "spins", "drips"])
def test_the_deadline_ends_a_worker_that_stalls(mode: str) -> None:
    def stall() -> None:
        with pytest.raises(JobFailed) as failed:
            exchange(mode, wall_ms=500, request=b"x" * (1 << 20))
        assert failed.value.code is JobCode.TIME

    once_within(1.5, lambda: timed(stall))


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["never_reads", "hangs_up_and_lives", "replies_and_lives", "spins", "drips"])
def test_a_cancel_ends_any_worker_within_a_second(mode: str) -> None:
    def stall() -> None:
        cancel = Event()
        timer = Timer(0.3, cancel.set)
        timer.start()
        with pytest.raises(JobFailed) as failed:
            exchange(mode, cancel=cancel, request=b"x" * (1 << 20))
        timer.join()
        assert failed.value.code is JobCode.CANCELLED

    once_within(1.3, lambda: timed(stall))


def test_a_worker_over_its_cpu_time_is_told_from_one_out_of_memory() -> None:
    with pytest.raises(JobFailed) as failed:
        exchange("spins_past_cpu", cpu_seconds=1)
    assert failed.value.code is JobCode.TIME
    assert failed.value.usage.cpu_ms >= 900


def test_the_peak_is_the_workers_and_not_the_nodes() -> None:
    ballast = bytearray(300 << 20)
    ballast[:: 1 << 12] = b"x" * len(ballast[:: 1 << 12])
    _, usage = exchange("good")
    assert usage.peak_bytes < 100 << 20


def test_a_worker_that_cannot_start_is_a_failure() -> None:
    with pytest.raises(JobFailed) as failed:
        Fresh(("/nonexistent",)).spawn(())
    assert failed.value.code is JobCode.FAILED


def test_a_worker_gets_no_environment_and_no_descriptor_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YANMEN_SECRET", "x")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        code = (
            "import os,sys;fd=int(sys.argv[1]);"
            "said=(','.join(sorted(os.environ))+';'+','.join(sorted(os.listdir('/proc/self/fd')))).encode();"
            "os.write(fd,len(said).to_bytes(4,'big')+said);os.read(0,4)"
        )
        bounds = Bounds(wall_ms=60_000, cpu_seconds=5, reply_bytes=1 << 16)
        with Worker(Fresh((sys.executable, "-I", "-B", "-c", code)).spawn(()), bounds, Event()) as worker:
            reply, _ = worker.exchange(b"")
    finally:
        os.close(inherited)
    names, descriptors = reply.decode().split(";")
    assert set(names.split(",")) <= {"LANG", "LC_CTYPE"}
    assert len(descriptors.split(",")) == 5  # 0, 1, 2, the reply pipe, and the listing itself
