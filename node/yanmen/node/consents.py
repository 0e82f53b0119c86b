"""Which snapshot a question reads: that of its version without the units that withdrew from its contract.

Where contract or dataset ask for consent beforehand it is the other way round: with those units alone that gave it,
and a unit of which nothing is recorded is left out.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from yanmen.crypto import unit_hash
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Dataset, Version
from yanmen.model.consent import ConsentRule, Exclusion
from yanmen.model.contract import Terms
from yanmen.model.ports import Snapshot
from yanmen.model.refusal import Fault, FaultCode
from yanmen.model.stages import Plan

MADE = "2: values as the version has them, units by the one form of their names"
UNITS_MAX = 100_000
"""Decisions that one contract goes by before the data is to be published without whoever is to be left out."""


@runtime_checkable
class Pruner(Protocol):
    """A runner that makes a snapshot of another, without some units."""

    def exclude(self, version: Version, exclusion: Exclusion) -> Snapshot:
        """Make and seal the snapshot of `version` without the rows of these units."""
        ...


@dataclass(frozen=True, slots=True)
class Consents:
    """What a node's questions are held to: nobody who withdrew, or never consented, is in what they read."""

    ledger: Ledger
    runner: object
    seal_key: bytes
    directory: Path

    def ready(self, plan: Plan) -> bool:
        """Say whether every snapshot that `plan` reads instead was made before."""
        return all(self._known(version, exclusion) is not None for version, exclusion in self._exclusions(plan))

    def attached(self, plan: Plan) -> Mapping[str, str]:
        """Return the snapshots to read instead, by the versions they were made of; what is not there yet is made."""
        return {version.version: self._without(version, exclusion) for version, exclusion in self._exclusions(plan)}

    def _exclusions(self, plan: Plan) -> Iterator[tuple[Version, Exclusion]]:
        """Yield the versions that `plan` does not read as they are, and who is left out of them."""
        terms = plan.admitted.contract.terms
        for scan in plan.scans:
            if scan.version.dataset.unit() is not None:
                exclusion = self._exclusion(scan.version.dataset, terms)
                if exclusion.others or exclusion.units:
                    yield scan.version, exclusion

    def _exclusion(self, dataset: Dataset, terms: Terms) -> Exclusion:
        """Return who is left out of a dataset under a contract."""
        space, beforehand = dataset.consent_space, ConsentRule.RECORDED in (terms.consent, dataset.consent)
        decided = self.ledger.consenting if beforehand else self.ledger.withdrawn
        return Exclusion(unit_hash.space_key(self.seal_key, space), decided(space, terms.id), others=beforehand)

    def _without(self, version: Version, exclusion: Exclusion) -> str:
        if len(exclusion.units) > UNITS_MAX:
            raise Fault(FaultCode.STORAGE, f"more than {UNITS_MAX} decisions: publish the data without who is left out")
        known = self._known(version, exclusion)
        if known is not None:
            return known
        if not isinstance(self.runner, Pruner):
            raise Fault(FaultCode.INTERNAL, "consents, and a runner that cannot leave rows out")
        made = self.runner.exclude(version, exclusion)
        self.ledger.keep_pruned(version.version, _digest(exclusion), made.version, made.path)
        return made.version

    def _known(self, version: Version, exclusion: Exclusion) -> str | None:
        """Return the snapshot of `version` without who is left out, if it was made and is still there."""
        known = self.ledger.pruned(version.version, _digest(exclusion))
        return None if known is None or not (self.directory / known[1]).is_file() else known[0]


def _digest(exclusion: Exclusion) -> str:
    """Return what names a pruned snapshot of a version; `MADE` tells apart those made in an earlier way."""
    listed = "\n".join((MADE, *(("others",) if exclusion.others else ()), *exclusion.units))
    return hashlib.sha256(listed.encode("ascii")).hexdigest()
