"""What the jail costs: a job, cold, against the same work in a Python that nothing confines."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from threading import Event

from bench_files.place import SQL, Place
from bench_files.samples import Ratio, compare
from yanmen.execution import orders, profiles
from yanmen.execution.launcher import Launcher
from yanmen.execution.process import Fresh
from yanmen.model.ports import Limits

VET = "a cold vetting job: start, jail, parse, reply"
FORKED = 5
PROFILES = ("landlock", "jail")
LINES = (
    (VET, "a cold Python, `import duckdb`, parse"),
    (VET, "a cold Python, `import _duckdb` as the job does, parse"),
    ("start, DuckDB opened, and the libraries that wrap the jail's system calls", "start, DuckDB opened"),
    *(
        (
            f"{FORKED} vetting jobs forked from the zygote, profile `{profile}`",
            f"{FORKED} times a cold Python, `import duckdb`, parse",
        )
        for profile in PROFILES
    ),
)
PLAIN = (sys.executable, "-I", "-B", "-c")
PARSE = """
import {module} as engine
engine.connect(":memory:", config={{"threads": 1}}).execute("SELECT json_serialize_sql('{sql}')").fetchone()
"""
WRAPPED = "import _duckdb, landlockpy, seccompy\n_duckdb.connect(':memory:', config={'threads': 1})"
BARE = "import _duckdb\n_duckdb.connect(':memory:', config={'threads': 1})"


def measured(place: Place, repeat: int) -> Iterator[Ratio]:
    """Measure a job against both Pythons, and what the jail would cost with the usual libraries."""
    sql = SQL.format(1)
    fresh = place.holder.runner(Fresh())
    for line, module in zip(LINES, ("duckdb", "_duckdb"), strict=False):
        yield compare(*line, lambda: fresh.vet(sql), plain(PARSE.format(module=module, sql=sql)), repeat)
    yield compare(*LINES[2], plain(WRAPPED), plain(BARE), repeat)
    yield from forked(sql, repeat)


def forked(sql: str, repeat: int) -> Iterator[Ratio]:
    """Measure jobs of a zygote in each profile this host has: started once before, as a serving node does."""
    peer = plain(PARSE.format(module="duckdb", sql=sql))
    limits = Limits(256 << 20, 5, 10_000, 1 << 20, 0)
    for profile, line in zip(PROFILES if shutil.which("bwrap") else PROFILES[:1], LINES[3:], strict=False):
        with profiles.serving(profile) as spawner:
            launcher = Launcher(spawner)
            ours = times(FORKED, lambda launcher=launcher: launcher.run(orders.vet(sql), limits, Event()))
            yield compare(*line, ours, times(FORKED, peer), repeat)


def times(count: int, action: Callable[[], object]) -> Callable[[], None]:
    """Return an action that does `action` so many times."""

    def repeated() -> None:
        for _ in range(count):
            action()

    return repeated


def plain(code: str) -> Callable[[], object]:
    """Return an action that runs `code` in a Python of its own."""
    return lambda: subprocess.run([*PLAIN, code], check=True, capture_output=True)
