"""`yanmen`: the command line of holders, developers, auditors and space operators."""

import argparse
import sys
from collections.abc import Sequence

from yanmen.cli import (
    aggregator,
    approval,
    audit,
    auditing,
    bill,
    budget,
    bureau,
    cases,
    catalogue,
    check,
    completion,
    consent,
    console,
    contract,
    control,
    dataset,
    federate,
    findings,
    incident,
    inspection,
    join,
    journal,
    member,
    mock,
    need,
    node,
    operation,
    policy,
    query,
    report,
    session,
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
  console                                                             all of it in a browser, to look at
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
        catalogue,
        mock,
        contract,
        approval,
        operation,
        policy,
        control,
        query,
        session,
        audit,
        bill,
        budget,
        inspection,
        findings,
        check,
        witness,
        cases,
        consent,
        need,
        bureau,
        report,
        incident,
        console,
        aggregator,
        federate,
        join,
    ):
        part.declare(commands)
    completion.declare(commands, root)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        return run(_teach, argparse.Namespace())
    try:
        arguments = parser().parse_args(auditing.spelled(words, inspection.COMMANDS))
    except UsageProblem as problem:
        text = str(problem)
        return run(lambda _: _usage(text), argparse.Namespace(json="--json" in words))
    code = run(arguments.handler, arguments)
    journal.note(arguments, code)
    return code


def _teach(_: argparse.Namespace) -> Result:
    """Say what to do first: a newcomer types the bare name."""
    return Result(START, {})


def _usage(text: str) -> Result:
    raise UsageProblem(text)


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["USAGE", "main", "parser"]
