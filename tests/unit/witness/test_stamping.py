"""Heads are stamped over HTTP or by files, judged by `openssl ts -verify`, and nobody's stamp passes for another's."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto import timestamps
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import bundle, timestamp
from yanmen.formats import config as config_format
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import Stamping
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.verify import Beside, Code, Report, verify_bundle
from yanmen.witness import stamping

from tests.system.town import SUBJECT, run
from tests.unit.ledger.scene import SPACE_KEY, Scene, papers
from tests.unit.witness.authority import Authority, Desk, served

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
RANDOM = SystemRandomness()
HEAD = b"a head"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Scene(tmp_path / "ledger.db").open() as opened:
        yield opened
        opened.check()


def exported(ledger: Ledger, path: Path) -> Path:
    ledger.export(path, papers())
    return path


def report(path: Path, root: Path | None) -> Report:
    return verify_bundle(path, SPACE_KEY.public, Beside(authority=b"" if root is None else root.read_bytes()))


def codes(found: Report) -> list[Code]:
    return [each.code for each in found.findings]


def test_a_head_is_stamped_over_http(authority: Authority, ledger: Ledger, tmp_path: Path) -> None:
    with served(authority) as desk:
        size, at_s = stamping.ask(ledger, desk.url, authority.root.read_bytes(), RANDOM)
        desk.status = 500  # nothing is asked again for the same head
        assert stamping.ask(ledger, desk.url, authority.root.read_bytes(), RANDOM) == (size, at_s)
        desk.status = 200
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
        second, _ = stamping.ask(ledger, desk.url, authority.root.read_bytes(), RANDOM)
    assert (size, second) == (3, 4)
    path = exported(ledger, tmp_path / "bundle")
    for each in (size, second):
        token, head = path / bundle.stamp_name(each), path / bundle.stamped_name(each)
        assert authority.verifies(token, head)
        assert not authority.verifies(token, path / "checkpoint") or each == second
    found = report(path, authority.root)
    assert (codes(found), [one.size for one in found.stamped]) == ([], [3, 4])
    assert found.stamped[0].at_s == at_s
    unchecked = report(path, None)
    assert (codes(unchecked), unchecked.ok, unchecked.stamped) == ([Code.NOT_CHECKED], True, ())


def test_without_a_stamp_the_authority_is_missed(authority: Authority, ledger: Ledger, tmp_path: Path) -> None:
    path = exported(ledger, tmp_path / "bundle")
    assert codes(report(path, authority.root)) == [Code.NOT_STAMPED]
    assert codes(report(path, None)) == []


def _another_authority(path: Path, authority: Authority, elsewhere: Path) -> Path:
    return Authority.make(elsewhere / "two").root


def _cut(path: Path, authority: Authority, elsewhere: Path) -> Path:
    token = path / bundle.stamp_name(3)
    token.write_bytes(token.read_bytes()[:-1])
    return authority.root


def _altered(path: Path, authority: Authority, elsewhere: Path) -> Path:
    token = path / bundle.stamp_name(3)
    data = bytearray(token.read_bytes())
    data[len(data) // 2] ^= 1
    token.write_bytes(bytes(data))
    return authority.root


def _spare_byte(path: Path, authority: Authority, elsewhere: Path) -> Path:
    token = path / bundle.stamp_name(3)
    token.write_bytes(token.read_bytes() + b"\0")
    return authority.root


def _over_something_else(path: Path, authority: Authority, elsewhere: Path) -> Path:
    stamp = authority.reply(timestamp.request(b"something else", RANDOM.token(8)))
    (path / bundle.stamp_name(3)).write_bytes(stamp)
    return authority.root


def _without_its_head(path: Path, authority: Authority, elsewhere: Path) -> Path:
    (path / bundle.stamped_name(3)).unlink()
    return authority.root


def _of_another_history(path: Path, authority: Authority, elsewhere: Path) -> Path:
    with Scene(elsewhere / "fork.db").open() as fork:
        head = fork.head()
    stamp = authority.reply(timestamp.request(head, RANDOM.token(8)))
    (path / bundle.stamped_name(3)).write_bytes(head)
    (path / bundle.stamp_name(3)).write_bytes(stamp)
    return authority.root


def _under_another_size(path: Path, authority: Authority, elsewhere: Path) -> Path:
    for name in (bundle.stamp_name, bundle.stamped_name):
        (path / name(3)).rename(path / name(2))
    return authority.root


def _by_a_certificate_for_something_else(path: Path, authority: Authority, elsewhere: Path) -> Path:
    """A certificate of the same root, not for stamps: openssl does not stamp with it, so the answer's is exchanged."""
    other = Authority.make(elsewhere / "other", "other")
    token = path / bundle.stamp_name(3)
    good = token.read_bytes()
    mine, its = (
        Path(one.folder / "tsa.der")
        for one in (authority, other)
        if one.openssl("x509", "-in", "tsa.pem", "-outform", "DER", "-out", "tsa.der") == ""
    )
    assert mine.read_bytes() in good
    token.write_bytes(good.replace(mine.read_bytes(), its.read_bytes()[: len(mine.read_bytes())]))
    return authority.root


@pytest.mark.parametrize(
    "forge",
    [
        _another_authority,
        _cut,
        _altered,
        _spare_byte,
        _over_something_else,
        _without_its_head,
        _of_another_history,
        _under_another_size,
        _by_a_certificate_for_something_else,
    ],
    ids=lambda forge: forge.__name__,
)
def test_it_is_found(
    authority: Authority, ledger: Ledger, tmp_path: Path, forge: Callable[[Path, Authority, Path], Path]
) -> None:
    head = ledger.head()
    stamping.keep(ledger, authority.reply(timestamp.request(head, RANDOM.token(8))), authority.root.read_bytes())
    path = exported(ledger, tmp_path / "bundle")
    assert codes(report(path, authority.root)) == []
    root = forge(path, authority, tmp_path)
    found = report(path, root)
    assert Code.TIME_STAMP_WRONG in codes(found)
    assert Code.NOT_STAMPED in codes(found)
    assert not found.ok


