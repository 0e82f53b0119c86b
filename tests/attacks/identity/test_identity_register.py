"""Attacks on who is known: certificates against the register, and the register itself."""

import dataclasses
from pathlib import Path

import pytest
from yanmen.admission.identity import RegisterFile, Source, active, identify
from yanmen.crypto import documents, keys, x509
from yanmen.crypto.x509 import Authority, Kind
from yanmen.model.party import PartyStatus
from yanmen.model.refusal import Fault, FaultCode, Reason

from tests.attacks.identity.scene import (
    ALICE,
    DAY_MS,
    NOW_MS,
    SPACE,
    Clockwork,
    Counting,
    issue,
    party,
    refused,
    register,
)


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
        source = Source(path, SPACE, key)
        return RegisterFile(source, Clockwork(), seen, lambda serial, _: serials.append(serial)), serials

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

        reader = RegisterFile(Source(path, SPACE, space.public), Clockwork(), (0, ""), full)
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

    def test_a_register_that_is_over_stops_every_call(self, tmp_path: Path, space: keys.FileSigner) -> None:
        """Read before or read now, it is the same: and a current one lets the node go on without a restart."""
        path, clock = tmp_path / "register.jws", Clockwork()
        reader = RegisterFile(Source(path, SPACE, space.public), clock, (0, ""), lambda *_: None)
        path.write_bytes(documents.sign_register(register(serial=1), space))
        end_ms = reader.current().expires_ms
        for late_ms in (0, 1, DAY_MS):
            clock.ms = end_ms + late_ms
            for again in (reader, RegisterFile(Source(path, SPACE, space.public), clock, (0, ""), lambda *_: None)):
                with pytest.raises(Fault, match=r"over since .*yanmen space refresh") as fault:
                    again.current()
                assert fault.value.code is FaultCode.REGISTER
        current = dataclasses.replace(register(serial=2), expires_ms=clock.ms + 1)
        path.write_bytes(documents.sign_register(current, space))
        assert reader.current() == current
        clock.ms = end_ms - 1
        assert reader.current() == current

    def test_its_end_cannot_be_moved(self, tmp_path: Path, space: keys.FileSigner) -> None:
        """Neither in the signed bytes nor by putting another end under the same serial."""
        path = tmp_path / "register.jws"
        reader, _ = self.reader(path, space.public)
        path.write_bytes(documents.sign_register(register(serial=1), space))
        reader.current()
        longer = dataclasses.replace(register(serial=1), expires_ms=NOW_MS + 300 * DAY_MS)
        path.write_bytes(documents.sign_register(longer, space))
        with pytest.raises(Fault, match="two registers"):
            reader.current()
