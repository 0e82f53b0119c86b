"""`yanmen report`: report evidence of uses to the platform (存证上报), and record its receipts."""

import argparse
from typing import TYPE_CHECKING

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, file, folder, group
from yanmen.cli.output import Result, next_step

if TYPE_CHECKING:
    from yanmen.node.reporting import Reported


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "report", "evidence of uses to the platform 存证上报: make, record, show")
    made = command(here, "make", "report what happened since the last report 上报", make, "yanmen report make health")
    folder(made, "node", "the node's folder")
    example = "yanmen report record health evidence-000001-receipt.jws"
    kept = command(here, "record", "record the platform's receipt for the newest report 登记回执", record, example)
    folder(kept, "node", "the node's folder")
    file(kept, "receipt", "what the platform signed")
    shown = command(here, "show", "say how the newest report stands 查看", show, "yanmen report show health")
    folder(shown, "node", "the node's folder")


def make(arguments: argparse.Namespace) -> Result:
    """Sign the next report, record it and hand it on."""
    from yanmen.node import reporting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        made, receipt, told = reporting.make(holder)
    note = next_step("yanmen", "bureau", "receive", "--as", "BUREAU", "--book", "evidence", told.path, "receipt.jws")
    handed = "handed on 已转交" if told.answer else (told.failure or "a file, to hand on 待转交")
    text = f"report {made.report.number}: {told.path} ({handed}); receipt 回执 no. {receipt.index}{note}"
    fields = {**_fields(made), "file": str(told.path), "receipt": receipt.index, "failure": told.failure}
    return Result(text, fields)


def record(arguments: argparse.Namespace) -> Result:
    """Record the platform's receipt."""
    from yanmen.formats.evidence import BYTES_MAX
    from yanmen.node import reporting
    from yanmen.node.holder import open_holder

    token = given.read(arguments.receipt, BYTES_MAX + 1).strip()
    with open_holder(arguments.node) as holder:
        receipt, found = reporting.record(token, holder)
    text = f"report {found.number}: acknowledged 平台已签收 {found.by}; receipt 回执 no. {receipt.index}"
    return Result(text, {"number": found.number, "by": found.by, "receipt": receipt.index})


def show(arguments: argparse.Namespace) -> Result:
    """Say how the newest report stands."""
    from yanmen.node import reporting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        found = reporting.newest(holder)
    if found is None:
        return Result("nothing reported 尚未上报", {"number": 0})
    said = "acknowledged 平台已签收" if found.acknowledged else "not acknowledged 平台尚未签收"
    return Result(f"report {found.report.number}: {said}", _fields(found))


def _fields(found: "Reported") -> dict[str, object]:
    return {
        "number": found.report.number,
        "sha256": found.sha256,
        "since": found.report.since,
        "stages": {stage.value: count for stage, count in found.report.stages.items()},
        "uses": {each.contract: [each.asked, each.answered, each.aborted] for each in found.report.uses},
        "acknowledged": found.acknowledged,
    }
