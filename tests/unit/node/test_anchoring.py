"""Heads are handed to a hook and its answer is kept; a hook that fails is seen, loses nothing and holds nobody up."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from yanmen.cli.main import main
from yanmen.execution import anchoring as hooks
from yanmen.formats import anchors, bundle
from yanmen.formats import config as config_format
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import Slot
from yanmen.ledger.ledger import Ledger
from yanmen.model.config import AnchorRules
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.anchoring import Anchoring
from yanmen.verify import Beside, Code, Report, verify_bundle

from tests.patience import wait_until
from tests.system.town import SUBJECT, run
from tests.unit.ledger.scene import SPACE_KEY, Scene, papers

ROOT = bytes(range(32))
WRITE = """h=$(od -An -tx1 -v | tr -d ' \\n')
echo "$YANMEN_SIZE $h $YANMEN_ROOT $YANMEN_ORIGIN" >>{chain}
echo tx-$YANMEN_SIZE"""


def hook(path: Path, body: str) -> str:
    """Write a program and return its path."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "ledger.db")


@pytest.fixture
def ledger(scene: Scene) -> Iterator[Ledger]:
    with scene.open() as opened:
        yield opened
        opened.check()


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return tmp_path / "chain"


@pytest.fixture
def rules(tmp_path: Path, chain: Path) -> AnchorRules:
    return AnchorRules((hook(tmp_path / "hook", WRITE.format(chain=chain)),), seconds=20)


def roots(chain: Path) -> dict[str, bytes]:
    """Return what an auditor reads in the chain."""
    return {f"tx-{line.split()[0]}": bytes.fromhex(line.split()[1]) for line in chain.read_text().splitlines()}


def test_a_head_is_handed_over_once(scene: Scene, ledger: Ledger, rules: AnchorRules, chain: Path) -> None:
    anchoring = Anchoring(ledger, rules, scene.clock)
    made = anchoring.round()
    assert (made.size, made.answer) == (3, "tx-3")
    assert anchoring.round() == made
    size, given, told, origin = chain.read_text().split()
    assert (size, given, told, origin) == ("3", ledger.root(3).hex(), ledger.root(3).hex(), ledger.origin)
    ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
    assert anchoring.round().size == 4
    assert len(chain.read_text().splitlines()) == 2


FAILING = {
    "ends with an error": "echo tx; exit 3",
    "says nothing": "cat >/dev/null",
    "says two words": "echo one two",
    "says two lines": "echo one; echo two",
    "says something invisible": "printf 'tx\\033[2J'",
    "says no ASCII": "echo 交易",
    "does not end talking": "yes",
    "is killed": "kill -9 $$",
    "says too much": "head -c 300 /dev/zero | tr '\\0' a",
}


@pytest.mark.parametrize("body", FAILING.values(), ids=list(FAILING))
def test_a_hook_that_fails_is_seen_and_tried_again(
    scene: Scene, ledger: Ledger, tmp_path: Path, rules: AnchorRules, body: str
) -> None:
    bad = AnchorRules((hook(tmp_path / "bad", body),), seconds=20)
    for _ in range(2):
        with pytest.raises(Fault) as error:
            Anchoring(ledger, bad, scene.clock).round()
        assert error.value.code in {FaultCode.UNREACHABLE, FaultCode.REPLY_MALFORMED}
        scene.clock.ms += 60_000
    failing = ledger.anchor_failing()
    assert failing is not None
    assert failing.since_ms == scene.clock.ms - 120_000
    assert "anchor" in failing.note
    assert ledger.anchored() is None
    assert Anchoring(ledger, rules, scene.clock).round().size == 3
    assert ledger.anchor_failing() is None


def test_a_hook_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    for command in ((str(tmp_path / "nowhere"),), (str(tmp_path),)):
        with pytest.raises(Fault, match="does not start"):
            hooks.call(command, ROOT, {}, 5, Event())


def test_a_hook_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = hook(tmp_path / "hang", f"sleep 600 & echo $! >{pids}; echo $$ >>{pids}; sleep 600")
    began = time.monotonic()
    with pytest.raises(Fault, match="longer than"):
        hooks.call((command,), ROOT, {}, 0.5, Event())
    assert time.monotonic() - began < 60
    found = [int(pid) for pid in pids.read_text().split()]
    assert len(found) == 2
    wait_until(lambda: not any(alive(pid) for pid in found))


