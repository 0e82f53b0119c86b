"""Accounts of persons in the node's folder: one private file, replaced whole, read anew for each use."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto import passwords
from yanmen.formats import json_canonical
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, items, text
from yanmen.formats.malformed import Malformed
from yanmen.model.account import Account, AccountRole, AccountStatus
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

FILE = "accounts.json"
ACCOUNTS_MAX = 1_000
BYTES_MAX = 1024 * 1024
ID = re.compile(r"[a-z][a-z0-9_.-]{0,31}", re.ASCII)
NAME_MAX, VERIFIED_MAX = 100, 200
_MEMBERS = frozenset({"id", "name", "password", "role", "status", "verified"})


def read(node: Path) -> dict[str, Account]:
    """Return the accounts by id, none where there is no file; one that is damaged is a `Fault`, and opens nothing."""
    try:
        data = regular_file.read(node / FILE, BYTES_MAX + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Fault(FaultCode.STORAGE, f"{FILE}: {error.strerror}") from error
    try:
        members = exact(json_canonical.decode_object(data.removesuffix(b"\n"), BYTES_MAX), frozenset({"accounts"}))
        found = [_account(each) for each in items(members, "accounts", ACCOUNTS_MAX)]
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, f"{FILE}: {error}") from error
    if [each.id for each in found] != sorted({each.id for each in found}):
        raise Fault(FaultCode.STORAGE, f"{FILE}: accounts in order, each once")
    return {each.id: each for each in found}


def add(node: Path, account: Account) -> None:
    """Register a person who has no account yet."""
    with _changing(node) as accounts:
        if account.id in accounts:
            raise _refused(account.id, "It is there already.", "该账户已存在。")
        accounts[account.id] = account


def put(node: Path, account: Account) -> None:
    """Change an account that is there."""
    with _changing(node) as accounts:
        if account.id not in accounts:
            raise unknown(account.id)
        accounts[account.id] = account


def remove(node: Path, account_id: str) -> None:
    """Take an account out; the log of operation knows that it was there."""
    with _changing(node) as accounts:
        if accounts.pop(account_id, None) is None:
            raise unknown(account_id)


def unknown(account_id: str) -> Refused:
    """Return the refusal of an account that is not there."""
    return _refused(account_id, "There is no such account: yanmen account list.", "没有该账户。")


@contextmanager
def _changing(node: Path) -> Iterator[dict[str, Account]]:
    """Give the accounts to change; they are written when nothing went wrong, while no other process changes them."""
    lock = os.open(node / f"{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        accounts = read(node)
        yield accounts
        _write(node, accounts)
    finally:
        os.close(lock)


def _write(node: Path, accounts: dict[str, Account]) -> None:
    rows: list[Json] = [_row(accounts[name]) for name in sorted(accounts)]
    for row in rows:
        _account(row)  # what would not be read is not written
    fresh = node / f"{FILE}.new"
    mode = (node / FILE).stat().st_mode & 0o660 if (node / FILE).exists() else 0o600
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(json_canonical.encode({"accounts": rows}) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
    fresh.replace(node / FILE)


def _row(account: Account) -> dict[str, Json]:
    return {
        "id": account.id,
        "name": account.name,
        "password": account.password,
        "role": account.role.value,
        "status": account.status.value,
        "verified": account.verified,
    }


def _account(value: Json) -> Account:
    members = exact(value, _MEMBERS)
    role = next((each for each in AccountRole if each.value == members["role"]), None)
    status = next((each for each in AccountStatus if each.value == members["status"]), None)
    name, verified = text(members, "name", NAME_MAX), text(members, "verified", VERIFIED_MAX)
    kept = text(members, "password", 200)
    if role is None or status is None or not passwords.is_kept(kept):
        raise Malformed("account: unknown role, status or kind of password")
    account = Account(text(members, "id", 32), name, role, verified, status, kept)
    if ID.fullmatch(account.id) is None or not all(each.strip() and each.isprintable() for each in (name, verified)):
        raise Malformed("account: a short id, a name, and by what the name was checked")
    return account


def _refused(subject: str, en: str, zh: str) -> Refused:
    return Refused(Reason.REQUEST_MALFORMED, Detail(subject, hint_en=en, hint_zh=zh))
