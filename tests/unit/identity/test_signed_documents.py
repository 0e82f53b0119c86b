"""Acceptances, requests and grants: one form, refused alike when written and when read."""

import dataclasses
from typing import Any

import pytest
from yanmen.formats import connector_id, contract, request
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.model.contract import ContractStatus

NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001")
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
ACCEPTANCE = Acceptance(
    "0" * 32, NODE, "a" * 64, ContractStatus.ACTIVE, "首席数据官", Reasons("必要", "合法", "安全"), 1_790_000_000_000
)
REQUEST = RequestClaims(NODE, ALICE, "b" * 32, 10, 20, "0" * 32, "S1", "c" * 64, Operation.SUBMIT, 0, 5, 6)
SESSION = SessionClaims(NODE, ALICE, "b" * 32, 10, 20, "0" * 32, "S1", 0, 5, 6)


def test_values_and_payloads_are_one() -> None:
    assert contract.decode_acceptance(contract.encode_acceptance(ACCEPTANCE)) == ACCEPTANCE
    assert request.decode_request(request.encode_request(REQUEST)) == REQUEST
    assert request.decode_session(request.encode_session(SESSION)) == SESSION


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decision", "pending"),
        ("decision", "revoked"),
        ("decision", None),
        ("offer_sha256", "A" * 64),
        ("offer_sha256", "a" * 63),
        ("decided_by", " "),
        ("decided_by", "x" * 201),
        ("holder", "x"),
        ("contract", "0" * 33),
        ("time_ms", -1),
        ("time_ms", "1"),
        ("reasons", {}),
        ("reasons", {"legality": "", "necessity": "", "security": "", "more": ""}),
        ("reasons", {"legality": 1, "necessity": "", "security": ""}),
        ("reasons", {"legality": "x" * 2001, "necessity": "", "security": ""}),
        ("more", 1),
    ],
)
def test_an_acceptance_that_is_not_in_form(name: str, value: Any) -> None:
    payload = dict(contract.encode_acceptance(ACCEPTANCE))
    payload[name] = value
    with pytest.raises(Malformed):
        contract.decode_acceptance(payload)


@pytest.mark.parametrize(
    "changed", [{"decision": ContractStatus.REVOKED}, {"decided_by": ""}, {"holder": "x"}, {"offer_sha256": ""}]
)
def test_an_acceptance_that_cannot_be_read_is_not_written(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        contract.encode_acceptance(dataclasses.replace(ACCEPTANCE, **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": "x"},
        {"issuer": ""},
        {"jti": "B" * 32},
        {"expires_s": 10},
        {"issued_s": -1},
        {"expires_s": 2**41},
        {"contract_id": ""},
        {"scenario_id": ""},
        {"scenario_id": "x" * 65},
        {"max_micro_rho": -1},
        {"max_price_fen": 2**53},
    ],
)
def test_what_cannot_be_read_is_not_signed(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        request.encode_request(dataclasses.replace(REQUEST, **changed))
    with pytest.raises(Malformed):
        request.encode_session(dataclasses.replace(SESSION, **changed))


def test_three_reasons_or_none_that_count() -> None:
    assert Reasons("a", "b", "c").complete()
    for incomplete in (Reasons(), Reasons("a", "b"), Reasons("a", " ", "c")):
        assert not incomplete.complete()
