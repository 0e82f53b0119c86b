"""Several departments and three aggregators, each with keys, ledger and log of its own, in two processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from yanmen.formats import config as config_format

from tests.ports import free_port
from tests.system.town import SPEC, SUBJECT, done

AGGREGATORS = ("bureau", "statistics", "auditors")


def rows(node: int) -> str:
    """Return the CSV of one department: persons of its own, a known number in each ward."""
    lines = ["id,ward,cost,note"]
    for person in range(400):
        ward = "north" if person % 4 else "south"
        lines.append(f"p{node}-{person},{ward},{person % 10}.00,x")
    return "\n".join(lines) + "\n"


@dataclass
class League:
    """Folders and processes of one space with `nodes` departments; the aggregator `apart` has a process of its own."""

    root: Path
    nodes: tuple[str, ...]
    aggregators: tuple[str, ...] = AGGREGATORS
    apart: str = ""
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    contracts: dict[str, str] = field(default_factory=dict)

    @property
    def space(self) -> Path:
        """The space's folder."""
        return self.root / "space"

    @property
    def developer(self) -> Path:
        """The folder of the one who asks."""
        return self.root / "dev"

    def build(self) -> None:
        """Make everybody, publish everywhere."""
        done("space", "init", self.space, "--name", "league.example")
        for at, name in enumerate(self.nodes):
            self._join("node", name, at)
            source, spec = self.root / f"{name}.csv", self.root / f"{name}.toml"
            source.write_text(rows(at))
            spec.write_text(SPEC.replace('subject_space = "person"', 'subject_space = "person"\npartition = "home"'))
            path = self.root / name / "node.toml"
            config = config_format.decode(path.read_bytes())
            rule = replace(config, approve_general=True, approve_columns_max=9, approve_micro_rho_max=900_000)
            path.write_text(config_format.encode(rule))
            done("dataset", "publish", self.root / name, spec, source)
        for at, name in enumerate(self.aggregators):
            self._join("aggregator", name, at)
        who = ("--name", "dev", "--alias", "dev", "--subject", SUBJECT + "2", "--region", "1401")
        done("member", "init", self.developer, *who)
        grant = done("member", "enrol", self.space, self.developer / "application.jws")["grant"]
        done("member", "accept", self.developer, grant, "--register", self.space / "register.jws")

    def serve(self) -> None:
        """Start the nodes in one process and the aggregators in another."""
        together = tuple(name for name in self.aggregators if name != self.apart)
        alone = tuple(name for name in self.aggregators if name == self.apart)
        for kind, names in (("node", self.nodes), ("aggregator", together), ("aggregator", alone)):
            if not names:
                continue
            folders = [str(self.root / name) for name in names]
            with (self.root / f"{kind}.log").open("ab") as log:
                words = [sys.executable, "-m", "yanmen.cli.main", kind, "serve", *folders]
                self.processes.append(subprocess.Popen(words, stdout=log, stderr=log))
        for _ in range(2400):
            if all((self.root / name / "serving.address").exists() for name in (*self.nodes, *self.aggregators)):
                return
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.05)
        logs = "".join(
            (self.root / f"{kind}.log").read_text(errors="replace")[-2000:] for kind in ("node", "aggregator")
        )
        self.stop()
        raise AssertionError(f"did not start: {logs}")

    def stop(self) -> None:
        """Stop both processes by their pids."""
        for process in self.processes:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=30)
        self.processes.clear()

    def contract(self, name: str) -> str:
        """Return the id of the developer's contract with the node `name`, made when first asked for."""
        if name not in self.contracts:
            self.contracts[name] = self.agreed(name)
        return self.contracts[name]

    def agreed(self, name: str, per_query_max: int = 50_000, micro_rho: int = 900_000) -> str:
        """Return the id of a new contract of the developer with the node `name`."""
        words = ("--grant", "visits:cost,id,ward", "--price", "100", "--scenario", "s-1", "--purpose", "test")
        terms = ("--legal-basis", "test", "--micro-rho", str(micro_rho), "--queries", "100")
        most = ("--per-query-max", str(per_query_max))
        return str(done("contract", "request", "--as", self.developer, "--at", name, *words, *terms, *most)["id"])

    def _join(self, kind: str, name: str, at: int) -> None:
        folder = self.root / name
        who = (
            "--name",
            name,
            "--alias",
            name,
            "--subject",
            SUBJECT + ("1" if kind == "node" else str(4 + at)),
            "--region",
            f"14{at:02}",
        )
        done(kind, "init", folder, *who, "--address", f"127.0.0.1:{free_port()}")
        grant = done("space", "sign", self.space, folder / "application.jws")["grant"]
        done(kind, "accept", folder, grant, "--register", self.space / "register.jws")
