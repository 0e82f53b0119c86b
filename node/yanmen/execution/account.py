"""The account that a root node's workers become: one that nothing else on the host runs under."""

import os
import pwd
from dataclasses import dataclass

from yanmen.model.refusal import Fault, FaultCode

NAME = "yanmen-job"
"""A host may have an account of this name for the jobs of its nodes."""
NUMBER = 65530
"""Without one: above what hosts and systemd hand out, below `nobody`; an account it belongs to is a fault."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group by number, and how the profile names them."""

    user: int
    group: int
    name: str

    @property
    def word(self) -> str:
        """What a worker is told: `UID:GID`."""
        return f"{self.user}:{self.group}"


def of_jobs() -> Account | None:
    """Return the account workers become, None when this process is not root and they have to keep its own."""
    if os.getuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return _unnamed()
    if 0 in {entry.pw_uid, entry.pw_gid}:
        raise Fault(FaultCode.SANDBOX, f"the account {NAME} is root's")
    return Account(entry.pw_uid, entry.pw_gid, NAME)


def _unnamed() -> Account:
    try:
        owner = pwd.getpwuid(NUMBER).pw_name
    except KeyError:
        return Account(NUMBER, NUMBER, str(NUMBER))
    note = f"user {NUMBER} is {owner}: make a system account {NAME} for the jobs of this node"
    raise Fault(FaultCode.SANDBOX, note)


def word() -> str:
    """Return what a worker of this process is told of its account; `-` is its own."""
    found = of_jobs()
    return "-" if found is None else found.word
