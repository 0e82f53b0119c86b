"""7.1b 连接器身份管理 (标识、密钥、能力): an NDI id, keys made here, and a signed record of abilities."""

from pathlib import Path

import pytest
from yanmen.client.identity import Identity
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import connector_id
from yanmen.formats.malformed import Malformed
from yanmen.wire.authorisation import METHODS

from tests.conformance.department import Department
from tests.system.town import done, run


def test_identifier_is_the_connectors_own_with_its_check_digit(department: Department) -> None:
    """标识: 32 characters of NDI-TR-2025-04; one of them mistyped is no identifier."""
    party = Identity.load(department.root / "alice").node("clinic")
    parts = connector_id.decode(party.id)
    assert (len(party.id), party.id[0], parts.subject[:17]) == (32, "5", "11140000MB0GTTTT0")
    for place, character in enumerate(party.id):
        other = "0" if character != "0" else "1"
        with pytest.raises(Malformed):
            connector_id.check(party.id[:place] + other + party.id[place + 1 :])


def test_keys_are_made_here_and_only_their_public_halves_are_registered(department: Department) -> None:
    """密钥: three keys, each for one use; none is in what went to the space operator."""
    party = Identity.load(department.root / "alice").node("clinic")
    assert len({party.signing_key, party.log_key}) == 2
    sent = (department.node / "application.jws").read_bytes()
    for name in ("signing.key", "log.key", "tls.key", "seal.key"):
        key = department.node / name
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_bytes()[-100:-30] not in sent


def test_abilities_are_signed_told_over_the_wire_and_registered(department: Department) -> None:
    """能力: algorithms, modes, limits and interfaces, the same from folder, wire and register."""
    told = done("node", "abilities", "--as", department.root / "alice", "--at", "clinic")
    assert set(told["interfaces"]) == set(METHODS)
    assert told["algorithms"]["signatures"] == ["Ed25519"]
    assert told["algorithms"]["not_offered"] == ["SM2", "TLCP"]
    assert told["modes"]["sandbox"] == ["landlock"]
    assert told["limits"]["sql_bytes"] == 16384
    assert done("node", "abilities", department.node) == told
    record = department.node / "abilities.jws"
    entered = done("space", "abilities", department.space, record)
    party = Identity.load(department.root / "alice").node("clinic")
    assert party.abilities == entered["abilities"]


def test_a_record_counts_only_as_its_node_signed_it(department: Department, tmp_path: Path) -> None:
    done("node", "abilities", department.node)
    token = (department.node / "abilities.jws").read_bytes().strip()
    party = Identity.load(department.root / "alice").node("clinic")
    assert documents.open_abilities(token, party.signing_key).node == party.id
    with pytest.raises(BadSignature):
        documents.open_abilities(token, party.log_key)
    head, _, signature = token.rpartition(b".")
    altered = tmp_path / "abilities.jws"
    altered.write_bytes(head + b"." + (b"A" if signature[:1] != b"A" else b"B") + signature[1:])
    assert run("space", "abilities", department.space, altered)[0] == 2
