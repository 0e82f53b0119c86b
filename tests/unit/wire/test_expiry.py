"""What ends by itself is said in the log while there is time, and not every minute."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from yanmen.crypto import x509
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.model.refusal import Fault, FaultCode
from yanmen.wire.expiry import CERTIFICATE_DAYS, DAY_MS, REGISTER_DAYS, Ends, Watch

from tests.unit.wire.conftest import IDS, make_authority

START_MS = SystemClock().now_ms()


@dataclass
class Scene:
    """A watch over a register and a certificate whose ends are chosen."""

    folder: Path
    ms: int = START_MS
    register_ms: int = START_MS + 1_000 * DAY_MS
    fault: Fault | None = None
    log: io.StringIO = field(default_factory=io.StringIO)

    def now_ms(self) -> int:
        return self.ms

    def end(self) -> int:
        if self.fault is not None:
            raise self.fault
        return self.register_ms

    def watch(self) -> Watch:
        authority = make_authority(self.folder, "root")
        x509.create_key(self.folder / "tls.key")
        subject = x509.Subject("space.test", x509.Kind.NODE, IDS["node"], ("127.0.0.1",))
        csr = x509.create_csr(self.folder / "tls.key")
        leaf = x509.sign_csr(authority, csr, subject, START_MS, SystemRandomness())
        return Watch(Ends(self.end, lambda: leaf), self, self.log)

    def warned(self) -> list[str]:
        return [json.loads(line)["warning"] for line in self.log.getvalue().splitlines()]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_nothing_is_said_while_there_is_time(scene: Scene) -> None:
    watch = scene.watch()
    watch.look()
    scene.ms += (90 - CERTIFICATE_DAYS - 1) * DAY_MS
    watch.look()
    assert scene.warned() == []


def test_each_is_spoken_of_once_a_day_before_its_end(scene: Scene) -> None:
    watch = scene.watch()
    scene.register_ms = START_MS + REGISTER_DAYS * DAY_MS
    watch.look()
    assert scene.warned() == []
    scene.ms += 1
    for _ in range(3):
        watch.look()
    scene.ms += DAY_MS
    watch.look()
    assert scene.warned() == ["register", "register"]
    line = json.loads(scene.log.getvalue().splitlines()[0])
    assert (line["ends_ms"], line["days_left"]) == (scene.register_ms, REGISTER_DAYS - 1)
    assert "yanmen space refresh" in line["do"]
    scene.register_ms += 100 * DAY_MS
    scene.ms = START_MS + (90 - CERTIFICATE_DAYS + 1) * DAY_MS
    watch.look()
    assert scene.warned()[2:] == ["certificate"]


def test_a_register_that_stops_the_node_is_told_and_the_certificate_looked_at_all_the_same(scene: Scene) -> None:
    watch = scene.watch()
    scene.fault = Fault(FaultCode.REGISTER, "over since then")
    scene.ms += 89 * DAY_MS
    for _ in range(2):
        watch.look()
    assert scene.warned() == ["register", "certificate"]
    line = json.loads(scene.log.getvalue().splitlines()[0])
    assert (line["fault"], line["note"]) == ("REGISTER", "over since then")
