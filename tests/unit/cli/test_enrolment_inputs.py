"""What a person types about itself is checked before a key is made, and again when the space reads it."""

from dataclasses import replace
from pathlib import Path

import pytest
from yanmen import enrolment
from yanmen.cli.main import main
from yanmen.crypto import jose, keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import enrolment as formats
from yanmen.formats.malformed import Malformed
from yanmen.model.party import PartyRole

GOOD = {
    "--name": "民政局",
    "--alias": "civil",
    "--subject": "11140000MB0GTTTT0X",
    "--region": "1401",
    "--address": "127.0.0.1:7443",
}
BAD = [
    ("--name", "", "name:"),
    ("--name", "  ", "name:"),
    ("--name", "a\nb", "name:"),
    ("--name", "民政局\u202e", "name:"),
    ("--alias", "BAD", "alias:"),
    ("--alias", "_a", "alias:"),
    ("--subject", "123", "18-character"),
    ("--subject", "11140000MB0GTTTT0I", "18-character"),
    ("--subject", "11140000mb0gtttt0x", "18-character"),
    ("--region", "14", "four digits"),
    ("--region", "１４０１", "four digits"),
    ("--address", "localhost", "HOST:PORT"),
    ("--address", "localhost:99999", "HOST:PORT"),
    ("--address", "a b:99999", "HOST:PORT"),
]


def words(given: dict[str, str]) -> list[str]:
    """Return the options of `given` as one command line."""
    return [word for pair in given.items() for word in pair]


@pytest.mark.parametrize(("option", "value", "said"), BAD)
def test_a_bad_claim_ends_with_code_2_before_any_key_is_made(
    option: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "node"
    assert main(["node", "init", str(folder), *words(GOOD | {option: value})]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "yanmen node init --help" in shown
    assert "Traceback" not in shown
    assert not folder.exists()


def test_a_member_is_held_to_the_same_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {name: value for name, value in GOOD.items() if name != "--address"} | {"--subject": "123"}
    assert main(["member", "init", str(tmp_path / "me"), *words(given)]) == 2
    assert not (tmp_path / "me").exists()


def test_a_space_name_says_what_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", "init", str(tmp_path / "space"), "--name", "My_Space"]) == 2
    assert "lower-case letters, digits, dots and hyphens" in capsys.readouterr().err
    assert not (tmp_path / "space").exists()


def made(folder: Path) -> formats.Application:
    """Make a node's keys and return its application."""
    claims = enrolment.Claims(PartyRole.NODE, *GOOD.values())
    return enrolment.apply(folder, claims, SystemClock(), SystemRandomness())


@pytest.mark.parametrize(
    "change",
    [{"address": "a b:99999"}, {"address": "localhost"}, {"subject": "1" * 17}, {"region": "14"}, {"name": ""}],
)
def test_the_space_signs_no_application_that_was_written_by_other_means(
    change: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["space", "init", str(tmp_path / "space"), "--name", "shanxi.example"]) == 0
    application = made(tmp_path / "node")
    payload = formats.application_payload(application)
    assert formats.parse_application(payload) == application
    forged = {**payload, **change}
    with pytest.raises(Malformed):
        formats.parse_application(forged)
    signer = keys.load(tmp_path / "node" / enrolment.SIGNING_KEY)
    token = jose.sign_jws({}, forged, signer, keys.thumbprint(signer.public), formats.APPLICATION_TYP)
    path = tmp_path / "node" / enrolment.APPLICATION
    path.write_bytes(token)
    assert main(["space", "sign", str(tmp_path / "space"), str(path)]) == 1
    assert "REQUEST_MALFORMED" in capsys.readouterr().err
    assert not (tmp_path / "node" / "granted.json").exists()


def test_only_a_node_has_an_address(tmp_path: Path) -> None:
    application = replace(made(tmp_path / "node"), role=PartyRole.DEVELOPER, log_key=b"")
    with pytest.raises(Malformed, match="only a node"):
        formats.parse_application(formats.application_payload(application))
