"""Usage control of an offer by the command line: constraints, and actions permitted, prohibited or obliged."""

import argparse
from collections.abc import Sequence

from yanmen.cli.grammar import Parser
from yanmen.cli.output import UsageProblem
from yanmen.formats import usage_control
from yanmen.formats.control_rules import ENFORCED
from yanmen.formats.malformed import Malformed
from yanmen.model.usage_control import Action, Constraint, Control, Rules


def declare(request: Parser) -> None:
    """Add the options of usage control."""
    group = request.add_argument_group(
        "usage control 使用控制", "in the words of TC609-6-2025-14; docs/FORMATS.md says what is enforced"
    )
    names = ", ".join(each.value for each in Constraint if each in ENFORCED)
    group.add_argument(
        "--control",
        action="append",
        default=[],
        type=_control,
        metavar="'NAME OPERATOR VALUE,VALUE'",
        help=f"such as 'timeWindow isA 1-5 08:00/18:00', 'frequency lteq 10/PT1M'; enforced are {names}",
    )
    for name, purpose in (("permit", "允许"), ("prohibit", "禁止"), ("oblige", "义务")):
        group.add_argument(
            f"--{name}",
            action="append",
            default=[],
            choices=[each.value for each in Action if each is not Action.COMPUTE],
            metavar="ACTION",
            help=f"an action {purpose}: download, distribute, delete, logRecordSend …",
        )


def rules(arguments: argparse.Namespace) -> Rules:
    """Return the rules asked for."""
    controls: list[Control] = arguments.control
    if len(set(controls)) != len(controls):
        raise UsageProblem("a --control stands twice 约束重复")
    return Rules(
        _in_order(arguments.permit), _in_order(arguments.prohibit), _in_order(arguments.oblige), tuple(controls)
    )


def lines(found: Rules) -> tuple[str, ...]:
    """Return what the rules say, a line each."""
    said = (("permitted 允许", found.permitted), ("prohibited 禁止", found.prohibited), ("obliged 义务", found.obliged))
    actions = tuple(f"{name}: {', '.join(each.value for each in actions)}" for name, actions in said if actions)
    return (*actions, *(f"control 约束: {each.told()}" for each in found.controls))


def _in_order(names: Sequence[str]) -> tuple[Action, ...]:
    return tuple(action for action in Action if action.value in names)


def _control(text: str) -> Control:
    name, _, rest = text.strip().partition(" ")
    operator, _, listed = rest.strip().partition(" ")
    try:
        return usage_control.control(name, operator, [value.strip() for value in listed.split(",")])
    except Malformed as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; write NAME OPERATOR VALUE,VALUE") from error
