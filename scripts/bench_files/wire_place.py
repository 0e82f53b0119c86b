"""A served node of its own process with an open table, and members who ask it, for the figures of the wire."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from yanmen.client import connect
from yanmen.client.drivers import Driver
from yanmen.client.node import Node

from tests.system.town import Town, done

SPEC = """
name = "{name}"
title_zh = "公开数据"
title_en = "Open data"
owner = "bench"
region = "140100"
source_system = "made by the bench"
authority = "bench"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "open"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
rows_upto = {rows}
price_ceiling_fen = 0
"""
COLUMN = """
[columns.{name}]
type = "{kind}"
role = "measure"
"""


@dataclass
class Place:
    """The town, and one contract of each member over all open tables."""

    town: Town
    members: tuple[str, ...]
    contracts: dict[str, str] = field(default_factory=dict)

    def publish(self, name: str, columns: str, source: Path, rows: int) -> None:
        """Publish `source` as the open table `name`."""
        spec = self.town.root / f"{name}.toml"
        spec.write_text(SPEC.format(name=name, rows=rows) + columns, encoding="utf-8")
        done("dataset", "publish", self.town.node, spec, source)

    def agree(self, *grants: str) -> None:
        """Make the contracts."""
        words = [word for grant in grants for word in ("--grant", grant)]
        more = ("--queries", "10000000", "--queries-per-day", "10000000", "--price", "0")
        for member in self.members:
            where = ("--as", self.town.root / member, "--at", "clinic")
            terms = ("--scenario", "bench", "--purpose", "bench", "--legal-basis", "bench", "--micro-rho", "300000")
            self.contracts[member] = str(done("contract", "request", *where, *words, *more, *terms)["id"])

    def connected(self, member: str) -> Node:
        """Return the SDK's connection of `member`."""
        return connect("clinic", self.town.root / member)

    def driver(self, member: str) -> Driver:
        """Return what a stock driver of `member` connects with."""
        with self.connected(member) as node:
            return node.driver(self.contracts[member], max_micro_rho=0, max_price_fen=0, minutes=59)


@contextlib.contextmanager
def place(members: int = 2, **limits: int) -> Iterator[Place]:
    """Make a town with so many members; its node is served when the caller says so, and stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder:
        town = Town(Path(folder) / "town")
        town.root.mkdir()
        town.build()
        names = tuple(town.member(f"lab{number}").name for number in range(members))
        town.limit(calls_per_minute=10_000_000, explains_per_minute=1_000_000, **limits)
        try:
            yield Place(town, names)
        finally:
            if town.process is not None:
                town.stop()


SERVER = """
import sys
import pyarrow as pa
import pyarrow.flight as flight
with pa.memory_map(sys.argv[1]) as source:
    table = pa.ipc.open_file(source).read_all()
class Server(flight.FlightServerBase):
    def do_get(self, context, ticket):
        return flight.RecordBatchStream(table)
read = lambda name: open(f"{sys.argv[2]}/{name}", "rb").read()
server = Server(
    "grpc+tls://127.0.0.1:0", tls_certificates=[(read("tls.crt"), read("tls.key"))], verify_client=True,
    root_certificates=read("ca.crt"),
)
print(server.port, flush=True)
server.serve()
"""
"""A plain Flight server: one table, the same certificates."""
