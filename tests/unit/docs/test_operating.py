"""docs/OPERATING.md: its tables are those of the code."""

import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from yanmen.cli import output
from yanmen.cli.node import PERSONS, STOP_SECONDS
from yanmen.execution.clear_files import MEMORY_BYTES
from yanmen.formats import config as config_format
from yanmen.formats import toml_lines
from yanmen.ledger.log import CLOCK_TOLERANCE_MS
from yanmen.model.config import (
    AnchorRules,
    Config,
    Interfaces,
    LargeSnapshots,
    LedgerPlace,
    NodeLimits,
    NotifyRules,
    Stamping,
    Telling,
    Witness,
)
from yanmen.model.refusal import FaultCode, Reason
from yanmen.wire import pacing, server

from tests.unit.docs.markdown import ROOT, code, table, text_of

NAME = "docs/OPERATING.md"
TEXT = text_of(NAME)
TABLES = {
    *(
        "anchor",
        "approve",
        "docker",
        "https",
        "ledger",
        "logs",
        "notify",
        "operations",
        "release",
        "timestamp",
        "volume",
    ),
}
"""Tables of node.toml whose keys are listed one by one."""
UNIT_PROGRAM = "/usr/lib/yanmen/.venv/bin/yanmen"


def test_the_limits_are_those_of_the_code() -> None:
    stated = {code(name): int(default) for name, default, _ in table(NAME, "limit", "default", "why")}
    assert stated == {limit.name: getattr(NodeLimits(), limit.name) for limit in fields(NodeLimits)}


def test_the_keys_are_those_that_node_toml_has() -> None:
    config = Config(
        id="511140000MB0GTTTT011400CJ7A6PQ4G",
        name="卫健委",
        alias="health",
        address="127.0.0.1:7443",
        space="shanxi.example",
        register="register.jws",
        space_key=bytes(32),
        sandbox="docker",
        approve_general=False,
        approve_columns_max=0,
        subject_spaces=(PERSONS,),
        witnesses=(Witness("http://127.0.0.1:7450", "w", bytes(32)),),
        large=LargeSnapshots("clear"),
        anchor=AnchorRules(("/bin/anchor",)),
        ledger=LedgerPlace("ledger.conn"),
        notify=NotifyRules(("/bin/notify",)),
        telling=Telling("127.0.0.1:9464", "http://127.0.0.1:4318/v1/traces"),
        stamping=Stamping("http://127.0.0.1:3161", "tsa.pem"),
        https=Interfaces("127.0.0.1:7444", "https://health.example:7444"),
    )
    document = toml_lines.parse(config_format.encode(config).encode()).data
    written = set()
    for key, value in document.items():
        if isinstance(value, list):
            written |= {f"{key}.{name}" for name in value[0]}
        elif not isinstance(value, dict):
            written.add(key)
        elif key in TABLES:
            written |= {f"{key}.{name}" for name in value}
        elif key == "subject_spaces":
            written |= {f"subject_spaces.NAME.{name}" for section in value.values() for name in section}
    assert {code(row[0]) for row in table(NAME, "key", "what it says")} == written | {"limits.NAME"}


def test_every_fault_has_its_remedy() -> None:
    listed = [code(row[0]) for row in table(NAME, "fault", "usually", "do")]
    assert listed == [fault.value for fault in FaultCode]


def test_every_reason_says_who_can_change_it() -> None:
    listed = [code(row[0]) for row in table(NAME, "reason", "who can change it, and how")]
    assert listed == [reason.value for reason in Reason]


def test_the_exit_codes_are_those_of_the_code() -> None:
    listed = [int(row[0]) for row in table(NAME, "code", "means")]
    assert listed == [output.DONE, output.REFUSED, output.USAGE, output.FAILED]


@pytest.mark.parametrize(
    ("figure", "stated"),
    [
        (pacing.OPEN_CALLS, "16 open calls"),
        (pacing.OPEN_STREAMS, "2 open streams"),
        (server.CALLS_AT_ONCE, "96 calls at once"),
        (MEMORY_BYTES >> 30, "4 GiB for a"),
        (int(STOP_SECONDS + server.LAST_REPLIES_S), "within 12 seconds"),
        (CLOCK_TOLERANCE_MS // 1000, "more than 2 seconds behind"),
        (PERSONS.lifetime_micro_rho, "of 1,000,000,"),
    ],
)
def test_figures_in_the_text_are_those_of_the_code(figure: int, stated: str) -> None:
    assert stated in TEXT
    assert f"{figure:,}" in stated


def test_the_service_stops_the_node_alone_and_lets_it_end() -> None:
    unit = (ROOT / "scripts" / "systemd" / "yanmen@.service").read_text(encoding="utf-8").splitlines()
    assert "KillMode=mixed" in unit
    (stop,) = [line for line in unit if line.startswith("TimeoutStopSec=")]
    assert int(stop.partition("=")[2]) > STOP_SECONDS + server.LAST_REPLIES_S
    assert not [line for line in unit if line.startswith(("SystemCallFilter=", "RestrictNamespaces=", "ProtectProc="))]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_are_ones_that_systemd_takes(tmp_path: Path) -> None:
    for unit in sorted((ROOT / "scripts" / "systemd").iterdir()):
        text = unit.read_text(encoding="utf-8")
        assert UNIT_PROGRAM in text or unit.suffix == ".timer"
        (tmp_path / unit.name).write_text(text.replace(UNIT_PROGRAM, sys.executable), encoding="utf-8")
    units = [tmp_path / name for name in ("yanmen@health.service", "yanmen-submit@health.timer")]
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", *map(str, units)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_log_line_has_the_members_it_is_said_to_have() -> None:
    gate = (ROOT / "node" / "yanmen" / "wire" / "gate.py").read_text(encoding="utf-8")
    for member in ("at_ms", "request", "method", "peer", "status", "ms", "reason", "fault", "note"):
        assert f"`{member}`" in TEXT
        assert f'"{member}"' in gate
