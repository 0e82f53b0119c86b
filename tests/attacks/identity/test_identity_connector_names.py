"""Attacks on the one name by which a program that trusts the space's root knows a serving connector."""

from pathlib import Path

import pytest
from yanmen.crypto import x509
from yanmen.crypto.x509 import Authority, Kind, Subject
from yanmen.formats.malformed import Malformed

from tests.attacks.identity.scene import ALICE, MALLORY, NOW_MS, SPACE, STAR, Counting, issue


def served(authority: Authority, folder: Path, connector: str, *hosts: str) -> bytes:
    """Return a node's leaf."""
    x509.create_key(folder / "k")
    subject = Subject(SPACE, Kind.NODE, connector, hosts)
    return x509.sign_csr(authority, x509.create_csr(folder / "k"), subject, NOW_MS, Counting())


def test_an_applicant_cannot_choose_the_name_of_a_connector(authority: Authority, tmp_path: Path) -> None:
    for host in (x509.connector_host(SPACE, ALICE), f"a.b.connector.{SPACE}"):
        with pytest.raises(Malformed, match="only the space gives"):
            served(authority, tmp_path, MALLORY, host)
        (tmp_path / "k").unlink()
    leaf = served(authority, tmp_path, MALLORY, "connector.example")
    assert x509.has_host(leaf, x509.connector_host(SPACE, MALLORY))
    assert not x509.has_host(leaf, x509.connector_host(SPACE, ALICE))


def test_a_member_has_no_name_to_serve_under(authority: Authority, tmp_path: Path) -> None:
    leaf = issue(authority, tmp_path / "k", ALICE)
    assert not x509.has_host(leaf, x509.connector_host(SPACE, ALICE))


def test_no_two_connectors_share_a_name() -> None:
    assert x509.connector_host(SPACE, STAR).endswith(f"-s.connector.{SPACE}")
    assert len({x509.connector_host(SPACE, one) for one in (ALICE, MALLORY, STAR, STAR[:-1] + "S")}) == 4
