"""`yanmen need`: a need filed to the data bureau 供需清单, matched to entries, followed to use and effect."""

import argparse
import hashlib
from pathlib import Path

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, existing, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import governance
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import receipt
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import Scenario
from yanmen.model.need import NeedAct, NeedStep


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "need", "needs and supply 供需清单: file, match, use, effect, close, list")
    example = (
        "yanmen need file --as me --book needs --scenario chronic-2026 --purpose 慢病研究 --legal-basis 依申请"
        " --wanted 医疗费用 --text 按县统计"
    )
    filed = command(here, "file", "file a need for one scenario 提出需求", file, example)
    _book(filed)
    filed.add_argument("--scenario", required=True, help="id of the one scenario 场景 it is for")
    filed.add_argument("--purpose", required=True, help="the scenario in words")
    filed.add_argument("--legal-basis", required=True, help="the legal basis 法律依据")
    filed.add_argument("--wanted", required=True, help="words that find what is needed in the catalogue")
    filed.add_argument("--text", required=True, help="what is needed, in words")
    example = (
        "yanmen need match --as bureau --book needs ID --entry 791140100MA0GTTTT0X1401A1B2C3D47 --text 可依申请共享"
    )
    matched = command(here, "match", "name the entries that meet it 匹配目录", match, example)
    _step(matched)
    matched.add_argument(
        "--entry", action="append", required=True, metavar="ID", help="an entry's NDI id, or NODE/NAME"
    )
    example = "yanmen need use --as me --book needs ID --receipt 00000017.sdjwt --text 首次使用"
    used = command(here, "use", "show receipts of its use 使用", use, example)
    _step(used)
    used.add_argument("--receipt", action="append", type=existing, required=True, metavar="FILE", help="an .sdjwt file")
    example = "yanmen need effect --as me --book needs ID --text 识别高风险人群三千人"
    _step(command(here, "effect", "say what came of it 成效", effect, example))
    _step(
        command(here, "close", "close a need 办结", close, "yanmen need close --as bureau --book needs ID --text 办结")
    )
    lists = command(
        here, "list", "print needs and how they stand 清单", listed, "yanmen need list --as me --book needs"
    )
    _book(lists)


def _book(parser: Parser) -> None:
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the member's or authority's folder")
    parser.add_argument("--book", type=Path, required=True, metavar="FOLDER", help="the bureau's book of needs")


def _step(parser: Parser) -> None:
    _book(parser)
    parser.add_argument("need", metavar="ID", help="the need's id")
    parser.add_argument("--text", required=True, help="in words")


def file(arguments: argparse.Namespace) -> Result:
    """Sign and hand in a new need."""
    scenario = Scenario(arguments.scenario, arguments.purpose, arguments.legal_basis)
    name = SystemRandomness().token(16).hex()
    return _record(arguments, name, NeedAct.FILED, scenario, wanted=arguments.wanted)


def match(arguments: argparse.Namespace) -> Result:
    """Sign which entries meet a need."""
    return _follow(arguments, NeedAct.MATCHED, entries=tuple(arguments.entry))


def use(arguments: argparse.Namespace) -> Result:
    """Show receipts of uses, with what says whose and for which scenario, and nothing else."""
    from yanmen.bureau.needs import SHOWN

    try:
        held = (given.read(path, receipt.BYTES_MAX).decode("ascii").strip() for path in arguments.receipt)
        shown = tuple(receipt.present(each, SHOWN) for each in held)
    except (Malformed, UnicodeDecodeError) as error:
        raise UsageProblem(f"not a receipt: {error}") from error
    return _follow(arguments, NeedAct.USED, receipts=shown)


def effect(arguments: argparse.Namespace) -> Result:
    """Sign what came of it."""
    return _follow(arguments, NeedAct.EFFECT)


def close(arguments: argparse.Namespace) -> Result:
    """Sign that a need is closed."""
    return _follow(arguments, NeedAct.CLOSED)


def listed(arguments: argparse.Namespace) -> Result:
    """Print every need."""
    from yanmen.bureau.needs import NeedBook
    from yanmen.client.identity import Identity

    book = NeedBook(arguments.book, Identity.load(arguments.identity).register)
    lines, rows = [], []
    for name in book.needs():
        steps = book.follow(name)
        first, last = steps[0], steps[-1]
        uses = sum(len(step.receipts) for step in steps)
        lines.append(f"{name}  {last.act.value:8} {first.scenario.id}  {first.wanted}  {uses} uses 次使用")
        rows.append({"need": name, "state": last.act.value, "scenario": first.scenario.id, "uses": uses})
    return Result("\n".join(lines) or "none 无", {"needs": rows})


def _follow(
    arguments: argparse.Namespace, act: NeedAct, entries: tuple[str, ...] = (), receipts: tuple[str, ...] = ()
) -> Result:
    from yanmen.bureau.needs import NeedBook
    from yanmen.client.identity import Identity

    try:
        steps = NeedBook(arguments.book, Identity.load(arguments.identity).register).follow(arguments.need)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    if not steps:
        raise UsageProblem(f"there is no need {arguments.need}; see yanmen need list")
    return _record(arguments, arguments.need, act, steps[0].scenario, entries=entries, receipts=receipts)


def _record(
    arguments: argparse.Namespace, name: str, act: NeedAct, scenario: Scenario, **said: "str | tuple[str, ...]"
) -> Result:
    from yanmen.bureau.needs import NeedBook
    from yanmen.client.identity import Identity

    who = Identity.load(arguments.identity)
    book = NeedBook(arguments.book, who.register)
    newest = book.newest(name)
    previous = "" if newest is None else hashlib.sha256(newest).hexdigest()
    blank: dict[str, str | tuple[str, ...]] = {"wanted": "", "entries": (), "receipts": ()}
    filled = {**blank, **said}
    step = NeedStep(
        need=name,
        act=act,
        by=who.id,
        previous=previous,
        scenario=scenario,
        text=arguments.text,
        wanted=str(filled["wanted"]),
        entries=tuple(filled["entries"]),
        receipts=tuple(filled["receipts"]),
        issued_s=SystemClock().now_ms() // 1000,
    )
    try:
        token = governance.sign_need(step, who.signer)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    book.record(token)
    text = f"need 需求 {name}: {act.value}"
    if act is NeedAct.FILED:
        words = ("--as", "BUREAU", "--book", arguments.book, name, "--entry", "ENTRY", "--text", "…")
        text += next_step("yanmen", "need", "match", *words)
    return Result(text, {"need": name, "state": act.value})
