"""The ledger's part about signed documents: reviews, negative lists, grants of operation, products, consents."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from yanmen.formats import negative_list, office, operation, product, review, template
from yanmen.ledger import consents, contracts, deletions, evidence, log, signed
from yanmen.ledger.connection import Connection
from yanmen.ledger.desk import Desk
from yanmen.ledger.signed import Paper
from yanmen.model.consent import Consent, PersonsUse
from yanmen.model.contract import MAY_BECOME, Contract, ContractStatus
from yanmen.model.evidence import ContractUses
from yanmen.model.governance import DocumentKind, NegativeList, Review
from yanmen.model.office import Act
from yanmen.model.operation import Endorsement, OperatingGrant, Product
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.model.template import PublishedTemplate

T = TypeVar("T")


class Registry(Desk):
    """What authorities and the holder signed about catalogue and operation."""

    __slots__ = ()

    def record_document(self, paper: Paper, follows: Callable[[bytes | None], None]) -> Receipt:
        """Record a document whose signature was verified, unless `follows` refuses it after the newest before it."""
        if len(paper.token) > signed.BYTES_MAX:
            raise Fault(FaultCode.INTERNAL, "a document longer than a leaf discloses")
        return self._recorded(lambda db: signed.record(db, self._log, paper, follows))

    def review(self, declared_sha256: str) -> Review | None:
        """Return the newest review of what has this digest."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.REVIEW, declared_sha256)
        return None if token is None else signed.read(token, review.decode)

    def document(self, kind: DocumentKind, subject: str) -> bytes | None:
        """Return the newest document of this kind about `subject`, as signed."""
        with self._store.read() as db:
            return signed.newest(db, kind, subject)

    def evidence_stages(self, since: int, until: int) -> Mapping[Stage, int]:
        """Return how many leaves of each stage there are from `since` on, below `until`."""
        with self._store.read() as db:
            return evidence.stages(db, since, until)

    def evidence_uses(self, since: int, most: int) -> tuple[ContractUses, ...]:
        """Return the questions by contract that began or ended from `since` on."""
        with self._store.read() as db:
            return evidence.uses(db, since, most)

    def office(self, contract_id: str, act: Act) -> tuple[int, bytes] | None:
        """Return the newest act of an officer about a contract, as signed, and its place in the log."""
        with self._store.read() as db:
            return next(iter(signed.about(db, DocumentKind.OFFICE, f"{contract_id}/{act.value}")), None)

    def office_over(self, contract_id: str, act: Act, offer_sha256: str) -> tuple[int, bytes] | None:
        """Return the newest act of an officer about this very offer, as signed, and its place in the log."""
        with self._store.read() as db:
            found = signed.about(db, DocumentKind.OFFICE, f"{contract_id}/{act.value}")
        return next(
            (each for each in found if signed.read(each[1], office.decode).offer_sha256 == offer_sha256),
            None,
        )

    def pending(self) -> tuple[tuple[Contract, int], ...]:
        """Return every contract that waits for a decision, oldest first, with the time it was offered."""
        with self._store.read() as db:
            listed = contracts.listed(db, "")
            waiting = [each for each in listed if each.status is ContractStatus.PENDING]
            changes = [each.amendment for each in listed if each.amendment is not None]
            waiting += [each for each in changes if each.status is ContractStatus.PENDING]
            return tuple((each, contracts.offered_ms(db, each)) for each in waiting)

    def negative_lists(self) -> tuple[NegativeList, ...]:
        """Return the negative lists in force, one for each authority that issued any."""
        with self._store.read() as db:
            papers = signed.in_force(db, DocumentKind.NEGATIVE_LIST)
        return tuple(negative(paper.token) for paper in papers)

    def operation(self, grant: str) -> OperatingGrant | None:
        """Return a grant of operation as it stands, ended ones too."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.OPERATION, grant)
        return None if token is None else signed.read(token, operation.decode)

    def operations(self) -> tuple[OperatingGrant, ...]:
        """Return every grant of operation as it stands."""
        with self._store.read() as db:
            papers = signed.in_force(db, DocumentKind.OPERATION)
        return tuple(signed.read(paper.token, operation.decode) for paper in papers)

    def product(self, name: str) -> Product | None:
        """Return a product as it stands, withdrawn ones too."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.PRODUCT, name)
        return None if token is None else signed.read(token, product.decode)

    def products(self) -> tuple[tuple[Product, bytes], ...]:
        """Return every product as it stands, with what was signed."""
        with self._store.read() as db:
            papers = signed.in_force(db, DocumentKind.PRODUCT)
        return tuple((signed.read(paper.token, product.decode), paper.token) for paper in papers)

    def template(self, name: str) -> PublishedTemplate | None:
        """Return a contract template as it stands, withdrawn ones too."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.TEMPLATE, name)
        return None if token is None else _template(token)

    def templates(self) -> tuple[PublishedTemplate, ...]:
        """Return every contract template as it stands."""
        with self._store.read() as db:
            papers = signed.in_force(db, DocumentKind.TEMPLATE)
        return tuple(_template(paper.token) for paper in papers)

    def endorsement(self, contract: str) -> Endorsement | None:
        """Return the newest endorsement of a contract."""
        with self._store.read() as db:
            token = signed.newest(db, DocumentKind.ENDORSEMENT, contract)
        return None if token is None else signed.read(token, operation.decode_endorsement)

    def end_operation(self, paper: Paper, grant: str, decided_by: str) -> tuple[Receipt, int]:
        """Record that a grant of operation is over and revoke every contract that hangs on it, in one transaction.

        Return the receipt and how many contracts were ended.
        """

        def ended(db: Connection) -> tuple[int, int]:
            position = signed.record(db, self._log, paper, lambda _: None)
            hanging = [one for one in contracts.operated(db, grant) if ContractStatus.REVOKED in MAY_BECOME[one[1]]]
            for contract_id, _ in hanging:
                deletions.ended(db, contract_id, ContractStatus.REVOKED, self._log.now_ms(db))
                contracts.change(db, self._log, contract_id, ContractStatus.REVOKED, decided_by)
            return position, len(hanging)

        return self._commit(ended, lambda db, found: (log.read_receipt(db, found[0], whole=False), found[1]))

    def record_consent(self, paper: Paper, value: Consent) -> Receipt:
        """Record what a unit decided; it holds from the next question on."""
        return self._recorded(lambda db: consents.keep(db, self._log, paper, value))

    def withdrawn(self, space: str, contract: str) -> tuple[str, ...]:
        """Return the units of a subject space that a contract may not include, as keyed hashes."""
        with self._store.read() as db:
            return consents.withdrawn(db, space, contract)

    def consenting(self, space: str, contract: str) -> tuple[str, ...]:
        """Return the units of a subject space that consented to a contract beforehand, as keyed hashes."""
        with self._store.read() as db:
            return consents.consenting(db, space, contract)

    def uses_of(self, space: str, unit: str) -> tuple[PersonsUse, ...]:
        """Return the answers about a subject space that may have included a unit."""
        with self._store.read() as db:
            return consents.uses_of(db, space, unit)

    def pruned(self, version: str, exclusion: str) -> tuple[str, str] | None:
        """Return version and path of the snapshot made of `version` without some units."""
        with self._store.read() as db:
            return consents.pruned(db, version, exclusion)

    def keep_pruned(self, version: str, exclusion: str, snapshot: str, path: str) -> None:
        """Note the snapshot made of `version` without some units."""
        with self._writing() as db:
            consents.keep_pruned(db, version, exclusion, snapshot, path)


def _template(token: bytes) -> PublishedTemplate:
    return PublishedTemplate(signed.read(token, template.decode), hashlib.sha256(token).hexdigest(), token)


def negative(token: bytes) -> NegativeList:
    """Return a negative list that was recorded."""
    return signed.read(token, negative_list.decode)
