"""A department and a member exchange keys by command: safe to repeat, refused while the node serves, verified."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from yanmen import enrolment
from yanmen.client.identity import Identity
from yanmen.crypto import keys
from yanmen.ledger.key_changes import Demand
from yanmen.ledger.ledger import Ledger
from yanmen.model.party import KeyEnd, KeyUse
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node import rotation
from yanmen.node.holder import LEDGER, next_key, open_holder

from tests.system.town import SUBJECT, run

WHY = ("--by", "张某", "--reason", "年度更换")
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a space with a node and a member, made once."""
    root = tmp_path_factory.mktemp("made")
    who = ("--subject", SUBJECT + "1", "--region", "1401")
    run("space", "init", root / "space", "--name", "test.example")
    run("node", "init", root / "clinic", "--name", "诊所", "--alias", "clinic", *who, "--address", "127.0.0.1:7443")
    run("member", "init", root / "me", "--name", "我", "--alias", "me", *who)
    for name, kind in (("clinic", "node"), ("me", "member")):
        grant = run("space", "sign", root / "space", root / name / "application.jws")[1]["grant"]
        run(kind, "accept", root / name, grant, "--register", root / "space" / "register.jws")
    return root


@pytest.fixture
def town(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it; identity.json and node.toml name the register absolutely, so they are written anew."""
    root = tmp_path / "town"
    shutil.copytree(made, root)
    for name in ("clinic/node.toml", "me/identity.json"):
        path = root / name
        path.write_text(path.read_text().replace(str(made), str(root)))
    return root


def done(*words: object) -> dict[str, Any]:
    code, document = run(*words)
    assert code == 0, document
    return document


def rotate(town: Path, use: str, verb: str = "rotate") -> dict[str, Any]:
    return done("node", verb, town / "clinic", use, *WHY)


def sign(town: Path, who: str = "clinic") -> dict[str, Any]:
    return done("space", "sign", town / "space", town / who / "exchange.json")


def verified(town: Path) -> dict[str, Any]:
    """Export the log, with the register of now, and verify it."""
    bundle = town / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    done("receipts", "export", town / "clinic", bundle)
    return run("verify", bundle, "--space-key", town / "space" / "space.vkey")[1]


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
@pytest.mark.parametrize("use", ["receipt", "log"])
def test_a_key_is_exchanged(town: Path, use: str, verb: str) -> None:
    name = rotation.FILES[KeyUse(use)]
    before = keys.load(town / "clinic" / name).public
    told = rotate(town, use, verb)
    assert not told["again"]
    assert keys.load(town / "clinic" / name).public != before
    with open_holder(town / "clinic") as holder, pytest.raises(Fault, match="other keys") as error:
        holder.party()
    assert error.value.code is FaultCode.KEYS
    serial = sign(town)["serial"]
    assert sign(town)["serial"] == serial  # the same exchange again changes nothing
    done("check", "node", town / "clinic")
    report = verified(town)
    assert report["ok"], report


@pytest.mark.parametrize("use", ["receipt", "log"])
def test_a_key_whose_file_is_gone_is_revoked_and_the_log_goes_on(town: Path, use: str) -> None:
    gone = town / "clinic" / rotation.FILES[KeyUse(use)]
    public = keys.load(gone).public
    gone.unlink()
    code, refused = run("node", "rotate", town / "clinic", use, *WHY)
    assert code == 3, refused  # it cannot sign its own end
    told = rotate(town, use, "revoke")
    assert rotate(town, use, "revoke") == {**told, "again": True}
    assert keys.load(gone).public != public
    sign(town)
    done("check", "node", town / "clinic")
    report = verified(town)
    assert report["ok"], report


def test_without_a_key_nothing_but_its_end_is_signed(town: Path) -> None:
    (town / "clinic" / "signing.key").unlink()
    with open_holder(town / "clinic", without=KeyUse.RECEIPT) as holder:
        with pytest.raises(Fault, match="revoke the key") as error:
            holder.receipt_signer.sign(b"anything")
        assert error.value.code is FaultCode.KEYS
    with pytest.raises(Fault), open_holder(town / "clinic", without=KeyUse.LOG):
        pass


def test_a_node_that_lost_both_keys_is_ended(town: Path) -> None:
    for name in rotation.FILES.values():
        (town / "clinic" / name).unlink()
    for use in ("receipt", "log"):
        assert run("node", "revoke", town / "clinic", use, *WHY)[0] == 3


def test_until_the_space_signed_it_a_key_is_exchanged_once(town: Path) -> None:
    first = rotate(town, "receipt")
    again = rotate(town, "receipt")
    assert again == {**first, "again": True}
    code, other = run("node", "rotate", town / "clinic", "log", *WHY)
    assert code == 3
    assert "receipt key" in json.dumps(other)
    sign(town)
    assert rotate(town, "receipt")["index"] > first["index"]
    sign(town)
    assert verified(town)["ok"]


def test_the_certificate_is_renewed_with_the_new_keys_only(town: Path) -> None:
    old = (town / "clinic" / "application.jws").read_bytes()
    rotate(town, "receipt")
    sign(town)
    done("space", "sign", town / "space", town / "clinic" / "application.jws")
    (town / "old.jws").write_bytes(old)
    code, refused = run("space", "sign", town / "space", town / "old.jws")
    assert code == 1
    assert "come back" in json.dumps(refused)
    assert verified(town)["ok"]


def test_no_application_changes_a_log_key_silently(town: Path) -> None:
    clinic = town / "clinic"
    signer = keys.load(clinic / enrolment.SIGNING_KEY)
    with open_holder(clinic) as holder:
        enrolment.apply_anew(clinic, signer, bytes(range(32)), holder.clock)
    code, refused = run("space", "sign", town / "space", clinic / "application.jws")
    assert code == 1
    assert "node rotate" in json.dumps(refused)


def test_nobody_else_may_serve_meanwhile(town: Path) -> None:
    with open_holder(town / "clinic") as holder:
        holder.ledger.serve_alone()
        code, told = run("node", "rotate", town / "clinic", "receipt", *WHY)
        assert code == 3
        assert "another process serves" in json.dumps(told)
    assert not next_key(town / "clinic", "signing.key").exists() or rotate(town, "receipt")


def test_a_process_that_still_has_the_old_key_records_nothing(town: Path) -> None:
    with open_holder(town / "clinic") as late:
        rotate(town, "receipt")
        with pytest.raises(Fault, match="exchanged meanwhile") as error:
            late.ledger.accept_register("test.example", 99, "ab" * 32)
    assert error.value.code is FaultCode.KEYS
    sign(town)
    assert verified(town)["ok"]


@pytest.mark.parametrize("use", [KeyUse.RECEIPT, KeyUse.LOG])
def test_a_crash_after_the_leaf_is_finished_by_whoever_opens_next(town: Path, use: KeyUse) -> None:
    clinic = town / "clinic"
    with open_holder(clinic) as holder:
        new = keys.generate(next_key(clinic, rotation.FILES[use]), holder.randomness)
        holder.ledger.recover()
        holder.ledger.exchange_key(Demand(use, KeyEnd.ROTATED, "张某", "年度更换", new))
    assert Ledger.keys_in_use(clinic / LEDGER)[use is KeyUse.LOG] == new.public
    assert rotate(town, use.value)["again"]
    assert keys.load(clinic / rotation.FILES[use]).public == new.public
    assert not next_key(clinic, rotation.FILES[use]).exists()
    sign(town)
    assert verified(town)["ok"]


def test_a_crash_before_the_leaf_leaves_the_key_for_the_next_try(town: Path) -> None:
    clinic = town / "clinic"
    before = keys.load(clinic / "signing.key").public
    with open_holder(clinic) as holder:
        made = keys.generate(next_key(clinic, "signing.key"), holder.randomness).public
    with open_holder(clinic) as holder:
        assert holder.receipt_signer.public == before
    rotate(town, "receipt")
    assert keys.load(clinic / "signing.key").public == made


def test_a_sealed_key_is_followed_by_a_sealed_one(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.PASSPHRASE, PASSPHRASE)
    done("node", "seal-keys", town / "clinic")
    rotate(town, "receipt")
    assert b"PRIVATE" not in (town / "clinic" / "signing.key").read_bytes()
    sign(town)
    assert verified(town)["ok"]


def test_who_and_why_must_be_said(town: Path) -> None:
    for by, why in ((" ", "x"), ("x", " ")):
        code, _ = run("node", "rotate", town / "clinic", "receipt", "--by", by, "--reason", why)
        assert code == 2
    code, refused = run("node", "rotate", town / "clinic", "receipt", "--by", "x", "--reason", "y" * 2_000)
    assert (code, refused["reason"]) == (1, "REQUEST_MALFORMED")
    assert rotate(town, "receipt")["index"] > 0


def test_a_member_exchanges_its_key(town: Path) -> None:
    me = town / "me"
    before = Identity.load(me)
    first = done("member", "rotate", me, "--reason", "年度更换")
    assert done("member", "rotate", me, "--reason", "年度更换") == first
    assert Identity.load(me).signer.public == before.signer.public  # the register does not list the next one yet
    sign(town, "me")
    after = Identity.load(me)
    assert after.signer.public != before.signer.public
    assert after.keys == (after.signer.public, before.signer.public)
    assert not (me / "signing.key.next").exists()
    done("member", "enrol", town / "space", me / "application.jws")
    assert Identity.load(me).keys == after.keys
