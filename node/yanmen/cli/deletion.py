"""`yanmen contract prove-deletion|close`: what was released under a contract that is over is destroyed."""

import argparse

from yanmen.cli.grammar import Parser, command, day_of, folder
from yanmen.cli.negotiation import described, head, member
from yanmen.cli.output import Result
from yanmen.crypto.system import SystemClock
from yanmen.model.deletion import Deletion


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands about the end of a contract."""
    example = "yanmen contract prove-deletion --as me --at health ID --how 已从分析平台清除"
    said = command(here, "prove-deletion", "state that its answers are destroyed 删除证明", proved, example)
    member(said)
    said.add_argument("--how", required=True, help="how they were destroyed; it is signed")
    example = "yanmen contract close health ID"
    shut = command(here, "close", "destroy the node's answers of a contract that is over 销毁结果", closed, example)
    folder(shut, "node", "the node's folder")
    shut.add_argument("id", metavar="ID", help="the contract's id")


def proved(arguments: argparse.Namespace) -> Result:
    """State, signed, that everything released under a contract is destroyed."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        held = node.contract(arguments.id)
        answers = node.released(held)
        made = node.prove_deletion(held, arguments.how)
    text = "".join(f"\n  destroyed 已销毁: receipt 回执 {each.jti} {each.sha256}" for each in answers)
    return Result(head(made) + text, {**described(made), "answers": [[each.jti, each.sha256] for each in answers]})


def closed(arguments: argparse.Namespace) -> Result:
    """Destroy the node's own stored answers of a contract that is over."""
    from yanmen import closing, contracting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt = closing.close(arguments.id, contracting.Office.of(holder))
    text = f"{arguments.id}: stored answers destroyed 已销毁存储的结果, receipt 回执 no. {receipt.index}"
    return Result(text, {"id": arguments.id, "receipt": receipt.index})


def line(standing: Deletion | None) -> str:
    """Say what of the deletion that a contract asks for is still due."""
    if standing is None or not standing.ended_ms:
        return ""
    if standing.by_consumer is not None:
        return "  deletion proved 已证明删除"
    late = SystemClock().now_ms() >= standing.due_ms
    return f"  deletion {'OVERDUE 逾期' if late else 'due 待证明删除'} {day_of(standing.due_ms)}"


def fields(standing: Deletion | None) -> dict[str, object]:
    """Return the same for `--json`."""
    if standing is None:
        return {}
    when = {"ended_ms": standing.ended_ms, "due_ms": standing.due_ms}
    late = standing.overdue(SystemClock().now_ms())
    leaves = {"by_node": standing.by_node, "by_consumer": standing.by_consumer, "overdue": late}
    return {"deletion": {**when, **leaves}}
