"""Attacks on usage control at a use: each constraint that is broken is named, with everything else that is."""

import dataclasses

import pytest
from yanmen.admission.admit import admit, permits
from yanmen.crypto import documents
from yanmen.formats import control_values, usage_control
from yanmen.formats.request import Operation
from yanmen.model.refusal import Reason
from yanmen.model.stages import Admitted, Aggregate, AggregateKind, Average, Scan
from yanmen.model.usage_control import Rules

from tests.attacks.admission.scene import NOW_MS, World, refused, terms

COUNT = Aggregate("a0", AggregateKind.ROWS, 0, 0, 100, 1, 1)
SUM = Aggregate("a1", AggregateKind.SUM, 0, 0, 100, 1, 1)


def sign(world: World, *texts: str) -> None:
    said = (text.split(" ", 2) for text in texts)
    controls = tuple(usage_control.control(name, operator, listed.split(",")) for name, operator, listed in said)
    world.sign(terms(rules=Rules(controls=controls)))


def ask(world: World, address: str = "10.1.2.3") -> Admitted:
    asked = world.submit(documents.sign_request(world.claims(), world.alice), address=address)
    return admit(asked, Operation.SUBMIT, world.desk)


class TestAsking:
    @pytest.mark.parametrize(
        "text",
        [
            "time lt 20200101000000",
            "timeWindow isA 00:00/00:01",
            "region isA 11",
            "networkAddress isA 10.2.0.0/16",
            "application isA x",
        ],
    )
    def test_a_control_that_is_broken_refuses(self, world: World, text: str) -> None:
        sign(world, text)
        refusal = refused(lambda: ask(world))
        assert refusal.reason is Reason.POLICY_FORBIDS
        assert refusal.detail.clauses == (f"control:{text.partition(' ')[0]}",)

    def test_a_control_that_is_kept_does_not(self, world: World) -> None:
        sign(world, "region isA 14", "networkAddress isA 10.1.0.0/16", "time gteq 20200101000000")
        assert ask(world).contract.terms.rules.controls

    def test_a_caller_whose_address_is_unknown_is_in_no_network(self, world: World) -> None:
        sign(world, "networkAddress isNoneOf 10.1.0.0/16")
        assert ask(world, "10.2.0.1").price_fen == 30
        assert refused(lambda: ask(world, "")).detail.clauses == ("control:networkAddress",)

    def test_all_clauses_are_named_together(self, world: World) -> None:
        sign(world, "region isA 11", "networkAddress isA 10.2.0.0/16")
        asked = world.submit(documents.sign_request(world.claims(scenario_id="S2"), world.alice))
        found = refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).detail.clauses
        assert found == ("contract:scenario", "control:networkAddress", "control:region")

    def test_the_window_is_looked_at_when_the_question_is_admitted(self, world: World) -> None:
        minute = (NOW_MS + 8 * control_values.HOUR_MS) // control_values.MINUTE_MS % 1440
        sign(world, f"timeWindow isA 00:00/{minute // 60:02}:{minute % 60:02}")
        assert refused(lambda: ask(world)).detail.clauses == ("control:timeWindow",)
        world.clock.ms = NOW_MS + 24 * control_values.HOUR_MS - 60 * control_values.MINUTE_MS
        world.sign(dataclasses.replace(world.contracts[terms().id].terms, not_after_ms=NOW_MS * 2))
        later = world.submit(documents.sign_request(world.claims(), world.alice))
        assert admit(later, Operation.SUBMIT, world.desk).price_fen == 30


class TestReading:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("dataField isNoneOf sex", "dataField"),
            ("algorithm isA count", "algorithm"),
            ("algorithm isNoneOf avg", "algorithm"),
            ("payAmount lteq 0.29 CNY", "payAmount"),
        ],
    )
    def test_a_plan_that_breaks_a_control_is_refused(self, world: World, text: str, name: str) -> None:
        sign(world, text)
        plan = world.plan(ask(world), Scan("s0", world.datasets["labs"], ("sex",)))
        plan = dataclasses.replace(plan, aggregates=(COUNT, SUM), averages=(Average("m0", "a1", "a0"),))
        refusal = refused(lambda: permits(plan, world.desk))
        assert (refusal.reason, refusal.detail.clauses) == (Reason.POLICY_FORBIDS, (f"control:{name}",))

    def test_a_plan_that_keeps_them_passes(self, world: World) -> None:
        sign(world, "dataField isA sex", "algorithm isA count", "payAmount eq 0.30 CNY")
        plan = world.plan(ask(world), Scan("s0", world.datasets["labs"], ("person", "sex")))
        permits(dataclasses.replace(plan, aggregates=(COUNT,)), world.desk)

    def test_the_clauses_of_all_scans_are_named(self, world: World) -> None:
        sign(world, "dataField isNoneOf sex")
        scans = [Scan(f"s{n}", world.datasets["labs"], columns) for n, columns in enumerate((("sex",), ("age",)))]
        found = refused(lambda: permits(world.plan(ask(world), *scans), world.desk)).detail.clauses
        assert found == ("contract:columns", "control:dataField")
