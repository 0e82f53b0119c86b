"""The receipt verification report (回执核验报告) as one HTML page: no script, no request, every value escaped."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from html import escape

from yanmen.formats import base64std
from yanmen.model.inspection import Issue, IssueState
from yanmen.verify.not_proven import NOT_PROVEN
from yanmen.verify.report import Finding, Report
from yanmen.verify.sampling import Sample
from yanmen.verify.selected import CheckedReceipt, OpenBundle

CIVIL_TIME = timezone(timedelta(hours=8))
LATEST_S = 253_000_000_000
"""The year 9987: a node may sign any time, and the calendar ends."""

_STYLE = (
    "body{font-family:sans-serif;max-width:72em;margin:2em auto;padding:0 1em;line-height:1.5}"
    "table{border-collapse:collapse;margin:.5em 0}th,td{border:1px solid #999;padding:.2em .6em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere;white-space:pre-wrap}th{background:#eee}"
    ".holds{color:#064}.fails{color:#a00}.box{border:3px solid #a60;padding:.5em 1em;margin:1em 0;background:#fff8ec}"
)
_HEAD = (
    '<!DOCTYPE html>\n<html lang="zh-Hans">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
)
_CASES = ("finding 问题", "state 状态", "deadline 整改期限 (UTC+8)", "inspector 检查方", "text 内容")
_STATES = {
    IssueState.OPEN: "open 待整改",
    IssueState.RECTIFIED: "rectified 待复查",
    IssueState.PASSED: "passed 待销号",
    IssueState.CLOSED: "closed 已销号",
}
_SEVERITY = ("severity 级别", "code 代码", "what", "说明")


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; its cells are values, which the page escapes."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def report_page(report: Report) -> str:
    """Return the page about a whole bundle."""
    facts = (
        ("log 日志", report.origin or "-"),
        ("node 节点", report.node or "-"),
        ("receipts without a finding 无问题回执", f"{report.verified} / {report.size}"),
    )
    contracts = (
        (each.contract, each.leaves, each.queries, each.micro_rho, each.delta_e12, each.fen)
        for each in report.contracts
    )
    tables = (
        Table("Stages 阶段", ("stage", "leaves 叶"), tuple((stage.value, count) for stage, count in report.stages)),
        Table(
            "Contracts, recomputed 合约用量（重算）",
            ("contract 合约", "leaves 叶", "queries 次数", "micro-ρ", "δ ×1e-12", "fen 分"),
            tuple(contracts),
        ),
        Table(
            "Subject spaces, recomputed 主体空间（重算）",
            ("space 空间", "micro-ρ", "δ ×1e-12"),
            tuple((each.space, each.micro_rho, each.delta_e12) for each in report.spaces),
        ),
        Table("Inspections 检查问题", _CASES, tuple(map(_case, report.inspections))),
        Table("Findings 问题", _SEVERITY, _findings(report.findings)),
    )
    return _page("Receipt verification report 回执核验报告", facts, tables, ok=report.ok)


def receipt_page(opened: OpenBundle, receipt: CheckedReceipt) -> str:
    """Return the page about one receipt."""
    size = "-" if opened.trust is None else str(opened.trust.head.size)
    facts = (
        ("log 日志", receipt.origin or "-"),
        ("leaf 叶", f"{receipt.index} / {size}"),
        ("stage 阶段", "-" if receipt.stage is None else receipt.stage.value),
        ("issuer 签发节点", receipt.issuer or "-"),
        ("time 时间 (UTC+8)", _time(receipt.iat_s) if receipt.stage is not None else "-"),
        ("jti", receipt.jti or "-"),
    )
    slots = tuple((name, _json(value)) for name, value in receipt.slots.items())
    tables = (
        Table("Disclosed 披露内容", ("slot 字段", "value 值"), slots),
        Table("Findings 问题", _SEVERITY, _findings((*opened.findings, *receipt.findings))),
    )
    return _page("Receipt verification report 回执核验报告", facts, tables, ok=opened.ok and receipt.ok)


def sample_page(sample: Sample) -> str:
    """Return the page about a sample, with all that is needed to draw it again."""
    weak = " WEAK 熵不足" if sample.seed.weak else ""
    facts = (
        ("seed 种子", sample.seed.text),
        ("bits at most 熵上限", f"{sample.seed.bits}{weak}"),
        ("nodes drawn 抽中节点", ", ".join(sample.nodes) or "-"),
    )
    drawn = (
        (each.origin, each.index, "-" if each.stage is None else each.stage.value, each.jti, _verdict(ok=each.ok))
        for each in sample.receipts
    )
    found = [finding for each in sample.bundles for finding in each.findings]
    found += [finding for each in sample.receipts for finding in each.findings]
    together = tuple(("note" if each.note else "error", each.code.value, each.en, each.zh) for each in sample.findings)
    times = {each.head.origin: "-" if each.at_s is None else _json(each.at_s) for each in sample.seen}
    heads = tuple(
        (head.origin, head.size, base64std.encode(head.root), times.get(head.origin, "-")) for head in sample.heads
    )
    tables = (
        Table("Logs and heads 日志与检查点", ("origin", "size", "root", "witnessed 见证时间"), heads),
        Table("Receipts drawn 抽中的回执", ("log 日志", "leaf 叶", "stage 阶段", "jti", "verdict 结论"), tuple(drawn)),
        Table("Findings 问题", _SEVERITY, (*_findings(found), *together)),
    )
    return _page("Sample of receipts 随机抽查核验报告", facts, tables, ok=sample.ok)


def _case(issue: Issue) -> tuple[object, ...]:
    return issue.finding, _STATES[issue.state], _time(issue.deadline_s), issue.inspector, issue.text


def visible(value: object) -> str:
    """Return `value` as escaped text in which nothing is invisible or turns the writing round."""
    shown = "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode("ascii")
        for each in str(value)
    )
    return escape(shown, quote=True)


def _page(title: str, facts: Iterable[tuple[str, str]], tables: Iterable[Table], *, ok: bool) -> str:
    shade = "holds" if ok else "fails"
    rows = "".join(f"<tr><th>{visible(name)}</th><td>{visible(value)}</td></tr>\n" for name, value in facts)
    proven = "".join(f"<li>{visible(en)}<br>{visible(zh)}</li>\n" for en, zh in NOT_PROVEN)
    return (
        f"{_HEAD}<title>{visible(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{visible(title)}</h1>\n<p class="{shade}"><strong>{_verdict(ok=ok)}</strong></p>\n'
        f"<table>\n{rows}</table>\n{''.join(_table(table) for table in tables)}"
        f'<div class="box">\n<h2>Not proven by any receipt 回执不能证明的</h2>\n<ul>\n{proven}</ul>\n</div>\n'
        "</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    if not table.rows:
        return f"<h2>{visible(table.title)}</h2>\n<p>none 无</p>\n"
    head = "".join(f"<th>{visible(header)}</th>" for header in table.headers)
    rows = "".join(f"<tr>{''.join(f'<td>{visible(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    return f"<h2>{visible(table.title)}</h2>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n"


def _findings(findings: Sequence[Finding]) -> tuple[tuple[object, ...], ...]:
    return tuple((each.severity.value, each.code.value, each.en, each.zh) for each in findings)


def _verdict(*, ok: bool) -> str:
    return "HOLDS 核验通过" if ok else "DOES NOT HOLD 核验不通过"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def _time(seconds: int) -> str:
    if seconds > LATEST_S:
        return str(seconds)
    return datetime.fromtimestamp(seconds, UTC).astimezone(CIVIL_TIME).strftime("%Y-%m-%d %H:%M")
