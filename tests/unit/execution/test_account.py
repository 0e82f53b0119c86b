"""The account a root node gives its workers: never root's, never somebody else's."""

import os
import pwd

import pytest
from yanmen.execution import account
from yanmen.model.refusal import Fault, FaultCode


def entry(name: str, user: int, group: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", user, group, "", "/nonexistent", "/usr/sbin/nologin"))


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> dict[str, pwd.struct_passwd]:
    """A host whose accounts are those of the dictionary, asked by root."""
    known: dict[str, pwd.struct_passwd] = {}

    def by_number(number: int) -> pwd.struct_passwd:
        return next(iter([each for each in known.values() if each.pw_uid == number] or [known["missing"]]))

    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: known[name])
    monkeypatch.setattr(pwd, "getpwuid", by_number)
    return known


def test_a_node_that_is_not_root_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert account.of_jobs() is None
    assert account.word() == "-"


def test_the_account_of_that_name_is_taken(accounts: dict[str, pwd.struct_passwd]) -> None:
    accounts[account.NAME] = entry(account.NAME, 990, 991)
    assert account.of_jobs() == account.Account(990, 991, account.NAME)
    assert account.word() == "990:991"


def test_without_one_it_is_a_number_that_nobody_has(accounts: dict[str, pwd.struct_passwd]) -> None:
    assert account.word() == f"{account.NUMBER}:{account.NUMBER}"


@pytest.mark.parametrize(
    "taken",
    [entry(account.NAME, 0, 990), entry(account.NAME, 990, 0), entry("somebody", account.NUMBER, 1)],
)
def test_an_account_of_root_or_of_somebody_else_is_a_fault(
    accounts: dict[str, pwd.struct_passwd], taken: pwd.struct_passwd
) -> None:
    accounts[taken.pw_name] = taken
    with pytest.raises(Fault) as fault:
        account.of_jobs()
    assert fault.value.code is FaultCode.SANDBOX
