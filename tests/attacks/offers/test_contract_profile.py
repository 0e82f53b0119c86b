"""Attacks on terms: what is outside the closed profile is named by its path."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import contract, json_canonical
from yanmen.formats.contract_constraints import TIME_MAX_MS, MalformedTerms
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import (
    Channel,
)
from yanmen.model.contract import Bounds, Grant, Terms

from tests.attacks.offers.scene import (
    ALICE,
    CONSTRAINT,
    NOW_MS,
    REFINEMENT,
    terms,
    walk,
)


class TestProfile:
    def test_terms_read_back(self) -> None:
        for made in (terms(), terms(paper_sha256=""), terms(regulator_discloses=()), terms(not_after_ms=TIME_MAX_MS)):
            data = json_canonical.encode(contract.encode(made))
            assert contract.decode(json_canonical.decode(data)) == made
            assert json_canonical.encode(contract.encode(contract.decode(json_canonical.decode(data)))) == data

    def test_the_document_has_the_shape_of_odrl(self) -> None:
        document: Any = contract.encode(terms())
        assert document["@type"] == "Offer"
        assert document["@id"] == "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"
        (permission,) = document["permission"]
        assert permission["action"] == "compute"
        assert permission["target"][0]["source"] == "labs"
        for constraint in permission["constraint"]:
            assert set(constraint) == {"leftOperand", "operator", "rightOperand"}
        assert {
            "leftOperand": "dateTime",
            "operator": "gteq",
            "rightOperand": {"@type": "xsd:dateTime", "@value": "2026-09-21T14:13:20.000Z"},
        } in permission["constraint"]

    @pytest.mark.parametrize(
        ("path", "value", "named"),
        [
            ("prohibition", [], "prohibition"),
            ("obligation", [], "obligation"),
            ("@context", [], "@context"),
            ("@context/1/x", "y", "@context"),
            ("@type", "Agreement", "@type"),
            ("profile", "urn:other", "profile"),
            ("@id", "urn:uuid:X", ""),
            ("@id", "urn:uuid:01234567-89AB-cdef-0123-456789abcdef", ""),
            ("assigner", ALICE, "assignee"),
            ("assigner", "x", ""),
            ("assignee", 5, ""),
            ("permission", [], "permission"),
            ("permission/0/duty", [], "permission/0"),
            ("permission/0/action", "sell", "permission/0/action"),
            ("permission/0/action", ["compute"], "permission/0/action"),
            ("permission/0/target", [], "permission/0/target"),
            ("permission/0/target", "labs", "permission/0"),
            ("permission/0/target/0/source", "Labs", "permission/0/target/0/source"),
            ("permission/0/target/0/source", "labs; DROP", "permission/0/target/0/source"),
            ("permission/0/target/0/@type", "Asset", "permission/0/target/0/@type"),
            ("permission/0/target/0/x", 1, "permission/0/target/0"),
            (REFINEMENT, [], REFINEMENT),
            (
                f"{REFINEMENT}/0/operator",
                "isNoneOf",
                f"{REFINEMENT}/0/leftOperand",
            ),
            (f"{REFINEMENT}/0/rightOperand", [], f"{REFINEMENT}/0/rightOperand"),
            (
                f"{REFINEMENT}/0/rightOperand",
                ["*"],
                f"{REFINEMENT}/0/rightOperand",
            ),
            (
                f"{REFINEMENT}/0/rightOperand",
                ["sex", "SEX"],
                f"{REFINEMENT}/0/rightOperand",
            ),
            (f"{CONSTRAINT}/0/leftOperand", "porpuse", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/operator", "neq", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/dataType", "x", f"{CONSTRAINT}/0"),
            (f"{CONSTRAINT}/0/rightOperand/@id", "S 1", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/0/rightOperand/text", " ", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/0/rightOperand/legalBasis", "", f"{CONSTRAINT}/0/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", "", f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", 5, f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/14/rightOperand", "x" * 2001, f"{CONSTRAINT}/14/rightOperand"),
            (f"{CONSTRAINT}/1/rightOperand", "theft", f"{CONSTRAINT}/1/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-09-21", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-02-30T00:00:00.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "1969-12-31T23:59:59.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@value", "2026-09-21T24:00:00.000Z", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand/@type", "xsd:date", f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/2/rightOperand", NOW_MS, f"{CONSTRAINT}/2/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "٥", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "+5", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "05", f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", str(2**53), f"{CONSTRAINT}/4/rightOperand"),
            (f"{CONSTRAINT}/4/rightOperand/@value", "9", f"{CONSTRAINT}/count"),
            (f"{CONSTRAINT}/13/rightOperand", ["request", "query"], f"{CONSTRAINT}/yanmen:regulatorDiscloses"),
            (f"{CONSTRAINT}/13/rightOperand", ["rows"], f"{CONSTRAINT}/yanmen:regulatorDiscloses"),
            (f"{CONSTRAINT}/14/rightOperand", "A" * 64, f"{CONSTRAINT}/yanmen:paperSha256"),
        ],
    )
    def test_what_is_not_in_the_profile_is_named_by_its_path(self, path: str, value: Any, named: str) -> None:
        document = copy.deepcopy(json.loads(json_canonical.encode(contract.encode(terms()))))
        place, part = walk(document, path)
        place[part] = value
        with pytest.raises(MalformedTerms) as caught:
            contract.decode(document)
        assert caught.value.path == named

    def test_each_constraint_stands_exactly_once_and_in_order(self) -> None:
        whole = json.loads(json_canonical.encode(contract.encode(terms())))
        for index in range(14):
            document = copy.deepcopy(whole)
            removed = document["permission"][0]["constraint"].pop(index)
            with pytest.raises(MalformedTerms, match="is missing") as caught:
                contract.decode(document)
            assert removed["leftOperand"] in str(caught.value)
            document["permission"][0]["constraint"].append(removed)
            if index < 13:
                with pytest.raises(MalformedTerms, match="order"):
                    contract.decode(document)
        document = copy.deepcopy(whole)
        document["permission"][0]["constraint"][14] = document["permission"][0]["constraint"][4]
        with pytest.raises(MalformedTerms, match="stands twice"):
            contract.decode(document)

    @pytest.mark.parametrize(
        "changed",
        [
            {"not_after_ms": NOW_MS},
            {"micro_rho_per_query": 51},
            {"micro_rho_per_query_max": 1001},
            {"queries_per_day": 101},
            {"queries_per_day": 0},
            {"grants": (Grant("labs", ("sex",)), Grant("labs", ("age",)))},
            {"grants": ()},
            {"grants": (Grant("labs", ()),)},
            {"id": "x" * 32},
            {"id": "0" * 31},
            {"holder": ALICE},
            {"micro_rho": 2**53},
            {"micro_rho": -1},
            {"not_before_ms": -1},
            {"not_after_ms": TIME_MAX_MS + 1},
            *({"bounds": Bounds(**{name: 0})} for name in Bounds.__slots__ if name != "spill_bytes"),
            {"bounds": Bounds(spill_bytes=-1)},
            {"bounds": Bounds(rows=2**53)},
        ],
    )
    def test_terms_that_cannot_be_read_are_not_written(self, changed: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            contract.encode(terms(**changed))

    @given(
        st.builds(
            terms,
            micro_rho=st.integers(50, 2**53 - 1),
            queries=st.integers(10, 2**53 - 1),
            not_after_ms=st.integers(NOW_MS + 1, TIME_MAX_MS),
            retention_days=st.integers(0, 2**53 - 1),
            channel=st.sampled_from(Channel),
            paper_sha256=st.sampled_from(["", "0" * 64]),
            bounds=st.builds(
                Bounds,
                **{name: st.none() | st.integers(1, 2**53 - 1) for name in Bounds.__slots__},
            ),
        )
    )
    def test_any_terms_read_back(self, made: Terms) -> None:
        assert contract.decode(json_canonical.decode(json_canonical.encode(contract.encode(made)))) == made
