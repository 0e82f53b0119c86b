"""`yanmen audit`: statements and revenue recomputed offline, from exported bundles alone."""

import argparse
from dataclasses import asdict
from pathlib import Path

from yanmen.cli import auditing, bill, given
from yanmen.cli.audit import finding_lines, fresh, judged, new_page, pinned, receipt_fields, witness_key
from yanmen.cli.grammar import (
    Parser,
    bundle,
    command,
    day,
    existing,
    file,
    folder,
    group,
    moment,
    period,
    space_key,
    whole,
)
from yanmen.cli.output import Result, UsageProblem
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64std, note
from yanmen.formats.bill import Period
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Register
from yanmen.verify import (
    BillFinding,
    BillReport,
    Report,
    RevenueReport,
    Severity,
    audit_bill,
    audit_revenue,
    page,
    sampling,
)
from yanmen.verify.heads import Evidence
from yanmen.verify.sampling import Draw, Sample

STATEMENT_BYTES_MAX = 64 * 1024 * 1024


COMMANDS = ("all", "bill", "revenue", "sample")
"""The commands of this group; `yanmen audit BUNDLE` is `audit all BUNDLE`."""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "audit", "recompute offline 离线审计: whole logs, statements, revenue, samples")
    auditing.declare(here)
    example = "yanmen audit bill audit-health statement-health-2026-10-01-2026-10-31.jws --space-key space.vkey"
    check = command(here, "bill", "recompute a statement from receipts 重算账单", billed, example)
    folder(check, "bundle", "the folder `receipts export` wrote, after the statement was issued")
    file(check, "statement", "the statement `bill statement` wrote")
    space_key(check)
    example = "yanmen audit revenue audit-health audit-civil --maximum 5000000 --space-key space.vkey"
    total = command(here, "revenue", "test the maximum permitted revenue 最高准许收入", summed, example)
    total.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE", help="one bundle for each log, all nodes")
    total.add_argument(
        "--maximum", type=whole, required=True, metavar="FEN", help="the most that may be charged, in 分"
    )
    total.add_argument("--consumer", default="", metavar="ID", help="of this operator or consumer only")
    total.add_argument("--from", dest="first", type=day, metavar="DATE", help="first day, UTC+8")
    total.add_argument("--to", dest="last", type=day, metavar="DATE", help="last day")
    space_key(total)
    _declare_sample(here)


def _declare_sample(here: "argparse._SubParsersAction[Parser]") -> None:
    example = (
        "yanmen audit sample audit-health audit-civil --count 20 --seed '3 1 4 1 5 2 6 5 3 5' --space-key space.vkey"
    )
    drawn = command(
        here, "sample", "draw receipts that nobody could choose, and verify them 随机抽查", sampled, example
    )
    drawn.add_argument("bundle", type=Path, nargs="*", metavar="BUNDLE", help="one bundle for each log, or drawn node")
    drawn.add_argument("--count", type=number, required=True, metavar="N", help="how many receipts")
    drawn.add_argument(
        "--nodes", type=number, metavar="N", help="first draw so many nodes 先抽节点; then receipts of theirs"
    )
    seed = drawn.add_mutually_exclusive_group(required=True)
    made = "hexadecimal digits, or what 50 dice showed; made after the heads were witnessed"
    seed.add_argument("--seed", metavar="HEX|DICE", help=made)
    seed.add_argument("--dice", nargs="+", metavar="1..6", help="what dice showed 骰子点数, 50 throws at least")
    when = "when the seed was made, like 2026-11-22T15:30:00+08:00; needed with --witness-key"
    drawn.add_argument("--seed-at", type=moment, metavar="TIME", help=when)
    key = "key of a witness that saw the heads before; may be given several times"
    drawn.add_argument("--witness-key", type=existing, action="append", default=[], help=key)
    head = "a log's head as it was published before the seed 检查点, with its cosignatures; one for each log"
    drawn.add_argument("--head", type=existing, action="append", default=[], metavar="FILE", help=head)
    drawn.add_argument("--register", type=existing, help="the register, to draw nodes from heads alone")
    drawn.add_argument("--html", type=Path, metavar="FILE", help="also write the report as one page 核验报告")
    space_key(drawn)


