"""Sets a bomb off in the jail, and looks at what is left of the node after it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import duckdb
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher, address_space
from yanmen.execution.process import Spawner
from yanmen.execution.tenancy import dataless
from yanmen.model.catalogue import ColumnType
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Runner, Tenant
from yanmen.model.refusal import JobFailed

from tests.attacks.sql_bombs import Bomb

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=3, wall_ms=2_000, reply_bytes=1 << 20, rows=1_000)
OVER = 1.2
COPIED = Path("/tmp/yanmen-bomb")
LONG = 64 << 20
"""The node's cap on texts, lifted for the parser's bombs."""


@dataclass(frozen=True)
class Ended:
    """How a bomb ended, and how much of each limit it took: 1.0 is the limit."""

    bomb: Bomb
    code: str
    wall: float
    cpu: float
    memory: float
    next_fine: bool

    @property
    def held(self) -> bool:
        """Whether it ended within the limits, and the next question was answered."""
        return max(self.wall, self.cpu, self.memory) <= OVER and self.next_fine


@dataclass
class BombRange:
    """A runner over a small table, for one consumer under one contract."""

    tenant: Runner
    version: str

    def ask(self, sql: str, limits: Limits = LIMITS) -> object:
        """Ask one integer column."""
        return self.tenant.query((("s0", self.version),), sql, (ColumnType.INTEGER,), limits, Event())

    def set_off(self, bomb: Bomb) -> Ended:
        """Run `bomb` in a worker that waits, then the next question."""
        limits = LIMITS if bomb.job == "query" else dataless(LONG)
        self._next_fine()  # a worker waits now
        began = time.monotonic()
        code, cpu_ms, peak = "answered", 0, 0
        try:
            if bomb.job == "vet":
                self.tenant.vet(bomb.sql)
            else:
                self.ask(bomb.sql)
        except JobFailed as failed:
            code, cpu_ms, peak = failed.code.value, failed.usage.cpu_ms, failed.usage.peak_bytes
        wall_ms = (time.monotonic() - began) * 1000
        return Ended(
            bomb,
            code,
            wall_ms / limits.wall_ms,
            cpu_ms / 1000 / limits.cpu_seconds,
            peak / address_space(limits),
            self._next_fine(),
        )

    def _next_fine(self) -> bool:
        rows = self.tenant.query(
            (("s0", self.version),), "SELECT count(*) FROM s0.data", (ColumnType.INTEGER,), LIMITS, Event()
        )[0]
        return rows == ((1000,),) and self.tenant.vet("SELECT 1").startswith('{"error":false')


@contextmanager
def bomb_range(folder: Path, spawner: Spawner) -> Iterator[BombRange]:
    """Build the range in `folder`."""
    limits = NodeLimits(sql_bytes=LONG, ast_bytes=LONG)
    runner = JailRunner(folder, b"k" * 32, SystemRandomness(), limits, Launcher(spawner))
    path = folder / "made.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE data AS SELECT i, 'row ' || i AS s FROM range(1000) t(i)")
    with path.open("rb") as made:
        version = runner._snapshots.seal(made.fileno()).version
    try:
        yield BombRange(runner.within(Tenant("mallory", "bombs")), version)
    finally:
        runner.close()
