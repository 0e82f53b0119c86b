"""`yanmen mock`: rows to develop against, made of a specification alone."""

import argparse
from pathlib import Path

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, file, whole
from yanmen.cli.output import Result, UsageProblem
from yanmen.formats import mocked, spec


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command."""
    purpose = "rows that fit a specification, made without any data 模拟数据"
    parser = command(commands, "mock", purpose, made, "yanmen mock labs.toml --rows 1000 --to labs-mock.csv")
    file(parser, "spec", "the specification; nothing else is read")
    parser.add_argument("--rows", type=whole, default=1_000, help="how many rows (1000)")
    parser.add_argument("--seed", default="", help="the same word makes the same rows")
    parser.add_argument("--to", type=Path, help="write them to this new file instead of printing them")


def made(arguments: argparse.Namespace) -> Result:
    """Make the rows."""
    dataset = spec.decode(given.read(arguments.spec))
    text = mocked.encode_csv(dataset, mocked.rows(dataset, arguments.rows, arguments.seed))
    fields = {"dataset": dataset.name, "rows": arguments.rows}
    if arguments.to is None:
        return Result(text.rstrip("\n"), {**fields, "csv": text})
    if arguments.to.exists():
        raise UsageProblem(f"{arguments.to} is there already")
    arguments.to.write_text(text, encoding="utf-8")
    said = f"{arguments.rows} rows in {arguments.to}, made of {arguments.spec} alone 仅依据规格生成，未读取任何数据"
    return Result(said, {**fields, "file": str(arguments.to)})
