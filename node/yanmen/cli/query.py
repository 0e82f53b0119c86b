"""`yanmen explain`, `query`, `fetch` and `cancel`: ask a node over gRPC with mTLS."""

import argparse
import sys
from pathlib import Path
from typing import Any

from yanmen.cli.grammar import Parser, command
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats import released

TABLE = "table.json"
"""The released table in the folder that `--save` makes, beside its receipt."""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add these commands."""
    example = "yanmen explain --as me --at health --contract ID 'SELECT test, avg(value) FROM labs GROUP BY test'"
    explain = command(
        commands, "explain", "± and price before asking; touches no data 预估误差与价格", explained, example
    )
    query = command(commands, "query", "ask a question 查询", queried, example.replace("explain", "query"))
    for parser in (explain, query):
        _caller(parser)
        parser.add_argument("sql", metavar="SQL", help="the question, or - to read it from standard input")
        parser.add_argument("--contract", required=True, help="the contract's id")
        charge = "privacy charge in millionths of ρ: more charge, less noise (the contract's default)"
        parser.add_argument("--micro-rho", type=int, default=0, help=charge)
    query.add_argument("--submit", action="store_true", help="print the job's id and return at once")
    query.add_argument("--save", type=Path, metavar="FOLDER", help="a new folder for the table and its receipt")
    query.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for the answer (120)")
    fetch = command(commands, "fetch", "get a job's answer 取回结果", fetched, "yanmen fetch --as me --at health JOB")
    cancel = command(commands, "cancel", "stop a job 终止", cancelled, "yanmen cancel --as me --at health JOB")
    for parser in (fetch, cancel):
        _caller(parser)
        parser.add_argument("job", metavar="JOB", help="the job's id")
    fetch.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for the answer (120)")


def _caller(parser: Parser) -> None:
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    parser.add_argument("--at", required=True, help="the node's alias, id or address")


def _sql(text: str) -> str:
    sql = sys.stdin.read() if text == "-" else text
    if not sql.strip():
        raise UsageProblem("the question is empty")
    return sql


def explained(arguments: argparse.Namespace) -> Result:
    """Quote."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        quote = node.explain(_sql(arguments.sql), contract=arguments.contract, micro_rho=arguments.micro_rho)
    fields = {
        "width": quote.width,
        "class": quote.release.value,
        "cells": quote.cells,
        "micro_rho": quote.micro_rho,
        "micro_rho_left": quote.budget_left,
        "price_fen": quote.price_fen,
        "meter": quote.meter.json(),
        "deadline_ms": quote.deadline_ms,
        "repeated": quote.repeated,
        "next_renewal_ms": quote.next_renewal_ms,
        "plan": quote.plan_text,
        "receipt": quote.receipt.index,
    }
    return Result(f"{quote}\n\n{quote.plan_text}", fields)


def queried(arguments: argparse.Namespace) -> Result:
    """Ask, and wait unless told not to."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        job = node.submit(_sql(arguments.sql), contract=arguments.contract, micro_rho=arguments.micro_rho)
        if arguments.submit:
            hint = next_step("yanmen", "fetch", "--as", arguments.identity, "--at", arguments.at, job.id)
            return Result(f"job 作业 {job.id}{hint}", {"job": job.id})
        answer = job.fetch(timeout=arguments.timeout)
    if arguments.save is not None:
        arguments.save.mkdir(parents=True)
        (arguments.save / TABLE).write_bytes(released.encode(answer.table))
        answer.receipt.save(arguments.save)
    return _answer(answer)


def fetched(arguments: argparse.Namespace) -> Result:
    """Get the answer of a job submitted before."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        return _answer(node.fetch(arguments.job, timeout=arguments.timeout))


def cancelled(arguments: argparse.Namespace) -> Result:
    """Stop a job."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        node.cancel(arguments.job)
    return Result(f"job 作业 {arguments.job}: stopping 正在终止", {"job": arguments.job})


def _answer(answer: Any) -> Result:  # noqa: ANN401 - the SDK is imported only where it is used
    fields = {
        "job": answer.job_id,
        "rows": answer.rows(),
        "width": answer.width,
        "notice": answer.notice,
        "mechanism": answer.table.mechanism,
        "suppressed": answer.table.suppressed,
        "micro_rho": answer.micro_rho,
        "micro_rho_left": answer.budget_left,
        "price_fen": answer.price_fen,
        "repeated": answer.repeated,
        "receipt": answer.receipt.index,
    }
    return Result(str(answer), fields)
