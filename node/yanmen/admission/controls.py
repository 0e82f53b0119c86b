"""Usage control (使用控制): which rules may be signed, which contradict each other, and which a use breaks."""

from collections.abc import Iterable, Iterator

from yanmen.formats import connector_id, control_rules
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.party import Party
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import AggregateKind, Plan
from yanmen.model.usage_control import Action, Control, Facts, Rules

PREFIX = "control:"
_KINDS = {AggregateKind.ROWS: "count", AggregateKind.UNITS: "count-distinct", AggregateKind.SUM: "sum"}

PERMITTED = frozenset(
    {
        Action.TRANSFORM,
        Action.ANONYMIZE,
        Action.DESENSITIZE,
        Action.ACCESS,
        Action.READ,
        Action.PROCESS,
        Action.JOINT_DEVELOP,
        Action.COMPUTE,
        Action.DELIVERY,
    }
)
"""What a node does with data for a consumer: it computes, and delivers answers."""
OBLIGED = frozenset(
    {
        Action.ANONYMIZE,
        Action.DESENSITIZE,
        Action.POLICY_TRANSMIT,
        Action.LOG_RECORD_SEND,
        Action.DELETE,
        Action.ALERT,
        Action.COMPENSATE,
    }
)
"""What a node does at each use, or at the end: releases nothing of one person, records, erases, tells, charges."""
ALWAYS = frozenset({Action.COMPUTE, Action.LOG_RECORD_SEND, Action.ALERT})
"""What no contract can prohibit: it is what the contract is for, or what proves its uses."""
_BEYOND = ("a node cannot do it, or see to it where it is done", "节点不执行该操作，也无法在节点之外加以控制")


def check(terms: Terms, others: Iterable[Contract] = ()) -> None:
    """Refuse rules that cannot be enforced or that contradict each other, these terms or the contracts `others`."""
    problems = [*_unenforceable(terms.rules), *_contradictions(terms), *_conflicts(terms, others)]
    if not problems:
        return
    raise Refused(
        Reason.CLAUSE_NOT_ENFORCEABLE,
        Detail(
            problems[0][0],
            hint_en=f"{problems[0][0]}: {problems[0][1]}. Leave it out, or say it so that it can be kept.",
            hint_zh=f"{problems[0][0]}：{problems[0][2]}。请删除该条款，或改写为可执行的条款。",
            clauses=tuple(f"{name}: {en} {zh}" for name, en, zh in problems),
        ),
    )


_Problem = tuple[str, str, str]


def _unenforceable(rules: Rules) -> Iterator[_Problem]:
    for control in rules.controls:
        why = control_rules.unenforceable(control)
        if why is not None:
            yield f"{PREFIX}{control.constraint.value}", *why
    for kind, actions, possible in (
        ("permission", rules.permitted, PERMITTED),
        ("obligation", rules.obliged, OBLIGED),
        ("prohibition", rules.prohibited, frozenset(Action) - ALWAYS - {Action.EXPANSION}),
    ):
        for action in actions:
            if action not in possible:
                yield f"{kind}:{action.value}", *_BEYOND


def _contradictions(terms: Terms) -> Iterator[_Problem]:
    """Yield what one contract says against itself."""
    rules = terms.rules
    for action in {Action.COMPUTE, *rules.permitted, *rules.obliged} & set(rules.prohibited):
        yield f"prohibition:{action.value}", "it is permitted or obliged as well", "该操作同时被允许或作为义务"
    enforced = tuple(each for each in rules.controls if control_rules.unenforceable(each) is None)
    for name in control_rules.contradictory(enforced, terms):
        yield f"{PREFIX}{name}", "no use could keep all that is said of it", "各约束相互矛盾，任何使用都无法满足"


def _conflicts(terms: Terms, others: Iterable[Contract]) -> Iterator[_Problem]:
    """Yield what contracts in force over the same data for the same scenario say otherwise."""
    mine = terms.rules
    for other in others:
        if not _same_use(terms, other):
            continue
        theirs = other.terms.rules
        against = (
            {Action.COMPUTE, *mine.permitted, *mine.obliged} & set(theirs.prohibited),
            {Action.COMPUTE, *theirs.permitted, *theirs.obliged} & set(mine.prohibited),
        )
        for action in sorted(against[0] | against[1], key=lambda each: each.value):
            which = f"contract {other.terms.id} says otherwise of it", f"与合约 {other.terms.id} 的规定冲突"
            yield f"conflict:{action.value}", *which


def _same_use(terms: Terms, other: Contract) -> bool:
    mine, theirs = ({grant.dataset for grant in each.grants} for each in (terms, other.terms))
    return (
        other.status in (ContractStatus.ACTIVE, ContractStatus.SUSPENDED)
        and other.terms.id != terms.id
        and other.terms.consumer == terms.consumer
        and other.terms.scenario.id == terms.scenario.id
        and bool(mine & theirs)
    )


def asking(contract: Contract, peer: Party, address: str, now_ms: int) -> tuple[str, ...]:
    """Return the controls that asking now, from there, breaks."""
    region = connector_id.decode(peer.id).region
    facts = Facts(now_ms=now_ms, begun_ms=contract.terms.not_before_ms, region=region, address=address)
    return _broken(contract.terms.rules.controls, facts)


def reading(plan: Plan, read: frozenset[str]) -> tuple[str, ...]:
    """Return the controls that the columns `read`, the plan's aggregates and its price break."""
    kinds = {_KINDS[aggregate.kind] for aggregate in plan.aggregates} | ({"avg"} if plan.averages else set())
    known = frozenset(kinds or {"rows"})
    facts = Facts(fields=read, algorithms=known, price_fen=plan.price_fen)
    return _broken(plan.admitted.contract.terms.rules.controls, facts)


def _broken(controls: tuple[Control, ...], facts: Facts) -> tuple[str, ...]:
    return tuple(PREFIX + name for name in control_rules.broken(controls, facts)) if controls else ()
