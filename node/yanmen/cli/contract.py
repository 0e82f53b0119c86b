"""`yanmen contract`: ask for the right to ask, and decide who gets it."""

import argparse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli import contract_template, deletion, negotiation, tariff, usage_rules
from yanmen.cli.dataset import where
from yanmen.cli.grammar import Parser, command, folder, group, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.cli.terms_options import options_of
from yanmen.crypto.system import SystemClock
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel, Grade
from yanmen.model.contract import STOPPED, Balance, Bounds, Contract, ContractStatus, Grant, Operated, Scenario, Terms
from yanmen.model.deletion import Deletion
from yanmen.model.refusal import Reason, Refused

if TYPE_CHECKING:
    from yanmen.client.node import Node

DAY_MS = 24 * 60 * 60 * 1000


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(
        commands,
        "contract",
        "contracts 数字合约: request, counter, answer, approve, deny, sign, amend, list, show, revoke, template",
    )
    _declare_request(here)
    example = (
        "yanmen contract approve health 40d566d1aa5b48338b7a6d3d9ebca39c --by '张某（首席数据官）'"
        " --necessity '慢病监测所需' --legality '依申请共享' --security '只出汇总结果'"
    )
    approve = command(
        here,
        "approve",
        "sign a pending contract on general data 批准; important data: yanmen approval",
        approved,
        example,
    )
    _holder(approve)
    for name, purpose in (("necessity", "必要性"), ("legality", "合法性"), ("security", "安全性")):
        approve.add_argument(f"--{name}", default="", help=f"why, {purpose}")
    _holder(command(here, "deny", "deny a pending contract 拒绝", denied, "yanmen contract deny health ID --by 张某"))
    _holder(command(here, "revoke", "end a contract now 终止", revoked, "yanmen contract revoke health ID --by 张某"))
    example = "yanmen contract suspend health ID --by 张某"
    _holder(command(here, "suspend", "stop a contract until it is resumed 暂停", suspended, example))
    _holder(
        command(here, "resume", "let a suspended contract go on 恢复", resumed, example.replace("suspend", "resume"))
    )
    lists = command(here, "list", "list contracts 列出", listed, "yanmen contract list --node health")
    where(lists)
    show = command(
        here, "show", "show one contract and what is left of it 查看", shown, "yanmen contract show ID --node health"
    )
    show.add_argument("id", metavar="ID", help="the contract's id")
    where(show)
    negotiation.declare(here)
    deletion.declare(here)
    contract_template.declare(here)


def _holder(parser: Parser) -> None:
    folder(parser, "node", "the node's folder")
    parser.add_argument("id", metavar="ID", help="the contract's id")
    parser.add_argument("--by", required=True, help="who decides; the name goes into the receipt, salted")


