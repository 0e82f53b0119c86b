"""`yanmen approval`: what waits for officers, what each signs with a key of their own, and recording it at the node."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli import given, negotiation
from yanmen.cli.grammar import Parser, command, day_of, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import governance
from yanmen.crypto.system import SystemClock
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import LeftToPerson
from yanmen.model.office import WHO, Act, OfficeStep, Waiting

if TYPE_CHECKING:
    from yanmen.wire.v1 import department_pb2

_ACTS = {
    Act.REVIEW: "the steward's first look 数据专管员初审",
    Act.DECIDE: "the chief data officer's decision 首席数据官决定",
    Act.STOP: "the security officer stops a contract 安全员叫停",
    Act.RESUME: "the security officer lets it go on 安全员恢复",
}


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "approval", "approval by officers 审批: list, review, decide, stop, resume, record")
    lists = command(here, "list", "what waits, for whom, until when 待审批", listed, "yanmen approval list health")
    lists.add_argument(
        "node", type=Path, nargs="?", metavar="NODE", help="the node's folder; an officer: --as and --at"
    )
    lists.add_argument("--as", dest="identity", type=Path, help="the officer's folder: ask over the wire")
    lists.add_argument("--at", help="alias or id of the department's node")
    for act, purpose in _ACTS.items():
        example = (
            f"yanmen approval {act.value} --as {WHO[act].value} --at health --contract 40d566d1aa5b48338b7a6d3d9ebca39c"
            f" --offer-sha256 HEX --necessity 无其他来源 --legality 依职责 --security 仅输出汇总结果 {act.value}.jws"
        )
        sign = command(here, act.value, purpose, signed, example)
        sign.set_defaults(act=act)
        _signer(sign, act)
    record = command(
        here,
        "record",
        "record an officer's signed act and carry it out 登记",
        recorded,
        "yanmen approval record health review.jws",
    )
    folder(record, "node", "the node's folder")
    file(record, "step", "what the officer signed")


def _signer(parser: Parser, act: Act) -> None:
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the officer's folder")
    parser.add_argument("--at", required=True, metavar="NODE", help="alias or id of the department's node")
    parser.add_argument("--contract", required=True, metavar="ID", help="as yanmen approval list prints it")
    parser.add_argument("--offer-sha256", required=True, metavar="HEX", help="digest of the offer, as printed there")
    if act in (Act.REVIEW, Act.DECIDE):
        parser.add_argument("--deny", action="store_true", help="sign that it is not approved 不予批准")
    for name, purpose in (("necessity", "必要性"), ("legality", "合法性"), ("security", "安全性")):
        parser.add_argument(
            f"--{name}", default="", help=f"why, {purpose}; all three to approve, one to refuse or stop"
        )
    parser.add_argument("--submit", action="store_true", help="hand it in over the wire too 在线提交")
    parser.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed act")


def listed(arguments: argparse.Namespace) -> Result:
    """Say what waits: scenario, legal basis, grade, whose turn it is, until when."""
    if arguments.identity is not None and arguments.at:
        return _asked(arguments)
    if arguments.node is None:
        raise UsageProblem("name the node's folder, or --as OFFICER --at NODE 请指明节点目录，或 --as 与 --at")
    from yanmen.node import approving
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        waiting, now_ms = approving.queue(holder), holder.clock.now_ms()
    lines = [_line(each, now_ms) for each in waiting]
    return Result(
        "\n".join(lines) or "nothing waits 无待审批", {"waiting": [_fields(each, now_ms) for each in waiting]}
    )


def _asked(arguments: argparse.Namespace) -> Result:
    """Ask the node over the wire what waits for its officers."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        found = node.waiting()
    rows: list[dict[str, object]] = [
        {
            "contract": each.contract_id,
            "offer_sha256": each.offer_sha256,
            "important": each.important,
            "turn": each.turn,
            "due_ms": each.due_ms,
            "overdue": each.overdue,
            "scenario": each.scenario,
            "purpose": each.purpose,
            "legal_basis": each.legal_basis,
            "left_to_person": [asdict(left) for left in _left(each)],
        }
        for each in found
    ]
    lines = [
        f"{each.contract_id}  {each.turn} by {day_of(each.due_ms)}{'  OVERDUE 逾期' if each.overdue else ''}\n"
        f"  scenario 场景 {each.scenario}: {each.purpose} ({each.legal_basis})\n  --offer-sha256 {each.offer_sha256}"
        f"{negotiation.left(_left(each))}"
        for each in found
    ]
    return Result("\n".join(lines) or "nothing waits 无待审批", {"waiting": rows})


