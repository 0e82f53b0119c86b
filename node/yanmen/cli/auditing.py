"""`yanmen audit BUNDLE…`: everything an auditor can check of one or more logs, in one command, offline."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from yanmen.cli import bill
from yanmen.cli.audit import STATES, finding_lines, judged, pinned, report_fields, witness_key
from yanmen.cli.grammar import Parser, bundle, command, existing, space_key
from yanmen.cli.output import Result, say
from yanmen.formats.bundle import ContractTotal
from yanmen.verify import Beside
from yanmen.verify.auditing import Area, Audit, Progress, audit
from yanmen.verify.not_proven import NOT_PROVEN

WHOLE = "all"
"""The command that `yanmen audit BUNDLE` stands for."""
EVERY_S = 1.0


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the group `audit`."""
    example = "yanmen audit all audit-health audit-civil --space-key space.vkey"
    whole = command(
        here, WHOLE, "check everything: signatures, tree, chain, metering, budgets 全面审计", audited, example
    )
    whole.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE", help="one bundle for each log")
    key = "key of a witness that must have cosigned; may be given several times"
    whole.add_argument("--witness-key", type=existing, action="append", default=[], help=key)
    whole.add_argument("--quiet", action="store_true", help="no progress on standard error")
    space_key(whole)


def spelled(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return `words` with the command's name put in where `audit` is followed by a bundle at once."""
    given = list(words)
    if len(given) > 1 and given[0] == "audit" and given[1] not in known and not given[1].startswith("-"):
        return ["audit", WHOLE, *given[1:]]
    return given


def audited(arguments: argparse.Namespace) -> Result:
    """Audit the bundles; any finding that is an error ends with exit code 1."""
    paths = [bundle(path) for path in arguments.bundle]
    beside = Beside(None, tuple(witness_key(each) for each in arguments.witness_key))
    progress = None if arguments.quiet or not sys.stderr.isatty() else _told()
    found = audit(paths, pinned(arguments.space_key), beside, progress)
    return judged(Result(_text(found), _fields(found)), ok=found.ok)


def _told() -> Progress:
    """Return what tells a person, once a second, how far it is."""
    said = [time.monotonic()]

    def tell(path: Path, index: int, size: int) -> None:
        now = time.monotonic()
        if now - said[0] >= EVERY_S or index == size:
            said[0] = now
            say(f"{path.name}: {index} of {size} leaves 叶", sys.stderr)

    return tell


def _text(found: Audit) -> str:
    lines = [f"audit 审计报告: {'HOLDS 通过' if found.ok else 'DOES NOT HOLD 不通过'}"]
    for each in found.examined:
        report = each.report
        verdict = "holds 成立" if report.ok else "DOES NOT HOLD 不成立"
        lines.append(
            f"log 日志 {report.origin or '-'}: {verdict}, {report.verified} of {report.size} receipts without a finding"
        )
    for area in Area:
        wrong = len(found.errors(area))
        lines.append(f"  {area.value}: {'ok 无误' if not wrong else f'{wrong} findings 个问题'}")
    for each in found.examined:
        lines += [_contract(total) for total in each.report.contracts]
        lines += [f"inspection 检查问题 {issue.finding}: {STATES[issue.state]}" for issue in each.report.inspections]
    lines.append(f"sum 合计: {bill.yuan(found.fen)}")
    for each in found.examined:
        lines += finding_lines(each.report.findings)
    for one in found.findings:
        lines.append(f"{'note ' if one.note else 'error'} {one.code.value}: {one.en} · {one.zh}")
    return "\n".join([*lines, "Not proven by any receipt 回执不能证明:", *(f"  - {en} {zh}" for en, zh in NOT_PROVEN)])


def _contract(total: ContractTotal) -> str:
    used = f"{total.queries} queries 次, {total.micro_rho} micro-rho"
    return f"contract 合约 {total.contract}: {used}, {bill.yuan(total.fen)}"


def _fields(found: Audit) -> dict[str, object]:
    return {
        "ok": found.ok,
        "areas": {area.name.lower(): len(found.errors(area)) for area in Area},
        "fen": found.fen,
        "logs": [report_fields(each.report) for each in found.examined],
        "findings": [asdict(each) for each in found.findings],
    }
