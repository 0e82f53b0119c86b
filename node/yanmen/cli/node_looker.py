"""`yanmen node looker` and `yanmen node move-ledger`: who looks at a ledger in PostgreSQL, and how one gets there."""

import argparse
from pathlib import Path

from yanmen.cli.grammar import Parser, command, existing, folder
from yanmen.cli.output import Result, UsageProblem, next_step


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands to the group `node`."""
    example = "yanmen node looker health --role health_looker"
    said = "let a role of the PostgreSQL server look at the ledger, for a console 授权只读角色"
    looker = command(here, "looker", said, allowed, example)
    folder(looker, "node", "the node's folder")
    who = "a role of the server's (CREATE ROLE health_looker LOGIN PASSWORD '…'): it may read what a console shows"
    looker.add_argument("--role", required=True, metavar="NAME", help=who)
    example = "yanmen node move-ledger health health/ledger.conn"
    said = "move the ledger from its file into a PostgreSQL database 账本迁入数据库"
    mover = command(here, "move-ledger", said, moved, example)
    folder(mover, "node", "the node's folder; it must not be served meanwhile")
    where = "private file (0600) with a libpq connection string"
    mover.add_argument("connection", type=existing, metavar="FILE", help=where)
    mover.add_argument("--schema", default="yanmen", metavar="NAME", help="the schema of this node's own (yanmen)")


def moved(arguments: argparse.Namespace) -> Result:
    """Move the ledger."""
    from yanmen.node import moving

    done = moving.move(arguments.node, arguments.connection.resolve(), arguments.schema)
    text = f"{done.origin}: {done.size} leaves are in the database 账本已迁入数据库"
    text += f"\nput aside 原文件已改名保留: {', '.join(path.name for path in done.aside)}"
    text += next_step("yanmen", "check", "node", arguments.node)
    aside = [path.name for path in done.aside]
    return Result(text, {"origin": done.origin, "size": done.size, "closed": list(done.closed), "aside": aside})


def allowed(arguments: argparse.Namespace) -> Result:
    """Grant the role what a looker has."""
    from yanmen.ledger import opening
    from yanmen.node.holder import ledger_place, read_config

    place = ledger_place(arguments.node, read_config(arguments.node))
    if isinstance(place, Path):
        raise UsageProblem("this ledger is a file, which a console opens for reading only 该账本是文件，无需授权")
    opening.allow_looking(place, arguments.role)
    hint = next_step("yanmen", "console", arguments.node, "--ledger", "looker.conn")
    return Result(f"{arguments.role} may look 可只读查看{hint}", {"role": arguments.role, "schema": place.schema})
