"""`yanmen receipts` and `yanmen verify`: hand the usage log out, and check it with nothing but files."""

import argparse
from dataclasses import asdict
from pathlib import Path

from yanmen.cli.grammar import Parser, bundle, command, folder, group, space_key, whole
from yanmen.cli.output import Negative, Result, UsageProblem, next_step
from yanmen.formats import note
from yanmen.formats.malformed import Malformed
from yanmen.verify import Report, verify_bundle


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of these groups."""
    here = group(commands, "receipts", "the usage log 使用回执: list, export for an auditor")
    export = command(
        here, "export", "write the audit bundle 导出审计包", exported, "yanmen receipts export health audit-health"
    )
    folder(export, "node", "the node's folder")
    folder(export, "target", "a new folder for the bundle: leaves, receipts, proofs, checkpoint, keys")
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


def exported(arguments: argparse.Namespace) -> Result:
    """Write the bundle."""
    from yanmen.node.holder import open_holder

    target: Path = arguments.target
    if target.exists():
        raise UsageProblem(f"{target} exists; name a new folder")
    with open_holder(arguments.node) as holder:
        size = holder.ledger.export(target, holder.papers())
    text = f"{size} leaves in {target}" + next_step("yanmen", "verify", target)
    return Result(text, {"bundle": str(target), "size": size})


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
    report = verify_bundle(bundle(arguments.bundle), pinned(arguments.space_key))
    result = Result(_text(report), _fields(report))
    if not report.ok:
        raise Negative(result)
    return result


def pinned(path: Path | None) -> bytes | None:
    """Return the space's key in the file given with `--space-key`, if one was."""
    if path is None:
        return None
    try:
        return note.decode_key(path.read_text(encoding="ascii").strip()).public
    except (Malformed, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not a verifier key: {error}") from error


def _fields(report: Report) -> dict[str, object]:
    return {
        "ok": report.ok,
        "node": report.node,
        "origin": report.origin,
        "size": report.size,
        "verified": report.verified,
        "stages": {stage.value: count for stage, count in report.stages},
        "contracts": [asdict(total) for total in report.contracts],
        "spaces": [asdict(total) for total in report.spaces],
        "findings": [asdict(finding) for finding in report.findings],
        "not_proven": [{"en": en, "zh": zh} for en, zh in report.not_proven],
    }


def _text(report: Report) -> str:
    verdict = "holds 核验通过" if report.ok else "DOES NOT HOLD 核验不通过"
    lines = [f"回执核验报告 receipt verification report: {verdict}", f"log 日志: {report.origin}"]
    lines.append(f"receipts 回执: {report.verified} of {report.size} without a finding")
    lines.append("  " + ", ".join(f"{stage.value} {count}" for stage, count in report.stages))
    lines += [f"contract 合约 {_words(asdict(total))}" for total in report.contracts]
    lines += [f"subject space 主体空间 {_words(asdict(space))}" for space in report.spaces]
    lines += [f"{each.severity.value:5} {each.code.value}: {each.en} · {each.zh}" for each in report.findings]
    lines.append("Not proven by any receipt 回执不能证明:")
    lines += [f"  - {en} {zh}" for en, zh in report.not_proven]
    return "\n".join(lines)


def _words(fields: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())
