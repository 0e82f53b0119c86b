"""`yanmen budget`: what is left of each subject space's lifetime privacy budget, and its renewal by a signed leaf."""

import argparse
from datetime import date, datetime, time

from yanmen.cli.grammar import CIVIL_TIME, Parser, command, day, folder, group, whole
from yanmen.cli.output import Result, next_step
from yanmen.model.catalogue import Renewal, SpaceBudget

REPORT_DELTA_E12 = 1_000_000
"""δ = 1e-6, at which ε is shown."""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "budget", "lifetime privacy budgets 隐私预算: what is left, renewal")
    show = command(here, "show", "print what is left of each space 查看余额", shown, "yanmen budget show health")
    folder(show, "node", "the node's folder")
    example = (
        "yanmen budget renew health --micro-rho 500000 --approver 张三（首席数据官）"
        ' --reason "second survey, council minute 12" --next 2027-11-22'
    )
    renew = command(here, "renew", "add to a lifetime budget by a signed leaf 续期", renewed, example)
    folder(renew, "node", "the node's folder")
    renew.add_argument("--space", default="person", help="the subject space (person)")
    renew.add_argument("--micro-rho", type=whole, default=0, help="what is added, in millionths of ρ")
    renew.add_argument("--delta-e12", type=whole, default=0, help="what is added to δ, in units of 1e-12")
    renew.add_argument("--approver", required=True, help="who decided it")
    renew.add_argument("--reason", required=True, help="why: the persons' losses add up")
    renew.add_argument(
        "--next", dest="following", type=day, required=True, metavar="DATE", help="first day of the next one, UTC+8"
    )


def shown(arguments: argparse.Namespace) -> Result:
    """Print how every subject space stands."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        found = holder.ledger.spaces()
    lines = [_line(budget) for budget in found]
    return Result("\n".join(lines), {"spaces": [_fields(budget) for budget in found]})


def renewed(arguments: argparse.Namespace) -> Result:
    """Record the decision; it counts from its leaf on."""
    from yanmen.node.holder import open_holder

    renewal = Renewal(
        space=arguments.space,
        micro_rho=arguments.micro_rho,
        delta_e12=arguments.delta_e12,
        approver=arguments.approver,
        reason=arguments.reason,
        next_ms=int(datetime.combine(arguments.following, time(), CIVIL_TIME).timestamp() * 1000),
    )
    with open_holder(arguments.node) as holder:
        receipt = holder.ledger.renew_space(renewal, _epsilon)
        found = next(budget for budget in holder.ledger.spaces() if budget.name == renewal.space)
    text = f"{_line(found)}\nreceipt 回执 no. {receipt.index}"
    return Result(
        text + next_step("yanmen", "budget", "show", arguments.node), {**_fields(found), "receipt": receipt.index}
    )


def _epsilon(micro_rho: int, delta_e12: int) -> str:
    from yanmen.disclosure import accounting

    return str(accounting.epsilon(micro_rho, delta_e12))


def _line(budget: SpaceBudget) -> str:
    text = (
        f"{budget.name}: spent 已用 {budget.micro_rho_spent} of {budget.micro_rho} micro-rho"
        f" (ε = {_epsilon(budget.micro_rho_spent, REPORT_DELTA_E12)} of {_epsilon(budget.micro_rho, REPORT_DELTA_E12)}"
        f" at δ = 1e-6); δ {budget.delta_e12_spent} of {budget.delta_e12} e-12"
    )
    return f"{text}; next renewal 下次续期 {_day(budget)}" if budget.next_renewal_ms else text


def _day(budget: SpaceBudget) -> str:
    found: date = datetime.fromtimestamp(budget.next_renewal_ms / 1000, CIVIL_TIME).date()
    return found.isoformat()


def _fields(budget: SpaceBudget) -> dict[str, object]:
    return {
        "space": budget.name,
        "micro_rho": budget.micro_rho,
        "micro_rho_spent": budget.micro_rho_spent,
        "delta_e12": budget.delta_e12,
        "delta_e12_spent": budget.delta_e12_spent,
        "epsilon": _epsilon(budget.micro_rho, REPORT_DELTA_E12),
        "epsilon_spent": _epsilon(budget.micro_rho_spent, REPORT_DELTA_E12),
        "next_renewal": _day(budget) if budget.next_renewal_ms else None,
    }
