"""`yanmen check node` looks at everything, and says all that is wrong, not the first thing alone."""

import json
from pathlib import Path

import pytest
from yanmen.cli.main import main

ME = ["--name", "民政局", "--alias", "civil", "--subject", "11140000MB0GTTTT0X", "--region", "1401"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    town = tmp_path_factory.mktemp("checked")
    space, folder = str(town / "space"), str(town / "civil")
    assert main(["space", "init", space, "--name", "shanxi.example"]) == 0
    assert main(["node", "init", folder, *ME, "--address", "127.0.0.1:0"]) == 0
    assert main(["space", "sign", space, f"{folder}/application.jws"]) == 0
    assert main(["node", "accept", folder, f"{folder}/granted.json", "--register", f"{space}/register.jws"]) == 0
    return Path(folder)


def test_what_is_trusted_is_named(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["check", "node", str(node)]) == 0
    said = capsys.readouterr().out
    for name in (
        "configuration 配置",
        "register 名册",
        "certificate 证书",
        "keys 密钥",
        "guard rails 守则",
        "ledger 台账",
    ):
        assert f"{name}: " in said
    for name in ("sandbox and snapshots 沙箱与快照", "volume 存储卷", "witnesses 见证", "host 主机"):
        assert f"{name}: " in said
    assert "next 下一步: yanmen dataset suggest" in said


def test_all_that_is_wrong_is_named_with_what_is_trusted(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificate, guard = node / "tls.crt", node / "policies" / "guard.cedar"
    kept = certificate.read_bytes(), guard.read_bytes()
    certificate.write_bytes(b"nonsense")
    guard.write_text("permit(principal, action, resource);")
    (node / "seal.key").chmod(0o644)
    capsys.readouterr()
    assert main(["check", "node", str(node), "--json"]) == 3
    said = json.loads(capsys.readouterr().out)["message"]
    certificate.write_bytes(kept[0])
    guard.write_bytes(kept[1])
    (node / "seal.key").chmod(0o600)
    wrong, trusted = said.split("trusted 可信:")
    for name in ("certificate 证书", "keys 密钥", "guard rails 守则", "sandbox and snapshots 沙箱与快照"):
        assert f"{name}: " in wrong
    for name in ("register 名册", "ledger 台账", "volume 存储卷"):
        assert f"{name}: " in trusted
    assert main(["check", "node", str(node)]) == 0
