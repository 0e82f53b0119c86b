"""Attacks on who somebody is: forged requests for certificates, other people's certificates, old registers."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as c_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from yanmen.admission.identity import RegisterFile, active, identify
from yanmen.crypto import documents, keys, x509
from yanmen.crypto.x509 import Authority, Kind, Subject
from yanmen.formats import connector_id
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Fault, FaultCode, Reason, Refused

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
SPACE = "sx.example"
ALICE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "A1B2C3D4")
MALLORY = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "EEEEEEEE")
STAR = next(
    candidate
    for candidate in (connector_id.build("5", "91140100MA0GTTTT0X", "1401", f"{n:08d}") for n in range(200))
    if candidate.endswith("*")
)


class Counting:
    """Bytes that are all different and the same in every run."""

    def __init__(self) -> None:
        self.calls = 0

    def token(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(size)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    pem = x509.create_authority(tmp_path / "root.key", SPACE, NOW_MS, Counting())
    return x509.load_authority(tmp_path / "root.key", pem)


def issue(authority: Authority, path: Path, identifier: str, kind: Kind = Kind.MEMBER) -> bytes:
    if not path.exists():
        x509.create_key(path)
    subject = Subject(SPACE, kind, identifier)
    return x509.sign_csr(authority, x509.create_csr(path), subject, NOW_MS, Counting())


def party(identifier: str, certificate: bytes, status: PartyStatus = PartyStatus.ACTIVE) -> Party:
    return Party(
        id=identifier,
        alias=f"m{identifier[23:31].lower()}",
        name="某公司",
        role=PartyRole.DEVELOPER,
        status=status,
        signing_key=bytes(31) + b"\x01",
        log_key=b"",
        certificate_sha256=x509.parse_peer(certificate).sha256,
    )


def register(*parties: Party, serial: int = 1) -> Register:
    return Register(SPACE, serial, NOW_MS, tuple(sorted(parties, key=lambda entry: entry.id)))


def refused(call: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.detail.hint_en
    assert caught.value.detail.hint_zh
    return caught.value.reason


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
        assert names.value.get_values_for_type(c_x509.DNSName) == ["node.example"]
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


class TestIdentify:
    def test_a_registered_active_member_is_known(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        entry = party(ALICE, leaf)
        assert identify(leaf, register(entry), NOW_MS) == entry

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(PartyStatus.PENDING, Reason.IDENTITY_PENDING), (PartyStatus.REVOKED, Reason.IDENTITY_REVOKED)],
    )
    def test_only_active_members(
        self, authority: Authority, tmp_path: Path, status: PartyStatus, reason: Reason
    ) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        known = register(party(ALICE, leaf, status))
        assert refused(lambda: identify(leaf, known, NOW_MS)) is reason
        assert refused(lambda: active(ALICE, known)) is reason

    def test_a_member_the_register_does_not_list(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        assert refused(lambda: identify(leaf, register(), NOW_MS)) is Reason.IDENTITY_UNKNOWN
        assert refused(lambda: active(ALICE, register())) is Reason.IDENTITY_UNKNOWN

    def test_an_earlier_certificate_of_the_same_member(self, authority: Authority, tmp_path: Path) -> None:
        """A lost key's certificate is still within its 90 days; the register pins its successor."""
        lost = issue(authority, tmp_path / "lost", ALICE)
        renewed = issue(authority, tmp_path / "new", ALICE)
        assert refused(lambda: identify(lost, register(party(ALICE, renewed)), NOW_MS)) is Reason.IDENTITY_UNKNOWN

    def test_a_forged_certificate_with_the_right_names(self, authority: Authority, tmp_path: Path) -> None:
        real = issue(authority, tmp_path / "k", ALICE)
        pem = x509.create_authority(tmp_path / "evil.key", SPACE, NOW_MS, Counting())
        evil = x509.load_authority(tmp_path / "evil.key", pem)
        forged = issue(evil, tmp_path / "e", ALICE)
        assert refused(lambda: identify(forged, register(party(ALICE, real)), NOW_MS)) is Reason.IDENTITY_UNKNOWN

    def test_a_certificate_of_another_space_or_kind(self, authority: Authority, tmp_path: Path) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        known = register(party(ALICE, leaf))
        elsewhere = dataclasses.replace(known, space="other.example")
        assert refused(lambda: identify(leaf, elsewhere, NOW_MS)) is Reason.IDENTITY_UNKNOWN
        node = issue(authority, tmp_path / "n", ALICE, Kind.NODE)
        assert refused(lambda: identify(node, register(party(ALICE, node)), NOW_MS)) is Reason.IDENTITY_UNKNOWN

    @pytest.mark.parametrize("days", [-1, 90, 1000])
    def test_a_connection_does_not_outlive_its_certificate(
        self, authority: Authority, tmp_path: Path, days: int
    ) -> None:
        leaf = issue(authority, tmp_path / "k", ALICE)
        known = register(party(ALICE, leaf))
        assert refused(lambda: identify(leaf, known, NOW_MS + days * DAY_MS)) is Reason.IDENTITY_UNKNOWN


