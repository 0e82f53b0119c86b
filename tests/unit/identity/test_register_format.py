"""The register's payload: one form only, and what a party has follows from its role."""

import copy
import dataclasses
import json
from typing import Any

import pytest
from yanmen.formats import connector_id, json_canonical, register
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party, PartyRole, PartyStatus, Register

IDS = sorted(connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"0000000{n}") for n in range(3))
MEMBER = Party(IDS[0], "alice", "某公司", PartyRole.DEVELOPER, PartyStatus.ACTIVE, b"a" * 32, b"", "0" * 64)
NODE = Party(
    IDS[1],
    "health",
    "卫健委",
    PartyRole.NODE,
    PartyStatus.PENDING,
    b"b" * 32,
    b"c" * 32,
    "1" * 64,
    "127.0.0.1:7001",
    ("drugs", "labs"),
)
REGISTER = Register("sx.example", 7, 1_790_000_000_000, 1_790_000_000_001, (MEMBER, NODE))


def plain() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json_canonical.encode(register.encode(REGISTER)))
    return made


def test_payload_and_value_are_one() -> None:
    assert register.decode(plain()) == REGISTER
    assert register.encode(register.decode(plain())) == plain()


@pytest.mark.parametrize(
    ("index", "name", "value"),
    [
        (0, "extra", 1),
        (0, "id", "x" * 32),
        (0, "id", IDS[1]),
        (0, "alias", "Alice"),
        (0, "alias", "health"),
        (0, "alias", "1a"),
        (0, "alias", "a.b"),
        (0, "name", "x" * 201),
        (0, "name", 5),
        (0, "role", "root"),
        (0, "status", "ACTIVE"),
        (0, "signing_key", ""),
        (0, "signing_key", "A" * 44),
        (0, "signing_key", "A" * 42 + "B"),
        (0, "log_key", "A" * 43),
        (0, "certificate_sha256", "A" * 64),
        (0, "certificate_sha256", ""),
        (0, "address", "127.0.0.1:1"),
        (0, "datasets", ["labs"]),
        (1, "log_key", ""),
        (1, "log_key", "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI"),
        (1, "datasets", ["labs", "drugs"]),
        (1, "datasets", ["labs", "labs"]),
        (1, "datasets", ["a; DROP"]),
        (1, "datasets", "labs"),
    ],
)
def test_a_party_that_is_not_in_form(index: int, name: str, value: object) -> None:
    payload = plain()
    payload["parties"][index][name] = value
    with pytest.raises(Malformed):
        register.decode(payload)


@pytest.mark.parametrize("name", sorted(plain()["parties"][0]))
def test_a_party_without_a_member(name: str) -> None:
    payload = plain()
    del payload["parties"][0][name]
    with pytest.raises(Malformed, match="missing"):
        register.decode(payload)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("space", "SX"),
        ("space", ""),
        ("serial", 0),
        ("serial", True),
        ("serial", "7"),
        ("issued_ms", -1),
        ("expires_ms", 1_790_000_000_000),
        ("expires_ms", 0),
        ("expires_ms", True),
        ("expires_ms", None),
        ("parties", {}),
        ("more", 1),
    ],
)
def test_a_register_that_is_not_in_form(name: str, value: object) -> None:
    payload = plain()
    payload[name] = value
    with pytest.raises(Malformed):
        register.decode(payload)


def test_parties_stand_in_order_once() -> None:
    for parties in ([1, 0], [0, 0], [1, 1, 0]):
        payload = plain()
        payload["parties"] = [copy.deepcopy(plain()["parties"][index]) for index in parties]
        with pytest.raises(Malformed):
            register.decode(payload)


def test_what_cannot_be_read_is_not_written() -> None:
    for parties in (
        (NODE, MEMBER),
        (MEMBER, dataclasses.replace(NODE, alias="alice")),
        (dataclasses.replace(MEMBER, log_key=b"x" * 32),),
        (dataclasses.replace(MEMBER, signing_key=b"x"),),
    ):
        with pytest.raises(Malformed):
            register.encode(dataclasses.replace(REGISTER, parties=parties))
