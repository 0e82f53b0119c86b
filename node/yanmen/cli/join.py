"""`yanmen join`: one question over tables of two or three departments, none of whom sees the others' rows."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli.federate import pair, quoted
from yanmen.cli.grammar import Parser, command
from yanmen.cli.output import Result, UsageProblem, say

if TYPE_CHECKING:
    from yanmen.client.federated_answer import FederatedAnswer

AGGREGATORS = 3


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add this command."""
    example = (
        "yanmen join --as me --node insurance=CONTRACT --node civil=CONTRACT"
        " --aggregator bureau --aggregator statistics --aggregator audit --micro-rho 50000"
        " 'SELECT p.county, avg(c.cost) FROM allowance p JOIN spending c ON p.id = c.id GROUP BY p.county'\n\n"
        "  Each table is at its own node; they are joined on the unit that both declare, whose column both contracts\n"
        "  must open. Conditions, keys and arguments are of one table each. Every department admits and charges its\n"
        "  part; identifiers are blinded, figures shared among the aggregators, and what they open carries noise.\n"
        "  各表分属不同节点，按共同的个体列关联；两份合约均须包含该列。各方分别准入与扣减，标识盲化、数值秘密分享。"
    )
    ask = command(commands, "join", "join tables of several nodes 跨节点连接查询", asked, example)
    ask.add_argument("sql", metavar="SQL", help="the question, or - to read it from standard input")
    ask.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    ask.add_argument(
        "--node", action="append", required=True, metavar="NODE=CONTRACT", help="a node's alias and your contract there"
    )
    ask.add_argument("--aggregator", action="append", required=True, metavar="NAME", help="three aggregators' aliases")
    ask.add_argument("--micro-rho", type=int, required=True, help="what each node charges, in millionths of ρ")
    ask.add_argument("--explain", action="store_true", help="say what it would give and cost, and charge nothing")
    ask.add_argument("--save", type=Path, help="folder for what the total is checked with (yanmen verify-federation)")
    ask.add_argument("--timeout", type=float, default=600.0, help="seconds to wait for each step (600)")


def asked(arguments: argparse.Namespace) -> Result:
    """Ask, say how far it is, show the table."""
    from yanmen.client.identity import Identity
    from yanmen.client.joins import joining

    contracts = dict(pair(text) for text in arguments.node)
    sql = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    identity = Identity.load(arguments.identity)
    if len(arguments.aggregator) != AGGREGATORS:
        raise UsageProblem("three --aggregator 需三个 --aggregator")

    def progress(step: str, done: int, of: int) -> None:
        if done == of and not arguments.json:
            say(f"{step}: {done}/{of}", sys.stderr)

    with joining(identity, contracts, arguments.aggregator, progress=progress) as many:
        if arguments.explain:
            return quoted(many.explain(sql, micro_rho=arguments.micro_rho))
        answer = many.query(sql, micro_rho=arguments.micro_rho, timeout=arguments.timeout)
    if arguments.save is not None:
        answer.save(arguments.save)
    return Result(str(answer), _fields(answer))


def _fields(answer: "FederatedAnswer") -> dict[str, object]:
    return {
        "rows": answer.rows(),
        "width": [list(row) for row in answer.table.widths],
        "departments": list(answer.contributors),
        "notice": answer.table.notice,
        "mechanism": answer.table.mechanism,
        "price_fen": answer.price_fen,
        "manifest": answer.manifest.sha256,
    }
