"""`yanmen receipts` and `yanmen verify`: hand the usage log out, and check it with nothing but files."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from yanmen.cli import cose, given, stamp
from yanmen.cli.grammar import Parser, bundle, command, day, existing, folder, group, period, space_key, whole
from yanmen.cli.output import Negative, Result, UsageProblem, next_step
from yanmen.formats import anchors, note
from yanmen.formats import witness_policy as policy_format
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.formats.witness_policy import Policy
from yanmen.model.inspection import IssueState
from yanmen.verify import Beside, Finding, Report, chain, page
from yanmen.verify.not_proven import NOT_PROVEN
from yanmen.verify.procedure import Examined, examine
from yanmen.verify.selected import CheckedReceipt, OpenBundle

STATES = {
    IssueState.OPEN: "open 待整改",
    IssueState.RECTIFIED: "rectified 待复查",
    IssueState.PASSED: "passed 待销号",
    IssueState.CLOSED: "closed 已销号",
}
"""How a finding of an inspection stands, for people."""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of these groups."""
    here = group(commands, "receipts", "the usage log 使用回执: list, export for an auditor")
    export = command(
        here, "export", "write the audit bundle 导出审计包", exported, "yanmen receipts export health audit-health"
    )
    folder(export, "node", "the node's folder")
    folder(export, "target", "a new folder for the bundle: leaves, receipts, proofs, checkpoint, keys")
    closed = "a closed log instead of the one kept now: its year, 2025 or 2025-2 已封存的日志"
    export.add_argument("--log", metavar="YEAR", help=closed)
    mirror = command(
        here,
        "tiles",
        "write or extend static tiles to mirror 导出静态分块",
        tiled,
        "yanmen receipts tiles health mirror",
    )
    folder(mirror, "node", "the node's folder")
    folder(mirror, "target", "the mirror's folder, new or written before: C2SP tlog-tiles")
    example = "yanmen receipts erase health --before 2026-01-01 --by 张某"
    destroy = command(here, "erase", "destroy disclosures after their term 到期销毁", erased, example)
    folder(destroy, "node", "the node's folder")
    destroy.add_argument("--before", type=day, required=True, metavar="DATE", help="uses before this day, UTC+8")
    destroy.add_argument("--by", required=True, metavar="PERSON", help="who decided it")
    cose.declare(here)
    stamp.declare(here)
    show = command(here, "show", "print one receipt 查看回执", shown, "yanmen receipts show health 17")
    folder(show, "node", "the node's folder")
    show.add_argument("index", type=whole, metavar="INDEX", help="the number of its leaf")
    check = command(
        commands,
        "verify",
        "verify a bundle offline 离线核验",
        verified,
        "yanmen verify audit-health --space-key space/space.vkey",
    )
    folder(check, "bundle", "the folder `receipts export` wrote; no node and no network is needed")
    space_key(check)
    _beside(check)
    check.add_argument("--after", type=Path, metavar="BUNDLE", help="bundle of the log that this one continues")
    check.add_argument("--tiles", type=Path, help="a mirror of the same log's tiles, to hold against the bundle")
    check.add_argument("--receipt", type=whole, metavar="INDEX", help="only this one, with all it discloses")
    check.add_argument("--html", type=Path, metavar="FILE", help="also write the report as one page 核验报告")
    cose.declare_check(commands)


def _beside(check: Parser) -> None:
    """Add the options for what a bundle is held against."""
    check.add_argument(
        "--witness-key",
        type=existing,
        action="append",
        default=[],
        help="key of a witness that must have cosigned, got another way; may be given several times",
    )
    check.add_argument("--witness-policy", type=existing, help="C2SP tlog-policy file whose quorum must have cosigned")
    stamps = "root certificates (PEM) of the time stamp authority, got another way: heads must be stamped"
    check.add_argument("--tsa-ca", type=existing, metavar="FILE", help=stamps)
    anchored = "what you read in the chain yourself: lines of an anchor's answer and the root there, in hex"
    check.add_argument("--anchors", type=existing, metavar="FILE", help=anchored)


