"""Builds the demo's space: three departments as processes of their own, three aggregators, a developer, an auditor."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from demo_files.stage import YANMEN, Stage, command, done
from yanmen.formats import config as config_format

SPECS = Path(__file__).parent / "specs"
SUBJECT = "11140000MB0GTTTT0"
RULE_MICRO_RHO = 300_000
DEADLINE_MS_MAX = 15_000
STARTING_S = 120
PORTS = range(20_000, 32_000)
"""Below those that a kernel gives to outgoing connections."""


@dataclass(frozen=True)
class Department:
    """A department: its Chinese name, its alias and what it publishes as (specification, file)."""

    name: str
    alias: str
    digit: str
    datasets: tuple[tuple[str, str], ...]


DEPARTMENTS = (
    Department("民政局 civil affairs", "civil", "1", (("nafld1", "nafld1.parquet"), ("divisions", "divisions.csv"))),
    Department("卫健委 health", "health", "2", (("nafld2", "nafld2.parquet"),)),
    Department(
        "医保局 medical insurance", "insurance", "3", (("nafld3", "nafld3.csv"), ("enterprises", "enterprises.csv"))
    ),
)
MEMBERS = (
    ("datalab", "晋数实验室 Data Lab", "developer", "4"),
    ("audit", "省审计厅 Audit Office", "auditor", "5"),
    ("steward", "卫健委 李某 steward", "steward", "2"),
    ("chief", "卫健委 张某 chief data officer", "chief-data-officer", "2"),
)
"""Officers have the subject code of their department."""
AGGREGATORS = (
    ("大数据局 big data bureau", "bureau", "6"),
    ("统计局 statistics", "statistics", "7"),
    ("大学 university", "university", "8"),
)
"""Who add up what no department may see; any two of them learn nothing."""


class Town:
    """The folders and processes of one demo."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        """Work in `folder`."""
        self.folder = folder
        self.stage = stage
        self.space = folder / "space"
        self.register = str(self.space / "register.jws")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def path(self, *parts: str) -> str:
        """Return a path in the demo's folder."""
        return str(self.folder.joinpath(*parts))

    def found(self) -> tuple[bool, str]:
        """Make the space."""
        answer = done("space", "init", str(self.space), "--name", "shanxi-demo.example")
        return answer["space"] == "shanxi-demo.example", f"space {answer['space']}"

    def join(self, department: Department) -> tuple[bool, str]:
        """Make a node, have the space sign it, and let the owner's rule approve small general contracts."""
        folder = self.path(department.alias)
        who = ("--name", department.name, "--alias", department.alias, "--subject", SUBJECT + department.digit)
        done("node", "init", folder, *who, "--region", "1400", "--address", f"127.0.0.1:{free_port()}")
        grant = done("space", "sign", str(self.space), f"{folder}/application.jws")["grant"]
        identity = done("node", "accept", folder, grant, "--register", self.register)["id"]
        path = Path(folder) / "node.toml"
        config = config_format.decode(path.read_bytes())
        rule = replace(config, approve_general=True, approve_columns_max=8, approve_micro_rho_max=RULE_MICRO_RHO)
        path.write_text(config_format.encode(rule), encoding="utf-8")
        return len(identity) == 32, f"{department.name}: {identity}"

    def enrol(self, alias: str, name: str, role: str, digit: str) -> tuple[bool, str]:
        """Make a member and have the space admit it."""
        folder = self.path(alias)
        who = ("--name", name, "--alias", alias, "--subject", SUBJECT + digit, "--region", "1401", "--role", role)
        done("member", "init", folder, *who)
        grant = done("member", "enrol", str(self.space), f"{folder}/application.jws")["grant"]
        identity = done("member", "accept", folder, grant, "--register", self.register)["id"]
        return len(identity) == 32, f"{name}: {identity}"

    def aggregators(self) -> tuple[bool, str]:
        """Have three institutions join the space, and serve them."""
        folders = []
        for name, alias, digit in AGGREGATORS:
            folder = self.path(alias)
            who = ("--name", name, "--alias", alias, "--subject", SUBJECT + digit, "--region", "1400")
            done("aggregator", "init", folder, *who, "--address", f"127.0.0.1:{free_port()}")
            grant = done("space", "sign", str(self.space), f"{folder}/application.jws")["grant"]
            done("aggregator", "accept", folder, grant, "--register", self.register)
            folders.append(Path(folder))
        return self.start("aggregators", "aggregator", folders)

    def unconfirmed(self) -> tuple[bool, str]:
        """Draft a specification from a file and try to publish it unread."""
        draft = self.path("draft.toml")
        folder, source = self.path("health"), self.path("sources", "nafld2.parquet")
        done("dataset", "suggest", folder, "labs", source, "--to", draft)
        code, answer = command("dataset", "publish", folder, draft, source)
        lines = len(answer.get("clauses", []))
        return code == 1 and answer.get("reason") == "SPEC_UNCONFIRMED", f"{answer.get('reason')}: {lines} lines"

    def publish(self, department: Department, name: str, source: str) -> tuple[bool, str]:
        """Publish one dataset and list it in the space."""
        folder = self.path(department.alias)
        began = time.monotonic()
        answer = done("dataset", "publish", folder, str(SPECS / f"{name}.toml"), self.path("sources", source))
        self.take_time(Path(folder), time.monotonic() - began)
        done("space", "list", str(self.space), answer["entry"])
        return answer["dataset"] == name, f"{department.alias}.{name} {answer['version'][:20]}…"

    def take_time(self, folder: Path, publishing_s: float) -> None:
        """Where publishing takes long, the machine is busy: give questions as much more time in node.toml."""
        path = folder / "node.toml"
        config = config_format.decode(path.read_bytes())
        deadline_ms = max(config.limits.deadline_ms, min(DEADLINE_MS_MAX, int(publishing_s * 2_000)))
        changed = replace(config, limits=replace(config.limits, deadline_ms=deadline_ms))
        path.write_text(config_format.encode(changed), encoding="utf-8")

    def serve(self, department: Department) -> tuple[bool, str]:
        """Start the node as a process of its own and wait until it listens."""
        return self.start(department.alias, "node", [Path(self.path(department.alias))])

    def start(self, called: str, kind: str, folders: list[Path]) -> tuple[bool, str]:
        """Serve `folders` in one process and wait until all of them listen."""
        path = folders[0] / "serve.log"
        with path.open("ab") as log:
            words = [str(YANMEN), kind, "serve", *map(str, folders)]
            process = subprocess.Popen(words, stdout=log, stderr=log)
        self.processes[called] = process
        ready = [folder / "serving.address" for folder in folders]
        until = time.monotonic() + STARTING_S
        while process.poll() is None and time.monotonic() < until:
            if all(each.exists() for each in ready):
                addresses = ", ".join(each.read_text().strip() for each in ready)
                return True, f"{called} at {addresses}, pid {process.pid}"
            time.sleep(0.1)
        return False, path.read_text(errors="replace")[-2000:]

    def stop(self) -> tuple[bool, str]:
        """Stop every node by its own pid and wait for it."""
        codes = {}
        for process in self.processes.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
        for alias, process in self.processes.items():
            try:
                codes[alias] = process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[alias] = process.wait()
        self.processes.clear()
        return set(codes.values()) <= {0}, f"exit codes {codes}"


def free_port() -> int:
    """Return a port nobody listens on now; each demo looks from a place of its own on, and never looks twice at one."""
    for port in _untried:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")


_untried = iter([*PORTS[os.getpid() * 8 % len(PORTS) :], *PORTS])