def _declare_request(here: "argparse._SubParsersAction[Parser]") -> None:
    example = (
        "yanmen contract request --as me --at health --grant labs:test,value --scenario chronic-2026"
        " --purpose 慢病研究 --legal-basis 依申请 --price 1000"
    )
    request = command(here, "request", "offer signed terms to a node 申请", requested, example)
    request.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    request.add_argument("--at", required=True, help="the node's alias, id or address")
    request.add_argument(
        "--grant",
        action="append",
        required=True,
        metavar="TABLE:COL,COL",
        help="columns asked for; repeat for more tables",
    )
    request.add_argument("--scenario", required=True, help="id of the one scenario 场景 it is for")
    request.add_argument("--purpose", required=True, help="the scenario in words")
    request.add_argument("--legal-basis", required=True, help="the legal basis 法律依据")
    request.add_argument(
        "--channel",
        choices=[channel.value for channel in Channel],
        default=Channel.SHARING.value,
        help="渠道 it is asked for through, one that the dataset declares (sharing); see yanmen dataset show",
    )
    delta = "whole δ, in units of 1e-12: each answer over keys of an open domain is charged 1000000 (0)"
    request.add_argument("--delta-e12", type=whole, default=0, help=delta)
    request.add_argument(
        "--micro-rho", type=whole, default=100_000, help="whole privacy budget, in millionths of ρ (100000)"
    )
    request.add_argument(
        "--per-query", type=whole, default=10_000, help="default charge of one answer, in millionths of ρ (10000)"
    )
    request.add_argument(
        "--per-query-max", type=whole, default=50_000, help="the most one answer may be charged (50000)"
    )
    request.add_argument("--queries", type=whole, default=1000, help="how many questions in all (1000)")
    request.add_argument("--queries-per-day", type=whole, default=100, help="how many questions a day (100)")
    request.add_argument("--min-group", type=whole, default=10, help="fewest units in a cell of exact data (10)")
    request.add_argument(
        "--price", type=whole, required=True, help="price of one answer in fen; see the ceiling in the catalogue"
    )
    tariff.declare(request)
    usage_rules.declare(request)
    named = "slots of a receipt, with commas, that the regulator may see 向主管部门披露 (none); see docs/FORMATS.md"
    request.add_argument("--regulator-discloses", type=_slots, default=(), metavar="SLOT,SLOT", help=named)
    request.add_argument("--days", type=float, default=30, help="how long it runs, in days (30)")
    request.add_argument(
        "--bound",
        action="append",
        default=[],
        type=_bound,
        metavar="NAME=NUMBER",
        help="what one question may use, where that is to be less than the node allows 单次用量上限: "
        + ", ".join(Bounds.__slots__),
    )
    request.add_argument(
        "--operated",
        type=_operated,
        metavar="GRANT:PRODUCT,PRODUCT",
        help="the grant of operation 授权运营 it hangs on, and the products to be asked for",
    )
    negotiation.options(request)
    request.add_argument("--paper-sha256", default="", help="hex SHA-256 of the paper contract, if there is one")


def _bound(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in Bounds.__slots__:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(Bounds.__slots__)}")
    return name, whole(number)


def _operated(text: str) -> Operated:
    grant, _, products = text.partition(":")
    return Operated(grant, tuple(sorted({name.strip() for name in products.split(",") if name.strip()})))


def _slots(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in text.split(",") if name.strip()}))


