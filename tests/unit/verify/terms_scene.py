"""A log with one contract in force, and uses under it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from yanmen.formats.json_canonical import Json
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.receipt import Stage
from yanmen.verify import Code, Report, verify_bundle

from tests.vectors import specimen
from tests.vectors.specimen import CONTRACT, Log, Pinned, output

Use = Callable[[Log], object]
DAY_S = 86_400
FIRST = 5
"""Index of the first leaf after `started`: genesis, subject space, dataset, offer, decision."""


def started(**terms: Any) -> Log:
    """Return a log with one contract in force, whose signed terms are the specimen's but for these."""
    log = Log(Pinned("terms"))
    log.terms[CONTRACT] = replace(specimen.TERMS, **terms)
    log.begin()
    log.agree()
    return log


def used(log: Log, micro_rho: int = 2_500, fen: int = 120, **slots: Json) -> None:
    """Append a use, honest but for `slots`, which intent and outcome both say."""
    said = {**log.question(log.request()), **log.charge(micro_rho, 0, fen)}
    said |= {Slot.DECISION: Decision(Verdict.ALLOWED).json(), **{Slot(name): value for name, value in slots.items()}}
    reference = log.append(Stage.INTENT, said)
    if Slot.OUTPUT not in said:
        said[Slot.OUTPUT] = output(micro_rho).json()
    log.append(Stage.OUTCOME, said, reference)


def audited(log: Log, path: Path) -> Report:
    return verify_bundle(log.export(path / "bundle"), specimen.SPACE_KEY.public)


def found(log: Log, path: Path) -> list[tuple[int | None, Code, str]]:
    return [(item.index, item.code, item.subject) for item in audited(log, path).findings]
