"""`yanmen objection` and `yanmen incident`: what was objected to and what went wrong, on the record."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli.grammar import Parser, command, day_of, folder, group, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats.json_members import TEXT_MAX
from yanmen.model.receipt import Stage

if TYPE_CHECKING:
    from yanmen.ledger.cases import Case


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of these groups."""
    _declare(commands, Stage.OBJECTION, ("file", "answer"), "objections to a use 异议: file, answer, list")
    _declare_complaints(commands)


def _declare(
    commands: "argparse._SubParsersAction[Parser]", stage: Stage, verbs: tuple[str, str], purpose: str
) -> None:
    begin, end = verbs
    here = group(commands, stage.value, purpose)
    if stage is Stage.OBJECTION:
        _declare_raise(here)
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


def _declare_raise(here: "argparse._SubParsersAction[Parser]") -> None:
    example = "yanmen objection raise --as me --at health --dataset labs --text 数值与源系统不符"
    raised = command(here, "raise", "object, signed, to a dataset or a receipt 数据异议", raise_objection, example)
    raised.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    raised.add_argument("--at", required=True, help="the node's alias, id or address")
    about = raised.add_mutually_exclusive_group(required=True)
    about.add_argument("--dataset", default="", metavar="NAME", help="the dataset it is about")
    about.add_argument("--index", type=whole, help="the receipt it is about, by its number")
    raised.add_argument("--contract", default="", metavar="ID", help="one of your contracts, if it is about one")
    raised.add_argument("--text", required=True, help="what is objected to")


def _declare_complaints(commands: "argparse._SubParsersAction[Parser]") -> None:
    here = group(commands, "complaint", "complaints by anyone 投诉举报: file; answered like objections")
    example = "yanmen complaint file health --text 发现未授权使用"
    filed = command(here, "file", "record what anyone complains of 登记", complain, example)
    folder(filed, "node", "the node's folder")
    filed.add_argument("--by", default="", metavar="PERSON", help="who complains; may stay empty")
    filed.add_argument("--text", required=True, help="what is complained of, in their words")


def raise_objection(arguments: argparse.Namespace) -> Result:
    """Sign an objection and hand it in."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        about = {"dataset": arguments.dataset, "index": arguments.index, "contract": arguments.contract}
        receipt = node.object_to(arguments.text, **about)
    return Result(f"{receipt.jti} receipt 回执 no. {receipt.index}", {"id": receipt.jti, "receipt": receipt.index})


def complain(arguments: argparse.Namespace) -> Result:
    """Record a complaint."""
    from yanmen import objecting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt = objecting.complain(arguments.text, arguments.by, holder)
    words = ("yanmen", "objection", "answer", arguments.node, receipt.jti, "--by", "…", "--text", "…")
    shown = f"{receipt.jti} receipt 回执 no. {receipt.index}" + next_step(*words)
    return Result(shown, {"id": receipt.jti, "receipt": receipt.index})


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
        found, now_s = holder.ledger.cases(arguments.stage), holder.clock.now_ms() // 1000
    lines = [f"{one.id}  {_standing(one, now_s)}  {one.text}" for one in found]
    fields = [{**asdict(one), "stage": one.stage.value, "overdue": one.overdue(now_s)} for one in found]
    return Result("\n".join(lines) or "none 无", {"cases": fields})


def _standing(case: "Case", now_s: int) -> str:
    if case.closed is not None:
        return "closed 已办结"
    until = f", until 限期 {day_of(case.due_s * 1000)}" if case.due_s else ""
    return f"open 未办结{until}{' OVERDUE 逾期' if case.overdue(now_s) else ''}"


def _said(arguments: argparse.Namespace) -> tuple[str, str]:
    for name, value in (("--text", arguments.text), ("--by", arguments.by)):
        if not value.strip() or len(value) > TEXT_MAX:
            raise UsageProblem(f"{name} is empty or longer than {TEXT_MAX} characters")
    return arguments.text, arguments.by
