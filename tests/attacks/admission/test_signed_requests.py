"""Attacks on what is asked and in whose name: requests and session grants."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from yanmen.admission.admit import admit
from yanmen.crypto import documents
from yanmen.formats import base64url, contract, request
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation
from yanmen.model.refusal import Reason
from yanmen.model.stages import Binding

from tests.attacks.admission.scene import (
    ALICE,
    MALLORY,
    NODE,
    NOW_S,
    OTHER_NODE,
    SQL,
    World,
    refused,
    resign,
)


class TestRequests:
    @pytest.mark.parametrize(
        ("changed", "reason", "subject"),
        [
            ({"audience": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE, "aud"),
            ({"issuer": MALLORY}, Reason.SIGNATURE_INVALID, "iss"),
            ({"expires_s": NOW_S + 301}, Reason.REQUEST_MALFORMED, "exp"),
            ({"expires_s": 2**40}, Reason.REQUEST_MALFORMED, "exp"),
            ({"issued_s": NOW_S - 100, "expires_s": NOW_S}, Reason.REQUEST_EXPIRED, "exp"),
            ({"issued_s": NOW_S + 61, "expires_s": NOW_S + 90}, Reason.REQUEST_MALFORMED, "iat"),
            ({"query_sha256": "0" * 64}, Reason.SIGNATURE_INVALID, "query_sha256"),
            ({"operation": Operation.EXPLAIN}, Reason.SIGNATURE_INVALID, "op"),
            ({"contract_id": "f" * 32}, Reason.CONTRACT_UNKNOWN, "f" * 32),
            ({"scenario_id": "S2"}, Reason.SCENARIO_MISMATCH, "contract:scenario"),
        ],
    )
    def test_claims_that_do_not_fit(self, world: World, changed: dict[str, Any], reason: Reason, subject: str) -> None:
        refusal = refused(lambda: world.ask(**changed))
        assert (refusal.reason, refusal.detail.subject) == (reason, subject)
        assert refusal.detail.hint_en
        assert refusal.detail.hint_zh

    def test_limits_of_time_are_reached(self, world: World) -> None:
        world.ask(issued_s=NOW_S + 60, expires_s=NOW_S + 61)
        world.ask(issued_s=NOW_S - 299, expires_s=NOW_S + 1)

    def test_a_question_altered_on_the_way(self, world: World) -> None:
        asked = world.submit(documents.sign_request(world.claims(), world.alice))
        altered = dataclasses.replace(asked, sql=SQL + " ")
        assert refused(lambda: admit(altered, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID
        broken = dataclasses.replace(asked, sql="\ud800")
        assert refused(lambda: admit(broken, Operation.SUBMIT, world.desk)).reason is Reason.SQL_MALFORMED

    def test_a_signature_for_a_quote_does_not_buy_an_answer(self, world: World) -> None:
        quote = world.submit(documents.sign_request(world.claims(operation=Operation.EXPLAIN), world.alice))
        admit(quote, Operation.EXPLAIN, world.desk)
        assert refused(lambda: admit(quote, Operation.SUBMIT, world.desk)).detail.subject == "op"

    def test_another_member_s_key(self, world: World) -> None:
        """Mallory signs in Alice's name, and sends it over Alice's connection or her own."""
        forged = documents.sign_request(world.claims(), world.mallory)
        for peer in (ALICE, MALLORY):
            asked = world.submit(forged, peer=world.peer(peer))
            assert refused(lambda asked=asked: admit(asked, Operation.SUBMIT, world.desk)).reason is (  # type: ignore[misc]
                Reason.SIGNATURE_INVALID
            )

    def test_a_stolen_request_over_the_thief_s_connection(self, world: World) -> None:
        stolen = documents.sign_request(world.claims(), world.alice)
        asked = world.submit(stolen, peer=world.peer(MALLORY))
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID

    def test_another_member_s_contract(self, world: World) -> None:
        """Whether a contract of somebody else exists is not told apart from one that does not."""
        own = documents.sign_request(world.claims(issuer=MALLORY), world.mallory)
        none = documents.sign_request(world.claims(issuer=MALLORY, contract_id="e" * 32), world.mallory)
        seen = [
            refused(lambda t=token: admit(world.submit(t, peer=world.peer(MALLORY)), Operation.SUBMIT, world.desk))  # type: ignore[misc]
            for token in (own, none)
        ]
        assert {refusal.reason for refusal in seen} == {Reason.CONTRACT_UNKNOWN}
        assert seen[0].detail.hint_en == seen[1].detail.hint_en
        assert seen[0].detail.clauses == seen[1].detail.clauses == ()

    @pytest.mark.parametrize("typ", [request.SESSION_TYP, contract.OFFER_TYP, contract.ACCEPTANCE_TYP, "JWT"])
    def test_one_document_does_not_stand_for_another(self, world: World, typ: str) -> None:
        token = resign(documents.sign_request(world.claims(), world.alice), world.alice, lambda _: None, typ)
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.SIGNATURE_INVALID
        )

    def test_a_session_grant_is_no_request_and_the_other_way_round(self, world: World) -> None:
        grant = documents.sign_session(world.session(), world.alice)
        assert refused(lambda: admit(world.submit(grant), Operation.SUBMIT, world.desk)).reason is (
            Reason.SIGNATURE_INVALID
        )
        single = world.submit(
            documents.sign_request(world.claims(), world.alice), binding=Binding.SESSION, session_request_id="d" * 32
        )
        assert refused(lambda: admit(single, Operation.SUBMIT, world.desk)).reason is Reason.SIGNATURE_INVALID

    @pytest.mark.parametrize(
        "change",
        [
            lambda m: m.pop("jti"),
            lambda m: m.update(extra=1),
            lambda m: m.update(jti="A" * 32),
            lambda m: m.update(jti="a" * 31),
            lambda m: m.update(iat=True),
            lambda m: m.update(iat="1"),
            lambda m: m.update(exp=m["iat"]),
            lambda m: m.update(micro_rho=-1),
            lambda m: m.update(max_price_fen=2**53),
            lambda m: m.update(op="delete"),
            lambda m: m.update(aud=[NODE]),
            lambda m: m.update(scenario="S1\n"),
            lambda m: m.update(contract=None),
        ],
    )
    def test_malformed_claims_even_correctly_signed(
        self, world: World, change: Callable[[dict[str, object]], None]
    ) -> None:
        good = documents.sign_request(world.claims(), world.alice)
        try:
            token = resign(good, world.alice, change)
        except Malformed:  # the writer refuses it already: write the payload by hand
            header, payload, _ = good.decode().split(".")
            members = json.loads(base64url.decode(payload))
            change(members)
            raw = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
            signed = f"{header}.{base64url.encode(raw)}".encode()
            token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    def test_duplicate_json_members(self, world: World) -> None:
        """Two `max_price_fen`: parsers disagree which one counts."""
        header, payload, _ = documents.sign_request(world.claims(), world.alice).decode().split(".")
        raw = base64url.decode(payload).replace(b'"max_price_fen":100', b'"max_price_fen":100,"max_price_fen":0')
        assert raw.count(b"max_price_fen") == 2
        signed = f"{header}.{base64url.encode(raw)}".encode()
        token = signed + b"." + base64url.encode(world.alice.sign(signed)).encode()
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    @pytest.mark.parametrize("token", [b"", b"..", b"a.b.c", b"\xff" * 100, b"e30.e30." + b"A" * 86, b"x" * 5000])
    def test_bytes_that_are_no_token(self, world: World, token: bytes) -> None:
        assert refused(lambda: admit(world.submit(token), Operation.SUBMIT, world.desk)).reason is (
            Reason.REQUEST_MALFORMED
        )

    def test_a_question_that_is_too_long(self, world: World) -> None:
        asked = world.submit(b"", sql="雁" * 5462)
        assert refused(lambda: admit(asked, Operation.SUBMIT, world.desk)).reason is Reason.SQL_TOO_LONG


class TestSessions:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"audience": OTHER_NODE}, Reason.REQUEST_FOR_ANOTHER_NODE),
            ({"issuer": MALLORY}, Reason.SIGNATURE_INVALID),
            ({"expires_s": NOW_S + 3601}, Reason.REQUEST_MALFORMED),
            ({"issued_s": NOW_S - 3600, "expires_s": NOW_S}, Reason.REQUEST_EXPIRED),
            ({"scenario_id": "S2"}, Reason.SCENARIO_MISMATCH),
            ({"micro_rho": 51}, Reason.SPEND_LIMIT),
        ],
    )
    def test_claims_that_do_not_fit(self, world: World, changed: dict[str, Any], reason: Reason) -> None:
        assert refused(lambda: world.under_session(**changed)).reason is reason

    @pytest.mark.parametrize("use", ["", "d" * 31, "D" * 32, "d" * 33, "d" * 31 + "\n"])
    def test_every_use_has_an_id_of_its_own(self, world: World, use: str) -> None:
        assert refused(lambda: world.under_session(use)).reason is Reason.REQUEST_MALFORMED
