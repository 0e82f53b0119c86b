"""`yanmen policy`: hold guard rails to what they must say, and say what is enforced over a contract."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.cli.grammar import Parser, command, existing, folder, group
from yanmen.cli.output import Negative, Result, UsageProblem, next_step

if TYPE_CHECKING:
    from yanmen.admission.explanation import Rule, Standing
    from yanmen.admission.verdicts import Checked
    from yanmen.node.holder import Holder

EXPECTATIONS = "tests"
"""Beside the guard rails, the folder of expected verdicts (*.toml)."""
_WRITING = """
a guard rail 守则: NODE/policies/NAME.cedar, in Cedar; it can only forbid, and has an @id that refusals name
  // 单次上限: no question of ours is charged more than 20,000 millionths of ρ
  @id("small-charges")
  forbid (principal, action == Action::"submit", resource)
  when { context.micro_rho > 20000 };

what it must say: NODE/policies/tests/NAME.toml; what a question leaves out is ordinary and allowed
  [[expect]]
  name = "a question that would be charged more"
  action = "submit"                        # submit, explain or scan
  question = { micro_rho = 20001 }         # also party, contract, dataset
  denied_by = ["policy:small-charges"]     # leave it out: allowed"""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "policy", "guard rails 守则: test what they say, explain what is enforced")
    test = command(
        here, "test", "hold guard rails to their expected verdicts 检验守则", tested, "yanmen policy test health"
    )
    test.epilog = f"{test.epilog}\n{_WRITING}"
    folder(test, "node", "the node's folder, or any folder of guard rails (*.cedar)")
    test.add_argument(
        "expectations", type=existing, nargs="*", metavar="FILE.toml", help="instead of tests/*.toml there"
    )
    example = "yanmen policy explain health 40d566d1aa5b48338b7a6d3d9ebca39c"
    explain = command(
        here, "explain", "every rule over a node or a contract, and its verdict now 说明", explained, example
    )
    folder(explain, "node", "the node's folder")
    explain.add_argument("id", metavar="ID", nargs="?", help="a contract's id; without it, the guard rails alone")


def tested(arguments: argparse.Namespace) -> Result:
    """Evaluate every expectation; one that does not hold ends with code 1."""
    from yanmen.admission.policies import load_guards
    from yanmen.admission.verdicts import policy_test

    directory = _guard_rails(arguments.node)
    guards = load_guards(directory)
    files = arguments.expectations or sorted((directory / EXPECTATIONS).glob("*.toml"))
    if not files:
        raise UsageProblem(f"no expected verdicts in {directory / EXPECTATIONS}; see yanmen policy test --help")
    checked = [(path, each) for path in files for each in policy_test(path, guards)]
    failed = [(path, each) for path, each in checked if not each.passed]
    lines = [_told(path, each) for path, each in failed]
    lines.append(
        f"{len(checked) - len(failed)} of {len(checked)} verdicts hold 符合预期, {len(guards.ids)} guard rails"
    )
    fields = {
        "ok": not failed,
        "guard_rails": sorted(guards.ids),
        "digest": guards.digest,
        "verdicts": [_fields(path, each) for path, each in checked],
    }
    result = Result("\n".join(lines), fields)
    if failed:
        raise Negative(result)
    return result


def _told(path: Path, checked: "Checked") -> str:
    expected, found = (", ".join(names) or "allowed 允许" for names in (checked.expected, checked.found))
    return f"✗ {path.name}, line {checked.line}: {checked.name}\n    expected 预期: {expected}\n    found 实际: {found}"


def _fields(path: Path, checked: "Checked") -> dict[str, object]:
    return {
        "file": path.name,
        "line": checked.line,
        "name": checked.name,
        "ok": checked.passed,
        "expected": list(checked.expected),
        "found": list(checked.found),
    }


def explained(arguments: argparse.Namespace) -> Result:
    """List the rules, and for a contract what they say to its consumer now."""
    from yanmen.admission import explanation
    from yanmen.node.holder import open_holder

    rules = explanation.guard_rules(_guard_rails(arguments.node))
    if arguments.id is None:
        hint = next_step("yanmen", "policy", "test", arguments.node)
        return Result("\n".join(map(_rule, rules)) + hint, _rule_fields(rules, ()))
    with open_holder(arguments.node) as holder:
        terms, standings = _of_contract(holder, arguments.id)
    rules = (*rules, *terms)
    lines = [*map(_rule, rules), "", "now 当前:", *(f"  {_verdict(each)}" for each in standings)]
    return Result("\n".join(lines), _rule_fields(rules, standings))


def _of_contract(holder: "Holder", contract_id: str) -> "tuple[tuple[Rule, ...], tuple[Standing, ...]]":
    from yanmen import contracting
    from yanmen.admission import explanation, identity

    contract = contracting.show(contract_id, contracting.Office.of(holder))
    consumer = identity.active(contract.terms.consumer, holder.register.current())
    found = (holder.ledger.version(grant.dataset) for grant in contract.terms.grants)
    datasets = tuple(version.dataset for version in found if version is not None)
    policies, now_ms = holder.desk().policies, holder.clock.now_ms()
    standings = explanation.standings(contract, consumer, datasets, policies, now_ms)
    return explanation.contract_rules(contract.terms), standings


def _rule(rule: "Rule") -> str:
    source = f" ({rule.source})" if rule.source else ""
    lines = [f"{rule.id}{source}", *([f"  {rule.meaning}"] if rule.meaning else [])]
    return "\n".join([*lines, *(f"    {line}" for line in rule.cedar.splitlines())])


def _verdict(standing: "Standing") -> str:
    return f"{standing.use}: {', '.join(standing.clauses) or 'allowed 允许'}"


def _rule_fields(rules: "tuple[Rule, ...]", standings: "tuple[Standing, ...]") -> dict[str, object]:
    listed = [{"id": rule.id, "source": rule.source, "meaning": rule.meaning, "cedar": rule.cedar} for rule in rules]
    now = [{"use": each.use, "allowed": not each.clauses, "denied_by": list(each.clauses)} for each in standings]
    return {"rules": listed, "now": now}


def _guard_rails(directory: Path) -> Path:
    """Return the guard rails of the node in `directory`, or `directory` itself when it holds some."""
    from yanmen.node.holder import CONFIG, read_config

    if (directory / CONFIG).is_file():
        return directory / read_config(directory).policies
    if any(directory.glob("*.cedar")):
        return directory
    raise UsageProblem(f"{directory} is neither a node's folder nor one of guard rails (*.cedar)")
