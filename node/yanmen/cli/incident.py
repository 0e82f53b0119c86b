"""`yanmen incident`: freeze what is named, tell authority and witnesses, write out the evidence; rehearse it."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli.grammar import Parser, command, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats.notice import FROZEN_MAX
from yanmen.model.incident import Freeze, Frozen
from yanmen.model.receipt import Receipt, Stage

if TYPE_CHECKING:
    from yanmen.node.holder import Holder
    from yanmen.node.incidents import Told

TEXT_MAX = 2000


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "incident", "incidents at a node 安全事件: open, drill, close, notify, list")
    words = "--by 李某 --text 疑似重识别 --freeze member:datalab --evidence evidence"
    for name, purpose, handler in (
        ("open", "freeze what is named, notify, export the evidence 登记并处置", opened),
        ("drill", "the same, but nothing is frozen 演练", drilled),
    ):
        first = command(here, name, purpose, handler, f"yanmen incident {name} health {words}")
        _words(first)
        first.add_argument(
            "--freeze",
            action="append",
            default=[],
            type=_frozen,
            metavar="KIND:NAME",
            help="contract:ID, dataset:NAME (every contract over it), member:ID-OR-ALIAS, or node; repeat for more",
        )
        first.add_argument("--evidence", type=Path, metavar="FOLDER", help="write the audit bundle there 导出证据")
    close = command(
        here,
        "close",
        "record what came of it, once 办结",
        closed,
        "yanmen incident close health ID --by 张某 --text 已处置",
    )
    _words(close)
    close.add_argument("id", metavar="ID", help="as the command that recorded it printed it")
    notify = command(
        here,
        "notify",
        "hand over the notices that were not taken yet 重新通报",
        notified,
        "yanmen incident notify health",
    )
    folder(notify, "node", "the node's folder")
    every = command(here, "list", "print them all 列出", listed, "yanmen incident list health")
    folder(every, "node", "the node's folder")


def _words(parser: Parser) -> None:
    folder(parser, "node", "the node's folder")
    parser.add_argument("--by", required=True, metavar="PERSON", help="who says so")
    parser.add_argument("--text", required=True, help="what is said; it stands in a salted disclosure, for auditors")


def _frozen(text: str) -> Frozen:
    kind, _, name = text.partition(":")
    for each in Freeze:
        if each.value == kind and bool(name) is (each is not Freeze.NODE):
            return Frozen(each, name)
    raise argparse.ArgumentTypeError(f"{text!r}: write contract:ID, dataset:NAME, member:NAME or node")


def opened(arguments: argparse.Namespace) -> Result:
    """Open an incident."""
    return _begun(arguments, drill=False)


def drilled(arguments: argparse.Namespace) -> Result:
    """Rehearse one."""
    return _begun(arguments, drill=True)


def closed(arguments: argparse.Namespace) -> Result:
    """Record what came of it."""
    from yanmen.node import incidents
    from yanmen.node.holder import open_holder

    _check(arguments)
    with open_holder(arguments.node) as holder:
        receipt, told = incidents.closed(holder, arguments.id, arguments.text, arguments.by)
    lines = [f"{arguments.id} closed 已办结 receipt 回执 no. {receipt.index}", *_told(told)]
    return Result("\n".join(lines), {"id": arguments.id, "receipt": receipt.index, "notices": _fields(told)})


def notified(arguments: argparse.Namespace) -> Result:
    """Hand over what waits."""
    from yanmen.node import incidents
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        told = incidents.again(holder)
    return Result("\n".join(_told(told)) or "nothing waits 无待通报", {"notices": _fields(told)})


def listed(arguments: argparse.Namespace) -> Result:
    """Print every incident."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        found = holder.ledger.cases(Stage.INCIDENT)
    lines = [f"{one.id}  {'open 未办结' if one.closed is None else 'closed 已办结'}  {one.text}" for one in found]
    fields = [{**asdict(one), "stage": one.stage.value} for one in found]
    return Result("\n".join(lines) or "none 无", {"cases": fields})


def _begun(arguments: argparse.Namespace, *, drill: bool) -> Result:
    from yanmen.node import incidents
    from yanmen.node.holder import open_holder

    _check(arguments)
    if arguments.evidence is not None and arguments.evidence.exists():
        raise UsageProblem(f"{arguments.evidence} exists; name a new folder")
    with open_holder(arguments.node) as holder:
        frozen = [_known(holder, each) for each in arguments.freeze]
        receipt, told = incidents.opened(holder, arguments.text, arguments.by, frozen, drill=drill)
        size = 0 if arguments.evidence is None else incidents.evidence(holder, arguments.evidence)
    return _said(arguments, receipt, told, size)


def _said(arguments: argparse.Namespace, receipt: Receipt, told: "Sequence[Told]", size: int) -> Result:
    lines = [f"{receipt.jti} receipt 回执 no. {receipt.index}", *_told(told)]
    if size:
        lines.append(f"evidence 证据: {size} leaves in {arguments.evidence}")
    words = ("yanmen", "incident", "close", arguments.node, receipt.jti, "--by", "…", "--text", "…")
    fields = {"id": receipt.jti, "receipt": receipt.index, "notices": _fields(told), "evidence": size}
    return Result("\n".join(lines) + next_step(*words), fields)


def _known(holder: "Holder", frozen: Frozen) -> Frozen:
    """Return what is frozen by the name the ledger has for it."""
    if frozen.kind is Freeze.MEMBER:
        for party in holder.register.current().parties:
            if frozen.name in (party.id, party.alias):
                return Frozen(Freeze.MEMBER, party.id)
        raise UsageProblem(f"{frozen.name}: the register lists no such member 名册中没有该成员")
    if frozen.kind is Freeze.DATASET and holder.ledger.version(frozen.name) is None:
        raise UsageProblem(f"{frozen.name}: no such dataset here 没有该数据集")
    return frozen


def _check(arguments: argparse.Namespace) -> None:
    for name, value, most in (("--text", arguments.text, TEXT_MAX), ("--by", arguments.by, 200)):
        if not value.strip() or len(value) > most:
            raise UsageProblem(f"{name} is empty or longer than {most} characters")
    if len(getattr(arguments, "freeze", ())) > FROZEN_MAX:
        raise UsageProblem(f"more than {FROZEN_MAX} things to freeze")


def _told(told: "Sequence[Told]") -> list[str]:
    return [
        f"notice 通报 {each.path.name}: "
        + (f"taken 已送达 {each.answer}" if each.answer else f"waits 待送达 {each.failure}".rstrip())
        for each in told
    ]


def _fields(told: "Sequence[Told]") -> list[dict[str, str]]:
    return [{"file": str(each.path), "answer": each.answer, "failure": each.failure} for each in told]
