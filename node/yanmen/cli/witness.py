"""`yanmen witness`: cosign other nodes' log heads, and get one's own cosigned."""

import argparse
import re
import signal
import threading
from pathlib import Path

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, file, folder, group
from yanmen.cli.output import Result, UsageProblem
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import note
from yanmen.formats.malformed import Malformed

BOOK = "witness.sqlite"
KEY = "witness.vkey"
READY = "serving.address"
"""Names the address while the witness serves; scripts wait for it."""

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}):(?P<port>[0-9]{1,5})", re.ASCII)


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "witness", "cosign log heads 见证: so that no log can show two histories")
    example = "yanmen witness init audit-office --name audit.shanxi.example/w1"
    init = command(here, "init", "make a witness 建立见证者", initialise, example)
    folder(init, "witness", "a new folder for the witness's key and memory, one file: never restore a copy of it")
    init.add_argument("--name", required=True, help="the name it signs with: a URL without scheme")
    watch = command(
        here, "watch", "watch a log from now on 关注一份日志", watched, "yanmen witness watch audit-office log.vkey"
    )
    folder(watch, "witness", "the witness's folder")
    file(watch, "log_key", "log.vkey of the log, from its mirror or bundle, compared with the register")
    again = "the log exchanged its key, as the register says; what was cosigned stays, the old key never counts again"
    watch.add_argument("--exchanged", action="store_true", help=again)
    example = "yanmen witness serve audit-office --address 127.0.0.1:7450"
    serve = command(here, "serve", "answer add-checkpoint until stopped 启动见证服务", served, example)
    folder(serve, "witness", "the witness's folder")
    serve.add_argument("--address", required=True, help="host:port to listen at (port 0 takes a free one)")
    submit = command(
        here, "submit", "get a node's head cosigned 送检查点请求联署", submitted, "yanmen witness submit health"
    )
    folder(submit, "node", "the node's folder; its witnesses are the [[witness]] entries of node.toml")
    rules = command(here, "policy", "print a node's witness policy 导出见证规则", ruled, "yanmen witness policy health")
    folder(rules, "node", "the node's folder; C2SP tlog-policy, as `verify --witness-policy` takes it")


def initialise(arguments: argparse.Namespace) -> Result:
    """Make the witness's key and memory."""
    from yanmen.ledger.witness_book import WitnessBook

    directory: Path = arguments.witness
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with WitnessBook.create(directory / BOOK, arguments.name, SystemRandomness()) as book:
            vkey = note.encode_key(book.key)
    except Malformed as error:
        raise UsageProblem(f"--name: {error}") from error
    (directory / KEY).write_text(vkey + "\n", encoding="utf-8")
    text = f"{vkey}\nnext 下一步: yanmen witness watch {directory} LOG.VKEY"
    return Result(text, {"vkey": vkey, "file": str(directory / KEY)})


def watched(arguments: argparse.Namespace) -> Result:
    """Watch one log more."""
    from yanmen.ledger.witness_book import WitnessBook

    try:
        key = note.decode_key(given.read_text(arguments.log_key))
    except (Malformed, UnicodeDecodeError) as error:
        raise UsageProblem(f"{arguments.log_key} is not a log's key: {error}") from error
    with WitnessBook.open(arguments.witness / BOOK) as book:
        book.watch(key, exchanged=arguments.exchanged)
        logs = {one.key.name: one.size for one in book.watched()}
    return Result("\n".join(f"{size} {origin}" for origin, size in logs.items()), {"logs": logs})


def served(arguments: argparse.Namespace) -> Result:
    """Serve until SIGTERM or SIGINT."""
    from yanmen.ledger.witness_book import WitnessBook
    from yanmen.witness.serving import WitnessServer

    match = _ADDRESS.fullmatch(arguments.address)
    if match is None or int(match["port"]) > 65535:
        raise UsageProblem("--address must be host:port")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ready: Path = arguments.witness / READY
    with (
        WitnessBook.open(arguments.witness / BOOK) as book,
        WitnessServer((match["host"], int(match["port"])), book, SystemClock()) as server,
    ):
        address = f"{match['host']}:{server.port}"
        ready.write_text(address + "\n", encoding="ascii")
        try:
            stop.wait()
        finally:
            ready.unlink(missing_ok=True)
    return Result(f"stopped 已停止: {address}", {"address": address, "stopped": True})


def submitted(arguments: argparse.Namespace) -> Result:
    """Hand the node's head to each of its witnesses and keep what they sign."""
    from yanmen.node.holder import open_holder
    from yanmen.witness import standing

    with open_holder(arguments.node) as holder:
        if not holder.config.witnesses:
            raise UsageProblem("node.toml names no [[witness]]: add url and vkey of one")
        found = standing.submit_all(holder.ledger, holder.config.witnesses)
    lines = [f"{one.witness} cosigned {one.size} leaves 已联署 {one.size} 叶" for one in found]
    fields = [{"witness": one.witness, "size": one.size, "at_s": one.at_s} for one in found]
    return Result("\n".join(lines), {"cosigned": fields})


def ruled(arguments: argparse.Namespace) -> Result:
    """Print the policy that node.toml names."""
    from yanmen.formats import witness_policy
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        policy = holder.witness_policy()
    text = witness_policy.encode(policy)
    return Result(text.rstrip("\n"), {"policy": text, "quorum": policy.quorum})
