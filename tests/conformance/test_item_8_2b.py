"""8.2b 传输安全: mutual TLS 1.2 or 1.3 with P-256 certificates of the space; not TLCP with SM2, SM3 and SM4."""

import socket
import ssl
import subprocess

import pytest

from tests.conformance.department import Department


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_sides_show_a_certificate(department: Department, version: ssl.TLSVersion) -> None:
    context = department.credentials()
    context.minimum_version = context.maximum_version = version
    assert department.handshake(context) == version.name.replace("_", ".")
    anonymous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anonymous.minimum_version = anonymous.maximum_version = version
    with pytest.raises(OSError, match=r"(?i)certificate|reset|closed|eof"):
        department.handshake(anonymous)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_not_spoken(department: Department, version: ssl.TLSVersion) -> None:
    context = department.credentials()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(OSError, match=r"(?i)version|alert|reset|protocol"):
        department.handshake(context)


def test_the_nodes_certificate_is_the_registered_one(department: Department) -> None:
    context = department.credentials()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(department.place, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        shown = secure.getpeercert(binary_form=True)
    assert shown is not None
    words = ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-text"]
    text = subprocess.run(words, input=shown, capture_output=True, check=True, timeout=30).stdout.decode()
    assert "prime256v1" in text, "P-256, not SM2"
    assert "OU" in text
