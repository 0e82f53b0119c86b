"""From the caller's text to a plan: parse, bind, bound, emit, and prove what the engine would run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from yanmen.formats import json_canonical
from yanmen.formats.json_canonical import Json
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Runner
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Admitted, Block, Key, Output, Plan, Scan
from yanmen.model.tariff import metered, price_fen
from yanmen.planning import across_reply, alike, block_union, bound_union, hints, nearest, row_source
from yanmen.planning.across import Across, is_across, plan_across
from yanmen.planning.blocks import CellBlock
from yanmen.planning.bound_lanes import Expected
from yanmen.planning.cell_plan import plan_cells
from yanmen.planning.cell_reply import check_cells
from yanmen.planning.expectation import of_cells, of_open
from yanmen.planning.figure_tables import FigureTable, finished
from yanmen.planning.frame import Framed, framed_block
from yanmen.planning.joins import Joined
from yanmen.planning.open_plan import OpenPlan, plan_open
from yanmen.planning.places import CallerText, refused
from yanmen.planning.queries import Planner
from yanmen.planning.reading import read
from yanmen.planning.scope import Found, Source, look_up, source_of_relation
from yanmen.planning.syntax import Query, Question, Table, Union, everything
from yanmen.planning.telling import told

MIN_GROUP = 10
"""Smallest number of units an exact cell may rest on; a contract may only raise it."""
OTHER_STEPS = 5
"""Data that is not about persons is released as soon as it is ready; this only ends what hangs."""
BOUND_BYTES = 32 * 1024 * 1024
"""A bound plan of the longest emitted SQL stays far below."""
ROWS_PER_STEP = 1_000_000
"""One deadline step per million rows: public, and more than any measured plan needs."""
JOINED_ROWS_PER_STEP = 200_000
"""The same of a join across nodes, where every row leaves the engine: a million took 3 s of CPU at most."""


def plan(admitted: Admitted, runner: Runner, limits: NodeLimits) -> Plan:
    """Return the plan of the admitted question, or raise `Refused` with what would be accepted instead.

    Touches no data: `runner` only parses the caller's text and binds ours over empty tables. Raises
    `JobFailed` when a vetting job dies.
    """
    return proven(drafted(admitted, runner.vet, limits), runner)


def drafted(admitted: Admitted, vet: Callable[[str], str], limits: NodeLimits) -> "Draft":
    """Return what would be run, from the question as `vet` parses it; it is no plan before it is `proven`."""
    sql = admitted.submission.sql
    try:
        check_text(sql, limits)
        return compose(admitted, read(sql, vet(sql), limits.ast_bytes), limits)
    except Refused as refusal:
        raise told(refusal, sql) from refusal


def proven(draft: "Draft", runner: Runner) -> Plan:
    """Return the plan of `draft` once the engine was seen to bind its SQL as it was meant."""
    shapes = row_source.shapes(draft.plan.scans)
    bound_union.check(runner.bind(shapes, draft.plan.sql), draft.expected, BOUND_BYTES)
    if draft.framed is not None:
        frame = draft.framed.frame
        bound = runner.bind(row_source.shapes(frame.scans), frame.sql)
        bound_union.check(bound, (draft.framed.expected,), BOUND_BYTES)
    return draft.plan


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan whose emitted SQL the engine has not bound yet, and what each block of the bound plan must be."""

    plan: Plan
    expected: tuple[Expected, ...]
    framed: Framed | None = None


def compose(admitted: Admitted, query: Query, limits: NodeLimits) -> Draft:
    """Return the draft for the parsed `query`, or refuse."""
    if isinstance(query, Union):
        return _drafted(admitted, Planner(admitted, limits), query, limits)
    planner = Planner(admitted, limits)
    if is_across(admitted, query):
        return _across_draft(admitted, plan_across(admitted, query, planner), limits)
    _check_here(admitted, query, limits)
    sources = [entry for entry in planner.bound(query) if isinstance(entry, Source)]
    if len(sources) < len(query.tables):
        return _drafted(admitted, planner, query, limits)
    scope, joined, question = planner.joined(query, sources)
    if joined.release is DatasetClass.OPEN:
        return _open_draft(admitted, plan_open(scope, joined, question, limits), limits)
    table = plan_cells(scope, joined, question, planner.blocks, planner.inner)
    return _cell_draft(admitted, planner, table, limits)


