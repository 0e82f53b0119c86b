"""Processes that spend one budget at once while they are killed at random moments and replaced."""

import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from yanmen.ledger.place import Database
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault, Refused
from yanmen.model.stages import Reserved
from yanmen.verify import verify_bundle

from tests.unit.ledger.scene import PROFILE, SPACE_KEY, Scene, papers, plan_of, released, terms_of, version

PROCESSES, CHARGE, ALLOWED = 8, 100, 60


@dataclass
class Round:
    """One ledger, raced for until its budget is spent."""

    scene: Scene
    contract: Contract
    generator: random.Random
    reader: int
    writer: int
    children: dict[int, int] = field(default_factory=dict)
    kills: int = 0
    started: int = 0

    def spawn(self) -> None:
        """Start one more process that spends until it is refused."""
        self.started += 1
        number = self.started
        child = os.fork()
        if child == 0:
            try:
                spend(self.scene, self.contract, number, self.writer)
            finally:
                os._exit(0)
        self.children[child] = number

    def run(self, kills: int) -> None:
        """Race; kill `kills` of the processes at random moments, each replaced by a new one."""
        for _ in range(PROCESSES):
            self.spawn()
        while self.children:
            time.sleep(self.generator.random() * 0.02)
            if self.kills < kills:
                victim = self.generator.choice(list(self.children))
                os.kill(victim, signal.SIGKILL)
                self.kills += 1
            for child in list(self.children):
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    del self.children[child]
                    if os.WIFSIGNALED(status):
                        self.spawn()


def spend(scene: Scene, contract: Contract, number: int, writer: int) -> None:
    """Reserve, settle, and tell of each debit that was confirmed, until the budget is spent."""
    read = version("raced", subject_space="raced")
    with scene.open() as ledger:
        for turn in range(10 * ALLOWED):
            name = f"{number:016x}{turn:016x}"
            plan = plan_of(
                contract, scene.clock.ms, name, name, canonical=name, micro_rho=CHARGE, space="raced", scanned=read
            )
            try:
                held = ledger.reserve(plan)
            except Refused:
                return
            except Fault:
                continue
            os.write(writer, b"r")
            if isinstance(held, Reserved):
                ledger.settle(held, released(plan), PROFILE)


def raced(folder: Path, seed: int, kills: int, elsewhere: Database | None = None) -> tuple[int, int, int]:
    """Run one round, in a file or `elsewhere`, and return kills, debits confirmed and micro-ρ overspent."""
    scene = Scene(folder / "ledger.db", NodeLimits(failures=1_000_000), elsewhere=elsewhere)
    with scene.open() as ledger:
        ledger.register_space(SubjectSpace("raced", ALLOWED * CHARGE + CHARGE - 1, 0))
        ledger.publish(version("raced", subject_space="raced"))
        contract = scene.activate(ledger, terms_of(scene.name(), micro_rho=2 * ALLOWED * CHARGE))
    reader, writer = os.pipe()
    race = Round(scene, contract, random.Random(seed), reader, writer)
    race.run(kills)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        confirmed = len(pipe.read())
    with scene.open() as ledger:
        ledger.recover()
        ledger.check()
        left = ledger.space_left("raced")
        assert left is not None
        spent = ALLOWED * CHARGE + CHARGE - 1 - left.lifetime_micro_rho
        ledger.export(folder / "bundle", papers())
    report = verify_bundle(folder / "bundle", SPACE_KEY.public)
    if not report.ok:
        raise RuntimeError(f"the record is not whole: {report.findings}")
    return race.kills, confirmed, max(0, spent - ALLOWED * CHARGE, confirmed * CHARGE - spent)