def number(text: str) -> int:
    """Return a number of receipts, 1 at least."""
    value = whole(text)
    if value == 0:
        raise argparse.ArgumentTypeError("draw 1 at least")
    return value


def billed(arguments: argparse.Namespace) -> Result:
    """Recompute the statement; anything that differs ends with exit code 1."""
    path: Path = arguments.statement
    stated = given.read(path, STATEMENT_BYTES_MAX)
    report = audit_bill(bundle(arguments.bundle), stated, pinned(arguments.space_key))
    return judged(Result(_bill_text(report), _bill_fields(report)), ok=report.ok)


def summed(arguments: argparse.Namespace) -> Result:
    """Sum the bundles; one fen above the maximum ends with exit code 1."""
    paths = [bundle(path) for path in arguments.bundle]
    key, span = pinned(arguments.space_key), _span(arguments)
    report = audit_revenue(paths, arguments.maximum, key, arguments.consumer, span)
    return judged(Result(_revenue_text(report), _revenue_fields(report)), ok=report.ok)


def _span(arguments: argparse.Namespace) -> Period | None:
    if (arguments.first is None) != (arguments.last is None):
        raise UsageProblem("say both --from and --to, or neither")
    return None if arguments.first is None else period(arguments.first, arguments.last)


def sampled(arguments: argparse.Namespace) -> Result:
    """Draw and verify; a receipt that does not hold ends with exit code 1."""
    fresh(arguments.html)
    paths = [bundle(path) for path in arguments.bundle]
    key = pinned(arguments.space_key)
    drawing = Draw(arguments.count, arguments.nodes, _register(arguments.register, key))
    sample = sampling.audit_sample(paths, _seed(arguments), drawing, key, _evidence(arguments))
    new_page(arguments.html, page.sample_page(sample))
    return judged(Result(_sample_text(sample), _sample_fields(sample)), ok=sample.ok)


def _seed(arguments: argparse.Namespace) -> sampling.Seed:
    """Return the seed; dice alone are held to faces and to enough throws."""
    try:
        if arguments.dice is None:
            return sampling.read_seed(arguments.seed)
        return sampling.read_dice(" ".join(arguments.dice))
    except Malformed as error:
        raise UsageProblem(str(error)) from error


def _evidence(arguments: argparse.Namespace) -> Evidence:
    if arguments.witness_key and arguments.seed_at is None:
        raise UsageProblem("say with --seed-at when the seed was made 请用 --seed-at 说明种子产生时间")
    if arguments.seed_at is not None and not arguments.witness_key:
        raise UsageProblem(
            "--seed-at is held against witnesses; name them with --witness-key 请用 --witness-key 指定见证者"
        )
    heads = tuple(given.read(path, note.BYTES_MAX) for path in arguments.head)
    return Evidence(heads, tuple(witness_key(each) for each in arguments.witness_key), arguments.seed_at)


def _register(path: Path | None, space_key: bytes | None) -> Register | None:
    if path is None:
        return None
    if space_key is None:
        raise UsageProblem("a register counts only under the space's key; say --space-key")
    try:
        return documents.open_register(given.read(path, documents.REGISTER_BYTES_MAX).strip(), space_key)
    except (Malformed, BadSignature) as error:
        raise UsageProblem(f"{path} is not a register of this space: {error}") from error


def _bill_text(report: BillReport) -> str:
    verdict = "is what its receipts come to 与回执一致" if report.ok else "DOES NOT HOLD 不成立"
    lines = [f"statement 账单: {verdict}", log_line(report.report)]
    lines += [bill.row(line) for line in report.counted]
    lines.append(f"total of the receipts 按回执合计: {bill.yuan(sum(line.fen for line in report.counted))}")
    return "\n".join(
        [
            *lines,
            *bill.split_lines(report.counted),
            *finding_lines(report.report.findings),
            *(_word(each) for each in report.findings),
        ]
    )