def _drafted(admitted: Admitted, planner: Planner, query: Query, limits: NodeLimits) -> Draft:
    """Return the draft of a query over queries."""
    found = planner.result(query)
    if isinstance(found, FigureTable):
        cells = sum(block.cells for block in planner.blocks.found)
        if found.rows > max(limits.cells, cells):
            raise refused(Reason.TOO_MANY_CELLS, query.at, "SELECT", hints.RESULT_ROWS)
        return _cell_draft(admitted, planner, found, limits)
    if found.dataset.cls is not DatasetClass.OPEN:
        raise refused(Reason.ROWS_WOULD_LEAVE, query.at, "SELECT", hints.ROWS)
    asked = everything(query)
    scope, joined, question = planner.joined(asked, [source_of_relation(found, "union", query.at)])
    return _open_draft(admitted, plan_open(scope, joined, question, limits), limits)


def _check_here(admitted: Admitted, question: Question, limits: NodeLimits) -> None:
    """Refuse tables of other nodes."""
    found = tuple(look_up(admitted, table) for table in question.tables if isinstance(table, Table))
    if any(item.version is None for item in found):
        raise _elsewhere(admitted, question, found, limits)


def _elsewhere(admitted: Admitted, question: Question, found: tuple[Found, ...], limits: NodeLimits) -> Refused:
    """Return the refusal of a question about tables of other nodes."""
    nodes = {item.node for item in found}
    away = next(item for item in found if item.version is None)
    if len(nodes) == 1 or len(found) < len(question.tables):
        return refused(Reason.DATASET_NOT_IN_CONTRACT, away.table.at, ".".join(away.table.path), hints.ELSEWHERE)
    parts = zip(found, nearest.one_per_table(question, found), strict=True)
    instead = tuple(_offered(admitted, item, nearest.unqualified(part), limits) for item, part in parts)
    hint = hints.CROSS_NODE if not admitted.joinables else hints.to_add(away.node)
    refusal = refused(Reason.CROSS_NODE_JOIN, away.table.at, ".".join(away.table.path), hint)
    return Refused(refusal.reason, replace(refusal.detail, instead=tuple(dict.fromkeys(instead))))


def _offered(admitted: Admitted, item: Found, question: Question, limits: NodeLimits) -> str:
    """Return `question` as text when it would be accepted here (or is for another node), else a plain count."""
    if item.version is None:
        return nearest.written(question, item.node)
    try:
        compose(admitted, question, limits)
    except Refused:
        return nearest.written(nearest.only_count(item.table))
    return nearest.written(question)


def _cell_draft(admitted: Admitted, planner: Planner, table: FigureTable, limits: NodeLimits) -> Draft:
    blocks = planner.blocks.found
    joined = blocks[0].rows.joined
    plain = table.as_it_stands and len(blocks) == 1
    post = "" if plain else finished(table.sql, [block.columns for block in blocks])
    scans = planner.snapshots.scans()
    shape = _Shape(scans, block_union.emit(blocks), table.outputs, post, sum(block.cells for block in blocks))
    charge = admitted.micro_rho if joined.release is DatasetClass.PERSONAL else 0
    keys = tuple(key for block in blocks for key in block.keys)
    frames = [framed_block(block) for block in blocks] if joined.release is DatasetClass.EXACT else []
    found = frames[0] if frames else None
    plan = replace(
        _plan(admitted, joined, shape, limits, charge),
        keys=keys,
        aggregates=tuple(aggregate for block in blocks for aggregate in alike.described(block)),
        averages=tuple(average for block in blocks for average in block.averages),
        blocks=_stated(blocks, frames) if len(blocks) > 1 else (),
        canonical=_canonical(joined, shape, charge, keys),
        frame=None if found is None else found.frame,
        delta_e12=limits.open_key_delta_e12 if any(not key.domain for key in keys) else 0,
        together=any(alike.is_together(block) for block in blocks),
        answer_rows=table.rows,
        groups_kept=min((block.reach.cells for block in blocks if block.reach.capped), default=None),
    )
    shapes = row_source.shapes(scans)
    check_cells(plan, blocks, limits)
    return Draft(plan, tuple(of_cells(block, shapes) for block in blocks), found)


def _stated(blocks: list[CellBlock], frames: list[Framed]) -> tuple[Block, ...]:
    """Return the blocks as the plan states them; over exact data all stand on one finest table."""
    if not frames:
        return tuple(block.stated for block in blocks)
    pairs = zip(blocks, frames, strict=True)
    return tuple(replace(b.stated, chosen=f.frame.chosen, grouped=f.frame.grouped) for b, f in pairs)