def exported(arguments: argparse.Namespace) -> Result:
    """Write the bundle."""
    from yanmen.node import closed_logs
    from yanmen.node.holder import open_holder

    target: Path = arguments.target
    if target.exists():
        raise UsageProblem(f"{target} exists; name a new folder")
    if arguments.log is not None:
        size = closed_logs.export(arguments.node, arguments.log, target)
    else:
        with open_holder(arguments.node) as holder:
            size = holder.ledger.export(target, holder.papers())
    note = "SPACE_KEY: space.vkey of the space's folder 空间目录中的 space.vkey"
    text = f"{size} leaves in {target}" + next_step("yanmen", "verify", target, "--space-key", "SPACE_KEY", note=note)
    return Result(text, {"bundle": str(target), "size": size})


def tiled(arguments: argparse.Namespace) -> Result:
    """Bring the mirror up to the log's head."""
    from yanmen.node.holder import open_holder

    target: Path = arguments.target
    with open_holder(arguments.node) as holder:
        size = holder.ledger.tiles(target)
    text = f"{size} leaves in {target}\nnext 下一步: yanmen verify BUNDLE --tiles {target}"
    return Result(text, {"mirror": str(target), "size": size})


def erased(arguments: argparse.Namespace) -> Result:
    """Destroy what is due, as far as each contract's retention term is over."""
    from yanmen.node.holder import open_holder

    before_ms = period(arguments.before, arguments.before).from_s * 1000
    leaves: list[int] = []
    with open_holder(arguments.node) as holder:
        while (receipt := holder.ledger.erase(before_ms, arguments.by)) is not None:
            leaves.append(receipt.index)
    named = ", ".join(map(str, leaves))
    text = f"destroyed, receipt 已销毁，回执 no. {named}" if leaves else "nothing is due 无到期内容"
    return Result(text, {"erasures": leaves})


def shown(arguments: argparse.Namespace) -> Result:
    """Print one receipt with its proof."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        if arguments.index >= holder.ledger.size():
            raise UsageProblem(f"there is no receipt {arguments.index}; the last is no. {holder.ledger.size() - 1}")
        receipt = holder.ledger.receipt(arguments.index)
    fields = {"index": receipt.index, "stage": receipt.stage.value, "jti": receipt.jti}
    fields |= {"sdjwt": receipt.sdjwt, "proof": receipt.proof}
    return Result(f"{receipt.index} {receipt.stage.value} {receipt.jti}\n\n{receipt.sdjwt}\n\n{receipt.proof}", fields)


def verified(arguments: argparse.Namespace) -> Result:
    """Verify the bundle; a finding that is an error ends with exit code 1."""
    fresh(arguments.html)
    path, key = bundle(arguments.bundle), pinned(arguments.space_key)
    if arguments.receipt is not None:
        return _one(arguments, OpenBundle(path, key))
    keys = tuple(witness_key(each) for each in arguments.witness_key)
    authority = b"" if arguments.tsa_ca is None else given.read(arguments.tsa_ca)
    read = _read_back(arguments.anchors)
    beside = Beside(arguments.tiles, keys, witness_policy(arguments.witness_policy), authority, read)
    report = _with_previous(arguments, examine(path, key, beside), key)
    new_page(arguments.html, page.report_page(report))
    return judged(Result(_text(report), report_fields(report)), ok=report.ok)


def _read_back(path: Path | None) -> dict[str, bytes] | None:
    if path is None:
        return None
    try:
        return anchors.read_back(given.read(path, anchors.BYTES_MAX))
    except Malformed as error:
        raise UsageProblem(f"{path}: {error}") from error


def _with_previous(arguments: argparse.Namespace, examined: Examined, key: bytes | None) -> Report:
    """Return the report, held against the bundle of the log before when one is given."""
    if arguments.after is None:
        return examined.report
    wrong = chain.follows(examined, examine(bundle(arguments.after), key))
    return replace(examined.report, findings=(*wrong, *examined.report.findings))


def _one(arguments: argparse.Namespace, opened: OpenBundle) -> Result:
    receipt = opened.check_in_log(arguments.receipt)
    new_page(arguments.html, page.receipt_page(opened, receipt))
    found = (*opened.findings, *receipt.findings)
    lines = [f"receipt 回执 {receipt.index} of {receipt.origin or '-'}: {_verdict(ok=opened.ok and receipt.ok)}"]
    lines += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in receipt_fields(receipt).items()]
    held = [f"{each.name}: {'kept 符合' if each.kept else 'BROKEN 违反'}" for each in receipt.clauses]
    text = "\n".join([*lines, *held, *finding_lines(found), *_not_proven(NOT_PROVEN)])
    fields = {"ok": opened.ok and receipt.ok, **receipt_fields(receipt), "findings": [asdict(each) for each in found]}
    fields["clauses"] = [asdict(each) for each in receipt.clauses]
    return judged(Result(text, fields), ok=opened.ok and receipt.ok)


def receipt_fields(receipt: CheckedReceipt) -> dict[str, object]:
    """Return what a verified receipt says."""
    return {
        "origin": receipt.origin,
        "index": receipt.index,
        "stage": None if receipt.stage is None else receipt.stage.value,
        "issuer": receipt.issuer,
        "jti": receipt.jti,
        "iat": receipt.iat_s,
        "slots": dict(receipt.slots),
    }


def judged(result: Result, *, ok: bool) -> Result:
    """Return `result`, or end with exit code 1 when the verdict is no."""
    if not ok:
        raise Negative(result)
    return result


def witness_policy(path: Path | None) -> Policy | None:
    """Return the policy in the file `path`, if one is given."""
    if path is None:
        return None
    try:
        return policy_format.decode(given.read(path, policy_format.BYTES_MAX))
    except Malformed as error:
        raise UsageProblem(f"{path} is not a tlog-policy: {error}") from error


def witness_key(path: Path) -> VerifierKey:
    """Return the witness key in the file `path`."""
    try:
        return note.decode_key(given.read_text(path), note.COSIGNATURE)
    except Malformed as error:
        raise UsageProblem(f"{path} is not a witness key: {error}") from error


def fresh(target: Path | None) -> None:
    """Refuse to write a report over an earlier one, before any work is done for it."""
    if target is not None and target.exists():
        raise UsageProblem(f"{target} exists; name a new file")


def new_page(target: Path | None, text: str) -> None:
    """Write a report to the new file `target`, if one was asked for."""
    if target is None:
        return
    with target.open("x", encoding="utf-8") as file:
        file.write(text)


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Return findings for a person."""
    return [f"{each.severity.value:5} {each.code.value}: {each.en} · {each.zh}" for each in findings]


