"""`yanmen node looker`: the role under which a console looks at a ledger in PostgreSQL."""

import argparse
from pathlib import Path

from yanmen.cli.grammar import Parser, command, folder
from yanmen.cli.output import Result, UsageProblem, next_step


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the group `node`."""
    example = "yanmen node looker health --role health_looker"
    said = "let a role of the PostgreSQL server look at the ledger, for a console 授权只读角色"
    looker = command(here, "looker", said, allowed, example)
    folder(looker, "node", "the node's folder")
    who = "a role of the server's (CREATE ROLE health_looker LOGIN PASSWORD '…'): it may read what a console shows"
    looker.add_argument("--role", required=True, metavar="NAME", help=who)


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
