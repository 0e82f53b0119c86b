"""The developer: contracts with every node, one question to all, the check of what came back from files alone."""

import contextlib
import io
import json
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from province_files import insured, settle
from yanmen.cli.main import main as yanmen
from yanmen.client.federating import federation
from yanmen.client.identity import Identity
from yanmen.client.node import Node, connect
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Grant, Scenario, Terms

DAY_MS = 86_400_000
MICRO_RHO = 50_000


@dataclass(frozen=True)
class Asked:
    """One question answered and checked."""

    text: str
    table: list[dict[str, Any]]
    groups: int
    contributors: tuple[str, ...]
    refused: dict[str, str]
    verified: bool
    wall_s: float
    verified_s: float
    steps_s: dict[str, float]


class Asker:
    """The developer of the folder `root`, with a contract at every node."""

    def __init__(self, root: Path, nodes: Sequence[str], aggregators: Sequence[str], told: settle.Told) -> None:
        """Agree on a contract with each of `nodes`."""
        self._root = root
        self._aggregators = aggregators
        self._told = told
        self._identity = Identity.load(root / settle.DEVELOPER[0])
        self._contracts: dict[str, str] = {}
        with ThreadPoolExecutor(8) as pool:
            for at, (name, contract) in enumerate(zip(nodes, pool.map(self._agree, nodes), strict=True), start=1):
                self._contracts[name] = contract
                told("contracts", at, len(nodes))

    def ask(self, sql: str, save: Path, least: int) -> Asked:
        """Ask `sql` of all and verify, from the files in `save`, what came back: this is what the bar measures."""
        began = last = time.monotonic()
        steps: dict[str, float] = {}

        def progress(step: str, done: int, of: int) -> None:
            nonlocal last
            self._told(step, done, of)
            if done == of:
                now = time.monotonic()
                steps[step], last = round(now - last, 2), now

        with federation(self._identity, self._contracts, self._aggregators, progress=progress) as many:
            many.at_once = settle.AT_ONCE
            answer = many.query(sql, micro_rho=MICRO_RHO, contributors_least=least, partition=insured.PARTITION)
        answer.save(save)
        asked = time.monotonic()
        checked = self._verify(save)
        ended = time.monotonic()
        return Asked(
            text=str(answer),
            table=checked.get("table", []),
            groups=len(answer.table.rows),
            contributors=answer.contributors,
            refused={name: str(error) for name, error in answer.refused.items()},
            verified=checked.get("contributors") == list(answer.contributors),
            wall_s=ended - began,
            verified_s=ended - asked,
            steps_s=steps,
        )

    def part(self, saved: Path, which: str) -> list[dict[str, Any]]:
        """Return the part of a verified table about one value of a key, as a county asks for its own."""
        found: list[dict[str, Any]] = self._verify(saved, "--part", which)["part"]
        return found

    def _verify(self, saved: Path, *more: str) -> dict[str, Any]:
        space = self._root / "space"
        words = ["verify-federation", str(saved), "--register", str(space / "register.jws")]
        words += ["--space-key", str(space / "space.vkey"), *more, "--json"]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            yanmen(words)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def _agree(self, name: str) -> str:
        with connect(name, self._identity) as node:
            return node.request_contract(_terms(node)).terms.id


def _terms(node: Node) -> Terms:
    now_ms = settle.CLOCK.now_ms()
    return Terms(
        id=uuid.uuid4().hex,
        holder=node.party.id,
        consumer=node.member_id,
        channel=Channel.SHARING,
        scenario=Scenario("province-2026", "全省费用监测（替代数据）", "依申请共享"),
        grants=(Grant(insured.NAME, ("age", "cause", "cost", "county")),),
        min_group=10,
        micro_rho=settle.MICRO_RHO,
        micro_rho_per_query=MICRO_RHO,
        micro_rho_per_query_max=MICRO_RHO,
        delta_e12=0,
        queries=100,
        queries_per_day=100,
        not_before_ms=now_ms,
        not_after_ms=now_ms + 30 * DAY_MS,
        price_per_query_fen=100,
        regulator_discloses=(),
        retention_days=180,
        paper_sha256="",
    )
