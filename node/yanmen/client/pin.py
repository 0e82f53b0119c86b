"""The node's certificate must be the one the register names, not just any of the space on that host.

gRPC shows a client no peer certificate, but takes a leaf as the only root it trusts. So the leaf is
fetched in a handshake of its own, compared with the register, and handed to gRPC.
"""

import hashlib
import socket
import ssl

from yanmen.client.errors import Unreachable
from yanmen.client.identity import Identity
from yanmen.model.party import Party

SECONDS = 10.0


def registered_certificate(target: str, node: Party, identity: Identity) -> bytes:
    """Return, as PEM, the certificate served at `target`, once it is the one the register has for `node`."""
    host, _, port = target.rpartition(":")
    context = ssl.create_default_context(cadata=identity.authority_pem.decode("ascii", "replace"))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(identity.folder / "tls.crt", identity.folder / "tls.key")
        address = (host.strip("[]"), int(port))
        with (
            socket.create_connection(address, timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as tls,
        ):
            served = tls.getpeercert(binary_form=True) or b""
    except (OSError, ValueError) as error:
        raise Unreachable("UNAVAILABLE", f"{target}: {error}") from error
    if hashlib.sha256(served).hexdigest() != node.certificate_sha256:
        raise Unreachable(
            "UNAUTHENTICATED", f"{target} serves another certificate than the register has for {node.alias}"
        )
    return ssl.DER_cert_to_PEM_cert(served).encode("ascii")
