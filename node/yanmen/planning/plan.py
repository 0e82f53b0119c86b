"""From the caller's text to a plan: parse, bind, bound, emit, and prove what the engine would run."""

import hashlib
from math import ceil

from yanmen.formats import json_canonical
from yanmen.formats.json_canonical import Json
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Runner
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted, Plan
from yanmen.planning import hints
from yanmen.planning.cell_plan import CellPlan, plan_cells
from yanmen.planning.joins import Joined, join
from yanmen.planning.places import NOWHERE, refused
from yanmen.planning.reading import read
from yanmen.planning.scope import Scope, look_up, resolved
from yanmen.planning.syntax import Question

MIN_GROUP = 10
"""Smallest number of units an exact cell may rest on; a contract may only raise it."""
ROWS_PER_STEP = 1_000_000
"""One deadline step per million rows: public, and more than any measured plan needs."""


def plan(admitted: Admitted, runner: Runner, limits: NodeLimits) -> Plan:
    """Return the plan of the admitted question, or raise `Refused` with what would be accepted instead.

    Touches no data: `runner` only parses the caller's text and binds ours over empty tables.
    """
    sql = admitted.submission.sql
    _check_text(sql, limits)
    question = read(sql, runner.vet(sql), limits.ast_bytes)
    return compose(admitted, question, limits)


def compose(admitted: Admitted, question: Question, limits: NodeLimits) -> Plan:
    """Return the plan of the parsed `question`, its emitted SQL not yet bound by the engine."""
    scope = Scope(admitted, tuple(look_up(admitted, table) for table in question.tables), question.links)
    question = resolved(scope, question)
    joined = join(scope, question)
    found = plan_cells(scope, joined, question, limits)
    return _plan(admitted, joined, found, limits)


def _plan(admitted: Admitted, joined: Joined, found: CellPlan, limits: NodeLimits) -> Plan:
    personal = joined.release is DatasetClass.PERSONAL
    charge = admitted.micro_rho if personal else 0
    return Plan(
        admitted=admitted,
        release=joined.release,
        subject_space=joined.subject_space,
        scans=found.scans,
        sql=found.sql,
        keys=found.keys,
        aggregates=found.aggregates,
        averages=found.averages,
        outputs=found.outputs,
        post_sql=found.post_sql,
        canonical=_canonical(joined, found, charge),
        rows_max=found.cells,
        deadline_ms=_deadline(found, limits, personal=personal),
        micro_rho=charge,
        delta_e12=0,
        price_fen=admitted.price_fen,
        min_group=max(MIN_GROUP, admitted.contract.terms.min_group),
    )


def _deadline(found: CellPlan, limits: NodeLimits, *, personal: bool) -> int:
    steps = max(1, ceil(max(scan.version.dataset.rows_upto for scan in found.scans) / ROWS_PER_STEP))
    return limits.deadline_ms * len(found.scans) * steps * (1 if personal else 5)


def _canonical(joined: Joined, found: CellPlan, charge: int) -> str:
    """Return canonical JSON of what is asked; the emitted SQL is a function of the bound question alone."""
    document: Json = {
        "release": joined.release.value,
        "versions": [[scan.version.dataset.name, scan.version.version, list(scan.columns)] for scan in found.scans],
        "sql": found.sql,
        "post": found.post_sql,
        "labels": [output.label for output in found.outputs],
        "domains": hashlib.sha256(repr([key.domain for key in found.keys]).encode("utf-8")).hexdigest(),
        "micro_rho": charge,
    }
    return json_canonical.encode(document).decode("utf-8")


def _check_text(sql: str, limits: NodeLimits) -> None:
    try:
        size = len(sql.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise refused(Reason.SQL_MALFORMED, NOWHERE, "", hints.MALFORMED) from error
    if size > limits.sql_bytes:
        raise refused(Reason.SQL_TOO_LONG, NOWHERE, "", hints.TOO_LONG)
    if "\0" in sql:
        raise refused(Reason.SQL_MALFORMED, NOWHERE, "NUL", hints.MALFORMED)
