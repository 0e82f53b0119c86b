"""`yanmen consent`: a person or enterprise in the data withdraws or gives consent 授权, and asks who used it."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from yanmen.cli.given import read
from yanmen.cli.grammar import Parser, command, day_of, folder, group
from yanmen.cli.output import Result, UsageProblem
from yanmen.model.consent import EVERY_CONTRACT, Consent

BYTES_MAX = 4 << 20


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "consent", "consent of persons and enterprises 个人与企业授权: withdraw, give, history")
    for name, given, purpose in (
        ("withdraw", False, "leave a unit out of what is asked from now on 撤回授权"),
        ("give", True, "let a unit be included again, or in one contract 授权"),
    ):
        example = f"yanmen consent {name} health person --unit-file id.txt --evidence 窗口申请第17号 --by 李某"
        decided = command(here, name, purpose, decide, example)
        _unit(decided)
        decided.add_argument("--contract", default=EVERY_CONTRACT, metavar="ID", help="this contract alone; else all")
        decided.add_argument("--evidence", required=True, help="by what paper or channel; not who it is")
        decided.add_argument("--by", required=True, metavar="PERSON", help="who records it")
        decided.set_defaults(given=given)
    example = "yanmen consent history health person --unit-file id.txt"
    _unit(
        command(
            here, "history", "uses that may have included a unit; no row is looked at 使用记录查询", history, example
        )
    )


def _unit(parser: Parser) -> None:
    folder(parser, "node", "the node's folder")
    parser.add_argument("space", metavar="SPACE", help="the subject space, as in node.toml, or the name of exact data")
    where = "a file with the unit's id as the data writes it, or - for standard input; an argument would be seen by all"
    parser.add_argument("--unit-file", type=Path, required=True, metavar="FILE", help=where)


def decide(arguments: argparse.Namespace) -> Result:
    """Record what a unit decided."""
    from yanmen import consenting
    from yanmen.node.holder import open_holder

    unit = _read(arguments.unit_file)
    said = Consent("", arguments.space, "", arguments.contract, arguments.given, arguments.evidence, arguments.by, 0)
    with open_holder(arguments.node) as holder:
        receipt = consenting.decide(unit, said, holder)
    verdict = "given 已授权" if arguments.given else "withdrawn 已撤回"
    return Result(f"{verdict}, receipt 回执 no. {receipt.index}", {"given": arguments.given, "receipt": receipt.index})


def history(arguments: argparse.Namespace) -> Result:
    """Print the answers that may have included a unit."""
    from yanmen import consenting
    from yanmen.node.holder import open_holder

    unit = _read(arguments.unit_file)
    with open_holder(arguments.node) as holder:
        found = consenting.history(unit, arguments.space, holder)
        names = {party.id: party.name for party in holder.register.current().parties}
    lines = [
        f"{day_of(use.iat_s * 1000)}  {names.get(use.consumer, use.consumer)}  {use.scenario}"
        f"  {', '.join(use.datasets)}  receipt 回执 no. {use.index}"
        for use in found
    ]
    lines.append("Whether the unit is in the data was not looked at. 未查阅数据行，不表示其数据确在其中。")
    return Result("\n".join(lines), {"uses": [asdict(use) for use in found]})


def _read(path: Path) -> str:
    """Return what the file holds, a byte order mark apart, as it is: consenting knows the one form of a name."""
    data = sys.stdin.buffer.read(BYTES_MAX + 1) if str(path) == "-" else read(path, BYTES_MAX)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem("--unit-file holds one id in UTF-8 须为 UTF-8 编码的一个标识") from error
    if not text.strip() or len(data) > BYTES_MAX:
        raise UsageProblem("--unit-file holds one id 须只含一个标识")
    return text