def _verdict(*, ok: bool) -> str:
    return "holds 核验通过" if ok else "DOES NOT HOLD 核验不通过"


def _not_proven(texts: Iterable[tuple[str, str]]) -> list[str]:
    return ["Not proven by any receipt 回执不能证明:", *(f"  - {en} {zh}" for en, zh in texts)]


def pinned(path: Path | None) -> bytes | None:
    """Return the space's key in the file given with `--space-key`, if one was."""
    if path is None:
        return None
    try:
        return note.decode_key(given.read_text(path)).public
    except Malformed as error:
        raise UsageProblem(f"{path} is not a verifier key: {error}") from error


def report_fields(report: Report) -> dict[str, object]:
    """Return a verification report for `--json`."""
    return {
        "ok": report.ok,
        "node": report.node,
        "origin": report.origin,
        "size": report.size,
        "verified": report.verified,
        "stages": {stage.value: count for stage, count in report.stages},
        "contracts": [asdict(total) for total in report.contracts],
        "spaces": [asdict(total) for total in report.spaces],
        "cosigned": [asdict(seen) for seen in report.cosigned],
        "stamped": [asdict(seen) for seen in report.stamped],
        "anchored": [asdict(seen) for seen in report.anchored],
        "inspections": [{**asdict(case), "state": case.state.value} for case in report.inspections],
        "findings": [asdict(finding) for finding in report.findings],
        "not_proven": [{"en": en, "zh": zh} for en, zh in report.not_proven],
    }


def _text(report: Report) -> str:
    lines = [f"回执核验报告 receipt verification report: {_verdict(ok=report.ok)}", f"log 日志: {report.origin}"]
    lines.append(f"receipts 回执: {report.verified} of {report.size} without a finding")
    lines.append("  " + ", ".join(f"{stage.value} {count}" for stage, count in report.stages))
    lines += [f"contract 合约 {_words(asdict(total))}" for total in report.contracts]
    lines += [f"subject space 主体空间 {_words(asdict(space))}" for space in report.spaces]
    lines += [f"anchor 锚定 {_words(asdict(seen))}" for seen in report.anchored]
    lines += [f"time stamp 时间戳 {_words(asdict(seen))}" for seen in report.stamped]
    lines += [f"witness 见证者 {_words(asdict(seen))}" for seen in report.cosigned]
    lines += [f"finding 检查问题 {case.finding}: {STATES[case.state]}" for case in report.inspections]
    return "\n".join([*lines, *finding_lines(report.findings), *_not_proven(report.not_proven)])


def _words(fields: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())
