"""`yanmen`: the command line of holders, developers, auditors and space operators."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from yanmen.cli import completion, journal
from yanmen.cli.grammar import Parser
from yanmen.cli.output import USAGE, Result, UsageProblem, run

DECLARED_IN = {
    "space": "space",
    "node": "node",
    "member": "member",
    "dataset": "dataset",
    "catalogue": "catalogue",
    "mock": "mock",
    "contract": "contract",
    "approval": "approval",
    "operation": "operation",
    "policy": "policy",
    "control": "control",
    "explain": "query",
    "query": "query",
    "fetch": "query",
    "cancel": "query",
    "session": "session",
    "receipts": "audit",
    "verify": "audit",
    "verify-cose": "audit",
    "bill": "bill",
    "budget": "budget",
    "audit": "inspection",
    "inspection": "findings",
    "check": "check",
    "witness": "witness",
    "objection": "cases",
    "complaint": "cases",
    "consent": "consent",
    "need": "need",
    "bureau": "bureau",
    "report": "report",
    "incident": "incident",
    "console": "console",
    "account": "account",
    "aggregator": "aggregator",
    "federate": "federate",
    "verify-federation": "federate",
    "join": "join",
}
"""Each command, and the module of `yanmen.cli` that declares it, in the order of `yanmen --help`."""

PURPOSE = "雁门 Yanmen: a trusted data space node. Questions come in, controlled answers and signed receipts go out."
LIFE = """a first hour 第一小时:
  space init   node init   space sign   node accept   node serve      the space and its departments
  member init  member enrol  member accept                            developers and auditors
  dataset suggest  dataset publish                                    what a department offers
  catalogue review  record  search  export                            reviewed entries, negative lists, DCAT
  mock SPEC                                                           rows to develop against, without data
  contract request  contract approve                                  who may ask what, for which scenario
  approval list  review  decide  stop  record                         officers sign with keys of their own
  operation grant  product  endorse  end                              authorised operation, its products
  control kill  suspend-member  disconnect  status                    end a use, a service, the line, now
  policy test   policy explain                                        what a department forbids, and why
  explain  query                                                      ask, and know ± and price before
  session                                                             ask by ADBC, pandas, polars, SQLAlchemy
  receipts export  verify     receipts cose  verify-cose              check every use, offline
  witness init  witness watch  witness serve   witness submit         nobody can show two histories
  aggregator init  aggregator serve  federate  verify-federation      one question to many nodes, in secret shares
  join                                                                one over tables of several nodes, on the unit
  objection file  answer      incident open  drill  close  notify     what went wrong, on the record
  console    account add  suspend  remove  list                       all of it in a browser, by whom
  budget show  budget renew                                           lifetime privacy budgets
  need file  match  use  effect    bureau collect  claims  compare  publish   a bureau's catalogue of all nodes
  report make  record  show     bureau receive  reports               evidence of uses, to the platform
  bill statement   audit BUNDLE  audit bill  revenue                  account for a period, and check the account
  inspection open  record  rectify  recheck  close                    findings until they are closed

  completion bash                                                     commands completed by the shell

Exit codes 退出码: 0 done, 1 refused, 2 usage, 3 the node failed. Every command takes --json and --help."""

START = f"""{PURPOSE}
原始数据不出域 · 数据可用不可见 · 可控可计量

I am … 我是              begin with 从这里开始
  a department 数源部门    yanmen node init --help        then: space sign, node accept, dataset suggest, node serve
  a developer 使用方       yanmen member init --help      then: member enrol, member accept, contract request, query
  the space 空间运营者     yanmen space init --help       then: space sign, member enrol, space show
  an auditor 审计方        yanmen verify --help           then: audit bill, sample
  just looking 先看看      yanmen check sandbox           does this host hold a jail? (in a checkout: scripts/demo)

Every command has an example under --help, and ends by saying what comes next. yanmen --help lists them all.
每条命令的 --help 都附有示例，执行后会提示下一步。"""


def parser(word: str | None = None) -> Parser:
    """Return the whole grammar, or when `word` is a command that one's alone: what it does not need is not imported."""
    root = Parser(prog="yanmen", description=PURPOSE, epilog=LIFE, formatter_class=argparse.RawDescriptionHelpFormatter)
    root.add_argument("--version", action="store_true", help="say which version this is and end 版本")
    commands = root.add_subparsers(
        title="commands 命令", dest="group", required=True, metavar="COMMAND", parser_class=Parser
    )
    places: Iterable[str] = (DECLARED_IN[word],) if word in DECLARED_IN else dict.fromkeys(DECLARED_IN.values())
    for place in places:
        import_module(f"yanmen.cli.{place}").declare(commands)
    completion.declare(commands, root)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Before grpc is imported: else its library writes a line that is no JSON among the node's for each bad handshake.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if not words:
        return run(_teach, argparse.Namespace())
    if words[0] == "--version":
        return run(_version, argparse.Namespace(json="--json" in words))
    try:
        arguments = parser(words[0]).parse_args(_spelled(words))
    except UsageProblem as problem:
        text = str(problem)
        return run(lambda _: _usage(text), argparse.Namespace(json="--json" in words))
    code = run(arguments.handler, arguments)
    journal.note(arguments, code)
    return code


def _spelled(words: list[str]) -> list[str]:
    if words[0] != "audit":
        return words
    from yanmen.cli import auditing, inspection

    return auditing.spelled(words, inspection.COMMANDS)


def _teach(_: argparse.Namespace) -> Result:
    """Say what to do first: a newcomer types the bare name."""
    return Result(START, {})


def _version(_: argparse.Namespace) -> Result:
    """Say what a person who is asked "which version?" copies: ours, and those that must not move."""
    from importlib.metadata import version

    found = {name: version(name) for name in ("yanmen", "duckdb", "opendp")} | {"python": sys.version.split()[0]}
    return Result("  ".join(f"{name} {number}" for name, number in found.items()), found)


def _usage(text: str) -> Result:
    raise UsageProblem(text)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["USAGE", "main", "parser"]