def requested(arguments: argparse.Namespace) -> Result:
    """Sign the terms and offer them."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        now_ms = SystemClock().now_ms()
        terms = Terms(
            id=uuid.uuid4().hex,
            holder=node.party.id,
            consumer=node.member_id,
            channel=Channel(arguments.channel),
            scenario=Scenario(arguments.scenario, arguments.purpose, arguments.legal_basis),
            grants=tuple(_grant(text) for text in sorted(arguments.grant)),
            min_group=arguments.min_group,
            micro_rho=arguments.micro_rho,
            micro_rho_per_query=arguments.per_query,
            micro_rho_per_query_max=min(max(arguments.per_query, arguments.per_query_max), arguments.micro_rho),
            delta_e12=arguments.delta_e12,
            queries=arguments.queries,
            queries_per_day=arguments.queries_per_day,
            not_before_ms=now_ms,
            not_after_ms=now_ms + int(arguments.days * DAY_MS),
            price_per_query_fen=arguments.price,
            regulator_discloses=arguments.regulator_discloses,
            retention_days=180,
            paper_sha256=arguments.paper_sha256,
            bounds=replace(Bounds(), **dict(arguments.bound)),
            tariff=tariff.tariff(arguments),
            split=tariff.split(arguments),
            operated=arguments.operated,
            signers=tuple(sorted({node.side(name) for name in arguments.signer})),
            deletion_days=arguments.deletion_days,
            consent=negotiation.consent(arguments),
            rules=usage_rules.rules(arguments),
        )
        try:
            if arguments.template:
                terms = contract_template.filled(node, arguments.template, terms)
            with options_named(terms):
                contract = node.request_contract(terms)
        except Malformed as error:
            raise UsageProblem(f"these terms make no contract: {error}{options_of(str(error))}") from error
        return _after_request(contract, node, arguments)


@contextmanager
def options_named(terms: Terms | None = None) -> Iterator[None]:
    """Add to a refusal of offer or approval the options of this command that answer it."""
    try:
        yield
    except Refused as refusal:
        if refusal.reason is not Reason.POLICY_FORBIDS:
            raise
        options = ""
        if terms is not None and "dataset:channels" in refusal.detail.clauses:
            options = "--channel with one of these 从上列渠道中选择"
        if not options:
            raise
        clauses = (*refusal.detail.clauses, f"add 请加上: {options}")
        raise Refused(refusal.reason, replace(refusal.detail, clauses=clauses), refusal.receipt) from refusal


def _after_request(contract: Contract, node: "Node", arguments: argparse.Namespace) -> Result:
    """Say who acts next: the holder on a pending contract, the member on an active one."""
    if contract.status is ContractStatus.ACTIVE:
        return _result(contract, _question(contract, arguments.identity, arguments.at))
    if contract.status is not ContractStatus.PENDING:
        return _result(contract, "")
    granted = {grant.dataset for grant in contract.terms.grants}
    important = any(
        each.dataset.name in granted and each.dataset.grade is not Grade.GENERAL for each in node.catalogue()
    )
    decide = ("contract", "approve", "FOLDER", contract.terms.id, "--by", "NAME")
    words = ("yanmen", *(("approval", "list", "FOLDER") if important else decide))
    who = f"by its holder 由数源部门执行; FOLDER: where the holder keeps the node {node.party.alias} 节点目录"
    return _result(contract, next_step(*words, note=who))


def _question(contract: Contract, identity: object, at: str) -> str:
    sql = " ".join(("SELECT count(*) AS n FROM", contract.terms.grants[0].dataset))
    return next_step("yanmen", "explain", "--as", identity, "--at", at, "--contract", contract.terms.id, sql)


def _grant(text: str) -> Grant:
    table, _, columns = text.partition(":")
    names = tuple(sorted(name.strip() for name in columns.split(",") if name.strip()))
    if not table or not names:
        raise UsageProblem(f"--grant {text}: write TABLE:COLUMN,COLUMN")
    return Grant(table, names)


def approved(arguments: argparse.Namespace) -> Result:
    """Sign on behalf of the holder."""
    from yanmen import contracting
    from yanmen.formats.contract import Reasons
    from yanmen.node.holder import open_holder

    reasons = Reasons(arguments.necessity, arguments.legality, arguments.security)
    with open_holder(arguments.node) as holder:
        approval = contracting.Approval(arguments.by, reasons=reasons)
        with options_named():
            done = contracting.approve(arguments.id, approval, contracting.Office.of(holder))
        note = f" receipt 回执 no. {holder.ledger.size() - 1}"
        return _result(done, note + _question(done, "MEMBER", holder.config.alias))


def denied(arguments: argparse.Namespace) -> Result:
    """Deny on behalf of the holder."""
    from yanmen import contracting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        return _result(contracting.deny(arguments.id, arguments.by, contracting.Office.of(holder)), "")


def revoked(arguments: argparse.Namespace) -> Result:
    """End the contract; questions under way are stopped at release."""
    from yanmen import contracting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        return _result(contracting.revoke(arguments.id, arguments.by, contracting.Office.of(holder)), "")


def suspended(arguments: argparse.Namespace) -> Result:
    """Stop the contract until it is resumed; questions under way are stopped at release."""
    from yanmen import contracting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        return _result(contracting.suspend(arguments.id, arguments.by, contracting.Office.of(holder)), "")


def resumed(arguments: argparse.Namespace) -> Result:
    """Let the contract admit questions again."""
    from yanmen import contracting
    from yanmen.node import approving
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        approving.require_not_stopped(arguments.id, holder)
        return _result(contracting.resume(arguments.id, arguments.by, contracting.Office.of(holder)), "")


def listed(arguments: argparse.Namespace) -> Result:
    """List contracts: all of a node for its holder, one's own for a member."""
    contracts, proofs = _contracts(arguments)
    lines = [
        f"{each.terms.id}  {each.status.value:9} {each.terms.scenario.id}{_stopped(each)}"
        f"{deletion.line(proofs.get(each.terms.id))}"
        for each in contracts
    ]
    described = [{**_fields(each), **deletion.fields(proofs.get(each.terms.id))} for each in contracts]
    return Result("\n".join(lines) or "no contract 尚无合约", {"contracts": described})


