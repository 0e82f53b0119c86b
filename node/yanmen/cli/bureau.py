"""`yanmen bureau`: the catalogue service of a data bureau 目录服务: collect, claims, compare, publish."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, group
from yanmen.cli.output import Negative, Result, UsageProblem
from yanmen.formats import catalogue_search
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof

if TYPE_CHECKING:
    from yanmen.bureau.collecting import Collection


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "bureau", "catalogue service 目录服务: collect, claims, compare, publish, receive, reports")
    example = "yanmen bureau collect --as bureau inbox"
    collected = command(here, "collect", "read what nodes handed in, by level 汇聚", collect, example)
    _sources(collected)
    collected.add_argument("--search", default="", metavar="WORDS", help="only entries that these words find 检索")
    example = "yanmen bureau claims --as bureau inbox"
    _sources(command(here, "claims", "what more than one owner claims to be the source of 一数一源", claims, example))
    example = "yanmen bureau compare --as bureau saved-health saved-civil"
    compared = command(here, "compare", "one question's answers from two sources 多源校核", compare, example)
    _who(compared)
    saved = "what `query --save` wrote of the one source, and of the other"
    compared.add_argument("folder", type=Path, nargs=2, metavar="FOLDER", help=saved)
    example = "yanmen bureau publish --as bureau inbox --to site --title 山西省公共数据目录"
    published = command(here, "publish", "write the disclosure list as static files 信息披露", publish, example)
    _sources(published)
    published.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new folder")
    published.add_argument("--title", required=True, help="what the catalogue is called")
    published.add_argument("--title-en", default="Catalogue of public data", help="and in English")
    example = "yanmen bureau receive --as bureau --book evidence evidence-000001.jws receipt.jws"
    received = command(
        here, "receive", "take in a node's report of evidence and sign its receipt 签收", receive, example
    )
    _book(received)
    received.add_argument("report", type=Path, metavar="REPORT", help="what `yanmen report make` wrote")
    received.add_argument("target", type=Path, metavar="FILE", help="a new file for the receipt")
    example = "yanmen bureau reports --as bureau --book evidence"
    every = command(here, "reports", "what nodes reported, verified again 上报情况", reports, example)
    _book(every)
    every.add_argument("--contract", default="", metavar="ID", help="only the uses under this contract 按合约追溯")


def _book(parser: Parser) -> None:
    _who(parser)
    parser.add_argument("--book", type=Path, required=True, metavar="FOLDER", help="the folder of reports")


def _who(parser: Parser) -> None:
    parser.add_argument(
        "--as", dest="identity", type=Path, required=True, help="the bureau's folder; any member's does"
    )


def _sources(parser: Parser) -> None:
    _who(parser)
    what = "entries, reviews, products and grants as nodes and authorities signed them: files, or folders of them"
    parser.add_argument("source", type=Path, nargs="+", metavar="PATH", help=what)


def _made(arguments: argparse.Namespace) -> "Collection":
    from yanmen.bureau import collecting
    from yanmen.client.identity import Identity

    register = Identity.load(arguments.identity).register
    return collecting.collect(collecting.files(arguments.source), register)


def collect(arguments: argparse.Namespace) -> Result:
    """Print the entries that count, by level, and what does not."""
    made = _made(arguments)
    lines, rows = [], []
    for name, entries in made.levels().items():
        shown = entries
        if arguments.search:
            shown = catalogue_search.search(arguments.search, ((each.dataset, each) for each in entries))
        lines += [
            f"{name}",
            *(f"  {each.dataset.region} {each.dataset.name:16} {each.dataset.title_zh}" for each in shown),
        ]
        rows += [{"level": name, "node": each.node, "dataset": each.dataset.name} for each in shown]
    lines += [f"left out 未计入 {name}: {why}" for name, why in made.left_out]
    left = [{"file": name, "why": why} for name, why in made.left_out]
    offered = [each.id for each in made.offered()]
    fields = {
        "entries": rows,
        "products": offered,
        "waiting": len(made.listings) - len(made.listed()),
        "left_out": left,
    }
    return Result("\n".join(lines) or "nothing counts 没有有效条目", fields)


def claims(arguments: argparse.Namespace) -> Result:
    """Print disputed sources; one ends with exit code 1."""
    from yanmen.bureau.claims import disputed

    found = disputed(_made(arguments).listed())
    lines = [
        f"{claim.by} {claim.what}: "
        + ", ".join(f"{each.dataset.owner} ({each.dataset.name})" for each in claim.claimants)
        for claim in found
    ]
    rows = [
        {"by": claim.by, "what": claim.what, "claimants": [[each.node, each.dataset.name] for each in claim.claimants]}
        for claim in found
    ]
    result = Result("\n".join(lines) or "no two owners claim one source 无一数多源", {"claims": rows})
    if found:
        raise Negative(result)
    return result


def compare(arguments: argparse.Namespace) -> Result:
    """Compare two sources; figures that differ beyond noise end with exit code 1."""
    from yanmen.bureau import comparing
    from yanmen.client.identity import Identity
    from yanmen.crypto.signatures import BadSignature

    register = Identity.load(arguments.identity).register
    try:
        first, second = (comparing.load(folder, register) for folder in arguments.folder)
        pairs = comparing.compare(first, second)
    except (Malformed, BadSignature, BadProof, FileNotFoundError) as error:
        raise UsageProblem(f"these answers cannot be compared: {error}") from error
    wrong = [pair for pair in pairs if pair.differs]
    lines = [f"{len(pairs)} figures 项, {len(wrong)} differ beyond noise 超出噪声范围"]
    lines += [
        f"  {pair.keys} {pair.label}: {pair.first} / {pair.second}, noise allows ±{pair.allowed:.1f}" for pair in wrong
    ]
    rows = [
        {"keys": list(pair.keys), "label": pair.label, "values": [pair.first, pair.second], "allowed": pair.allowed}
        for pair in wrong
    ]
    result = Result("\n".join(lines), {"compared": len(pairs), "differ": rows})
    if wrong:
        raise Negative(result)
    return result


def publish(arguments: argparse.Namespace) -> Result:
    """Write the static files."""
    from yanmen.bureau import disclosing

    if arguments.to.exists():
        raise UsageProblem(f"{arguments.to} exists; name a new folder 该目录已存在")
    made = _made(arguments)
    names = disclosing.publish(made, arguments.to, (arguments.title, arguments.title_en))
    fields = {"files": list(names), "entries": len(made.listed()), "products": len(made.offered())}
    return Result(f"{arguments.to}: {', '.join(names)}", fields)


def receive(arguments: argparse.Namespace) -> Result:
    """Take in one report, and sign that it is here."""
    from yanmen.bureau.evidence import EvidenceBook
    from yanmen.client.identity import Identity
    from yanmen.crypto import governance
    from yanmen.crypto.system import SystemClock
    from yanmen.formats.evidence import BYTES_MAX
    from yanmen.model.evidence import EvidenceReceipt

    who = Identity.load(arguments.identity)
    if arguments.target.exists():
        raise UsageProblem(f"{arguments.target} exists; name a new file 该文件已存在")
    token = given.read(arguments.report, BYTES_MAX + 1).strip()
    taken = EvidenceBook(arguments.book, who.register).take(token)
    now_s = SystemClock().now_ms() // 1000
    receipt = EvidenceReceipt(who.id, taken.report.node, taken.sha256, taken.report.number, now_s)
    arguments.target.write_bytes(governance.sign_evidence_receipt(receipt, who.signer) + b"\n")
    text = (
        f"{taken.report.node}: report {taken.report.number}, {taken.head.size} leaves; receipt 回执 {arguments.target}"
    )
    fields = {"node": taken.report.node, "number": taken.report.number, "leaves": taken.head.size}
    return Result(text, {**fields, "receipt": str(arguments.target)})


def reports(arguments: argparse.Namespace) -> Result:
    """Print what every node reported."""
    from yanmen.bureau.evidence import EvidenceBook
    from yanmen.client.identity import Identity

    book = EvidenceBook(arguments.book, Identity.load(arguments.identity).register)
    lines, rows = [], []
    for node in book.nodes():
        for taken in book.follow(node):
            named = [each for each in taken.report.uses if arguments.contract in {"", each.contract}]
            uses = {each.contract: [each.asked, each.answered, each.aborted] for each in named}
            if arguments.contract and not uses:
                continue
            stages = {stage.value: count for stage, count in taken.report.stages.items()}
            lines.append(
                f"{node} report {taken.report.number}: leaves {taken.report.since} to {taken.head.size} {stages}"
            )
            rows.append({"node": node, "number": taken.report.number, "leaves": taken.head.size, "stages": stages})
            rows[-1] |= {"uses": uses, "issued_s": taken.report.issued_s}
    return Result("\n".join(lines) or "nothing reported 尚无上报", {"reports": rows})
