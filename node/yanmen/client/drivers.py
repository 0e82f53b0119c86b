"""What a stock Flight SQL driver is connected with: it cannot sign each question, so a grant goes with each call."""

from dataclasses import dataclass, field

from yanmen.client.identity import Identity

_PREFIX = "adbc.flight.sql."
AUTHORIZATION = f"{_PREFIX}authorization_header"
CONTRACT = f"{_PREFIX}rpc.call_header.yanmen-contract"
ROOTS = f"{_PREFIX}client_option.tls_root_certs"
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


def adbc(target: str, served_pem: bytes, identity: Identity, contract_id: str, grant: str, expires_s: int) -> Driver:
    """Return what connects to the node at `target`, to nobody but whom `served_pem` belongs to, under `grant`."""
    options = {
        ROOTS: served_pem.decode("ascii"),
        CHAIN: identity.certificate_pem.decode("ascii"),
        KEY: identity.tls_key_pem.decode("ascii"),
        AUTHORIZATION: f"Bearer {grant}",
        CONTRACT: contract_id,
    }
    return Driver(f"grpc+tls://{target}", expires_s, grant, options)