def _across_draft(admitted: Admitted, found: Across, limits: NodeLimits) -> Draft:
    """Return the draft of this node's part of a join across nodes."""
    block = found.block
    joined = block.rows.joined
    (own,) = found.rows.scope.sources
    across_reply.check(found.part, own.dataset, limits, own.at)
    post = "" if found.table.as_it_stands else finished(found.table.sql, [block.columns])
    shape = _Shape(found.rows.scope.snapshots.scans(), found.sql, found.table.outputs, post, block.cells)
    plan = replace(
        _plan(admitted, joined, shape, limits, admitted.micro_rho),
        keys=block.keys,
        aggregates=alike.described(block),
        averages=block.averages,
        canonical=_canonical(joined, shape, admitted.micro_rho, block.keys),
        part=found.part,
        answer_rows=found.table.rows,
        deadline_ms=_deadline(shape.scans, limits, joined.release, JOINED_ROWS_PER_STEP),
    )
    return Draft(plan, (found.expected,))


def _open_draft(admitted: Admitted, found: OpenPlan, limits: NodeLimits) -> Draft:
    shape = _Shape(found.scans, found.sql, found.outputs, "", found.rows_max)
    plan = _plan(admitted, found.rows.joined, shape, limits, 0)
    types = (output.type for output in found.outputs)
    return Draft(plan, (of_open(found.rows, row_source.shapes(found.scans), types),))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What both kinds of plan have."""

    scans: tuple[Scan, ...]
    sql: str
    outputs: tuple[Output, ...]
    post_sql: str
    rows_max: int


def _plan(admitted: Admitted, joined: Joined, shape: _Shape, limits: NodeLimits, charge: int) -> Plan:
    read = [scan.version.dataset for scan in shape.scans]
    used = metered(shape.rows_max * len(shape.outputs), [(dataset.name, dataset.rows_upto) for dataset in read])
    ceiling = min(dataset.price_ceiling_fen for dataset in read)
    return Plan(
        admitted=admitted,
        release=joined.release,
        subject_space=joined.subject_space,
        scans=shape.scans,
        sql=shape.sql,
        keys=(),
        aggregates=(),
        averages=(),
        outputs=shape.outputs,
        post_sql=shape.post_sql,
        canonical=_canonical(joined, shape, charge, ()),
        rows_max=shape.rows_max,
        deadline_ms=_deadline(shape.scans, limits, joined.release),
        micro_rho=charge,
        delta_e12=0,
        price_fen=price_fen(admitted.price_fen, admitted.contract.terms.tariff, used, charge, ceiling),
        min_group=max(MIN_GROUP, admitted.contract.terms.min_group),
        metered=used,
        answer_rows=shape.rows_max,
    )


def _deadline(scans: tuple[Scan, ...], limits: NodeLimits, release: DatasetClass, rows: int = ROWS_PER_STEP) -> int:
    """Return when an answer about persons is released, and when any other is given up: public facts only."""
    steps = max(1, ceil(max(scan.version.dataset.rows_upto for scan in scans) / rows))
    factor = 1 if release is DatasetClass.PERSONAL else OTHER_STEPS
    return limits.deadline_ms * len(scans) * steps * factor


def _canonical(joined: Joined, shape: _Shape, charge: int, keys: tuple[Key, ...]) -> str:
    """Return canonical JSON of what is asked; the emitted SQL is a function of the bound question alone."""
    document: Json = {
        "release": joined.release.value,
        "versions": [[scan.version.dataset.name, scan.version.version, list(scan.columns)] for scan in shape.scans],
        "sql": shape.sql,
        "post": shape.post_sql,
        "labels": [output.label for output in shape.outputs],
        "domains": hashlib.sha256(repr([key.domain for key in keys]).encode("utf-8")).hexdigest(),
        "micro_rho": charge,
    }
    return json_canonical.encode(document).decode("utf-8")


def check_text(sql: str, limits: NodeLimits) -> None:
    """Refuse text too long to parse, or that is none."""
    text = CallerText(sql)
    try:
        size = len(sql.encode("utf-8"))
    except UnicodeEncodeError as error:
        at = text.place(len(sql[: error.start].encode("utf-8")))
        raise refused(Reason.SQL_MALFORMED, at, "surrogate", hints.NOT_TEXT) from error
    if size > limits.sql_bytes:
        raise refused(Reason.SQL_TOO_LONG, text.place(limits.sql_bytes), "text", hints.TOO_LONG)
    if "\0" in sql:
        raise refused(Reason.SQL_MALFORMED, text.place(sql.encode("utf-8").index(0)), "NUL", hints.NOT_TEXT)