def _revenue_text(report: RevenueReport) -> str:
    verdict = "within the maximum 未超出" if report.ok else "DOES NOT HOLD 不成立"
    lines = [f"maximum permitted revenue 最高准许收入: {verdict}"]
    lines += [log_line(each) for each in report.reports]
    lines += [
        f"{part.origin} contract 合约 {part.contract} of {part.consumer}: {part.queries} queries, {bill.yuan(part.fen)}"
        for part in report.parts
    ]
    lines.append(f"sum 合计: {bill.yuan(report.fen)}; maximum 上限: {bill.yuan(report.maximum_fen)}")
    wrong = [line for each in report.reports for line in finding_lines(each.findings)]
    return "\n".join([*lines, *wrong, *(_word(each) for each in report.findings)])


def log_line(report: Report) -> str:
    """Say which log was read and whether it holds."""
    return f"log 日志: {report.origin or '-'}, {report.verified} of {report.size} receipts without a finding"


def _word(found: BillFinding) -> str:
    severity = Severity.NOTE if found.note else Severity.ERROR
    return f"{severity.value:5} {found.code.value}: {found.en} · {found.zh}"


def _bill_fields(report: BillReport) -> dict[str, object]:
    return {
        "ok": report.ok,
        "statement": None if report.stated is None else bill.fields(report.stated),
        "counted": [asdict(line) for line in report.counted],
        "split": bill.departments(report.counted),
        "findings": [asdict(each) for each in report.findings],
        "log": _log_fields(report.report),
    }


def _revenue_fields(report: RevenueReport) -> dict[str, object]:
    return {
        "ok": report.ok,
        "fen": report.fen,
        "maximum_fen": report.maximum_fen,
        "parts": [asdict(part) for part in report.parts],
        "findings": [asdict(each) for each in report.findings],
        "logs": [_log_fields(each) for each in report.reports],
    }


def _sample_text(sample: Sample) -> str:
    lines = [f"sample 随机抽查: {'holds 核验通过' if sample.ok else 'DOES NOT HOLD 核验不通过'}"]
    lines.append(f"seed 种子: {sample.seed.text} (at most {sample.seed.bits} bits)")
    if sample.seed.weak:
        least = sampling.BITS_LEAST
        lines.append(f"note  SEED_WEAK: under {least} bits, it could be guessed: throw 50 dice · 熵不足，可被猜测")
    lines += [f"head 检查点: {head.origin} {head.size} {base64std.encode(head.root)}" for head in sample.heads]
    lines += [
        f"witnessed 已见证: {each.head.origin} at 时间 {each.at_s}" for each in sample.seen if each.at_s is not None
    ]
    lines += [f"node drawn 抽中节点: {node}" for node in sample.nodes]
    for each in sample.receipts:
        stage = "-" if each.stage is None else each.stage.value
        lines.append(f"{'ok   ' if each.ok else 'WRONG'} {each.origin} leaf 叶 {each.index} {stage} {each.jti}")
    found = [one for each in sample.bundles for one in each.findings]
    found += [one for each in sample.receipts for one in each.findings]
    return "\n".join([*lines, *finding_lines(found), *(_word(each) for each in sample.findings)])


def _sample_fields(sample: Sample) -> dict[str, object]:
    found = [one for each in sample.bundles for one in each.findings]
    found += [one for each in sample.receipts for one in each.findings]
    return {
        "ok": sample.ok,
        "seed": sample.seed.text,
        "bits": sample.seed.bits,
        "weak": sample.seed.weak,
        "heads": [{"origin": one.origin, "size": one.size, "root": base64std.encode(one.root)} for one in sample.heads],
        "witnessed": {each.head.origin: each.at_s for each in sample.seen},
        "nodes": list(sample.nodes),
        "receipts": [{"ok": each.ok, **receipt_fields(each)} for each in sample.receipts],
        "findings": [*(asdict(one) for one in found), *(asdict(one) for one in sample.findings)],
    }


def _log_fields(report: Report) -> dict[str, object]:
    found = [asdict(each) for each in report.findings]
    return {"ok": report.ok, "origin": report.origin, "size": report.size, "findings": found}
