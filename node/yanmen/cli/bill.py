"""`yanmen bill`: a node states what the uses of a period come to, and signs it."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from yanmen.cli.grammar import Parser, command, day, folder, group, period
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.formats.bill import Bill, Line


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "bill", "accounts 账单: close a period with a signed statement")
    example = "yanmen bill statement health --from 2026-10-01 --to 2026-10-31"
    state = command(here, "statement", "sign what a period comes to 出具账单", stated, example)
    folder(state, "node", "the node's folder")
    state.add_argument("--from", dest="first", type=day, required=True, metavar="DATE", help="first day, UTC+8")
    state.add_argument(
        "--to", dest="last", type=day, required=True, metavar="DATE", help="last day, which must be over"
    )
    state.add_argument("--contract", default="", metavar="ID", help="this contract only; without it, all of the node's")
    state.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it; otherwise a name made of the days"
    )


def stated(arguments: argparse.Namespace) -> Result:
    """Sign and record the statement and write it to a new file."""
    from yanmen.crypto import documents
    from yanmen.ledger.billing import PeriodOpen
    from yanmen.node.holder import open_holder

    closing = period(arguments.first, arguments.last)
    target: Path = arguments.output or _name(arguments)
    if target.exists():
        raise UsageProblem(f"{target} exists; name a new file with --output")
    if not target.absolute().parent.is_dir():
        raise UsageProblem(f"{target.parent} is not a folder")
    with open_holder(arguments.node) as holder:
        try:
            receipt, token = holder.ledger.state_account(closing, arguments.contract)
        except PeriodOpen as error:
            raise UsageProblem(f"{arguments.last} is not over 账期尚未结束: a use of it could still come") from error
        value = documents.open_statement(token, holder.receipt_signer.public)
    _write(target, token)
    text = f"{summary(value)}\nreceipt 回执 no. {receipt.index}; statement 账单: {target}"
    then = f"   (then yanmen audit bill BUNDLE {target})"
    verify = next_step("yanmen", "receipts", "export", arguments.node, "BUNDLE", note=then)
    return Result(text + verify, {**fields(value), "receipt": receipt.index, "statement": str(target)})


def summary(value: Bill) -> str:
    """Return the statement for a person."""
    lines = [row(line) for line in value.lines] or ["no use in this period 本账期没有使用"]
    return "\n".join([*lines, f"total 合计: {yuan(value.fen)}", *split_lines(value.lines)])


def row(line: Line) -> str:
    """Return one contract's line for a person."""
    return (
        f"contract 合约 {line.contract}: leaves 叶 {line.first}-{line.last}, {line.queries} queries 次 "
        f"({line.free} free 无偿), {line.answers} answers ({line.rows} rows, {line.cells} cells), "
        f"{line.repeated} repeated 重复, {line.row_buckets} row buckets 万行, {line.cpu_units} CPU units 算力单位, "
        f"{line.micro_rho} micro-rho, delta {line.delta_e12}e-12, {yuan(line.fen)}"
    )


def split_lines(lines: Sequence[Line]) -> list[str]:
    """Return each contract's revenue by department (谁投入谁贡献谁受益), and all contracts' together."""
    shown = [
        f"split 收益分配 {line.contract}: "
        + ", ".join(f"{share.department} {yuan(share.fen)}" for share in line.shares)
        for line in lines
        if line.shares
    ]
    unsplit = sum(line.fen for line in lines if not line.shares)
    if unsplit or not shown:
        shown.append(f"split 收益分配: {yuan(unsplit)} without a rule 合约未约定分配规则，未作分配")
    return shown


def departments(lines: Sequence[Line]) -> dict[str, int]:
    """Return what each department gets of all contracts that say so."""
    sums: dict[str, int] = {}
    for share in (share for line in lines for share in line.shares):
        sums[share.department] = sums.get(share.department, 0) + share.fen
    return dict(sorted(sums.items()))


def yuan(fen: int) -> str:
    """Return an amount in fen and in yuan."""
    return f"{fen} fen 分 ({fen // 100}.{fen % 100:02} 元)"


def fields(value: Bill) -> dict[str, object]:
    """Return the statement for `--json`."""
    from dataclasses import asdict

    return {
        "node": value.node,
        "origin": value.origin,
        "size": value.size,
        "from_s": value.period.from_s,
        "to_s": value.period.to_s,
        "contract": value.contract,
        "contracts": [asdict(line) for line in value.lines],
        "fen": value.fen,
        "split": departments(value.lines),
    }


def _name(arguments: argparse.Namespace) -> Path:
    of = f"-{arguments.contract.rpartition(':')[2]}" if arguments.contract else ""
    return Path(f"statement-{arguments.node.resolve().name}-{arguments.first}-{arguments.last}{of}.jws")


def _write(target: Path, token: bytes) -> None:
    """Write a new file and have it on disk: the log keeps its digest only."""
    with target.open("xb") as file:
        file.write(token)
        file.flush()
        os.fsync(file.fileno())