def _refuses(desk: Desk, authority: Authority) -> None:
    desk.status = 503


def _another_type(desk: Desk, authority: Authority) -> None:
    desk.kind = "text/html"


def _endless(desk: Desk, authority: Authority) -> None:
    desk.answer = lambda _: bytes(timestamp.TOKEN_BYTES_MAX + 1)


def _old_answer(desk: Desk, authority: Authority) -> None:
    """A replayed stamp over the same head has another nonce."""
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        at = request.rindex(b"\x02")
        other = request[: at + 2] + bytes(byte ^ 1 for byte in request[at + 2 : -3]) + request[-3:]
        seen.append(authority.reply(other))
        return seen[-1]

    desk.answer = answer


def _nonsense(desk: Desk, authority: Authority) -> None:
    desk.answer = lambda _: b"\x30\x03\x02\x01\x02"


@pytest.mark.parametrize(
    "spoil", [_refuses, _another_type, _endless, _old_answer, _nonsense], ids=lambda spoil: spoil.__name__
)
def test_what_does_not_hold_is_not_kept(
    authority: Authority, ledger: Ledger, spoil: Callable[[Desk, Authority], None]
) -> None:
    with served(authority) as desk:
        spoil(desk, authority)
        with pytest.raises(Fault) as error:
            stamping.ask(ledger, desk.url, authority.root.read_bytes(), RANDOM)
    assert error.value.code in {FaultCode.UNREACHABLE, FaultCode.REPLY_MALFORMED}
    assert ledger.stamped() == (0, 0)


def test_an_authority_that_is_not_there_is_a_fault(ledger: Ledger, authority: Authority) -> None:
    with served(authority) as desk:
        url = desk.url
    with pytest.raises(Fault) as error:
        stamping.ask(ledger, url, authority.root.read_bytes(), RANDOM)
    assert error.value.code is FaultCode.UNREACHABLE


def test_the_request_is_what_openssl_writes(authority: Authority) -> None:
    for nonce in (b"\x7f" * 8, b"\x80" + bytes(7), bytes(7) + b"\x01"):
        (authority.folder / "ours.tsq").write_bytes(timestamp.request(HEAD, nonce))
        told = authority.openssl("ts", "-query", "-in", "ours.tsq", "-text")
        assert "Hash Algorithm: sha256" in told
        assert "Certificate required: yes" in told
        assert f"Nonce: 0x{timestamp.number(nonce):0{len(told.partition('Nonce: 0x')[2].split()[0])}X}" in told


def test_roots_must_be_certificates(authority: Authority) -> None:
    token = authority.reply(timestamp.request(HEAD, RANDOM.token(8)))
    assert timestamps.verify(token, HEAD, authority.root.read_bytes()) > 0
    with pytest.raises(Malformed):
        timestamps.verify(token, HEAD, b"nothing")
    with pytest.raises(BadSignature):
        timestamps.verify(token, HEAD, authority.root.read_bytes(), nonce=7)
    with pytest.raises(Malformed):
        timestamps.verify(bytes(timestamp.TOKEN_BYTES_MAX + 1), HEAD, authority.root.read_bytes())


def test_by_command_online_and_by_files(authority: Authority, tmp_path: Path) -> None:
    node, space = tmp_path / "clinic", tmp_path / "space"
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    run("space", "init", space, "--name", "test.example")
    run("node", "init", node, "--name", "诊所", "--alias", "clinic", *who)
    grant = run("space", "sign", space, node / "application.jws")[1]["grant"]
    assert run("node", "accept", node, grant, "--register", space / "register.jws")[0] == 0
    assert run("receipts", "stamp", node)[0] == 2

    def configure(url: str) -> None:
        path = node / "node.toml"
        known = config_format.decode(path.read_bytes())
        path.write_text(config_format.encode(replace(known, stamping=Stamping(url, "tsa.pem"))))
        assert config_format.decode(path.read_bytes()).stamping == Stamping(url, "tsa.pem")

    configure("")
    shutil.copy(authority.root, node / "tsa.pem")
    assert run("receipts", "stamp", node)[0] == 2
    code, asked = run("receipts", "stamp", node, "--request", tmp_path / "q.tsq")
    assert code == 0
    (tmp_path / "r.tsr").write_bytes(authority.reply((tmp_path / "q.tsq").read_bytes()))
    (tmp_path / "bad.tsr").write_bytes(authority.reply(timestamp.request(HEAD, RANDOM.token(8))))
    assert run("receipts", "stamp", node, "--response", tmp_path / "bad.tsr")[0] == 3
    code, taken = run("receipts", "stamp", node, "--response", tmp_path / "r.tsr", "--size", asked["size"])
    assert (code, taken["size"]) == (0, asked["size"])
    with served(authority) as desk:
        configure(desk.url)
        done = run("space", "refresh", space)
        assert done[0] == 0
        code, again = run("receipts", "stamp", node)
        assert code == 0
        assert again["size"] >= asked["size"]
    assert run("receipts", "export", node, tmp_path / "bundle")[0] == 0
    words = ("verify", tmp_path / "bundle", "--space-key", space / "space.vkey", "--tsa-ca", authority.root)
    code, said = run(*words)
    assert (code, said["stamped"][0]["size"]) == (0, asked["size"]), said
