"""Attacks on usage control at signing: what cannot be kept, or contradicts itself or another contract, is named."""

import pytest
from yanmen.admission import controls
from yanmen.formats import usage_control
from yanmen.model.contract import ContractStatus
from yanmen.model.refusal import Reason
from yanmen.model.usage_control import Action, Control, Rules

from tests.attacks.offers.scene import World, refused

A, P = "a" * 32, Rules(prohibited=(Action.TRANSFORM,))


def one(text: str) -> Control:
    name, operator, listed = text.split(" ", 2)
    return usage_control.control(name, operator, listed.split(","))


def rules(*texts: str) -> Rules:
    return Rules(controls=tuple(map(one, texts)))


class TestSigning:
    def test_what_can_be_kept_is_signed(self, world: World) -> None:
        said = Rules(
            (Action.PROCESS,),
            (Action.DOWNLOAD, Action.DISTRIBUTE, Action.SELL),
            (Action.LOG_RECORD_SEND, Action.DELETE),
            (one("timeWindow isA 1-5 08:00/18:00"), one("frequency lteq 10/PT1M"), one("region isA 14")),
        )
        made = world.offer(rules=said)
        assert made.status is ContractStatus.ACTIVE
        assert made.terms.rules == said

    @pytest.mark.parametrize(
        ("said", "clause"),
        [
            (rules("physicalAddress eq 00:11"), "control:physicalAddress"),
            (rules("valueExpression eq age>18"), "control:valueExpression"),
            (rules("application isA app-1"), "control:application"),
            (rules("executionEnv isA 05"), "control:executionEnv"),
            (Rules(permitted=(Action.DISTRIBUTE,)), "permission:distribute"),
            (Rules(permitted=(Action.EXPANSION,)), "permission:expansionItem"),
            (Rules(obliged=(Action.SELL,)), "obligation:sell"),
            (Rules(prohibited=(Action.LOG_RECORD_SEND,)), "prohibition:logRecordSend"),
            (Rules(prohibited=(Action.COMPUTE,)), "prohibition:compute"),
            (Rules(prohibited=(Action.EXPANSION,)), "prohibition:expansionItem"),
        ],
    )
    def test_what_cannot_be_enforced_is_refused_with_the_reason(self, world: World, said: Rules, clause: str) -> None:
        refusal = refused(lambda: world.offer(rules=said))
        assert refusal.reason is Reason.CLAUSE_NOT_ENFORCEABLE
        assert any(each.startswith(f"{clause}: ") for each in refusal.detail.clauses)
        assert world.ledger.contracts() == ()

    def test_every_clause_is_named_not_only_the_first(self, world: World) -> None:
        said = Rules(obliged=(Action.SELL,), controls=(one("application isA x"), one("physicalAddress eq x")))
        found = refused(lambda: world.offer(rules=said)).detail.clauses
        assert [each.partition(": ")[0] for each in found] == [
            "control:application",
            "control:physicalAddress",
            "obligation:sell",
        ]

    @pytest.mark.parametrize(
        ("said", "clause"),
        [
            (Rules(permitted=(Action.PROCESS,), prohibited=(Action.PROCESS,)), "prohibition:process"),
            (Rules(obliged=(Action.DELETE,), prohibited=(Action.DELETE,)), "prohibition:delete"),
            (rules("timeWindow isA 08:00/12:00", "timeWindow isA 12:00/18:00"), "control:timeWindow"),
            (rules("timeWindow isA 08:00/12:00", "timeWindow isNoneOf 07:00/12:00"), "control:timeWindow"),
            (rules("time lt 20200101000000"), "control:time"),
            (rules("time isA 2020-01-01T00:00:00--2020-02-01T00:00:00"), "control:time"),
            (rules("dataField isNoneOf sex"), "control:dataField"),
            (rules("dataField isA age"), "control:dataField"),
            (rules("algorithm isA count", "algorithm isNoneOf count"), "control:algorithm"),
            (rules("region isA 14", "region isA 11"), "control:region"),
            (rules("region isA 14", "region isNoneOf 14"), "control:region"),
            (rules("networkAddress isA 10.0.0.0/8", "networkAddress isA 11.0.0.0/8"), "control:networkAddress"),
            (rules("payAmount lteq 0.29 CNY"), "control:payAmount"),
            (rules("count lt 1"), "control:count"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, world: World, said: Rules, clause: str) -> None:
        refusal = refused(lambda: world.offer(rules=said))
        assert refusal.reason is Reason.CLAUSE_NOT_ENFORCEABLE
        assert clause in {each.partition(": ")[0] for each in refusal.detail.clauses}

    @pytest.mark.parametrize(
        "said",
        [
            rules("region isA 14", "region isAnyOf 1401,1402"),
            rules("timeWindow isA 08:00/12:00", "timeWindow isNoneOf 09:00/18:00"),
            rules("networkAddress isA 10.0.0.0/8", "networkAddress isNoneOf 10.0.0.0/16"),
            rules("time gteq 20200101000000", "timeWindow isNoneOf 6-7 00:00/24:00"),
            rules("payAmount eq 0.30 CNY"),
        ],
    )
    def test_what_can_be_kept_together_is_signed(self, world: World, said: Rules) -> None:
        assert world.offer(rules=said).terms.rules == said

    def test_two_contracts_that_say_otherwise_of_one_use_are_not_both_signed(self, world: World) -> None:
        first = world.offer(rules=P)
        refusal = refused(lambda: world.offer(id=A, rules=Rules(permitted=(Action.TRANSFORM,))))
        assert refusal.detail.clauses[0].startswith(f"conflict:transform: contract {first.terms.id}")

    def test_a_prohibition_against_what_another_contract_permits(self, world: World) -> None:
        world.offer(rules=Rules(permitted=(Action.TRANSFORM,)))
        assert refused(lambda: world.offer(id=A, rules=P)).reason is Reason.CLAUSE_NOT_ENFORCEABLE

    def test_other_scenarios_and_ended_contracts_do_not_conflict(self, world: World) -> None:
        world.offer(rules=P)
        other = world.offer(id=A).terms.scenario
        assert other.id == "S1"
        permit = Rules(permitted=(Action.TRANSFORM,))
        for contract in world.ledger.contracts():
            world.ledger.set_status(contract.terms.id, ContractStatus.REVOKED, "p")
        assert world.offer(id="b" * 32, rules=permit).status is ContractStatus.ACTIVE

    def test_every_action_is_possible_somewhere_or_nowhere(self) -> None:
        assert {Action.ANONYMIZE, Action.DESENSITIZE} == controls.PERMITTED & controls.OBLIGED
        assert len(controls.PERMITTED | controls.OBLIGED) == 14
