"""Key files: made once, mode 0600, and refused when anybody else could have read or replaced them."""

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from yanmen import enrolment
from yanmen.crypto import keys, signatures
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Fault, FaultCode

RANDOM = SystemRandomness()


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "receipt.pem"
    made = keys.generate(path, RANDOM)
    loaded = keys.load(path)
    assert made.public == loaded.public
    signatures.verify(made.public, b"m", loaded.sign(b"m"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.generate(tmp_path / "other.pem", RANDOM).public != made.public


def test_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.generate(tmp_path / "key.pem", RANDOM)
    finally:
        os.umask(before)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_openssl_reads_the_file(tmp_path: Path) -> None:
    made = keys.generate(tmp_path / "key.pem", RANDOM)
    command = ["openssl", "pkey", "-in", "key.pem", "-pubout"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    assert shown == keys.public_pem(made.public)
    assert keys.parse_public_pem(shown) == made.public


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    made = keys.generate(tmp_path / "key.pem", RANDOM)
    with pytest.raises(Fault) as caught:
        keys.generate(tmp_path / "key.pem", RANDOM)
    assert caught.value.code is FaultCode.KEYS
    assert keys.load(tmp_path / "key.pem").public == made.public


def _group_reads(path: Path) -> None:
    path.chmod(0o640)


def _others_read(path: Path) -> None:
    path.chmod(0o604)


def _others_write(path: Path) -> None:
    path.chmod(0o602)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _gone(path: Path) -> None:
    path.unlink()


def _large(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n" * 5000)


def _garbage(path: Path) -> None:
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def _other_kind(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _encrypted(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (_group_reads, "readable"),
        (_others_read, "readable"),
        (_others_write, "readable"),
        (_link, "symbolic links"),
        (_directory, "Is a directory"),
        (_fifo, "not a regular file"),
        (_gone, "No such file"),
        (_large, "too large"),
        (_garbage, "not an unencrypted"),
        (_other_kind, "not an Ed25519"),
        (_encrypted, "not an unencrypted"),
    ],
)
def test_spoiled_files_are_refused(tmp_path: Path, spoil: Callable[[Path], None], rule: str) -> None:
    path = tmp_path / "key.pem"
    keys.generate(path, RANDOM)
    spoil(path)
    with pytest.raises(Fault, match=rule) as caught:
        keys.load(path)
    assert caught.value.code is FaultCode.KEYS


def test_another_owner_s_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.generate(tmp_path / "key.pem", RANDOM)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Fault, match="another user"):
        keys.load(tmp_path / "key.pem")


def test_public_pem_has_one_form(tmp_path: Path) -> None:
    pem = keys.public_pem(keys.generate(tmp_path / "key.pem", RANDOM).public)
    for text in ("", pem + "\n", pem.replace("\n", "\r\n"), "x" + pem, pem.replace("PUBLIC", "PRIVATE"), pem + pem):
        with pytest.raises(Malformed):
            keys.parse_public_pem(text)
    with pytest.raises(BadSignature):
        keys.public_pem(bytes(32))


def test_a_public_pem_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(Malformed, match="not an Ed25519"):
        keys.parse_public_pem(pem)


def test_a_new_key_is_on_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's content and then its name: a key that signed must not be gone after a power cut."""
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        if len(synced) == 1:
            assert (tmp_path / "key.pem").read_bytes().endswith(b"-----END PRIVATE KEY-----\n")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    before = len(list(Path("/proc/self/fd").iterdir()))
    keys.generate(tmp_path / "key.pem", RANDOM)
    assert synced == [str(tmp_path / "key.pem"), str(tmp_path)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_public_pem_of_low_order_is_refused() -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" + "A" * 43 + "=\n-----END PUBLIC KEY-----\n"
    with pytest.raises(Malformed, match="usable"):
        keys.parse_public_pem(pem)


def test_thumbprint_is_that_of_rfc_8037() -> None:
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert keys.thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_clock_and_randomness_are_the_machine_s() -> None:
    first, second = SystemClock().now_ms(), SystemClock().now_ms()
    assert 1_700_000_000_000 < first <= second
    assert len(RANDOM.token(32)) == 32
    assert RANDOM.token(32) != RANDOM.token(32)


# Sealed under a passphrase ----------------------------------------------------------------------------

WORDS = "correct horse battery staple"


@pytest.fixture
def sealed_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose receipt key is sealed; nothing names the passphrase."""
    for name in (keys.PASSPHRASE, keys.PASSPHRASE_FILE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    keys.generate(tmp_path / "signing.key", RANDOM)
    assert enrolment.seal_keys(tmp_path, WORDS, RANDOM) == ("signing.key",)
    assert enrolment.seal_keys(tmp_path, WORDS, RANDOM) == ()
    return tmp_path


def test_a_sealed_key_opens_with_its_passphrase_only(sealed_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sealed_key / "signing.key"
    assert b"PRIVATE" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Fault, match="is sealed"):
        keys.load(path)
    monkeypatch.setenv(keys.PASSPHRASE, "correct horse battery stapler")
    with pytest.raises(Fault, match="another passphrase"):
        keys.load(path)
    monkeypatch.setenv(keys.PASSPHRASE, WORDS)
    public = keys.load(path).public
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(Fault, match="altered"):
        keys.load(path)
    path.write_bytes(kept[:30])
    with pytest.raises(Fault, match="cut short"):
        keys.load(path)
    path.write_bytes(kept)
    assert enrolment.unseal_keys(sealed_key, WORDS) == ("signing.key",)
    monkeypatch.delenv(keys.PASSPHRASE)
    assert keys.load(path).public == public
    assert [each.name for each in sealed_key.iterdir()] == ["signing.key"]


def test_a_passphrase_comes_from_a_private_file(sealed_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = sealed_key / "words"
    words.write_text(WORDS + "\n", encoding="utf-8")
    words.chmod(0o644)
    monkeypatch.setenv(keys.PASSPHRASE_FILE, str(words))
    with pytest.raises(Fault, match="chmod 600"):
        keys.load(sealed_key / "signing.key")
    words.chmod(0o600)
    assert keys.load(sealed_key / "signing.key").public


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    keys.generate(tmp_path / "log.key", RANDOM)
    with pytest.raises(Fault, match="at least 12"):
        enrolment.seal_keys(tmp_path, "hunter2", RANDOM)
    assert keys.load(tmp_path / "log.key").public
