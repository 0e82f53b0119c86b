"""`yanmen node abilities`: a connector's signed record of what it can do 能力记录, from its folder or over the wire."""

import argparse
from pathlib import Path

from yanmen.cli.grammar import Parser, command
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats import abilities
from yanmen.model.ability import Abilities

FILE = "abilities.jws"
"""In the node's folder, for the space operator."""


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the group `node`."""
    example = "yanmen node abilities health"
    shown = command(here, "abilities", "what the connector can do, signed 能力记录", show, example)
    shown.add_argument("node", type=Path, nargs="?", metavar="NODE", help="the node's folder; a member: --as and --at")
    shown.add_argument("--as", dest="identity", type=Path, help="the member's folder: ask over the wire")
    shown.add_argument("--at", help="alias, id or address of the node")


def show(arguments: argparse.Namespace) -> Result:
    """Print the record; from the node's folder it is written there too, for the space operator."""
    if arguments.identity is not None and arguments.at:
        from yanmen.client import connect

        with connect(arguments.at, identity=arguments.identity) as node:
            return _result(node.abilities(), "")
    if arguments.node is None:
        raise UsageProblem("name the node's folder, or --as MEMBER --at NODE 请指明节点目录，或 --as 与 --at")
    from yanmen.node import abilities as made
    from yanmen.node.holder import open_holder
    from yanmen.wire.authorisation import METHODS

    with open_holder(arguments.node) as holder:
        said, token = made.of(holder, tuple(METHODS)), made.signed(holder, tuple(METHODS))
    path = arguments.node / FILE
    path.write_bytes(token + b"\n")
    return _result(said, next_step("yanmen", "space", "abilities", "SPACE", path))


def _result(said: Abilities, note: str) -> Result:
    lines = [f"{said.node} {said.version}: {len(said.interfaces)} interfaces 接口"]
    lines += [f"  {name}: {', '.join(values)}" for name, values in {**said.algorithms, **said.modes}.items()]
    fields = {name: value for name, value in abilities.encode(said).items() if name != "iat"}
    return Result("\n".join(lines) + note, fields)
