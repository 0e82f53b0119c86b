"""`yanmen audit`: statements and revenue recomputed offline, from exported bundles alone."""

import argparse
from dataclasses import asdict
from pathlib import Path

from yanmen.cli import bill
from yanmen.cli.audit import finding_lines, fresh, judged, new_page, pinned, receipt_fields
from yanmen.cli.grammar import Parser, bundle, command, day, file, folder, group, period, space_key, whole
from yanmen.cli.output import Result, UsageProblem
from yanmen.formats import base64std
from yanmen.formats.bill import Period
from yanmen.formats.malformed import Malformed
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
from yanmen.verify.sampling import Sample

STATEMENT_BYTES_MAX = 64 * 1024 * 1024


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "audit", "recompute offline 离线审计: statements, revenue, samples")
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
    drawn.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE", help="one bundle for each log")
    drawn.add_argument("--count", type=number, required=True, metavar="N", help="how many receipts")
    seed = "hexadecimal digits, or what 50 dice showed; made after the heads were published"
    drawn.add_argument("--seed", required=True, metavar="HEX|DICE", help=seed)
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
    if path.stat().st_size > STATEMENT_BYTES_MAX:
        raise UsageProblem(f"{path} is too large for a statement")
    report = audit_bill(bundle(arguments.bundle), path.read_bytes(), pinned(arguments.space_key))
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
    try:
        seed = sampling.read_seed(arguments.seed)
    except Malformed as error:
        raise UsageProblem(f"--seed: {error}") from error
    sample = sampling.audit_sample(paths, seed, arguments.count, pinned(arguments.space_key))
    new_page(arguments.html, page.sample_page(sample))
    return judged(Result(_sample_text(sample), _sample_fields(sample)), ok=sample.ok)


def _bill_text(report: BillReport) -> str:
    verdict = "is what its receipts come to 与回执一致" if report.ok else "DOES NOT HOLD 不成立"
    lines = [f"statement 账单: {verdict}", log_line(report.report)]
    lines += [bill.row(line) for line in report.counted]
    lines.append(f"total of the receipts 按回执合计: {bill.yuan(sum(line.fen for line in report.counted))}")
    return "\n".join(
        [*lines, bill.NO_SPLIT, *finding_lines(report.report.findings), *(_word(each) for each in report.findings)]
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
        "split": None,
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
        "receipts": [{"ok": each.ok, **receipt_fields(each)} for each in sample.receipts],
        "findings": [*(asdict(one) for one in found), *(asdict(one) for one in sample.findings)],
    }


def _log_fields(report: Report) -> dict[str, object]:
    found = [asdict(each) for each in report.findings]
    return {"ok": report.ok, "origin": report.origin, "size": report.size, "findings": found}
