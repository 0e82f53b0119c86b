"""Attacks on certificates and requests for them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as c_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from yanmen.admission.identity import identify
from yanmen.crypto import keys, x509
from yanmen.crypto.x509 import Authority, Kind, Subject
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Fault, FaultCode, Reason

from tests.attacks.identity.scene import ALICE, DAY_MS, MALLORY, NOW_MS, SPACE, STAR, Counting, issue, refused, register


class TestCertificates:
    def test_a_leaf_says_who_it_is_in_both_places(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        peer = x509.parse_peer(leaf)
        assert (peer.connector_id, peer.kind, peer.space) == (ALICE, Kind.MEMBER, SPACE)
        assert peer.spiffe == f"spiffe://{SPACE}/member/{ALICE}"
        assert peer.not_after_ms - peer.not_before_ms == 90 * DAY_MS
        parsed = c_x509.load_pem_x509_certificate(leaf)
        assert parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value == ALICE
        usage = parsed.extensions.get_extension_for_class(c_x509.ExtendedKeyUsage).value
        assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
        x509.check_issued(leaf, authority.certificate.public_bytes(Encoding.PEM))

    def test_der_and_pem_are_one_certificate(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        der = c_x509.load_pem_x509_certificate(leaf).public_bytes(Encoding.DER)
        assert x509.parse_peer(der) == x509.parse_peer(leaf)

    def test_an_id_ending_in_a_star_has_a_lawful_spiffe_path(self, authority: Authority, tmp_path: Path) -> None:
        peer = x509.parse_peer(issue(authority, tmp_path / "k", STAR))
        assert peer.connector_id == STAR
        assert peer.spiffe.endswith("_")
        assert "*" not in peer.spiffe

    def test_server_names_are_in_the_certificate(self, authority: Authority, tmp_path: Path) -> None:
        x509.create_key(tmp_path / "k")
        subject = Subject(SPACE, Kind.NODE, ALICE, ("node.example", "127.0.0.1", "::1"))
        leaf = x509.sign_csr(authority, x509.create_csr(tmp_path / "k"), subject, NOW_MS, Counting())
        names = c_x509.load_pem_x509_certificate(leaf).extensions.get_extension_for_class(c_x509.SubjectAlternativeName)
        assert names.value.get_values_for_type(c_x509.DNSName) == [
            "node.example",
            x509.connector_host(SPACE, ALICE),
        ]
        assert [str(ip) for ip in names.value.get_values_for_type(c_x509.IPAddress)] == ["127.0.0.1", "::1"]

    @pytest.mark.parametrize(
        "host", ["*.example", "UPPER.example", "a b", "", "-x", "x" * 64, "evil\n.example", "例.cn"]
    )
    def test_a_server_name_is_a_plain_host(self, authority: Authority, tmp_path: Path, host: str) -> None:
        x509.create_key(tmp_path / "k")
        with pytest.raises(Malformed):
            x509.sign_csr(
                authority,
                x509.create_csr(tmp_path / "k"),
                Subject(SPACE, Kind.NODE, ALICE, (host,)),
                NOW_MS,
                Counting(),
            )

    def test_keys_are_private_to_their_owner(self, authority: Authority, tmp_path: Path) -> None:
        assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600
        (tmp_path / "root.key").chmod(0o640)
        with pytest.raises(Fault, match="chmod 600"):
            x509.load_key(tmp_path / "root.key")

    def test_a_leaf_does_not_outlive_the_root(self, authority: Authority, tmp_path: Path) -> None:
        x509.create_key(tmp_path / "k")
        late = NOW_MS + (x509.ROOT_DAYS - 10) * DAY_MS
        with pytest.raises(Fault, match="root certificate expires"):
            x509.sign_csr(
                authority, x509.create_csr(tmp_path / "k"), Subject(SPACE, Kind.MEMBER, ALICE), late, Counting()
            )

    @pytest.mark.parametrize("space", ["", "SX", "a/b", "-a", "a" * 64, "sx.example\n", "sx:443", "空间"])
    def test_a_space_is_a_trust_domain(self, authority: Authority, tmp_path: Path, space: str) -> None:
        with pytest.raises(Malformed, match="space"):
            x509.create_authority(tmp_path / "new.key", space, NOW_MS, Counting())
        assert not (tmp_path / "new.key").exists()
        x509.create_key(tmp_path / "k")
        with pytest.raises(Malformed, match="space"):
            x509.sign_csr(
                authority, x509.create_csr(tmp_path / "k"), Subject(space, Kind.MEMBER, ALICE), NOW_MS, Counting()
            )

    @pytest.mark.parametrize(
        "subject",
        [
            Subject(SPACE, Kind.MEMBER, ALICE[:-1] + "0"),
            Subject(SPACE, Kind.MEMBER, f"{ALICE}/../x"),
            Subject(SPACE, Kind.NODE, ALICE, ("a.example",) * 17),
            Subject(SPACE, Kind.NODE, ALICE, (".".join(["a" * 60] * 5),)),
        ],
    )
    def test_who_is_certified_is_in_form(self, authority: Authority, tmp_path: Path, subject: Subject) -> None:
        x509.create_key(tmp_path / "k")
        with pytest.raises(Malformed):
            x509.sign_csr(authority, x509.create_csr(tmp_path / "k"), subject, NOW_MS, Counting())

    def test_keys_and_certificates_belong_together(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        x509.check_key_pair(tmp_path / "k", leaf)
        x509.create_key(tmp_path / "other")
        with pytest.raises(Fault, match="not the key of this certificate"):
            x509.check_key_pair(tmp_path / "other", leaf)
        with pytest.raises(Fault, match="not the key of this root"):
            x509.load_authority(tmp_path / "other", authority.certificate.public_bytes(Encoding.PEM))

    def test_a_key_file_of_another_kind(self, tmp_path: Path) -> None:
        keys.generate(tmp_path / "ed25519", Counting())
        keys.write_private(tmp_path / "text", b"not a key")
        p384 = ec.generate_private_key(ec.SECP384R1())
        pem = p384.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        keys.write_private(tmp_path / "p384", pem)
        for name in ("ed25519", "text", "p384"):
            with pytest.raises(Fault) as caught:
                x509.load_key(tmp_path / name)
            assert caught.value.code is FaultCode.KEYS

    def test_a_stranger_s_root_did_not_issue_it(self, authority: Authority, tmp_path: Path) -> None:
        other = x509.create_authority(tmp_path / "other.key", SPACE, NOW_MS, Counting())
        leaf = issue(authority, tmp_path / "k", ALICE)
        with pytest.raises(Malformed, match="not issued by this space"):
            x509.check_issued(leaf, other)


class TestHostileRequests:
    def forged(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> c_x509.CertificateSigningRequest:
        """A request that names Alice everywhere a name fits, and asks to be an authority."""
        name = c_x509.Name([c_x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, ALICE)])
        uri = c_x509.UniformResourceIdentifier(f"spiffe://{SPACE}/node/{ALICE}")
        return (
            c_x509.CertificateSigningRequestBuilder()
            .subject_name(name)
            .add_extension(c_x509.SubjectAlternativeName([uri, c_x509.DNSName("bank.example")]), critical=True)
            .add_extension(c_x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )

    def test_no_name_of_a_request_reaches_the_certificate(self, authority: Authority) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        csr = self.forged(key).public_bytes(Encoding.PEM)
        leaf = x509.sign_csr(authority, csr, Subject(SPACE, Kind.MEMBER, MALLORY), NOW_MS, Counting())
        assert x509.parse_peer(leaf).connector_id == MALLORY
        parsed = c_x509.load_pem_x509_certificate(leaf)
        assert parsed.public_key() == key.public_key()
        assert not parsed.extensions.get_extension_for_class(c_x509.BasicConstraints).value.ca
        text = parsed.public_bytes(Encoding.DER)
        assert ALICE.encode() not in text
        assert b"bank.example" not in text

    def test_another_s_public_key_is_not_proven(self, authority: Authority) -> None:
        """Mallory swaps her request's public key for Alice's: the signature no longer fits."""
        alice, mallory = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        der = self.forged(mallory).public_bytes(Encoding.DER)
        swapped = der.replace(_point(mallory), _point(alice))
        assert swapped != der
        csr = c_x509.load_der_x509_csr(swapped).public_bytes(Encoding.PEM)
        with pytest.raises(Malformed, match="possession"):
            x509.sign_csr(authority, csr, Subject(SPACE, Kind.MEMBER, MALLORY), NOW_MS, Counting())

    @pytest.mark.parametrize(
        "csr",
        [
            b"",
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            b"x" * 20_000,
            "-----BEGIN CERTIFICATE REQUEST-----\n雁\n-----END CERTIFICATE REQUEST-----\n".encode(),
        ],
    )
    def test_bytes_that_are_no_request(self, authority: Authority, csr: bytes) -> None:
        with pytest.raises(Malformed):
            x509.sign_csr(authority, csr, Subject(SPACE, Kind.MEMBER, MALLORY), NOW_MS, Counting())

    def test_text_around_a_request_is_refused(self, authority: Authority, tmp_path: Path) -> None:
        x509.create_key(tmp_path / "k")
        csr = x509.create_csr(tmp_path / "k")
        for smuggled in (b"hello\n" + csr, csr + csr, csr + b"x"):
            with pytest.raises(Malformed, match="exactly one"):
                x509.sign_csr(authority, smuggled, Subject(SPACE, Kind.MEMBER, MALLORY), NOW_MS, Counting())

    def test_only_p256_keys(self, authority: Authority) -> None:
        for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
            csr = self.forged(key).public_bytes(Encoding.PEM)
            with pytest.raises(Malformed, match="P-256"):
                x509.sign_csr(authority, csr, Subject(SPACE, Kind.MEMBER, MALLORY), NOW_MS, Counting())


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32) + numbers.y.to_bytes(32)


class TestHostileCertificates:
    """Certificates the space's own root might sign by mistake, or another root on purpose."""

    def build(
        self,
        *,
        ou: list[str],
        uris: list[str],
        ca: bool = False,
        client: bool = True,
        curve: type[ec.EllipticCurve] = ec.SECP256R1,
    ) -> bytes:
        key = ec.generate_private_key(curve())
        name = c_x509.Name([c_x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, value) for value in ou])
        start = datetime.fromtimestamp(NOW_MS / 1000, UTC)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            c_x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=1))
            .add_extension(c_x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(c_x509.ExtendedKeyUsage([usage]), critical=False)
        )
        names = [c_x509.UniformResourceIdentifier(uri) for uri in uris]
        if names:
            builder = builder.add_extension(c_x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def test_the_builder_makes_what_is_accepted(self) -> None:
        good = self.build(ou=[ALICE], uris=[f"spiffe://{SPACE}/member/{ALICE}"])
        assert x509.parse_peer(good).connector_id == ALICE

    @pytest.mark.parametrize(
        ("ou", "uris"),
        [
            ([MALLORY], [f"spiffe://{SPACE}/member/{ALICE}"]),
            ([ALICE], [f"spiffe://{SPACE}/member/{MALLORY}"]),
            ([ALICE, MALLORY], [f"spiffe://{SPACE}/member/{ALICE}"]),
            ([ALICE], [f"spiffe://{SPACE}/member/{ALICE}", f"spiffe://{SPACE}/node/{ALICE}"]),
            ([], [f"spiffe://{SPACE}/member/{ALICE}"]),
            ([ALICE], []),
            ([ALICE], [f"https://{SPACE}/member/{ALICE}"]),
            ([ALICE], [f"spiffe://{SPACE}/admin/{ALICE}"]),
            ([ALICE], [f"spiffe://{SPACE}/member/{ALICE}/x"]),
            ([ALICE], [f"spiffe://{SPACE}/member/{ALICE}?x=1"]),
            ([ALICE], [f"spiffe://{SPACE}:443/member/{ALICE}"]),
            ([ALICE], [f"spiffe://{SPACE.upper()}/member/{ALICE}"]),
            ([ALICE.lower()], [f"spiffe://{SPACE}/member/{ALICE.lower()}"]),
            (["5" * 32], [f"spiffe://{SPACE}/member/{'5' * 32}"]),
            ([STAR], [f"spiffe://{SPACE}/member/{STAR}"]),
        ],
    )
    def test_names_that_disagree_or_are_not_in_their_one_form(self, ou: list[str], uris: list[str]) -> None:
        with pytest.raises(Malformed):
            x509.parse_peer(self.build(ou=ou, uris=uris))

    def test_an_authority_or_a_server_certificate_is_no_peer(self) -> None:
        uris = [f"spiffe://{SPACE}/member/{ALICE}"]
        for certificate in (
            self.build(ou=[ALICE], uris=uris, ca=True),
            self.build(ou=[ALICE], uris=uris, client=False),
        ):
            with pytest.raises(Malformed, match="not a leaf"):
                x509.parse_peer(certificate)

    def test_a_key_of_another_curve(self) -> None:
        with pytest.raises(Malformed, match="P-256"):
            x509.parse_peer(self.build(ou=[ALICE], uris=[f"spiffe://{SPACE}/member/{ALICE}"], curve=ec.SECP384R1))

    def test_text_around_a_certificate(self) -> None:
        good = self.build(ou=[ALICE], uris=[f"spiffe://{SPACE}/member/{ALICE}"])
        padded = b"-----BEGIN CERTIFICATE-----\n" + b"A" * 64 + b"\n" * 1
        for smuggled in (good + good, good + b"x", padded * 300, good.replace(b"\n", b"\r\n")):
            with pytest.raises(Malformed):
                x509.parse_peer(smuggled)

    @pytest.mark.parametrize("data", [b"", b"\x30\x82", b"-----BEGIN CERTIFICATE-----\n", b"0" * 20_000])
    def test_bytes_that_are_no_certificate(self, data: bytes) -> None:
        with pytest.raises(Malformed):
            x509.parse_peer(data)
        assert refused(lambda: identify(data, register(), NOW_MS)) is Reason.IDENTITY_UNKNOWN
