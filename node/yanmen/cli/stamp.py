"""`yanmen receipts stamp`, `anchor`: the log's head stamped by an authority (RFC 3161), or written into a chain."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from yanmen import regular_file
from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, existing, folder, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats import timestamp


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the group `receipts`."""
    stamp = command(here, "stamp", "get the head time-stamped 可信时间戳", stamped, "yanmen receipts stamp health")
    folder(stamp, "node", "the node's folder; the authority is [timestamp] in node.toml")
    way = stamp.add_mutually_exclusive_group()
    carried = "only write the request, to be carried to the authority"
    way.add_argument("--request", type=Path, metavar="FILE", help=carried)
    way.add_argument("--response", type=existing, metavar="FILE", help="take in the authority's answer")
    example = "yanmen receipts anchor health"
    anchor = command(here, "anchor", "hand the head to the anchor hook now 锚定", anchored, example)
    folder(anchor, "node", "the node's folder; the hook is [anchor] in node.toml")
    stamp.add_argument("--size", type=whole, default=0, help="the head that was stamped, where it is not the newest")


def stamped(arguments: argparse.Namespace) -> Result:
    """Ask the authority, or write its request, or take in its answer."""
    from yanmen.node.holder import open_holder
    from yanmen.witness import stamping

    with open_holder(arguments.node) as holder:
        rules = holder.config.stamping
        if not rules.authority:
            raise UsageProblem("no authority: name its root certificate as timestamp.authority in node.toml")
        if arguments.request is not None:
            return _request(arguments.request, holder.ledger.head(arguments.size), holder.randomness.token(8))
        authority = regular_file.read(holder.directory / rules.authority, given.DOCUMENT_BYTES_MAX)
        if arguments.response is not None:
            token, size = given.read(arguments.response), arguments.size
            at_s = stamping.keep(holder.ledger, token, authority, size)
            size = size or holder.ledger.stamped()[0]
        elif rules.url:
            size, at_s = stamping.ask(holder.ledger, rules.url, authority, holder.randomness)
        else:
            raise UsageProblem("no timestamp.url in node.toml: use --request, then --response")
    when = datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
    return Result(f"{size} leaves stamped at {when} 已加盖时间戳", {"size": size, "at_s": at_s})


def anchored(arguments: argparse.Namespace) -> Result:
    """Call the hook once."""
    from yanmen.node.anchoring import Anchoring
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        if not holder.config.anchor.command:
            raise UsageProblem("no hook: name it as anchor.command in node.toml")
        made = Anchoring(holder.ledger, holder.config.anchor, holder.clock).round()
    return Result(f"{made.size} leaves anchored 已锚定: {made.answer}", {"size": made.size, "answer": made.answer})


def _request(path: Path, head: bytes, nonce: bytes) -> Result:
    if path.exists():
        raise UsageProblem(f"{path} exists; name a new file")
    path.write_bytes(timestamp.request(head, nonce))
    size = int(head.split(b"\n")[1])
    words = ("yanmen", "receipts", "stamp", "NODE", "--response", "ANSWER.tsr", "--size", size)
    return Result(f"{path}: request over {size} leaves" + next_step(*words), {"request": str(path), "size": size})
