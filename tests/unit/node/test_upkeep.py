"""What a node does from time to time: one look that breaks is told and hinders no other.

Whoever carries orders out fails shut.
"""

from pathlib import Path
from threading import Event

import pytest
from yanmen.ledger.ledger import Ledger
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.controlling import Controlling
from yanmen.node.jobs import Jobs
from yanmen.node.upkeep import Upkeep

from tests.patience import wait_until
from tests.unit.ledger.scene import RECEIPT_KEY, Scene


@pytest.mark.parametrize(
    "error",
    [RecursionError("deep"), UnicodeDecodeError("utf-8", b"", 0, 1, "odd"), Fault(FaultCode.CONFIG, "c"), KeyError()],
)
def test_a_look_that_breaks_hinders_no_other_and_is_told_once(
    error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    looks, upkeep = [0, 0], Upkeep()

    def breaks() -> None:
        looks[0] += 1
        raise error

    def counts() -> None:
        looks[1] += 1

    upkeep.also("policies", breaks)
    upkeep.also("logs", counts)
    upkeep.start()
    wait_until(lambda: min(looks) >= 3)
    upkeep.stop()
    assert capfd.readouterr().err == f'{{"upkeep": "policies", "failing": "{type(error).__name__}"}}\n'


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_when_nobody_carries_orders_out_the_node_is_disconnected_and_what_runs_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, jobs, ended = Scene(tmp_path / "ledger.sqlite"), Jobs(1, 1), Event()
    with scene.open() as ledger:
        controlling = Controlling(ledger, jobs, RECEIPT_KEY, scene.clock, tmp_path, "node")
        jobs.start("alice", "1", lambda cancel: ended.set() if cancel.wait(60) else None)

        def broken(_: Ledger) -> None:
            raise RuntimeError

        monkeypatch.setattr(Ledger, "stops", broken)
        controlling.start()
        wait_until(lambda: controlling.stops.disconnected)
        assert ended.wait(60)
        monkeypatch.undo()
        controlling.stop()
