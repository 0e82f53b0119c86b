"""`yanmen inspection`: findings from opening to closing 检查→问题→整改期限→复查→销号, each step signed and recorded."""

import argparse
import os
from pathlib import Path

from yanmen.cli import given as files
from yanmen.cli.audit import STATES, judged, pinned
from yanmen.cli.grammar import Parser, bundle, command, existing, file, folder, group, moment, space_key, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats.inspection import BYTES_MAX
from yanmen.formats.malformed import Malformed
from yanmen.model.inspection import Act, Issue, Step

ID_BYTES = 16
WHEN = "2026-12-31T18:00:00+08:00"


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "inspection", "findings of inspections 检查、整改、复查、销号")
    _declare_inspectors(here)
    _declare_holders(here)
    example = "yanmen inspection list audit-health --space-key space.vkey --given finding.jws"
    lists = command(here, "list", "how findings stand, from a bundle alone 台账", listed, example)
    folder(lists, "bundle", "the folder `receipts export` wrote")
    given = "a signed step that must be recorded"
    lists.add_argument("--given", type=existing, action="append", default=[], metavar="FILE", help=given)
    space_key(lists)


def _declare_inspectors(here: "argparse._SubParsersAction[Parser]") -> None:
    example = f"yanmen inspection open --as inspector --at health --text 未披露查询 --deadline {WHEN} finding.jws"
    opened = command(here, "open", "sign a finding with its deadline 提出问题与整改期限", open_finding, example)
    _inspector(opened)
    opened.add_argument("--at", required=True, metavar="NODE", help="alias or id of the node it is about")
    opened.add_argument("--deadline", type=moment, required=True, metavar="TIME", help=f"until when, like {WHEN}")
    opened.add_argument("--origin", default="", metavar="ORIGIN", help="the log of the leaf it is about")
    opened.add_argument("--index", type=whole, default=0, help="that leaf")
    example = "yanmen inspection recheck --as inspector --after rectified.jws --passed --text 复查通过 rechecked.jws"
    rechecked = command(here, "recheck", "sign whether it passed, or a new deadline 复查", recheck, example)
    _inspector(rechecked)
    _after(rechecked)
    outcome = rechecked.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--passed", action="store_true", help="it is rectified 通过")
    outcome.add_argument("--failed", action="store_true", help="it is not 不通过; say the new --deadline")
    rechecked.add_argument("--deadline", type=moment, metavar="TIME", help="the new deadline")
    example = "yanmen inspection close --as inspector --after rechecked.jws --text 销号 closed.jws"
    closed = command(here, "close", "sign that the finding is closed 销号", close, example)
    _inspector(closed)
    _after(closed)


def _declare_holders(here: "argparse._SubParsersAction[Parser]") -> None:
    example = "yanmen inspection record health finding.jws"
    recorded = command(here, "record", "record an inspector's signed step 存证", record, example)
    folder(recorded, "node", "the node's folder")
    file(recorded, "step", "what the inspector signed")
    example = "yanmen inspection rectify health 40d566d1aa5b48338b7a6d3d9ebca39c --text 已补充披露 rectified.jws"
    rectified = command(here, "rectify", "say what was done about a finding 整改", rectify, example)
    folder(rectified, "node", "the node's folder")
    rectified.add_argument("finding", metavar="FINDING", help="the finding's id")
    rectified.add_argument("--text", required=True, help="what was done")
    _target(rectified)


def _inspector(parser: Parser) -> None:
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the auditor's or regulator's folder")
    parser.add_argument("--text", required=True, help="in words")
    _target(parser)


def _target(parser: Parser) -> None:
    parser.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed step")


def _after(parser: Parser) -> None:
    parser.add_argument("--after", type=existing, required=True, metavar="FILE", help="the signed step before")


def open_finding(arguments: argparse.Namespace) -> Result:
    """Sign a new finding."""
    from yanmen.client.identity import Identity

    identity = Identity.load(arguments.identity)
    node, now_s = identity.node(arguments.at), SystemClock().now_ms() // 1000
    finding = SystemRandomness().token(ID_BYTES).hex()
    about = {"origin": arguments.origin, "index": arguments.index, "deadline_s": arguments.deadline}
    step = Step(finding, Act.OPENED, identity.id, node.id, "", now_s, arguments.text, **about)
    return _signed(step, arguments, next_step("yanmen", "inspection", "record", node.alias, arguments.target))


def recheck(arguments: argparse.Namespace) -> Result:
    """Sign whether the finding passed."""
    if arguments.passed == (arguments.deadline is not None):
        raise UsageProblem("a new --deadline goes with --failed, and only with it 未通过须给出新的整改期限")
    return _following(arguments, Act.RECHECKED, passed=arguments.passed, deadline_s=arguments.deadline or 0)