def shown(arguments: argparse.Namespace) -> Result:
    """Show one contract with its balance."""
    if arguments.node is not None:
        from yanmen import contracting
        from yanmen.node.holder import open_holder

        with open_holder(arguments.node) as holder:
            found = contracting.show(arguments.id, contracting.Office.of(holder))
            return _with_balance(found, holder.ledger.balance(found.terms.id))
    from yanmen.client import connect

    identity, at = _member(arguments)
    with connect(at, identity=identity) as node:
        found = node.contract(arguments.id)
        if found.terms.consumer != node.member_id:
            return negotiation.shown(found)
        return _with_balance(found, node.balance(arguments.id))


def _contracts(arguments: argparse.Namespace) -> tuple[tuple[Contract, ...], dict[str, Deletion]]:
    if arguments.node is not None:
        from yanmen.node.holder import open_holder

        with open_holder(arguments.node) as holder:
            return holder.ledger.contracts(), {each.contract: each for each in holder.ledger.deletions()}
    from yanmen.client import connect

    identity, at = _member(arguments)
    with connect(at, identity=identity) as node:
        return tuple(node.contracts()), {}


def _member(arguments: argparse.Namespace) -> tuple[Path, str]:
    if arguments.identity is None or arguments.at is None:
        raise UsageProblem("say --node FOLDER (its holder), or --as MEMBER --at NODE")
    return arguments.identity, arguments.at


def _stopped(contract: Contract) -> str:
    return f"  {negotiation.decider(contract)}" if contract.status in STOPPED else ""


def _result(contract: Contract, note: str) -> Result:
    text = f"{contract.terms.id}: {contract.status.value} {negotiation.decider(contract)}".rstrip()
    text += negotiation.left(contract.left_to_person)
    return Result(text + note, _fields(contract))


def _with_balance(contract: Contract, left: Balance) -> Result:
    terms = contract.terms
    grants = "; ".join(f"{grant.dataset}: {', '.join(grant.columns)}" for grant in terms.grants)
    text = (
        f"{terms.id}: {contract.status.value} {negotiation.decider(contract)}\n  scenario 场景 {terms.scenario.id}: "
        f"{terms.scenario.text} ({terms.scenario.legal_basis})\n  columns 列 {grants}\n"
        f"  left 剩余: {left.micro_rho_left / 1e6:g} of {terms.micro_rho / 1e6:g} ρ, {left.queries_left} questions "
        f"({left.queries_today_left} today); spent 已用 {left.spent_fen / 100:.2f} 元"
    )
    bounds = {name: bound for name, bound in asdict(terms.bounds).items() if bound is not None}
    if bounds:
        text += "\n  bounds of one question 单次用量上限: " + ", ".join(
            f"{name} {bound}" for name, bound in bounds.items()
        )
    text += "".join(f"\n  {line}" for line in usage_rules.lines(terms.rules)) + negotiation.lines(contract)
    balance = {"micro_rho_left": left.micro_rho_left, "queries_left": left.queries_left, "spent_fen": left.spent_fen}
    return Result(text, {**_fields(contract), **balance})


def _fields(contract: Contract) -> dict[str, object]:
    terms = contract.terms
    return {
        **negotiation.described(contract),
        "decided_by": contract.decided_by,
        "holder": terms.holder,
        "consumer": terms.consumer,
        "scenario": terms.scenario.id,
        "grants": {grant.dataset: list(grant.columns) for grant in terms.grants},
        "not_before_ms": terms.not_before_ms,
        "not_after_ms": terms.not_after_ms,
        "micro_rho": terms.micro_rho,
        "price_per_query_fen": terms.price_per_query_fen,
        "bounds": {name: bound for name, bound in asdict(terms.bounds).items() if bound is not None},
        "price_most_fen": terms.price_most_fen,
        "free_uses": 0 if terms.tariff is None else terms.tariff.free.uses,
        "rules": list(usage_rules.lines(terms.rules)),
        "split": None if terms.split is None else terms.split.by.value,
    }
