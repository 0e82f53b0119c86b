"""`yanmen console`: read-only web pages for holder and auditor, in a process without keys."""

import argparse
import json
import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli.audit import pinned
from yanmen.cli.grammar import Parser, command, folder, space_key
from yanmen.cli.output import Result, UsageProblem, say
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.model.refusal import Fault, FaultCode

if TYPE_CHECKING:
    from yanmen.console.books import Books

ADDRESS = "127.0.0.1:7480"
PACKAGES = "the console's packages are not installed: pip install 'yanmen[console]'"


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command."""
    example = "yanmen console health --space-key space.vkey"
    console = command(commands, "console", "show a node in a browser, read-only 网页控制台（只读）", served, example)
    folder(console, "node", "the node's folder, whose keys are not read, or an audit bundle (with --log)")
    where = f"loopback address and port to listen on ({ADDRESS}); port 0 takes a free one"
    console.add_argument("--address", default=ADDRESS, metavar="HOST:PORT", help=where)
    console.add_argument("--socket", type=Path, metavar="FILE", help="listen on this unix socket instead, for a proxy")
    under = "also answer under this name, to a TLS proxy in front; may be given several times"
    console.add_argument("--host", action="append", default=[], metavar="NAME", help=under)
    kept = "write the link that opens the console into this new private file instead of printing it"
    console.add_argument("--link", type=Path, metavar="FILE", help=kept)
    logged = "folder whose logs/ says who logged in, where this user may not write to the node's"
    console.add_argument("--log", type=Path, metavar="FOLDER", help=logged)
    looker = "for a ledger in PostgreSQL: a private file with the connection of a role that may only look"
    console.add_argument("--ledger", type=Path, metavar="FILE", help=f"{looker} (yanmen node looker)")
    space_key(console)


def served(arguments: argparse.Namespace) -> Result:
    """Serve until stopped."""
    try:
        from yanmen.console.audited import is_bundle
        from yanmen.console.serving import Place, serve
    except ModuleNotFoundError as error:
        raise Fault(FaultCode.CONFIG, PACKAGES) from error
    host, port = _address(arguments.address)
    names = tuple(name.lower() for name in arguments.host)
    if arguments.socket is not None and not names:
        raise UsageProblem("--socket is for a proxy: name it with --host 使用 --socket 须以 --host 指明代理的域名")
    place = Place(host, port, arguments.socket, names)
    books = _audited(arguments) if is_bundle(arguments.node) else _kept(arguments)
    link: Path | None = arguments.link

    def tell(address: str) -> None:
        if link is not None:
            with os.fdopen(os.open(link, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(address + "\n")
        where = str(address if link is None else link)
        if arguments.json:
            say(json.dumps({"open": where}), sys.stdout)
        else:
            file_note = "" if link is None else " (the link is in this file 链接见该文件)"
            say(f"open 请打开: {where}{file_note}\nstop 停止: Ctrl-C", sys.stdout)

    serve(books, place, SystemRandomness(), tell, arguments.log)
    return Result("stopped 已停止", {"stopped": True})


def _kept(arguments: argparse.Namespace) -> "Books":
    from yanmen.console.books import Books

    return Books(arguments.node, SystemClock(), pinned(arguments.space_key), arguments.ledger)


def _audited(arguments: argparse.Namespace) -> "Books":
    from yanmen.console.audited import AuditedBooks

    if arguments.ledger is not None or arguments.log is None:
        raise UsageProblem("nothing is written into an audit bundle: name a folder with --log 须以 --log 指明目录")
    return AuditedBooks(arguments.node, SystemClock(), arguments.log, pinned(arguments.space_key))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageProblem(f"{text} is not HOST:PORT, such as {ADDRESS} 应写作 主机:端口")
    host = host.removeprefix("[").removesuffix("]")
    if not loopback(host):
        raise UsageProblem(
            f"{host} is not a loopback address: put a TLS proxy before it 只能监听回环地址，对外请置于 TLS 代理之后"
        )
    return host, int(port)


def loopback(host: str) -> bool:
    """Say whether `host` is an address that only this machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
