"""`yanmen aggregator`: an institution that adds secret shares, and learns nothing from its own."""

import argparse
import signal
import threading
from pathlib import Path

from yanmen import enrolment
from yanmen.cli import member, node_keys
from yanmen.cli import node as node_commands
from yanmen.cli.grammar import Parser, command, existing, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.model.party import PartyRole


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "aggregator", "an institution that adds shares 聚合方: keys, serving")
    example = (
        "yanmen aggregator init statistics --name 统计局 --alias statistics"
        " --subject 11140000MB0GTTTT0X --region 1400 --address 127.0.0.1:7460"
    )
    init = command(here, "init", "make keys and an application 生成密钥与申请", initialise, example)
    folder(init, "aggregator", "a new folder for the aggregator's keys and state")
    member.who_are_you(init)
    init.add_argument("--address", required=True, help="host:port the consumers reach it at")
    example = "yanmen aggregator accept statistics statistics/granted.json --register space/register.jws"
    accept = command(here, "accept", "install what the space granted 安装证书并写配置", accepted, example)
    folder(accept, "aggregator", "the aggregator's folder")
    file(accept, "grant", "the granted.json from the space operator (yanmen space sign)")
    accept.add_argument(
        "--register", type=existing, required=True, help="where the space's signed register is kept up to date"
    )
    node_keys.declare_exchange(here, "aggregator", "statistics")
    serve = command(here, "serve", "add shares until stopped 启动服务", served, "yanmen aggregator serve statistics")
    serve.add_argument("aggregator", type=Path, nargs="+", metavar="AGGREGATOR", help="the folder, or several")


def initialise(arguments: argparse.Namespace) -> Result:
    """Make the aggregator's keys and application."""
    claims = enrolment.Claims(
        PartyRole.AGGREGATOR,
        arguments.name,
        arguments.alias,
        arguments.subject,
        arguments.region,
        arguments.address,
    )
    enrolment.apply(arguments.aggregator, claims, SystemClock(), SystemRandomness())
    path = arguments.aggregator / enrolment.APPLICATION
    hint = next_step(
        "yanmen", "space", "sign", "SPACE", path, note="SPACE: the space operator's folder 空间运营者的目录"
    )
    return Result(f"keys are in {arguments.aggregator}; they never leave it{hint}", {"application": str(path)})


def accepted(arguments: argparse.Namespace) -> Result:
    """Install the grant, write node.toml, begin the log and the book."""
    from yanmen.ledger.sum_book import SumBook
    from yanmen.node.institution import BOOK

    grant = node_commands.install(arguments.aggregator, arguments.grant, arguments.register)
    if not (arguments.aggregator / BOOK).exists():
        SumBook(arguments.aggregator / BOOK, create=True).close()
    text = f"{grant.id} in {grant.space}" + next_step("yanmen", "aggregator", "serve", arguments.aggregator)
    return Result(text, {"id": grant.id, "space": grant.space})


def served(arguments: argparse.Namespace) -> Result:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for directory in arguments.aggregator:
        if not (directory / node_commands.CONFIG).is_file():
            raise UsageProblem(f"no {node_commands.CONFIG} in {directory}; run yanmen aggregator accept first")
    from yanmen.wire.serving import serve_aggregators

    address = serve_aggregators(arguments.aggregator, stop, node_commands.STOP_SECONDS)
    return Result(f"stopped 已停止: {address}", {"address": address, "stopped": True})
