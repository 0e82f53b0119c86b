"""`yanmen objection` and `yanmen incident`: what was objected to and what went wrong, on the record."""

import argparse
from dataclasses import asdict

from yanmen.cli.grammar import Parser, command, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats.json_members import TEXT_MAX
from yanmen.model.receipt import Stage


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of these groups."""
    _declare(commands, Stage.OBJECTION, ("file", "answer"), "objections to a use 异议: file, answer, list")


def _declare(
    commands: "argparse._SubParsersAction[Parser]", stage: Stage, verbs: tuple[str, str], purpose: str
) -> None:
    begin, end = verbs
    here = group(commands, stage.value, purpose)
    example = f"yanmen {stage.value} {begin} health --by 李某 --text '…'"
    first = command(here, begin, "record a new one 登记", opened, example)
    folder(first, "node", "the node's folder")
    _words(first)
    first.add_argument("--contract", default="", metavar="ID", help="the contract it is about, if it is about one")
    example = f"yanmen {stage.value} {end} health ID --by 张某 --text '…'"
    last = command(here, end, "record what came of it, once 办结", closed, example)
    folder(last, "node", "the node's folder")
    last.add_argument("id", metavar="ID", help="as the command that recorded it printed it")
    _words(last)
    every = command(here, "list", "print them all 列出", listed, f"yanmen {stage.value} list health")
    folder(every, "node", "the node's folder")
    for each in (first, last, every):
        each.set_defaults(stage=stage, end=end)


def _words(parser: Parser) -> None:
    parser.add_argument("--by", required=True, metavar="PERSON", help="who says so")
    parser.add_argument("--text", required=True, help="what is said; it stands in a salted disclosure, for auditors")


def opened(arguments: argparse.Namespace) -> Result:
    """Record a new objection or incident."""
    from yanmen.node.holder import open_holder

    text, actor = _said(arguments)
    with open_holder(arguments.node) as holder:
        receipt = holder.ledger.open_case(arguments.stage, text, actor, arguments.contract)
    words = ("yanmen", arguments.stage.value, arguments.end, arguments.node, receipt.jti)
    shown = f"{receipt.jti} receipt 回执 no. {receipt.index}" + next_step(*words, "--by", "…", "--text", "…")
    return Result(shown, {"id": receipt.jti, "receipt": receipt.index})


def closed(arguments: argparse.Namespace) -> Result:
    """Record what came of it."""
    from yanmen.node.holder import open_holder

    text, actor = _said(arguments)
    with open_holder(arguments.node) as holder:
        receipt = holder.ledger.close_case(arguments.stage, arguments.id, text, actor)
    shown = f"{arguments.id} closed 已办结 receipt 回执 no. {receipt.index}"
    return Result(shown, {"id": arguments.id, "receipt": receipt.index})


def listed(arguments: argparse.Namespace) -> Result:
    """Print every objection or incident."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        found = holder.ledger.cases(arguments.stage)
    lines = [f"{one.id}  {'open 未办结' if one.closed is None else 'closed 已办结'}  {one.text}" for one in found]
    fields = [{**asdict(one), "stage": one.stage.value} for one in found]
    return Result("\n".join(lines) or "none 无", {"cases": fields})


def _said(arguments: argparse.Namespace) -> tuple[str, str]:
    for name, value in (("--text", arguments.text), ("--by", arguments.by)):
        if not value.strip() or len(value) > TEXT_MAX:
            raise UsageProblem(f"{name} is empty or longer than {TEXT_MAX} characters")
    return arguments.text, arguments.by