def _left(waiting: "department_pb2.WaitingContract") -> tuple[LeftToPerson, ...]:
    return tuple(LeftToPerson(each.clause, each.en, each.zh) for each in waiting.left_to_person)


def _line(waiting: Waiting, now_ms: int) -> str:
    terms = waiting.contract.terms
    late = "  OVERDUE 逾期" if waiting.overdue(now_ms) else ""
    grade = "important 重要" if waiting.important else "general 一般"
    return (
        f"{terms.id}  {grade}  {waiting.turn.value} ({WHO[waiting.turn].value}) by {day_of(waiting.due_ms)}{late}\n"
        f"  scenario 场景 {terms.scenario.id}: {terms.scenario.text} ({terms.scenario.legal_basis})\n"
        f"  --offer-sha256 {waiting.contract.digest}{negotiation.left(waiting.left_to_person)}"
    )


def _fields(waiting: Waiting, now_ms: int) -> dict[str, object]:
    terms = waiting.contract.terms
    return {
        "contract": terms.id,
        "offer_sha256": waiting.contract.digest,
        "important": waiting.important,
        "turn": waiting.turn.value,
        "role": WHO[waiting.turn].value,
        "due_ms": waiting.due_ms,
        "overdue": waiting.overdue(now_ms),
        "scenario": terms.scenario.id,
        "purpose": terms.scenario.text,
        "legal_basis": terms.scenario.legal_basis,
        "left_to_person": [asdict(each) for each in waiting.left_to_person],
    }


def signed(arguments: argparse.Namespace) -> Result:
    """Sign one act with the officer's own key."""
    from yanmen.client.identity import Identity

    identity = Identity.load(arguments.identity)
    node = identity.node(arguments.at)
    act: Act = arguments.act
    step = OfficeStep(
        act=act,
        by=identity.id,
        node=node.id,
        contract=arguments.contract,
        offer_sha256=arguments.offer_sha256,
        approve=act is Act.RESUME or (act is not Act.STOP and not arguments.deny),
        necessity=arguments.necessity,
        legality=arguments.legality,
        security=arguments.security,
        issued_s=SystemClock().now_ms() // 1000,
    )
    try:
        token = governance.sign_office(step, identity.signer)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    try:
        file_ = os.open(arguments.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        raise UsageProblem(f"{arguments.target} exists; name a new file") from error
    with os.fdopen(file_, "wb") as opened:
        opened.write(token)
    if arguments.submit:
        return _handed_in(arguments, token)
    note = next_step("yanmen", "approval", "record", node.alias, arguments.target)
    return Result(
        f"{act.value} signed 已签署: {arguments.target}{note}", {"act": act.value, "step": str(arguments.target)}
    )


def _handed_in(arguments: argparse.Namespace, token: bytes) -> Result:
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        receipt, status = node.hand_in(token)
    text = f"{arguments.act.value} recorded 已登记: {arguments.contract} {status}; receipt 回执 no. {receipt.index}"
    fields = {"act": arguments.act.value, "step": str(arguments.target), "status": status, "receipt": receipt.index}
    return Result(text, fields)


def recorded(arguments: argparse.Namespace) -> Result:
    """Record an officer's act and carry it out."""
    from yanmen.formats.office import BYTES_MAX
    from yanmen.node import approving
    from yanmen.node.holder import open_holder

    token = given.read(arguments.step, BYTES_MAX)
    with open_holder(arguments.node) as holder:
        receipt, contract = approving.record(token, holder)
    text = f"{contract.terms.id}: {contract.status.value} {contract.decided_by}".rstrip()
    fields = {"id": contract.terms.id, "status": contract.status.value, "receipt": receipt.index}
    return Result(f"{text}; receipt 回执 no. {receipt.index}", fields)
