"""Which snapshot a question reads: that of its version, without the units that withdrew from its contract."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from yanmen.crypto import unit_hash
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import DatasetClass, Version
from yanmen.model.consent import Exclusion
from yanmen.model.ports import Snapshot
from yanmen.model.refusal import Fault, FaultCode
from yanmen.model.stages import Plan

UNITS_MAX = 100_000
"""Withdrawals that one contract leaves out before the data is to be published without them."""


@runtime_checkable
class Pruner(Protocol):
    """A runner that makes a snapshot of another, without some units."""

    def exclude(self, version: Version, exclusion: Exclusion) -> Snapshot:
        """Make and seal the snapshot of `version` without the rows of these units."""
        ...


@dataclass(frozen=True, slots=True)
class Consents:
    """What a node's questions are held to: nobody who withdrew is in what they read."""

    ledger: Ledger
    runner: object
    seal_key: bytes
    directory: Path

    def attached(self, plan: Plan) -> Mapping[str, str]:
        """Return the snapshots to read instead, by the versions they were made of."""
        contract = plan.admitted.contract.terms.id
        found: dict[str, str] = {}
        for scan in plan.scans:
            dataset = scan.version.dataset
            if dataset.cls is DatasetClass.PERSONAL:
                units = self.ledger.withdrawn(dataset.subject_space, contract)
                if units:
                    found[scan.version.version] = self._without(scan.version, units)
        return found

    def _without(self, version: Version, units: tuple[str, ...]) -> str:
        if len(units) > UNITS_MAX:
            raise Fault(FaultCode.STORAGE, f"more than {UNITS_MAX} withdrawals: publish the data without them")
        digest = hashlib.sha256("\n".join(units).encode("ascii")).hexdigest()
        known = self.ledger.pruned(version.version, digest)
        if known is not None and (self.directory / known[1]).is_file():
            return known[0]
        if not isinstance(self.runner, Pruner):
            raise Fault(FaultCode.INTERNAL, "withdrawals, and a runner that cannot leave rows out")
        key = unit_hash.space_key(self.seal_key, version.dataset.subject_space)
        made = self.runner.exclude(version, Exclusion(key, units))
        self.ledger.keep_pruned(version.version, digest, made.version, made.path)
        return made.version
