"""Time stamps of an authority (RFC 3161) over heads: the answer is kept as it came and believed only as it verifies."""

from cryptography import x509

from yanmen.crypto.signatures import BadSignature
from yanmen.formats import timestamp
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Fault, FaultCode


def verify(token: bytes, head: bytes, authority_pem: bytes, nonce: int | None = None) -> int:
    """Return the Unix time at which an authority under the root certificate `authority_pem` saw `head`.

    Its certificate must have been valid then, and must be one for time stamps alone. Raises `Malformed` when the
    bytes are no answer of an authority or the root is no certificate, `BadSignature` when they do not hold.
    """
    try:
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError as error:
        raise Fault(FaultCode.CONFIG, "time stamps need the package rfc3161-client (extra `tsa`)") from error
    if len(token) > timestamp.TOKEN_BYTES_MAX:
        raise Malformed("time stamp: too long")
    builder = VerifierBuilder()
    for root in _roots(authority_pem):
        builder = builder.add_root_certificate(root)
    try:
        answer = decode_timestamp_response(token)
        if answer.as_bytes() != token:
            raise Malformed("time stamp: not in the form DER has")
        if answer.tst_info.message_imprint.hash_algorithm != _SHA256:
            raise BadSignature("time stamp: over another hash than SHA-256")
        (builder if nonce is None else builder.nonce(nonce)).build().verify_message(answer, head)
        return int(answer.tst_info.gen_time.timestamp())
    except VerificationError as error:
        raise BadSignature(f"time stamp: {error}") from error
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed("time stamp: not an answer") from error


_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


def _roots(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Malformed("time stamp: no certificate of an authority") from error
