"""The space's own certificate authority: P-256 certificates that name a connector, and nothing more.

A leaf carries the 32-character NDI connector id as its OU and as the last segment of a SPIFFE URI.
Of a certificate signing request only the public key and the proof that its owner holds the private
key are taken; who is named is the signer's decision, never the request's.

SPIFFE paths admit no `*`, which is one of the 37 check characters of a connector id, so `*` is
written `_` there; `_` cannot occur in an id, so the mapping has one inverse.

A server's leaf also carries a DNS name made of the id, which no applicant can choose. Nothing resolves it: a program
that trusts the space's root and asks for this name speaks to that connector alone, whichever leaf it has by now.
"""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, unique
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yanmen.crypto import keys
from yanmen.formats import connector_id
from yanmen.formats.config import SPACE
from yanmen.formats.malformed import Malformed
from yanmen.model.ports import Randomness
from yanmen.model.refusal import Fault, FaultCode

ROOT_DAYS = 3653
"""Ten years: the root is what every member pins; leaves are what is renewed."""
PEERS = 256
"""Certificates read lately and remembered, by all their bytes: a connection shows its own at every call."""
LEAF_DAYS = 90
"""Short enough that a lost key dies by itself, long enough for renewal by hand."""
BACKDATE_MS = 5 * 60 * 1000
"""A member whose clock is a little behind can use a certificate made just now."""
PEM_BYTES_MAX = 16 * 1024
"""A P-256 certificate with a dozen names has about 1.5 kB."""
HOSTS_MAX = 16
_CONNECTORS = ".connector."
"""Between a connector's id and its space, in the DNS name of a serving connector."""
_SERIAL_BYTES = 16

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----\n(?:[A-Za-z0-9+/]{1,64}={0,2}\n)+-----END \1-----\n?", re.ASCII)


@unique
class Kind(Enum):
    """Whom a leaf names: a department's node or a person's or firm's membership."""

    NODE = "node"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to certify, decided by the space operator; `hosts` are DNS names or IP addresses of a server."""

    space: str
    kind: Kind
    connector_id: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a leaf says, and the hex SHA-256 of its DER by which the register pins it."""

    space: str
    kind: Kind
    connector_id: str
    spiffe: str
    sha256: str
    not_before_ms: int
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class Authority:
    """The space's root: its certificate and the private key that signs leaves."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create_key(path: Path) -> None:
    """Make a P-256 key in the new file `path`, mode 0600; it never leaves this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    keys.write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key in the file `path`, which nobody but its owner may read."""
    try:
        key = load_pem_private_key(keys.read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Fault(FaultCode.KEYS, f"{path}: not an unencrypted PKCS #8 PEM key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Fault(FaultCode.KEYS, f"{path}: not a P-256 key")
    return key


def create_csr(key_path: Path) -> bytes:
    """Return a PEM request for the key in `key_path`; it names nobody, because the signer decides the name."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(load_key(key_path), hashes.SHA256()).public_bytes(Encoding.PEM)


def create_authority(key_path: Path, space: str, now_ms: int, randomness: Randomness) -> bytes:
    """Make the root key of `space` in the new file `key_path` and return its self-signed certificate as PEM."""
    check_space(space)
    create_key(key_path)
    key = load_key(key_path)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, space)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _dated(x509.CertificateBuilder(), now_ms, timedelta(days=ROOT_DAYS))
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_serial(randomness))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def load_authority(key_path: Path, certificate_pem: bytes) -> Authority:
    """Return the root whose key is in `key_path` and whose certificate is `certificate_pem`."""
    certificate = _load_certificate(certificate_pem)
    key = load_key(key_path)
    if certificate.public_key() != key.public_key():
        raise Fault(FaultCode.KEYS, f"{key_path}: not the key of this root certificate")
    return Authority(certificate, key)


