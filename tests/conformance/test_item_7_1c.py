"""7.1c 身份认证授权: who calls is proven by certificate, what may be called by role, what is asked by a signature."""

import shutil
import ssl
from pathlib import Path

import pytest
import yanmen
from yanmen.crypto import keys
from yanmen.crypto.system import SystemRandomness

from tests.conformance.department import BEDS, ROWS, Department
from tests.system.town import done, run

LIST = ("dataset", "list", "--at", "clinic", "--as")


def test_authentication_without_a_certificate_nobody_is_answered(department: Department) -> None:
    with pytest.raises(OSError, match=r"(?i)certificate|reset|closed"):
        department.handshake(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert department.handshake(department.credentials()).startswith("TLSv1.")


def test_authentication_a_member_is_known_by_standing_at_each_call(department: Department) -> None:
    folder = department.member("standing", "--pending")
    assert run(*LIST, folder)[1]["reason"] == "IDENTITY_PENDING"
    department.member("standing")
    assert run(*LIST, folder)[0] == 0
    done("member", "revoke", department.space, "standing")
    assert run(*LIST, folder)[1]["reason"] == "IDENTITY_REVOKED"


def test_authorisation_a_role_may_do_its_own_part_only(department: Department) -> None:
    contract = department.opened()
    who, words = ("--as", department.root / "audra", "--at", "clinic"), ("--scenario", "s-2", "--purpose", "test")
    terms = ("--legal-basis", "test", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    asked = run("contract", "request", *who, "--grant", "wards:ward,beds", "--price", "100", *words, *terms)
    assert (asked[0], asked[1]["reason"]) == (1, "ROLE_NOT_ALLOWED")
    assert run(*LIST, department.root / "audra")[0] == 0, "an auditor looks"
    department.member("mallory")
    others = run("query", "--as", department.root / "mallory", "--at", "clinic", "--contract", contract, BEDS)
    assert others[1]["reason"] == "CONTRACT_UNKNOWN", "and a contract is its consumer's alone"


def test_authorisation_each_question_is_signed_by_its_member(department: Department, tmp_path: Path) -> None:
    """The certificate alone asks nothing: the question is signed by the key in the register."""
    contract = department.opened()
    thief = tmp_path / "thief"
    shutil.copytree(department.root / "alice", thief)
    (thief / "signing.key").unlink()
    keys.generate(thief / "signing.key", SystemRandomness())
    refused = run("query", "--as", thief, "--at", "clinic", "--contract", contract, BEDS)
    assert refused[0] != 0
    assert "rows" not in refused[1]


def test_token_a_session_grant_is_signed_bounded_and_ends(department: Department) -> None:
    """令牌: a short-lived token signed by the member, for programs that cannot sign; Ed25519, not SM2."""
    contract = department.opened()
    with department.connect() as node, node.session(contract, max_micro_rho=0, max_price_fen=100) as session:
        assert session.query(BEDS).rows() == ROWS
        with pytest.raises(yanmen.Refused) as caught:
            session.query("SELECT sum(beds) AS n FROM wards")
    assert caught.value.reason.value == "SPEND_LIMIT"
