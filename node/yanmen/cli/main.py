"""`yanmen`: the command line of holders, developers, auditors and space operators."""

import argparse
import sys
from collections.abc import Sequence

from yanmen.cli import (
    aggregator,
    audit,
    bill,
    check,
    contract,
    dataset,
    federate,
    inspection,
    member,
    node,
    query,
    space,
    witness,
)
from yanmen.cli.grammar import Parser
from yanmen.cli.output import USAGE, Result, UsageProblem, run

PURPOSE = "雁门 Yanmen: a trusted data space node. Questions come in, controlled answers and signed receipts go out."
LIFE = """a first hour 第一小时:
  space init   node init   space sign   node accept   node serve      the space and its departments
  member init  member enrol  member accept                            developers and auditors
  dataset suggest  dataset publish                                    what a department offers
  contract request  contract approve                                  who may ask what, for which scenario
  explain  query                                                      ask, and know ± and price before
  receipts export  verify                                             check every use, offline
  witness init  witness watch  witness serve   witness submit         nobody can show two histories
  aggregator init  aggregator serve  federate  verify-federation      one question to many nodes, in secret shares
  bill statement   audit bill  audit revenue  sample                  account for a period, and check the account

Exit codes 退出码: 0 done, 1 refused, 2 usage, 3 the node failed. Every command takes --json and --help."""


def parser() -> Parser:
    """Return the whole grammar."""
    root = Parser(prog="yanmen", description=PURPOSE, epilog=LIFE, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = root.add_subparsers(
        title="commands 命令", dest="group", required=True, metavar="COMMAND", parser_class=Parser
    )
    for part in (
        space,
        node,
        member,
        dataset,
        contract,
        query,
        audit,
        bill,
        inspection,
        check,
        witness,
        aggregator,
        federate,
    ):
        part.declare(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser().parse_args(words)
    except UsageProblem as problem:
        text = str(problem)
        return run(lambda _: _usage(text), argparse.Namespace(json="--json" in words))
    return run(arguments.handler, arguments)


def _usage(text: str) -> Result:
    raise UsageProblem(text)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["USAGE", "main", "parser"]
