"""What a stock Flight SQL driver is connected with: it cannot sign each question, so a grant goes with each call."""

from dataclasses import dataclass, field

from yanmen.client.calls import Calls
from yanmen.crypto import x509

_PREFIX = "adbc.flight.sql."
AUTHORIZATION = f"{_PREFIX}authorization_header"
CONTRACT = f"{_PREFIX}rpc.call_header.yanmen-contract"
ROOTS = f"{_PREFIX}client_option.tls_root_certs"
NAME = f"{_PREFIX}client_option.tls_override_hostname"
CHAIN = f"{_PREFIX}client_option.mtls_cert_chain"
KEY = f"{_PREFIX}client_option.mtls_private_key"


@dataclass(frozen=True, slots=True)
class Driver:
    """Address and options of `adbc_driver_flightsql.dbapi.connect(driver.uri, db_kwargs=driver.options)`.

    The options hold the member's TLS key and the grant: whoever has them asks in the member's name until `expires_s`.
    """

    uri: str
    expires_s: int
    grant: str = field(repr=False)
    options: dict[str, str] = field(repr=False)


def adbc(calls: Calls, contract_id: str, grant: str, expires_s: int) -> Driver:
    """Return what connects to the node of `calls`, to nobody else, under `grant`.

    Its certificate was compared with the register. When it is renewed the options hold on: they trust the space's root
    for the one name that only this node's certificates have. One without that name is itself what is trusted.
    """
    identity, served = calls.identity, calls.served_pem
    host = x509.connector_host(identity.space, calls.node.id)
    pinned = {ROOTS: served.decode("ascii")}
    named = {ROOTS: identity.authority_pem.decode("ascii"), NAME: host}
    options = {
        **(named if x509.has_host(served, host) else pinned),
        CHAIN: identity.certificate_pem.decode("ascii"),
        KEY: identity.tls_key_pem.decode("ascii"),
        AUTHORIZATION: f"Bearer {grant}",
        CONTRACT: contract_id,
    }
    return Driver(f"grpc+tls://{calls.target}", expires_s, grant, options)
