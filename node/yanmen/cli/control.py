"""`yanmen control`: end a use, a member's service or the node's connection, now; each order is a leaf of the log."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from yanmen import regular_file
from yanmen.cli.grammar import Parser, command, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats.control_order import REASON_MAX
from yanmen.formats.malformed import Malformed
from yanmen.model.receipt import Receipt

if TYPE_CHECKING:
    from yanmen.formats.heartbeat import Heartbeat
    from yanmen.node.holder import Holder


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(
        commands, "control", "control while uses run 使用控制: kill, suspend a member or dataset, disconnect, status"
    )
    words = "--by '张某（安全员）' --reason 疑似异常使用"
    kill = command(
        here, "kill", "end one running question now 终止任务", killed, f"yanmen control kill health JOB {words}"
    )
    _order(kill)
    kill.add_argument("target", metavar="JOB", help="its job id: yanmen control status")
    for name, purpose, handler in (
        ("suspend-member", "serve a member no more, end what it runs 暂停成员", suspended),
        ("resume-member", "serve a suspended member again 恢复成员", resumed),
    ):
        one = command(here, name, purpose, handler, f"yanmen control {name} health MEMBER {words}")
        _order(one)
        one.add_argument("target", metavar="MEMBER", help="its connector id or alias")
    for name, purpose, handler in (
        ("suspend-dataset", "let nobody use a dataset, end what reads it 暂停数据集", withheld),
        ("resume-dataset", "let a suspended dataset be used again 恢复数据集", released),
    ):
        one = command(here, name, purpose, handler, f"yanmen control {name} health labs {words}")
        _order(one)
        one.add_argument("target", metavar="DATASET", help="its name in the catalogue")
    for name, purpose, cut in (
        ("disconnect", "cut every call and close the port, now 一键断网", disconnected),
        ("connect", "take calls again 恢复连接", connected),
    ):
        _order(command(here, name, purpose, cut, f"yanmen control {name} health {words}"))
    status = command(
        here, "status", "what runs, who is suspended, the heartbeat 状态", shown, "yanmen control status health"
    )
    folder(status, "node", "the node's folder")


def _order(parser: Parser) -> None:
    folder(parser, "node", "the node's folder")
    parser.add_argument("--by", required=True, help="who orders it; the name goes into the receipt, salted")
    parser.add_argument("--reason", required=True, help=f"why, at most {REASON_MAX} characters")


def killed(arguments: argparse.Namespace) -> Result:
    """End one running question."""
    return _ordered(arguments, lambda holder: holder.ledger.kill(arguments.target, arguments.reason, arguments.by))


def suspended(arguments: argparse.Namespace) -> Result:
    """Serve a member no more."""

    def order(holder: "Holder") -> Receipt:
        return holder.ledger.suspend_member(_member(holder, arguments.target), arguments.reason, arguments.by)

    return _ordered(arguments, order)


def resumed(arguments: argparse.Namespace) -> Result:
    """Serve a member again."""

    def order(holder: "Holder") -> Receipt:
        return holder.ledger.resume_member(_member(holder, arguments.target), arguments.reason, arguments.by)

    return _ordered(arguments, order)


def withheld(arguments: argparse.Namespace) -> Result:
    """Let nobody use a dataset."""
    name = arguments.target
    return _ordered(arguments, lambda holder: holder.ledger.suspend_dataset(name, arguments.reason, arguments.by))


def released(arguments: argparse.Namespace) -> Result:
    """Let a dataset be used again."""
    name = arguments.target
    return _ordered(arguments, lambda holder: holder.ledger.resume_dataset(name, arguments.reason, arguments.by))


def disconnected(arguments: argparse.Namespace) -> Result:
    """Cut every call."""
    return _ordered(arguments, lambda holder: holder.ledger.disconnect(arguments.reason, arguments.by))


def connected(arguments: argparse.Namespace) -> Result:
    """Take calls again."""
    return _ordered(arguments, lambda holder: holder.ledger.connect(arguments.reason, arguments.by))


def shown(arguments: argparse.Namespace) -> Result:
    """Say what runs, what is stopped, and when the serving process was heard of last."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        running, stops, beat = holder.ledger.running(), holder.ledger.stops(), _beat(holder)
        now_ms = holder.clock.now_ms()
    lines = ["DISCONNECTED 已断网" if stops.disconnected else "connected 在线"]
    if beat is not None:
        age = (now_ms - beat.at_ms) / 1000
        lines.append(f"heartbeat 心跳: {age:.1f} s ago, no. {beat.sequence}, {beat.leaves} leaves")
    lines += [f"running 运行中: {each.job_id}  contract 合约 {each.contract}  {each.owner}" for each in running]
    lines += [f"suspended 已暂停: {party}" for party in sorted(stops.members)]
    lines += [f"suspended 已暂停: dataset 数据集 {name}" for name in sorted(stops.datasets)]
    fields = {
        "connected": not stops.disconnected,
        "heartbeat": None if beat is None else asdict(beat),
        "datasets": sorted(stops.datasets),
        "running": [asdict(each) for each in running],
        "suspended": sorted(stops.members),
    }
    return Result("\n".join(lines), fields)


def _ordered(arguments: argparse.Namespace, order: "Callable[[Holder], Receipt]") -> Result:
    from yanmen.node.holder import open_holder

    if not arguments.by.strip() or not arguments.by.isprintable():
        raise UsageProblem("--by names nobody 请写明决定人")
    with open_holder(arguments.node) as holder:
        try:
            receipt = order(holder)
        except Malformed as error:
            raise UsageProblem(f"--reason: {error}") from error
    after = next_step("yanmen", "control", "status", arguments.node)
    return Result(
        f"ordered 已下令: receipt 回执 no. {receipt.index}{after}", {"receipt": receipt.index, "id": receipt.jti}
    )


def _member(holder: "Holder", name: str) -> str:
    for party in holder.register.current().parties:
        if name in (party.id, party.alias) and party.id != holder.config.id:
            return party.id
    raise UsageProblem(f"{name}: the register lists no such member 名册中没有该成员")


def _beat(holder: "Holder") -> "Heartbeat | None":
    """Return the newest heartbeat, None when there is none that the node's key signed."""
    from yanmen.crypto import documents
    from yanmen.crypto.signatures import BadSignature
    from yanmen.formats.heartbeat import BYTES_MAX
    from yanmen.node.controlling import HEARTBEAT

    path = holder.directory / HEARTBEAT
    if not path.is_file():
        return None
    try:
        token = regular_file.read(path, BYTES_MAX + 1).removesuffix(b"\n")
        return documents.open_heartbeat(token, holder.receipt_signer.public)
    except (Malformed, BadSignature, regular_file.TooLong):
        return None
