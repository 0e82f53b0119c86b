"""8.3a 运维安全: checked before it serves, keys its user's alone, and no officer does another's part."""

import shutil
from itertools import count
from pathlib import Path

import pytest

from tests.conformance.department import Department
from tests.system.town import SPEC, done, run

REASONS = ("--necessity", "必要", "--legality", "合法", "--security", "安全")


def test_a_node_checks_itself_and_names_what_is_wrong(department: Department, tmp_path: Path) -> None:
    found = done("check", "node", department.node)
    assert {"sandbox", "volume", "logs", "status", "certificate_expires_ms"} <= set(found)
    node = tmp_path / "clinic"
    shutil.copytree(department.node, node)
    for name in ("signing.key", "log.key"):
        (node / name).chmod(0o640)
        code, said = run("check", "node", node)
        assert (code, said["code"]) == (3, "KEYS")
        (node / name).chmod(0o600)
    (node / "node.toml").write_text("sandbox = 'none'\n" + (node / "node.toml").read_text("utf-8"), encoding="utf-8")
    code, said = run("node", "serve", node)
    assert (code, said["code"]) == (3, "CONFIG")


def test_roles_are_separate_and_none_signs_anothers_part(department: Department, tmp_path: Path) -> None:
    """岗位分离: the steward reviews, the chief data officer decides, the security officer stops; an auditor looks."""
    officers = {
        role: department.enrolled(role.replace("-", "_"), role, own=True) for role in ("steward", "chief-data-officer")
    }
    officers["security-officer"] = department.enrolled("safety", "security-officer", own=True)
    spec = SPEC.replace('name = "visits"', 'name = "grave"').replace('"general"', '"important"')
    source = department.root / "visits.csv"
    done("dataset", "publish", department.node, department.write("grave.toml", spec), source)
    who = ("--as", department.root / "alice", "--at", "clinic", "--grant", "grave:cost", "--price", "100")
    terms = ("--scenario", "s-12", "--purpose", "x", "--legal-basis", "x", "--micro-rho", "10000")
    contract = done("contract", "request", *who, *terms)["id"]
    waiting = done("approval", "list", department.node)["waiting"]
    offer = next(each["offer_sha256"] for each in waiting if each["contract"] == contract)

    numbers, wired = count(), count()

    def act(verb: str, folder: Path) -> tuple[int, dict[str, object]]:
        step = tmp_path / f"{next(numbers)}.jws"
        words = ("--at", "clinic", "--contract", contract, "--offer-sha256", offer, *REASONS)
        if next(wired) % 2:  # by file, and over the wire
            return run("approval", verb, "--as", folder, *words, "--submit", step)
        done("approval", verb, "--as", folder, *words, step)
        return run("approval", "record", department.node, step)

    chief, steward, safety = (officers[role] for role in ("chief-data-officer", "steward", "security-officer"))
    assert act("review", chief)[0] == 1, "the decider does not review"
    assert act("decide", steward)[0] == 1, "the reviewer does not decide"
    assert act("decide", department.root / "audra")[0] == 1, "nor does an auditor"
    assert act("stop", chief)[0] == 1, "nor does the decider stop"
    assert act("decide", chief)[0] == 1, "nor decide before the review"
    assert act("review", steward)[0] == 0
    assert act("decide", chief)[1]["status"] == "active"
    assert act("stop", safety)[1]["status"] == "suspended"
    assert act("resume", safety)[1]["status"] == "active"
    with department.connect("steward") as node:
        assert contract not in {each.contract_id for each in node.waiting()}, "and nothing waits any more"
    report = department.verify("offices")
    assert report["ok"], "every act is a leaf, held to its officer"


@pytest.mark.parametrize("word", ["none", "off", ""])
def test_no_configuration_serves_without_a_sandbox(department: Department, tmp_path: Path, word: str) -> None:
    text = (department.node / "node.toml").read_text("utf-8").replace('sandbox = "landlock"', f'sandbox = "{word}"')
    node = tmp_path / "clinic"
    node.mkdir()
    (node / "node.toml").write_text(text, encoding="utf-8")
    code, said = run("node", "serve", node)
    assert (code, said["code"]) == (3, "CONFIG")