def sign_csr(authority: Authority, csr: bytes, subject: Subject, now_ms: int, randomness: Randomness) -> bytes:
    """Return a PEM leaf of 90 days for the key in `csr`, naming `subject` and ignoring every name in `csr`."""
    _check_subject(subject)
    public = _proven_key(csr)
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    dated = _dated(x509.CertificateBuilder(), now_ms, timedelta(days=LEAF_DAYS))
    builder = (
        dated.subject_name(_subject_name(subject))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(_serial(randomness))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(subject)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    leaf = builder.sign(authority.key, hashes.SHA256())
    if leaf.not_valid_after_utc > authority.certificate.not_valid_after_utc:
        raise Fault(FaultCode.KEYS, "the root certificate expires before the leaf would")
    return leaf.public_bytes(Encoding.PEM)


@lru_cache(PEERS)
def parse_peer(certificate: bytes) -> PeerCertificate:
    """Return what the leaf `certificate` (PEM or DER) says, refusing whatever `sign_csr` would not write.

    The chain is not checked here: TLS did that, and the register pins the digest.
    """
    parsed = _load_certificate(certificate)
    _require_p256(parsed.public_key())
    ids = parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    uris = _uris(parsed)
    if len(ids) != 1 or len(uris) != 1:
        raise Malformed("certificate: not exactly one OU and one URI name")
    space, kind, named = _parse_spiffe(uris[0])
    if ids[0].value != named:
        raise Malformed("certificate: the OU and the SPIFFE id name different connectors")
    return PeerCertificate(
        space=space,
        kind=kind,
        connector_id=named,
        spiffe=uris[0],
        sha256=hashlib.sha256(parsed.public_bytes(Encoding.DER)).hexdigest(),
        not_before_ms=_milliseconds(parsed.not_valid_before_utc),
        not_after_ms=_milliseconds(parsed.not_valid_after_utc),
    )


def check_issued(certificate: bytes, authority_pem: bytes) -> None:
    """Return when `certificate` is a leaf of the root `authority_pem`; the signature is verified."""
    leaf, root = _load_certificate(certificate), _load_certificate(authority_pem)
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Malformed("certificate: not issued by this space") from error


def check_key_pair(key_path: Path, certificate: bytes) -> None:
    """Fault unless `certificate` is for the private key in `key_path`."""
    if load_key(key_path).public_key() != _load_certificate(certificate).public_key():
        raise Fault(FaultCode.KEYS, f"{key_path}: not the key of this certificate")


def check_space(space: str) -> None:
    """Refuse a space name that cannot be a SPIFFE trust domain."""
    if SPACE.fullmatch(space) is None:
        raise Malformed("space: not lower-case letters, digits, dots and hyphens")


def spiffe_id(space: str, kind: Kind, identifier: str) -> str:
    """Return the SPIFFE URI of the connector `identifier` in `space`."""
    return f"spiffe://{space}/{kind.value}/{identifier.replace('*', '_')}"


def connector_host(space: str, identifier: str) -> str:
    """Return the DNS name that the leaf of the serving connector `identifier` has, and no other one's."""
    return f"{identifier.replace('*', '-s').lower()}{_CONNECTORS}{space}"


def has_host(certificate: bytes, host: str) -> bool:
    """Return whether the leaf `certificate` (PEM or DER) has the DNS name `host`."""
    names = _load_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return host in names.get_values_for_type(x509.DNSName)


def _parse_spiffe(uri: str) -> tuple[str, Kind, str]:
    parts = uri.removeprefix("spiffe://").split("/")
    kinds = {kind.value: kind for kind in Kind}
    if len(parts) != 3 or parts[1] not in kinds:
        raise Malformed("certificate: not a SPIFFE id of a node or member")
    named = parts[2].replace("_", "*")
    check_space(parts[0])
    connector_id.check(named)
    if spiffe_id(parts[0], kinds[parts[1]], named) != uri:
        raise Malformed("certificate: SPIFFE id is not in its one form")
    return parts[0], kinds[parts[1]], named


def _proven_key(csr: bytes) -> ec.EllipticCurvePublicKey:
    """Take the public key out of a hostile request once its signature proves possession."""
    _check_block(csr, "CERTIFICATE REQUEST")
    try:
        request = x509.load_pem_x509_csr(csr)
        public = _require_p256(request.public_key())
        if not request.is_signature_valid:
            raise Malformed("CSR: the signature does not prove possession of the key")
    except Malformed:
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("CSR: not a certificate request") from error
    return public


def _require_p256(public: object) -> ec.EllipticCurvePublicKey:
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise Malformed("certificate: key is not P-256")
    return public


def _load_certificate(data: bytes) -> x509.Certificate:
    """Read one certificate, PEM or DER, and nothing after it."""
    try:
        if data.startswith(b"-----"):
            _check_block(data, "CERTIFICATE")
            return x509.load_pem_x509_certificate(data)
        if len(data) > PEM_BYTES_MAX:
            raise Malformed("certificate: too long")
        return x509.load_der_x509_certificate(data)
    except Malformed:
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("certificate: not X.509") from error


def _check_block(data: bytes, label: str) -> None:
    """Admit one PEM block of `label` and no text around it."""
    if len(data) > PEM_BYTES_MAX:
        raise Malformed("PEM: too long")
    match = _BLOCK.fullmatch(data.decode("ascii", errors="replace"))
    if match is None or match[1] != label:
        raise Malformed(f"PEM: not exactly one {label} block")


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise Malformed("certificate: an extension is missing, double or unreadable") from error
    if authority or ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise Malformed("certificate: not a leaf for client authentication")
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _subject_name(subject: Subject) -> x509.Name:
    """CN = domain or address, OU = connector id, as the NDI texts ask for."""
    common = subject.hosts[0] if subject.hosts else subject.connector_id
    if len(common) > 64:  # X.520 upper bound; the full name stands among the alternative names
        common = subject.connector_id
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.space),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, subject.connector_id),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _check_subject(subject: Subject) -> None:
    check_space(subject.space)
    connector_id.check(subject.connector_id)
    if len(subject.hosts) > HOSTS_MAX:
        raise Malformed("certificate: too many host names")
    for host in subject.hosts:
        _host(host)
        if host.endswith(f"{_CONNECTORS}{subject.space}"):
            raise Malformed("certificate: a host name that only the space gives")


def _names(subject: Subject) -> list[x509.GeneralName]:
    uri = spiffe_id(subject.space, subject.kind, subject.connector_id)
    serves = subject.kind is Kind.NODE and _HOST.fullmatch(subject.space) is not None
    own = [x509.DNSName(connector_host(subject.space, subject.connector_id))] if serves else []
    return [x509.UniformResourceIdentifier(uri), *(_host(host) for host in subject.hosts), *own]


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if len(host) > 253 or _HOST.fullmatch(host) is None:
            raise Malformed("certificate: not a host name in lower case or an IP address") from None
        return x509.DNSName(host)


def _dated(builder: x509.CertificateBuilder, now_ms: int, life: timedelta) -> x509.CertificateBuilder:
    start = datetime.fromtimestamp((now_ms - BACKDATE_MS) // 1000, UTC)
    return builder.not_valid_before(start).not_valid_after(start + life)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _serial(randomness: Randomness) -> int:
    return int.from_bytes(b"\x01" + randomness.token(_SERIAL_BYTES))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
