"""Cedar: guard rails can only forbid, every doubt denies, no text of a contract becomes policy."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.admission import clauses
from yanmen.admission.policies import UNDECIDED, Guards, Policies, Question, load_guards, shipped
from yanmen.admission.verdicts import policy_test
from yanmen.formats import connector_id
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, ContractStatus, Grant, Scenario, Terms
from yanmen.model.refusal import Fault, FaultCode

NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001")
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
GUARD = '@id("g") forbid (principal, action, resource) when { principal.role == "auditor" };\n'


def terms(grants: tuple[Grant, ...] = (Grant("labs", ("sex",)),), scenario: str = "S1") -> Terms:
    return Terms(
        id="0" * 32,
        holder=NODE,
        consumer=ALICE,
        channel=Channel.SHARING,
        scenario=Scenario(scenario, "x", "y"),
        grants=grants,
        min_group=0,
        micro_rho=100,
        micro_rho_per_query=1,
        micro_rho_per_query_max=10,
        delta_e12=0,
        queries=1,
        queries_per_day=1,
        not_before_ms=100,
        not_after_ms=200,
        price_per_query_fen=0,
        regulator_discloses=(),
        retention_days=0,
    )


def contract(agreed: Terms, digest: str = "d") -> Contract:
    return Contract(agreed, b"", b"", digest, ContractStatus.ACTIVE)


def question(scenario: str = "S1", **changed: Any) -> Question:
    party = {"role": "developer", "region": "1401", "province": "14"}
    entities: tuple[dict[str, Any], ...] = (
        {"uid": {"type": "Party", "id": ALICE}, "attrs": party, "parents": []},
        {
            "uid": {"type": "Contract", "id": "0" * 32},
            "attrs": {"channel": "sharing", "scenario": "S1", "status": "active"},
            "parents": [],
        },
    )
    made = Question(
        principal=ALICE,
        action="submit",
        resource=("Contract", "0" * 32),
        context={"now_ms": 150, "scenario": scenario, "micro_rho": 1},
        entities=entities,
    )
    return dataclasses.replace(made, **changed)


def write(directory: Path, text: str, name: str = "g.cedar") -> Path:
    (directory / name).write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return Policies(load_guards(write(tmp_path, GUARD)))


class TestGuards:
    def test_the_shipped_guard_rails_say_what_is_expected_of_them(self) -> None:
        directory = shipped()
        guards = load_guards(directory)
        checked = [
            entry for path in sorted((directory / "tests").glob("*.toml")) for entry in policy_test(path, guards)
        ]
        assert [entry for entry in checked if not entry.passed] == []
        named = {name.removeprefix("policy:") for entry in checked for name in entry.expected}
        assert named == guards.ids, "a guard rail without an expected verdict"

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("", "no @id"),
            ('@id("p") permit (principal, action, resource);', "may only forbid"),
            ("forbid (principal, action, resource);", "no @id of its own"),
            ('@id("") forbid (principal, action, resource);', "no @id of its own"),
            ('@id("contract:status") forbid (principal, action, resource);', "no @id of its own"),
            ('@id("policy:x") forbid (principal, action, resource);', "no @id of its own"),
            (GUARD + GUARD, "no @id of its own"),
            ('@id("t") forbid (principal == ?principal, action, resource);', "no slots"),
            ('@id("t") forbid (principal, action, resource) when { principal.rle == "x" };', "rle"),
            ('@id("t") forbid (principal, action, resource) when { principal.role == 5 };', "type"),
            ('@id("t") forbid (principal, action == Action::"sbmit", resource);', "sbmit"),
            ('@id("t") forbid (principal, action, resource', "unexpected"),
        ],
    )
    def test_what_is_no_guard_rail_stops_the_node(self, tmp_path: Path, text: str, part: str) -> None:
        with pytest.raises(Fault) as caught:
            load_guards(write(tmp_path, text or "forbid (principal, action, resource);"))
        assert caught.value.code is FaultCode.CONFIG
        assert part in caught.value.note

    @pytest.mark.parametrize("data", [b"\xff", b"//" + b"x" * 300_000])
    def test_a_file_that_cannot_be_read(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "g.cedar").write_bytes(data)
        with pytest.raises(Fault) as caught:
            load_guards(tmp_path)
        assert caught.value.code is FaultCode.CONFIG

    def test_ids_are_unique_over_files(self, tmp_path: Path) -> None:
        write(tmp_path, GUARD, "a.cedar")
        with pytest.raises(Fault, match="no @id of its own"):
            load_guards(write(tmp_path, GUARD, "b.cedar"))

    def test_a_directory_without_guard_rails_is_a_mistake(self, tmp_path: Path) -> None:
        with pytest.raises(Fault, match="no guard rails"):
            load_guards(tmp_path)
        with pytest.raises(Fault, match="no guard rails"):
            load_guards(tmp_path / "nowhere")

    def test_the_digest_covers_every_file(self, tmp_path: Path) -> None:
        first = load_guards(write(tmp_path, GUARD))
        second = load_guards(write(tmp_path, GUARD.replace('"g"', '"h"'), "h.cedar"))
        third = load_guards(write(tmp_path, GUARD + "// note\n"))
        assert len({first.digest, second.digest, third.digest}) == 3

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ('[[expect]]\nname = "x"\naction = "drop"\n', "line 3"),
            ('[[expect]]\nname = "x"\naction = "scan"\nverdict = 1\n', "line 4: expect.0.verdict: unknown key"),
            ('[[expect]]\naction = "scan"\n', "line 1: expect.0.name: missing"),
            ('[expect]\nname = "x"\n', "line 1: expect: must be [[tables]]"),
            ("x = 1\n", "expect: missing"),
            ("expect = [1]\n", "line 1: expect: must be [[tables]]"),
            ("expect = [[1]]\n", "line 1: expect: must be [[tables]]"),
        ],
    )
    def test_a_malformed_expectation_names_its_line(self, tmp_path: Path, text: str, part: str) -> None:
        path = tmp_path / "t.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Fault) as caught:
            policy_test(path, load_guards(shipped()))
        assert part in caught.value.note

    def test_a_wrong_expectation_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / "t.toml"
        path.write_text('\n[[expect]]\nname = "x"\naction = "scan"\ndenied_by = ["policy:g"]\n', encoding="utf-8")
        (checked,) = policy_test(path, load_guards(shipped()))
        assert (checked.passed, checked.line, checked.found) == (False, 2, ())


class TestDoubt:
    def test_a_question_that_fits(self, policies: Policies) -> None:
        assert policies.decide(contract(terms()), question()).allowed

    @pytest.mark.parametrize(
        "changed",
        [
            {"context": {"now_ms": "150", "scenario": "S1", "micro_rho": 1}},
            {"context": {"now_ms": 150, "scenario": "S1"}},
            {"context": {"now_ms": 150, "scenario": "S1", "micro_rho": 1, "more": 1}},
            {"action": "scan"},
            {"action": "drop"},
            {"resource": ("Dataset", "0" * 32)},
            {"resource": ("Thing", "0" * 32)},
            {"entities": ()},
        ],
    )
    def test_a_question_that_cannot_be_decided_is_denied(self, policies: Policies, changed: dict[str, Any]) -> None:
        assert not policies.decide(contract(terms()), question(**changed)).allowed

    def test_nothing_permits_a_stranger(self, policies: Policies) -> None:
        asked = question(principal=NODE)
        stranger = {"uid": {"type": "Party", "id": NODE}, "attrs": asked.entities[0]["attrs"], "parents": []}
        verdict = policies.decide(contract(terms()), question(principal=NODE, entities=(*asked.entities, stranger)))
        assert verdict.clauses == ("contract:consumer",)
        assert not policies.decide(contract(terms()), asked).allowed

    def test_nothing_permits_another_contract(self, policies: Policies) -> None:
        """No clause is violated, and still nothing permits it."""
        other = {
            "uid": {"type": "Contract", "id": "f" * 32},
            "attrs": {"channel": "sharing", "scenario": "S1", "status": "active"},
            "parents": [],
        }
        asked = question(resource=("Contract", "f" * 32), entities=(*question().entities, other))
        verdict = policies.decide(contract(terms()), asked)
        assert (verdict.allowed, verdict.clauses) == (False, (UNDECIDED,))

    def test_a_guard_rail_that_fails_while_it_runs_denies(self, tmp_path: Path) -> None:
        """Cedar leaves out a policy that errs: here one that would have been silent about an overflow."""
        failing = '@id("o") forbid (principal, action == Action::"submit", resource)\n'
        failing += "when { context.micro_rho * 9223372036854775807 > 5 };"
        policies = Policies(load_guards(write(tmp_path, failing)))
        small = question(context={"now_ms": 150, "scenario": "S1", "micro_rho": 0})
        assert policies.decide(contract(terms()), small).allowed
        large = question(context={"now_ms": 150, "scenario": "S1", "micro_rho": 2})
        assert policies.decide(contract(terms()), large).clauses == (UNDECIDED,)

    def test_entities_that_are_none_are_no_permission(self, policies: Policies) -> None:
        broken = question(entities=({"uid": {"type": "Party"}, "attrs": {}, "parents": []},))
        assert policies.decide(contract(terms()), broken).clauses == (UNDECIDED,)

    def test_without_a_clause_the_denial_still_has_a_name(self, policies: Policies) -> None:
        verdict = policies.decide(contract(terms()), question(context={"now_ms": "x"}))
        assert verdict.clauses == (UNDECIDED,)

    def test_one_contract_does_not_touch_another(self, policies: Policies) -> None:
        """Two contracts compiled by one node: the first one's scenario does not bind the second."""
        assert policies.decide(contract(terms(scenario="S1"), "a"), question("S1")).allowed
        assert policies.decide(contract(terms(scenario="S2"), "b"), question("S2")).allowed
        assert not policies.decide(contract(terms(scenario="S2"), "b"), question("S1")).allowed

    def test_more_contracts_than_are_kept_compiled(self, policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("yanmen.admission.policies.COMPILED_MAX", 2)
        for number in range(5):
            agreed = contract(terms(scenario=f"S{number}"), str(number))
            assert policies.decide(agreed, question(f"S{number}")).allowed


class TestCompiled:
    @pytest.mark.parametrize(
        "make",
        [
            lambda text: terms(scenario=text),
            lambda text: terms(grants=(Grant(text, ("a",)),)),
            lambda text: terms(grants=(Grant("labs", (text,)),)),
        ],
    )
    @pytest.mark.parametrize(
        "text",
        [
            'x" }; @id("p") permit (principal, action, resource); //',
            "x\\",
            "\n};",
            "\u2028",
            "${}",
            "\\u{22}",
            "雁门",
            "\U0001f600",
        ],
    )
    def test_no_text_escapes_its_literal(self, tmp_path: Path, make: Callable[[str], Terms], text: str) -> None:
        guards = Guards("", frozenset(), "0")
        assert not Policies(guards).decide(contract(make(text)), question("other")).allowed
        compiled = clauses.compile_terms(make(text))
        parsed = json.loads(cedarpy.policies_to_json_str(compiled))["staticPolicies"].values()
        assert [policy["effect"] for policy in parsed].count("permit") == 1
        assert len(parsed) == 9
        assert compiled.isascii()

    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    @settings(max_examples=60)
    def test_any_scenario_is_matched_exactly(self, text: str) -> None:
        policies = Policies(Guards("", frozenset(), "0"))
        agreed = contract(terms(scenario=text))
        assert policies.decide(agreed, question(text)).allowed
        assert not policies.decide(agreed, question(text + "x")).allowed
