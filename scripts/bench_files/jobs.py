"""What the jail costs: a job, cold, against the same work in a Python that nothing confines."""

import subprocess
import sys
from collections.abc import Callable, Iterator

from bench_files.place import SQL, Place
from bench_files.samples import Ratio, compare

VET = "a cold vetting job: start, jail, parse, reply"
LINES = (
    (VET, "a cold Python, `import duckdb`, parse"),
    (VET, "a cold Python, `import _duckdb` as the job does, parse"),
    ("start, DuckDB opened, and the libraries that wrap the jail's system calls", "start, DuckDB opened"),
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
    runner = place.works.runner
    for line, module in zip(LINES, ("duckdb", "_duckdb"), strict=False):
        yield compare(*line, lambda: runner.vet(sql), plain(PARSE.format(module=module, sql=sql)), repeat)
    yield compare(*LINES[2], plain(WRAPPED), plain(BARE), repeat)


def plain(code: str) -> Callable[[], object]:
    """Return an action that runs `code` in a Python of its own."""
    return lambda: subprocess.run([*PLAIN, code], check=True, capture_output=True)
