"""`yanmen federate` and `yanmen verify-federation`: one question to many nodes, and the check of its total."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli import given
from yanmen.cli.audit import pinned
from yanmen.cli.grammar import Parser, command, existing, space_key
from yanmen.cli.output import Result, UsageProblem, say

if TYPE_CHECKING:
    from yanmen.client.federated_quote import FederatedQuote
    from yanmen.verify.federated_table import Row


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add these commands."""
    example = (
        "yanmen federate --as me --node city1=CONTRACT --node city2=CONTRACT"
        " --aggregator bureau --aggregator statistics --aggregator audit --micro-rho 50000"
        " 'SELECT sex, count(*) FROM residents GROUP BY sex'"
    )
    ask = command(commands, "federate", "ask many nodes one question 联邦查询", asked, example)
    ask.add_argument("sql", metavar="SQL", help="the question, or - to read it from standard input")
    ask.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    ask.add_argument(
        "--node", action="append", required=True, metavar="NODE=CONTRACT", help="a node's alias and your contract there"
    )
    ask.add_argument(
        "--aggregator", action="append", required=True, metavar="NAME", help="three aggregators' aliases, or five"
    )
    ask.add_argument(
        "--robust", action="store_true", help="five aggregators: the answer comes although one fails or lies 稳健模式"
    )
    ask.add_argument(
        "--explain",
        action="store_true",
        help="say what it would give and cost, the total's ± with it, and charge nothing",
    )
    ask.add_argument("--micro-rho", type=int, required=True, help="what each node charges, in millionths of ρ")
    ask.add_argument("--at-least", type=int, default=0, help="nodes that must take part (all)")
    ask.add_argument("--partition", default="", help="the declared partition in which each person is in one node only")
    ask.add_argument("--save", type=Path, help="folder for what the total is checked with")
    ask.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for each node (120)")
    example = "yanmen verify-federation saved --register space/register.jws --space-key space/space.vkey"
    check = command(
        commands, "verify-federation", "check a federated total, offline 离线核验联邦结果", verified, example
    )
    check.add_argument("folder", type=Path, metavar="FOLDER", help="what `federate --save` wrote")
    check.add_argument("--register", type=existing, required=True, help="the space's signed register")
    only = "show the part of the table about one value of a key, such as a county about itself 属地"
    check.add_argument("--part", metavar="KEY=VALUE", help=only)
    space_key(check)


def asked(arguments: argparse.Namespace) -> Result:
    """Ask, say how far it is, show the table."""
    from yanmen.client.federated_answer import make_empty
    from yanmen.client.federating import federation
    from yanmen.client.identity import Identity
    from yanmen.client.robust import robust_federation
    from yanmen.model.federation import Mode

    contracts = dict(pair(text) for text in arguments.node)
    sql = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    identity = Identity.load(arguments.identity)

    mode = Mode.ROBUST if arguments.robust else Mode.ADDITIVE
    if len(set(arguments.aggregator)) != mode.aggregators:
        raise UsageProblem(
            "three different --aggregator, or five with --robust 需三个不同的 --aggregator；稳健模式（--robust）需五个"
        )

    def progress(step: str, done: int, of: int) -> None:
        if done == of and not arguments.json:
            say(f"{step}: {done}/{of}", sys.stderr)

    if arguments.save is not None:
        make_empty(arguments.save)  # found out before anything is charged
    ask = robust_federation if arguments.robust else federation
    with ask(identity, contracts, arguments.aggregator, progress=progress) as many:
        if arguments.explain:
            return quoted(many.explain(sql, micro_rho=arguments.micro_rho, partition=arguments.partition))
        answer = many.query(
            sql,
            micro_rho=arguments.micro_rho,
            contributors_least=arguments.at_least,
            partition=arguments.partition,
            timeout=arguments.timeout,
        )
    if arguments.save is not None:
        answer.save(arguments.save)
    fields = {
        "rows": answer.rows(),
        "width": [list(row) for row in answer.table.widths],
        "contributors": list(answer.contributors),
        "refused": {name: str(error) for name, error in answer.refused.items()},
        "aggregators": dict(answer.faults),
        "mode": mode.value,
        "notice": answer.table.notice,
        "mechanism": answer.table.mechanism,
        "price_fen": answer.price_fen,
        "manifest": answer.manifest.sha256,
    }
    return Result(str(answer), fields)


def quoted(quote: "FederatedQuote") -> Result:
    """Return what was quoted, as text and fields."""
    fields = {
        "width": dict(quote.width),
        "nodes": list(quote.nodes),
        "refused": {name: str(error) for name, error in quote.refused.items()},
        "micro_rho": quote.micro_rho,
        "price_fen": quote.price_fen,
        "sigma_squared": list(quote.sigma_squared),
    }
    return Result(str(quote), fields)


def verified(arguments: argparse.Namespace) -> Result:
    """Check all signatures, the set and the total, from files alone."""
    from yanmen.crypto import documents
    from yanmen.verify import federated_table
    from yanmen.verify.federation import verify_folder

    if not arguments.folder.is_dir():
        raise UsageProblem(f"{arguments.folder}: no such folder; name what --save wrote 无此文件夹")
    found = verify_folder(
        arguments.folder, given.read(arguments.register, documents.REGISTER_BYTES_MAX), pinned(arguments.space_key)
    )
    text = (
        f"manifest 清单 {found.manifest_sha256} ({found.mode.value})\n"
        f"{len(found.contributors)} nodes 节点, {len(found.totals)} cells 单元格\n"
        "the published total is what nodes and aggregators committed to 公布总和与各方承诺一致"
    )
    wrong = {"missing": found.recovered.missing, "lied": found.recovered.lied, "disputed": found.recovered.disputed}
    text += "".join(f"\naggregator 聚合方 {name}: {kind}" for kind, names in wrong.items() for name in names)
    fields: dict[str, object] = {
        "manifest": found.manifest_sha256,
        "mode": found.mode.value,
        "contributors": found.contributors,
        "aggregators": wrong,
    }
    if arguments.part is None:
        fields |= {"totals": found.totals, "table": _plain(found.table)}
        return Result(text, fields)
    name, equals, value = arguments.part.partition("=")
    if not equals:
        raise UsageProblem(f"--part {arguments.part!r}: write KEY=VALUE, for instance county=140105")
    rows = federated_table.part(found.table, name, value)
    return Result(f"{text}\n{_shown(rows)}", fields | {"part": _plain(rows)})


def _plain(rows: tuple["Row", ...]) -> list[dict[str, object]]:
    return [{**row.keys, **row.figures, "±": row.widths} for row in rows]


def _shown(rows: tuple["Row", ...]) -> str:
    """Return `rows` as text, one line each, every figure with its ±."""
    lines = []
    for row in rows:
        figures = [
            f"{name} NULL" if value is None else f"{name} {value} ± {row.widths[name]:.6g}"
            for name, value in row.figures.items()
        ]
        lines.append("  ".join((*row.keys.values(), *figures)))
    return "\n".join(lines)


def pair(text: str) -> tuple[str, str]:
    """Return the node and the contract that `text` names."""
    name, equals, contract = text.partition("=")
    if not (name and equals and contract):
        raise UsageProblem(f"--node {text!r}: write NODE=CONTRACT, for instance city1=0123… 请写 节点=合约编号")
    return name, contract