class TestRegisterFile:
    @pytest.fixture
    def space(self, tmp_path: Path) -> keys.FileSigner:
        return keys.generate(tmp_path / "space.key", Counting())

    def reader(self, path: Path, key: bytes, seen: tuple[int, str] = (0, "")) -> tuple[RegisterFile, list[int]]:
        serials: list[int] = []
        return RegisterFile(path, SPACE, key, seen, lambda serial, _: serials.append(serial)), serials

    def test_a_newer_register_is_taken_and_noted(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        reader, serials = self.reader(path, space.public)
        for serial in (1, 4):
            path.write_bytes(documents.sign_register(register(serial=serial), space) + b"\n")
            assert reader.current().serial == serial
            assert reader.current() is reader.current()
        assert serials == [1, 4]

    def test_the_same_register_written_again(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        reader, serials = self.reader(path, space.public)
        token = documents.sign_register(register(serial=5), space)
        for _ in range(2):
            path.unlink(missing_ok=True)
            path.write_bytes(token)
            assert reader.current().serial == 5
        assert serials == [5]

    def test_rollback(self, tmp_path: Path, space: keys.FileSigner) -> None:
        """The register of before a revocation, correctly signed, is put back."""
        path = tmp_path / "register.jws"
        reader, serials = self.reader(path, space.public)
        path.write_bytes(documents.sign_register(register(serial=5), space))
        reader.current()
        path.write_bytes(documents.sign_register(register(serial=4), space))
        for _ in range(2):
            with pytest.raises(Fault, match="serial 4 after 5") as caught:
                reader.current()
            assert caught.value.code is FaultCode.REGISTER
        assert serials == [5]

    def test_rollback_across_a_restart(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        path.write_bytes(documents.sign_register(register(serial=4), space))
        reader, _ = self.reader(path, space.public, (5, "0" * 64))
        with pytest.raises(Fault, match="serial 4 after 5"):
            reader.current()

    def test_two_registers_with_one_serial(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        reader, _ = self.reader(path, space.public)
        path.write_bytes(documents.sign_register(register(serial=5), space))
        reader.current()
        other = dataclasses.replace(register(serial=5), issued_ms=NOW_MS + 1)
        path.write_bytes(documents.sign_register(other, space))
        with pytest.raises(Fault, match="two registers"):
            reader.current()

    def test_another_key_another_type_another_space(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        more = Counting()
        more.token(1)
        mallory = keys.generate(tmp_path / "mallory.key", more)
        signed = documents.sign_register(register(), space)
        tampered = signed[:-5] + (b"AAAAA" if signed[-5:] != b"AAAAA" else b"BBBBB")
        reader, serials = self.reader(path, space.public)
        foreign = documents.sign_register(dataclasses.replace(register(), space="other.example"), space)
        for token in (documents.sign_register(register(), mallory), tampered, b"", b"a.b.c", foreign, signed * 2):
            path.write_bytes(token)
            with pytest.raises(Fault) as caught:
                reader.current()
            assert caught.value.code is FaultCode.REGISTER
        assert serials == []

    def test_a_register_that_cannot_be_noted_is_not_used(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        path.write_bytes(documents.sign_register(register(serial=5), space))

        def full(serial: int, digest: str) -> None:
            raise Fault(FaultCode.STORAGE_FULL)

        reader = RegisterFile(path, SPACE, space.public, (0, ""), full)
        for _ in range(2):
            with pytest.raises(Fault) as caught:
                reader.current()
            assert caught.value.code is FaultCode.STORAGE_FULL

    def test_a_register_that_disappears_stops_the_node(self, tmp_path: Path, space: keys.FileSigner) -> None:
        path = tmp_path / "register.jws"
        reader, _ = self.reader(path, space.public)
        path.write_bytes(documents.sign_register(register(), space))
        reader.current()
        path.unlink()
        with pytest.raises(Fault) as caught:
            reader.current()
        assert caught.value.code is FaultCode.REGISTER
