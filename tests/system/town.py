"""One department with planted canaries, served as a process of its own, and those who call it."""

import contextlib
import io
import json
import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yanmen.cli.main import main
from yanmen.formats import config as config_format
from yanmen.model.config import NodeLimits

from tests.patience import LONG_S, timed, wait_until
from tests.ports import free_port

CANARY = f"CANARY{secrets.token_hex(6)}"
"""Stands in unit ids, hidden columns and values outside every declared domain."""
PERSONS = 240
DEADLINE_MS = 2_000
"""What an answer takes here; on a machine so busy that publishing takes long, it takes longer."""
SUBJECT = "11140000MB0GTTTT0"
SPEC = """
name = "visits"
title_zh = "就诊"
title_en = "Visits"
owner = "test"
region = "140100"
source_system = "made by the test"
authority = "test"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "personal"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
subject_space = "person"
rows_per_unit = 4
groups_per_unit = 2
rows_upto = 2000
price_ceiling_fen = 100

[columns.id]
type = "text"
role = "unit"

[columns.ward]
type = "text"
role = "key"
domain = ["north", "south"]

[columns.cost]
type = "decimal"
role = "measure"
scale = 2
lower = 0.00
upper = 100.00

[columns.note]
role = "hidden"
"""


def source_rows() -> str:
    """Return the CSV: two visits a person, a fifth of them in a ward that is a canary itself."""
    lines = ["id,ward,cost,note"]
    for person in range(PERSONS):
        for visit in range(2):
            ward = f"{CANARY}ward{person}" if person % 5 == 0 else ("north", "south")[(person + visit) % 2]
            lines.append(f"{CANARY}unit{person},{ward},{person % 100}.{visit}7,{CANARY}note{person}{visit}")
    return "\n".join(lines) + "\n"


def run(*words: object) -> tuple[int, dict[str, Any]]:
    """Run `yanmen WORDS --json` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words] + ["--json"])
    return code, json.loads(out.getvalue()) if out.getvalue() else {"stderr": err.getvalue()}


def done(*words: object) -> dict[str, Any]:
    """Run a command that must succeed."""
    code, document = run(*words)
    assert code == 0, document
    return document


@dataclass
class Town:
    """Folders, processes and commands of one small space."""

    root: Path
    process: "subprocess.Popen[bytes] | None" = None
    contracts: dict[str, str] = field(default_factory=dict)

    @property
    def node(self) -> Path:
        """The node's folder."""
        return self.root / "clinic"

    @property
    def space(self) -> Path:
        """The space's folder."""
        return self.root / "space"

    def build(self) -> None:
        """Make space, node, member and dataset."""
        done("space", "init", self.space, "--name", "test.example")
        who = ("--subject", SUBJECT + "1", "--region", "1401")
        address = f"127.0.0.1:{free_port()}"
        done("node", "init", self.node, "--name", "诊所", "--alias", "clinic", *who, "--address", address)
        self.admit(self.node, "node")
        self.configure(approve_general=True, approve_columns_max=9, approve_micro_rho_max=900_000)
        self.member("alice")
        (self.root / "visits.csv").write_text(source_rows())
        (self.root / "visits.toml").write_text(SPEC)
        seconds = timed(
            lambda: done("dataset", "publish", self.node, self.root / "visits.toml", self.root / "visits.csv")
        )
        self.limit(deadline_ms=max(DEADLINE_MS, min(DEADLINE_MS * 5, int(seconds * 5_000))))

    def admit(self, folder: Path, kind: str, *more: str) -> None:
        """Let the space certify what stands in `folder`."""
        verb = "sign" if kind == "node" else "enrol"
        grant = done("space" if kind == "node" else "member", verb, self.space, folder / "application.jws", *more)[
            "grant"
        ]
        done(kind, "accept", folder, grant, "--register", self.space / "register.jws")

    def member(self, alias: str, *more: str) -> Path:
        """Enrol a developer."""
        folder = self.root / alias
        if not folder.exists():
            who = ("--name", alias, "--alias", alias, "--subject", SUBJECT + "2", "--region", "1401")
            done("member", "init", folder, *who)
        self.admit(folder, "member", *more)
        return folder

    def configure(self, **changes: object) -> None:
        """Change node.toml."""
        path = self.node / "node.toml"
        changed: Any = changes
        path.write_text(config_format.encode(replace(config_format.decode(path.read_bytes()), **changed)))

    def limits(self) -> NodeLimits:
        """Return the limits in node.toml."""
        return config_format.decode((self.node / "node.toml").read_bytes()).limits

    def limit(self, **changes: int) -> None:
        """Change the limits in node.toml."""
        self.configure(limits=replace(self.limits(), **changes))

    def serve(self, *prefix: str) -> None:
        """Start the node and wait until it listens."""
        ready = self.node / "serving.address"
        ready.unlink(missing_ok=True)
        words = [*prefix, sys.executable, "-m", "yanmen.cli.main", "node", "serve", str(self.node)]
        with (self.node / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        process = self.process
        wait_until(lambda: ready.exists() or process.poll() is not None)
        assert ready.exists(), f"did not start: {self.log()[-2000:]}"

    def log(self) -> str:
        """Return what the node wrote to its log."""
        return (self.node / "serve.log").read_text(errors="replace")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the node by its pid and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        code = self.process.wait(timeout=LONG_S)
        self.process = None
        return code

    def contract(self, name: str = "main", *more: str, member: str = "alice") -> str:
        """Return the id of an active contract, made when first asked for."""
        if name not in self.contracts:
            words = ("--grant", "visits:cost,id,ward", "--price", "100", "--scenario", "s-1", "--purpose", "test")
            terms = ("--legal-basis", "test", *(more or ("--micro-rho", "300000")))
            answer = done("contract", "request", "--as", self.root / member, "--at", "clinic", *words, *terms)
            assert answer["status"] == "active", answer
            self.contracts[name] = answer["id"]
        return self.contracts[name]

    def ask(self, sql: str, contract: str = "main", member: str = "alice") -> tuple[int, dict[str, Any]]:
        """Ask a question over the wire."""
        return run("query", "--as", self.root / member, "--at", "clinic", "--contract", self.contract(contract), sql)

    def verify(self, name: str) -> dict[str, Any]:
        """Export the log and verify it offline."""
        bundle = self.root / name
        done("receipts", "export", self.node, bundle)
        return run("verify", bundle, "--space-key", self.space / "space.vkey")[1]
