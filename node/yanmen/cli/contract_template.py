"""`yanmen contract template`: what a holder offers to be filled in, and what is on offer."""

import argparse
import json
from typing import TYPE_CHECKING

from yanmen.cli import given
from yanmen.cli.dataset import where
from yanmen.cli.grammar import Parser, command, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import template
from yanmen.formats.contract_constraints import kind_of
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Terms
from yanmen.model.template import Clause, PublishedTemplate, Template

if TYPE_CHECKING:
    from yanmen.client.node import Node


def declare(contracts: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(contracts, "template", "contract templates 合约模板: publish, withdraw, list")
    example = "yanmen contract template publish health template.toml --by 张某"
    made = command(here, "publish", "sign and publish a template 发布", published, example)
    folder(made, "node", "the node's folder")
    file(made, "draft", "TOML: titles, days_most, grants, and what is fixed, a choice, between bounds or free")
    made.add_argument("--by", required=True, help="who decides")
    example = "yanmen contract template withdraw health ID --by 张某"
    gone = command(here, "withdraw", "offer a template no more 撤回", withdrawn, example)
    folder(gone, "node", "the node's folder")
    gone.add_argument("id", metavar="ID", help="the template's id")
    gone.add_argument("--by", required=True, help="who decides")
    example = "yanmen contract template list --as me --at health"
    where(command(here, "list", "list templates and their clauses 列出", listed, example))


def published(arguments: argparse.Namespace) -> Result:
    """Sign and record a template."""
    from yanmen import templating
    from yanmen.formats import template_draft
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        try:
            draft = template_draft.read(given.read(arguments.draft))
            value = Template(
                id=SystemRandomness().token(16).hex(),
                by=holder.config.id,
                title_zh=draft.title_zh,
                title_en=draft.title_en,
                product=draft.product,
                grants=draft.grants,
                clauses=draft.clauses,
                days_most=draft.days_most,
                decided_by=arguments.by,
                issued_s=holder.clock.now_ms() // 1000,
                rules=draft.rules,
            )
            template.encode(value)
        except Malformed as error:
            raise UsageProblem(f"{arguments.draft}: {error}") from error
        receipt, made = templating.publish(value, holder)
    text = f"template 模板 {value.id} {value.title_zh}: on offer 已发布, receipt 回执 no. {receipt.index}"
    text += next_step("yanmen", "contract", "request", "--template", value.id, "--as", "ME", "--at", "NODE", "…")
    return Result(text, {**_fields(made), "receipt": receipt.index})


def withdrawn(arguments: argparse.Namespace) -> Result:
    """Sign and record that a template is offered no more."""
    from yanmen import templating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt, made = templating.withdraw(arguments.id, arguments.by, holder)
    text = f"{arguments.id}: withdrawn 已撤回, receipt 回执 no. {receipt.index}"
    return Result(text, {**_fields(made), "receipt": receipt.index})


def listed(arguments: argparse.Namespace) -> Result:
    """List templates: all of a node for its holder, those on offer for a member."""
    found = _templates(arguments)
    lines = [line for each in found for line in _lines(each)]
    return Result("\n".join(lines) or "no template 尚无模板", {"templates": [_fields(each) for each in found]})


def filled(node: "Node", template_id: str, terms: Terms) -> Terms:
    """Return `terms` with what the template fixes, or say which of its clauses they leave."""
    offered = next((each for each in node.templates() if each.template.id == template_id), None)
    if offered is None:
        raise UsageProblem(f"there is no template {template_id} on offer; see yanmen contract template list")
    return template.fill(offered, terms)


def _templates(arguments: argparse.Namespace) -> tuple[PublishedTemplate, ...]:
    if arguments.node is not None:
        from yanmen.node.holder import open_holder

        with open_holder(arguments.node) as holder:
            return holder.ledger.templates()
    from yanmen.client import connect

    if arguments.identity is None or arguments.at is None:
        raise UsageProblem("say --node FOLDER (its holder), or --as MEMBER --at NODE")
    with connect(arguments.at, identity=arguments.identity) as node:
        return node.templates()


def _lines(each: PublishedTemplate) -> tuple[str, ...]:
    made = each.template
    gone = "  withdrawn 已撤回" if made.withdrawn else ""
    grants = "; ".join(f"{grant.dataset}: {', '.join(grant.columns)}" for grant in made.grants)
    head = f"{made.id}  {made.title_zh} {made.title_en}{gone}\n  {grants}\n  at most 最长 {made.days_most} days 天"
    names = [kind_of(clause.left, clause.operator).field for clause in made.clauses]
    width = max(map(len, names), default=0)
    pairs = zip(names, made.clauses, strict=True)
    return (head, *(f"  {name:{width}}  {_filled(clause)}" for name, clause in pairs))


def _filled(clause: Clause) -> str:
    """Say in words what a contract has there."""
    if clause.least is not None:
        return f"{clause.least} … {clause.most}  within 范围内自填"
    if not clause.allowed:
        return "free 自填"
    said = " | ".join(_words(json.loads(operand)) for operand in clause.allowed)
    return f"{said}  {'fixed 固定' if len(clause.allowed) == 1 else 'one of these 任选其一'}"


def _words(operand: object) -> str:
    """Return an operand without what JSON-LD puts around a number."""
    match operand:
        case {"@value": value}:
            return str(value)
        case str():
            return operand
        case list():
            return ", ".join(map(_words, operand)) or "none 无"
        case _:
            return json.dumps(operand, ensure_ascii=False, separators=(",", ":"))


def _open(clause: Clause) -> str:
    if clause.least is not None:
        return f"{clause.least}…{clause.most}"
    return " | ".join(clause.allowed) or "free 自填"


def _fields(each: PublishedTemplate) -> dict[str, object]:
    made = each.template
    return {
        "template": made.id,
        "sha256": each.digest,
        "title_zh": made.title_zh,
        "title_en": made.title_en,
        "product": made.product,
        "withdrawn": made.withdrawn,
        "days_most": made.days_most,
        "grants": {grant.dataset: list(grant.columns) for grant in made.grants},
        "clauses": {f"{clause.left} {clause.operator}": _open(clause) for clause in made.clauses},
    }
