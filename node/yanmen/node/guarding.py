"""Guard rails are put in force while the node serves: whole, after their expected verdicts held, and with a leaf.

A folder that changed is read as at a start. What is no guard rail, or says something else than expected, stays out: the
old ones hold on, and the node's log says why.
"""

import sys
from pathlib import Path

from yanmen.admission.policies import Guards, Policies, load_guards
from yanmen.admission.verdicts import policy_test
from yanmen.ledger.ledger import Ledger
from yanmen.model.refusal import Fault, FaultCode

TESTS = "tests"
_START, _CHANGE = "serving began 开始服务", "files changed 守则更新"
_ACTOR = "node 节点"

Mark = tuple[tuple[str, int, int, int], ...]


class Guarding:
    """Holds the policies of a serving node to their folder."""

    def __init__(self, folder: Path, policies: Policies, ledger: Ledger) -> None:
        """Record the guard rails in force, unless they are those recorded last."""
        self._folder = folder
        self._policies = policies
        self._ledger = ledger
        self._mark = _marked(folder)
        ledger.put_policy(policies.in_force.guards.digest, _START, _ACTOR)

    def look(self) -> None:
        """Put what the folder holds now in force, if it changed and may be."""
        mark = _marked(self._folder)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            guards = checked(self._folder)
        except Fault as fault:
            _tell(f"policy: kept as before; {fault.note}")
            return
        if _marked(self._folder) != mark:
            self._mark = ()  # it changed while it was read: look again
            return
        if guards.digest != self._policies.in_force.guards.digest:
            self._ledger.put_policy(guards.digest, _CHANGE, _ACTOR)
            self._policies.adopt(guards)
            _tell(f"policy: in force {guards.digest}")


def checked(folder: Path) -> Guards:
    """Return the guard rails in `folder` once every expected verdict beside them holds."""
    guards = load_guards(folder)
    for path in sorted((folder / TESTS).glob("*.toml")):
        for each in policy_test(path, guards):
            if not each.passed:
                raise Fault(
                    FaultCode.CONFIG, f"{path.name}, line {each.line}: {each.name}: another verdict than expected"
                )
    return guards


def _marked(folder: Path) -> Mark:
    """Return what changes when a file of the folder does."""
    found = []
    for path in sorted((*folder.glob("*.cedar"), *(folder / TESTS).glob("*.toml"))):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the operator's log