def close(arguments: argparse.Namespace) -> Result:
    """Sign that the finding is closed."""
    return _following(arguments, Act.CLOSED, passed=False, deadline_s=0)


def _following(arguments: argparse.Namespace, act: Act, *, passed: bool, deadline_s: int) -> Result:
    """Sign the step after the one in `--after`, whose own signature is verified first."""
    from yanmen.client.identity import Identity

    identity = Identity.load(arguments.identity)
    token = files.read(arguments.after, BYTES_MAX)
    try:
        claimed = documents.peek_step(token)
        signer = identity.register.find(claimed.by)
        if signer is None:
            raise BadSignature("the register does not list who signed it")
        before = documents.open_step(token, signer.signing_key)
    except (Malformed, BadSignature) as error:
        raise UsageProblem(f"{arguments.after} is not a step that counts: {error}") from error
    now_s = SystemClock().now_ms() // 1000
    digest = documents.digest(token)
    step = Step(
        before.finding,
        act,
        identity.id,
        before.node,
        digest,
        now_s,
        arguments.text,
        deadline_s=deadline_s,
        passed=passed,
    )
    return _signed(step, arguments, next_step("yanmen", "inspection", "record", "NODE", arguments.target))


def _signed(step: Step, arguments: argparse.Namespace, note: str) -> Result:
    from yanmen.client.identity import Identity

    try:
        token = documents.sign_step(step, Identity.load(arguments.identity).signer)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    _write(arguments.target, token)
    text = f"finding 问题 {step.finding}: {step.act.value} -> {arguments.target}"
    return Result(text + note, {"finding": step.finding, "act": step.act.value, "step": str(arguments.target)})


def record(arguments: argparse.Namespace) -> Result:
    """Record an inspector's step in the node's log."""
    from yanmen import inspecting
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt, issue = inspecting.record(files.read(arguments.step, BYTES_MAX), holder)
    return Result(f"{words(issue)}; receipt 回执 no. {receipt.index}", {**fields(issue), "receipt": receipt.index})


def rectify(arguments: argparse.Namespace) -> Result:
    """Sign and record what the holder did."""
    from yanmen import inspecting
    from yanmen.node.holder import open_holder

    if arguments.target.exists():
        raise UsageProblem(f"{arguments.target} exists; name a new file")
    with open_holder(arguments.node) as holder:
        receipt, issue, token = inspecting.rectify(arguments.finding, arguments.text, holder)
    _write(arguments.target, token)
    text = f"{words(issue)}; receipt 回执 no. {receipt.index}; signed step 已签步骤: {arguments.target}"
    note = next_step("yanmen", "inspection", "recheck", "--as", "INSPECTOR", "--after", arguments.target, "--passed")
    return Result(text + note, {**fields(issue), "receipt": receipt.index, "step": str(arguments.target)})


def listed(arguments: argparse.Namespace) -> Result:
    """List the findings in a bundle; one overdue, or a step given that is not recorded, ends with exit code 1."""
    from yanmen.verify.docket import standing

    given = [files.read(path, BYTES_MAX) for path in arguments.given]
    report, missing = standing(bundle(arguments.bundle), pinned(arguments.space_key), given)
    late = {each.subject for each in report.findings if each.code.value == "RECTIFICATION_OVERDUE"}
    lines = [words(issue) + (" OVERDUE 逾期" if issue.finding in late else "") for issue in report.inspections]
    lines += [f"NOT RECORDED 未存证: {arguments.given[number]}" for number in missing]
    shown = [{**fields(issue), "overdue": issue.finding in late} for issue in report.inspections]
    unrecorded = [str(arguments.given[number]) for number in missing]
    result = Result(
        "\n".join(lines) or "no finding 没有问题", {"ok": report.ok, "findings": shown, "unrecorded": unrecorded}
    )
    return judged(result, ok=report.ok and not late and not missing)


def words(issue: Issue) -> str:
    """Return a finding for a person."""
    return f"finding 问题 {issue.finding}: {STATES[issue.state]}, deadline 期限 {issue.deadline_s}"


def fields(issue: Issue) -> dict[str, object]:
    """Return a finding for `--json`."""
    return {
        "finding": issue.finding,
        "state": issue.state.value,
        "inspector": issue.inspector,
        "node": issue.node,
        "deadline_s": issue.deadline_s,
        "text": issue.text,
    }


def _write(target: Path, token: bytes) -> None:
    """Write a new file and have it on disk."""
    try:
        with target.open("xb") as out:
            out.write(token)
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError as error:
        raise UsageProblem(f"{target} exists; name a new file") from error