def alive(pid: int) -> bool:
    """Say whether the process runs; one that nobody waited for yet has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_no_shell_and_no_environment_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YANMEN_PASSPHRASE", "secret")
    seen = tmp_path / "seen"
    command = hook(tmp_path / "env", f'env >{seen}; for a; do echo "arg:$a" >>{seen}; done; pwd >>{seen}; echo tx')
    assert hooks.call((command, "a; touch /tmp/x", "$(id)"), ROOT, {"YANMEN_SIZE": "7"}, 20, Event()) == "tx"
    told = seen.read_text()
    assert "secret" not in told
    assert {line.partition("=")[0] for line in told.splitlines() if "=" in line} <= {
        *hooks.ENVIRONMENT,
        "YANMEN_SIZE",
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
    }
    assert "arg:a; touch /tmp/x" in told
    assert "arg:$(id)" in told
    assert told.splitlines()[-1] == "/"


def test_a_hook_that_does_not_read_is_answered_all_the_same(tmp_path: Path) -> None:
    command = hook(tmp_path / "deaf", "exec <&-; echo tx")
    assert hooks.call((command,), ROOT, {}, 20, Event()) == "tx"


def test_nobody_waits_for_a_hook_that_hangs(scene: Scene, ledger: Ledger, tmp_path: Path) -> None:
    started = tmp_path / "started"
    slow = AnchorRules((hook(tmp_path / "slow", f"touch {started}; sleep 600; echo tx"),), seconds=600)
    anchoring = Anchoring(ledger, slow, scene.clock)
    anchoring.start()
    wait_until(started.exists)
    contract = scene.furnish(ledger)
    scene.ask(ledger, contract)
    size = ledger.size()
    began = time.monotonic()
    anchoring.stop()
    assert time.monotonic() - began < 60
    assert ledger.size() == size
    assert ledger.anchor_failing() is None  # it was stopped, it did not fail


def test_a_serving_node_tries_again_until_it_works(scene: Scene, ledger: Ledger, tmp_path: Path, chain: Path) -> None:
    ready = tmp_path / "ready"
    command = hook(tmp_path / "later", f"test -e {ready} || exit 1\n{WRITE.format(chain=chain)}")
    anchoring = Anchoring(ledger, AnchorRules((command,), seconds=20), scene.clock, retry_s=0.01)
    anchoring.start()
    wait_until(lambda: ledger.anchor_failing() is not None)
    ready.touch()
    wait_until(lambda: ledger.anchored() is not None)
    anchoring.stop()
    assert ledger.anchor_failing() is None
    nothing = Anchoring(ledger, AnchorRules(), scene.clock)
    nothing.start()
    nothing.stop()


# What an auditor makes of it ---------------------------------------------------------------------------------


def report(path: Path, found: dict[str, bytes] | None) -> Report:
    return verify_bundle(path, SPACE_KEY.public, Beside(anchors=found))


def codes(found: Report) -> list[Code]:
    return [each.code for each in found.findings]


@pytest.fixture
def exported(scene: Scene, ledger: Ledger, rules: AnchorRules, tmp_path: Path) -> Path:
    """Return a bundle with two anchors."""
    for _ in range(2):
        Anchoring(ledger, rules, scene.clock).round()
        ledger.append_event(Stage.MEMBER, {Slot.SUBJECT: {"member": "one"}})
    ledger.export(tmp_path / "bundle", papers())
    return tmp_path / "bundle"


def test_what_stands_in_the_chain_is_held_to_the_log(exported: Path, chain: Path) -> None:
    read = roots(chain)
    good = report(exported, read)
    told = {each.code for each in good.findings}
    assert not told & {Code.ANCHOR_DIFFERS, Code.ANCHOR_UNKNOWN, Code.NOT_CHECKED}
    assert [(one.size, one.answer, one.checked) for one in good.anchored] == [(3, "tx-3", True), (4, "tx-4", True)]
    forged = report(exported, {**read, "tx-4": bytes(32)})
    assert Code.ANCHOR_DIFFERS in codes(forged)
    assert not forged.ok
    hidden = report(exported, {**read, "tx-99": bytes(32)})
    assert Code.ANCHOR_UNKNOWN in codes(hidden)
    part = report(exported, {"tx-3": read["tx-3"]})
    assert Code.NOT_CHECKED in codes(part)
    assert [one.checked for one in part.anchored] == [True, False]
    assert Code.NOT_CHECKED in codes(report(exported, None))


def test_an_anchor_of_more_leaves_than_there_are_is_found(exported: Path, chain: Path) -> None:
    (exported / bundle.ANCHORS).write_text("3 tx-3\n400 tx-4\n")
    assert Code.ANCHOR_DIFFERS in codes(report(exported, roots(chain)))


@pytest.mark.parametrize("text", ["3 tx-3", "3  tx\n", "03 tx\n", "4 a\n3 b\n", "3 a\n3 b\n", "0 a\n", "3 交\n", "3\n"])
def test_a_list_that_is_none_is_found(exported: Path, text: str) -> None:
    (exported / bundle.ANCHORS).write_text(text)
    found = report(exported, None)
    assert Code.FILE_MALFORMED in codes(found)
    assert not found.ok


def test_lists_have_one_spelling() -> None:
    listed = ((3, "tx-3"), (120, "0x9f3c"))
    assert anchors.decode(anchors.encode(listed)) == listed
    assert anchors.encode(anchors.decode(b"3 a\n7 b\n")) == b"3 a\n7 b\n"
    for data in (b"a 00\n", f"a {'0' * 63}g\n".encode(), f"a {'0' * 64}\na {'0' * 64}\n".encode(), b"\xff", b"a"):
        with pytest.raises(Malformed):
            anchors.read_back(data)


def test_by_command_and_on_the_status(tmp_path: Path, chain: Path, rules: AnchorRules) -> None:
    node, space = tmp_path / "clinic", tmp_path / "space"
    who = ("--subject", SUBJECT + "1", "--region", "1401", "--address", "127.0.0.1:7443")
    run("space", "init", space, "--name", "test.example")
    run("node", "init", node, "--name", "诊所", "--alias", "clinic", *who)
    grant = run("space", "sign", space, node / "application.jws")[1]["grant"]
    assert run("node", "accept", node, grant, "--register", space / "register.jws")[0] == 0
    assert run("receipts", "anchor", node)[0] == 2

    def configure(used: AnchorRules) -> None:
        path = node / "node.toml"
        path.write_text(config_format.encode(replace(config_format.decode(path.read_bytes()), anchor=used)))
        assert config_format.decode(path.read_bytes()).anchor == used

    configure(AnchorRules((hook(tmp_path / "bad", "exit 1"),)))
    assert run("receipts", "anchor", node)[0] == 3
    assert run("node", "status", node)[1]["anchor_failing"]["note"] == "anchor: the hook ended with 1"
    assert main(["node", "status", str(node)]) == 0
    configure(rules)
    code, made = run("receipts", "anchor", node)
    assert code == 0
    status = run("node", "status", node)[1]
    assert (status["anchor"]["answer"], status["anchor_failing"]) == (made["answer"], None)
    assert run("receipts", "export", node, tmp_path / "bundle")[0] == 0
    (tmp_path / "read").write_text("".join(f"{tx} {root.hex()}\n" for tx, root in roots(chain).items()))
    words = ("verify", tmp_path / "bundle", "--space-key", space / "space.vkey", "--anchors", tmp_path / "read")
    code, said = run(*words)
    assert (code, said["anchored"][0]["checked"]) == (0, True), said
    (tmp_path / "read").write_text("nonsense")
    assert run(*words)[0] == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[anchor]\ncommand = []", "anchor.command"),
        ('[anchor]\ncommand = ["anchor"]', "anchor.command"),
        ('[anchor]\ncommand = ["/bin/x"]\nminutes = 0', "anchor.minutes"),
        ('[anchor]\ncommand = ["/bin/x"]\nseconds = 601', "anchor.seconds"),
        ('[anchor]\ncommand = ["/bin/x"]\nshell = true', "anchor.shell"),
        ('[timestamp]\nurl = "http://127.0.0.1:1"', "timestamp.authority"),
        ('[timestamp]\nauthority = "a"\nurl = "file:///etc/passwd"', "timestamp.url"),
    ],
)
def test_what_node_toml_may_not_say(text: str, named: str) -> None:
    with pytest.raises(Fault) as error:
        config_format.decode(f"{text}\n".encode())
    assert named in error.value.note


def test_one_session_ends_another_hooks_does_not(tmp_path: Path) -> None:
    """Two hooks at once: ending one leaves the other alone, for each has a session of its own."""
    slow = hook(tmp_path / "slow", "sleep 1; echo slow")
    hang = hook(tmp_path / "hang", "sleep 600")
    said: list[str] = []
    thread = Thread(target=lambda: said.append(hooks.call((slow,), ROOT, {}, 60, Event())))
    thread.start()
    with pytest.raises(Fault):
        hooks.call((hang,), ROOT, {}, 0.2, Event())
    thread.join()
    assert said == ["slow"]
