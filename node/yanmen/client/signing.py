"""What binds the member to a question: a signature over each one, or one grant for a short while."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from yanmen.client.identity import Identity
from yanmen.crypto import documents
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.model.contract import Terms
from yanmen.model.ports import Clock, Randomness
from yanmen.wire.v1 import query_pb2

REQUEST_SECONDS = 120
"""Life of a signed question: it is sent at once."""
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Spending:
    """What a question may cost: the charge asked for (0 = the contract's default) and the most agreed to."""

    micro_rho: int
    max_micro_rho: int
    max_price_fen: int

    @classmethod
    def within(
        cls, terms: Terms, micro_rho: int = 0, max_micro_rho: int | None = None, max_price_fen: int | None = None
    ) -> "Spending":
        """Return what one question under `terms` costs, unless the caller sets a maximum of its own."""
        charge = micro_rho or terms.micro_rho_per_query
        return cls(
            micro_rho=micro_rho,
            max_micro_rho=charge if max_micro_rho is None else max_micro_rho,
            max_price_fen=terms.price_most_fen if max_price_fen is None else max_price_fen,
        )


class Binder(Protocol):
    """Makes the authorisation of one question."""

    def bind(self, sql: str, use_id: str, operation: Operation) -> query_pb2.Authorisation:
        """Return the authorisation of `sql`, whose use has the id `use_id`."""
        ...


@dataclass(frozen=True, slots=True)
class Signing:
    """What every signature is made with: whose, for which node, when."""

    identity: Identity
    node_id: str
    clock: Clock
    randomness: Randomness

    def new_id(self) -> str:
        """Return an unpredictable id: of a request, a grant or a job."""
        return self.randomness.token(ID_BYTES).hex()


@dataclass(frozen=True, slots=True)
class EachQuestion:
    """Signs each question by itself; the request's id is the job's."""

    signing: Signing
    terms: Terms
    spending: Spending
    manifest: bytes = b""

    def bind(self, sql: str, use_id: str, operation: Operation) -> query_pb2.Authorisation:
        """Return the signed request."""
        issued_s = self.signing.clock.now_ms() // 1000
        claims = RequestClaims(
            audience=self.signing.node_id,
            issuer=self.signing.identity.id,
            jti=use_id,
            issued_s=issued_s,
            expires_s=issued_s + REQUEST_SECONDS,
            contract_id=self.terms.id,
            scenario_id=self.terms.scenario.id,
            query_sha256=hashlib.sha256(sql.encode()).hexdigest(),
            operation=operation,
            micro_rho=self.spending.micro_rho,
            max_micro_rho=self.spending.max_micro_rho,
            max_price_fen=self.spending.max_price_fen,
            manifest_sha256=hashlib.sha256(self.manifest).hexdigest() if self.manifest else "",
        )
        token = documents.sign_request(claims, self.signing.identity.signer)
        return query_pb2.Authorisation(request_jws=token.decode("ascii"))


@dataclass(frozen=True, slots=True)
class UnderGrant:
    """Spends from one signed grant; nothing is signed per question."""

    grant_jws: str
    expires_s: int

    @classmethod
    def issue(cls, signing: Signing, terms: Terms, spending: Spending, seconds: int) -> "UnderGrant":
        """Sign a grant over `terms` for `seconds`, whose maxima hold for all its uses together."""
        issued_s = signing.clock.now_ms() // 1000
        claims = SessionClaims(
            audience=signing.node_id,
            issuer=signing.identity.id,
            jti=signing.new_id(),
            issued_s=issued_s,
            expires_s=issued_s + seconds,
            contract_id=terms.id,
            scenario_id=terms.scenario.id,
            micro_rho=spending.micro_rho,
            max_micro_rho=spending.max_micro_rho,
            max_price_fen=spending.max_price_fen,
        )
        return cls(documents.sign_session(claims, signing.identity.signer).decode("ascii"), claims.expires_s)

    def bind(self, sql: str, use_id: str, operation: Operation) -> query_pb2.Authorisation:  # noqa: ARG002 - a grant binds no text
        """Return a use of the grant."""
        return query_pb2.Authorisation(session=query_pb2.SessionUse(grant_jws=self.grant_jws, request_id=use_id))
