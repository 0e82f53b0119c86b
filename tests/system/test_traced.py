"""What a served node hands to the kernel, traced: the journal that records an answer is synced before it goes out."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.system.town import Town
from tests.system_packages import need

ANSWER_BYTES = 2000
"""What holds a receipt holds a leaf of 2,560 bytes; the frames that hold none are a few dozen bytes."""
CALLS = "fdatasync,pwrite64,sendmsg,sendto,write,writev"
_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed)(.*)")
_SIZE = re.compile(r"= (\d+)$")


class Kernel:
    """What a trace says of one journal and of the sockets: who sent how much while how much was not synced."""

    def __init__(self, journal: str) -> None:
        self.journal = journal
        self.dirty = self.synced = 0
        self.sent: list[tuple[int, int, int]] = []
        self._begun: dict[str, tuple[bool, bool, int, int]] = {}

    def read(self, lines: Iterable[str]) -> "Kernel":
        for line in lines:
            match = _LINE.match(line)
            if match is not None:
                self._call(match[1], match[2], match[4], resumed=match[3] != "(")
        return self

    def _call(self, thread: str, name: str, rest: str, *, resumed: bool) -> None:
        if not resumed:
            journal = self.journal in rest
            if name == "pwrite64" and journal:
                self.dirty += 1
            self._begun[thread] = (journal, "<TCP" in rest, self.dirty, self.synced)
        if rest.endswith("<unfinished ...>"):
            return
        journal, socket, dirty, synced = self._begun.pop(thread, (False, False, 0, 0))
        size = _SIZE.search(rest)
        if name == "fdatasync" and journal and size is not None:
            # What another thread wrote while this one synced may not be on disk yet.
            self.dirty -= dirty
            self.synced += 1
        if socket and size is not None and name != "fdatasync":
            self.sent.append((int(size[1]), dirty, synced))

    def answers(self) -> list[tuple[int, int]]:
        """Return for each answer what was written and not synced when it was begun to be sent, and the syncs so far."""
        return [(dirty, synced) for size, dirty, synced in self.sent if size >= ANSWER_BYTES]


def test_the_trace_is_read_as_it_is_meant() -> None:
    trace = [
        '11 pwrite64(7</n/l.sqlite-wal>, ""..., 24, 0) = 24',
        "11 fdatasync(7</n/l.sqlite-wal> <unfinished ...>",
        "12 sendmsg(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, {}, MSG_NOSIGNAL) = 4000",
        "11 <... fdatasync resumed>)             = 0",
        "12 sendmsg(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, {}, MSG_NOSIGNAL <unfinished ...>",
        '11 pwrite64(7</n/l.sqlite-wal>, ""..., 24, 0) = 24',
        "12 <... sendmsg resumed>)               = 5000",
        "12 sendmsg(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, {}, MSG_NOSIGNAL) = 30",
        "12 writev(9<TCPv6:[::1:1->::1:2]>, [], 2) = 6000",
    ]
    assert Kernel("l.sqlite-wal").read(trace).answers() == [(1, 0), (0, 1), (1, 1)]


@pytest.fixture
def traced(tmp_path: Path) -> Callable[[Town, Callable[[], object]], Kernel]:
    """Return what traces the node while something is done."""
    need("strace")

    def trace(town: Town, work: Callable[[], object]) -> Kernel:
        assert town.process is not None
        out = tmp_path / "trace"
        words = ["strace", "-f", "-yy", "-s", "0", "-e", f"trace={CALLS}", "-o", str(out), "-p", str(town.process.pid)]
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE)
        assert tracer.stderr is not None
        assert b"attached" in tracer.stderr.readline()
        work()
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=20)
        return Kernel("ledger.sqlite-wal").read(out.read_text(errors="replace").splitlines())

    return trace


def test_an_answer_is_synced_before_its_first_byte(
    town: Town, traced: Callable[[Town, Callable[[], object]], Kernel]
) -> None:
    town.contract()
    asked: list[int] = []

    def ask() -> None:
        for limit in (1, 2):
            asked.append(town.ask(f"SELECT count(*) AS n FROM visits WHERE cost > {limit}")[0])
            time.sleep(0.1)

    kernel = traced(town, ask)
    assert asked == [0, 0]
    answers = kernel.answers()
    assert len(answers) >= 2
    assert {dirty for dirty, _ in answers} == {0}, "an answer left before its receipt was on disk"
    assert kernel.synced >= 4, "an intent and an outcome for each"
    assert answers[-1][1] >= answers[0][1] + 2
