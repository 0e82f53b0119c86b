"""A zygote's workers are as clean and as mortal as fresh ones; the zygote itself knows nothing and stays nowhere."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import account, bubblewrap, orders, preflight, profiles, reply
from yanmen.execution.jail import JailRunner
from yanmen.execution.launcher import Launcher
from yanmen.execution.zygote import Child, Zygote
from yanmen.model.catalogue import ColumnType, Dataset
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

from tests import container_engine, system_packages
from tests.patience import LONG_S, wait_until

LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=5, wall_ms=60_000, reply_bytes=1 << 20, rows=0)
Declare = Callable[..., Dataset]
WEAKER = Path(__file__).with_name("weaker_worker.py")


@pytest.fixture(params=["landlock", "jail", "docker"])
def profile(request: pytest.FixtureRequest) -> str:
    if request.param == "jail":
        system_packages.need("bwrap")
    if request.param == "docker":
        container_engine.need()
    return str(request.param)


def of(profile: str) -> Zygote:
    return profiles.zygote(profile, docker=container_engine.need() if profile == "docker" else None)


@pytest.fixture
def zygote(profile: str) -> Iterator[Zygote]:
    with_profile = of(profile)
    yield with_profile
    with_profile.close()


def vet(zygote: Zygote) -> str:
    data, usage = Launcher(zygote).run(orders.vet("SELECT 1"), LIMITS, Event())
    assert usage.cpu_ms > 0
    assert 1 << 20 < usage.peak_bytes < 1 << 30
    return reply.text(data)


def pid_of(zygote: Zygote) -> int:
    return zygote.home.pid


def descriptors() -> int:
    """Return how many are open, those left out that only wait to be collected."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def gone(pid: int) -> bool:
    """Wait for the end of a process that would live longer than we wait."""
    wait_until(lambda: ended(pid), LONG_S / 2)
    return True


def test_many_jobs_at_once_come_back_whole(zygote: Zygote) -> None:
    before = descriptors()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: vet(zygote), range(40)))) == 1
    assert descriptors() == before + 2  # the control socket and what the zygote may write to its error output


def test_a_worker_serves_one_job_and_is_reaped(zygote: Zygote) -> None:
    with Launcher(zygote).start(orders.vet("SELECT 1"), LIMITS, Event()) as worker:
        pid = worker.pid
        worker.exchange(launch_request())
        assert worker.exit_status == 0
    assert gone(pid)


def launch_request() -> bytes:
    from yanmen.execution.launcher import request

    return request(orders.vet("SELECT 1"), LIMITS)


def test_a_worker_holds_its_own_descriptors_and_no_more(zygote: Zygote) -> None:
    """Beside a waiting sibling, whose pipes and status socket it must not hold."""
    sibling = Launcher(zygote).start(orders.vet("SELECT 1"), LIMITS, Event())
    file = os.memfd_create("data")
    try:
        with sibling, Launcher(zygote).start(orders.query({"s0": file}, "SELECT 1", 1), LIMITS, Event()) as worker:
            wait_until(lambda: len(list(Path(f"/proc/{worker.pid}/fd").iterdir())) <= 5)
            held = {path.name: str(path.readlink()) for path in Path(f"/proc/{worker.pid}/fd").iterdir()}
    finally:
        os.close(file)
    assert "memfd:data" in held[str(file)]
    assert not any(target.startswith("socket:") for target in held.values())
    assert len(held) == 5  # 0, 1, 2, the reply pipe, the data


def test_the_zygote_holds_no_descriptor_of_a_job_and_no_environment(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YANMEN_SECRET", "x")
    inherited = os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    zygote = of(profile)
    file = os.memfd_create("data")
    try:
        with Launcher(zygote).start(orders.query({"s0": file}, "SELECT 1", 1), LIMITS, Event()) as worker:
            parent = int(Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            held = [str(path.readlink()) for path in Path(f"/proc/{parent}/fd").iterdir()]
            environment = Path(f"/proc/{parent}/environ").read_bytes()
    finally:
        zygote.close()
        os.close(file)
        os.close(inherited)
    assert b"YANMEN_SECRET" not in environment
    assert not any("memfd" in target or "pipe:" in target or "/dev/zero" in target for target in held)


def test_the_zygote_has_one_thread(zygote: Zygote) -> None:
    """Only a process of one thread can be forked and its child go on as if nothing had been."""
    with Launcher(zygote).start(orders.vet("SELECT 1"), LIMITS, Event()) as worker:
        parent = Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
        assert len(list(Path(f"/proc/{parent}/task").iterdir())) == 1


def status(pid: int, name: str) -> list[str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(line.split()[1:] for line in lines if line.startswith(f"{name}:"))


def waits(pid: int) -> bool:
    """Tell whether the worker has given everything up, capabilities last, and waits for its request."""
    try:
        return int(status(pid, "CapPrm")[0], 16) == 0
    except OSError:
        return False


def until_it_waits(pid: int) -> None:
    wait_until(lambda: waits(pid))


def test_each_worker_of_a_jail_has_namespaces_of_its_own(zygote: Zygote, profile: str) -> None:
    """Before it has read a byte: apart from the node, from its zygote and from its sibling."""
    launcher = Launcher(zygote)
    with (
        launcher.start(orders.vet("SELECT 1"), LIMITS, Event()) as one,
        launcher.start(orders.vet("SELECT 1"), LIMITS, Event()) as other,
    ):
        parent = int(Path(f"/proc/{one.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        for worker in (one, other):
            until_it_waits(worker.pid)
        for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
            processes = (os.getpid(), parent, one.pid, other.pid)
            found = {str(Path(f"/proc/{pid}/ns/{name}").readlink()) for pid in processes}
            assert len(found) == {"landlock": 1, "jail": 4, "docker": 2}[profile], name


def test_a_worker_has_its_account_and_no_capability_before_it_reads(zygote: Zygote) -> None:
    jobs = account.of_jobs()
    user, group = (os.getuid(), os.getgid()) if jobs is None else (jobs.user, jobs.group)
    with Launcher(zygote).start(orders.vet("SELECT 1"), LIMITS, Event()) as worker:
        until_it_waits(worker.pid)
        assert status(worker.pid, "Uid") == [str(user)] * 4
        assert status(worker.pid, "Gid") == [str(group)] * 4
        assert jobs is None or set(status(worker.pid, "Groups")) <= {str(group)}
        for held in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(status(worker.pid, held)[0], 16) == 0
        worker.exchange(launch_request())


@pytest.mark.parametrize("step", ["namespaces", "account"])
def test_a_worker_that_did_not_get_apart_does_no_job(step: str) -> None:
    system_packages.need("bwrap")
    if step == "account" and account.of_jobs() is None:
        pytest.skip("only a node that is root gives its workers another account")
    with pytest.raises(Fault, match="of its own" if step == "namespaces" else "kept root"):
        check(weaker("jail", f"{step}-left-out"))


def test_killing_the_zygote_kills_its_workers_and_the_next_job_has_a_new_one(zygote: Zygote) -> None:
    with Launcher(zygote).start(orders.vet("SELECT 1"), LIMITS, Event()) as worker:
        os.kill(int(Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
        with pytest.raises(JobFailed) as failed:
            worker.exchange(launch_request())
        assert gone(worker.pid)
    assert failed.value.code is JobCode.FAILED
    assert gone(pid_of(zygote))
    assert vet(zygote)


NODE = """
import sys
from threading import Event
from yanmen.execution import orders, profiles
from yanmen.execution.launcher import Launcher
from yanmen.model.config import Docker
from yanmen.model.ports import Limits
zygote = profiles.zygote(sys.argv[1], docker=Docker(socket=sys.argv[2]))
worker = Launcher(zygote).start(orders.vet("SELECT 1"), Limits(256 << 20, 5, 60_000, 1 << 20, 0), Event())
print(zygote.home.pid, worker.pid, flush=True)
sys.stdin.read()
"""


def test_killing_the_node_leaves_neither_zygote_nor_worker(profile: str) -> None:
    command = [sys.executable, "-c", NODE, profile, os.environ.get(container_engine.SOCKET, "")]
    for _ in range(3):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
            assert node.stdout is not None
            pids = [int(word) for word in node.stdout.readline().split()]
            node.send_signal(signal.SIGKILL)
            node.wait()
        assert len(pids) == 2
        assert all(gone(pid) for pid in pids)


def test_a_cancel_and_a_deadline_end_a_forked_worker(zygote: Zygote) -> None:
    """A worker that has read nothing waits for its request; both ends come from outside."""
    cancel = Event()
    cancel.set()
    for limits, event, code in (
        (LIMITS, cancel, JobCode.CANCELLED),
        (Limits(256 << 20, 5, 1, 1 << 20, 0), Event(), JobCode.TIME),
    ):
        with Launcher(zygote).start(orders.vet("SELECT 1"), limits, event) as worker:
            with pytest.raises(JobFailed) as failed:
                worker.exchange(launch_request())
            assert failed.value.code is code
        assert gone(worker.pid)


def test_the_profile_says_how_workers_start_and_what_is_around_them(profile: str, zygote: Zygote) -> None:
    found = preflight.check(Launcher(zygote), NodeLimits(), SystemRandomness())
    assert found.name == profile
    assert "start:zygote" in found.layers
    assert any(layer.startswith("bubblewrap:") for layer in found.layers) == (profile == "jail")
    assert ("namespaces:mnt+pid+net+ipc+uts" in found.layers) == (profile != "landlock")
    assert preflight.lost(found) is None


def weaker(profile: str, weakness: str) -> Zygote:
    if profile == "docker":
        return container_engine.zygote(container_engine.need(), str(WEAKER), weakness)
    return profiles.zygote(profile, (sys.executable, "-I", "-B", str(WEAKER), weakness))


def check(zygote: Zygote) -> tuple[str, ...]:
    try:
        return preflight.check(Launcher(zygote), NodeLimits(), SystemRandomness()).layers
    finally:
        zygote.close()


def test_without_landlock_only_the_jail_serves_and_says_what_is_lost() -> None:
    with pytest.raises(Fault, match="no Landlock"):
        check(weaker("landlock", "no-landlock"))
    system_packages.need("bwrap")
    zygote = weaker("jail", "no-landlock")
    try:
        found = preflight.check(Launcher(zygote), NodeLimits(), SystemRandomness())
    finally:
        zygote.close()
    assert found.layers[0] == "landlock-none"
    assert "Landlock" in (preflight.lost(found) or "")


def test_an_older_landlock_serves_and_is_named(profile: str) -> None:
    assert check(weaker(profile, "landlock-abi-2"))[0] == "landlock-abi-2"


def test_a_jail_without_seccomp_does_not_serve() -> None:
    system_packages.need("bwrap")
    with pytest.raises(Fault, match="seccomp"):
        check(weaker("jail", "no-seccomp"))


@pytest.mark.parametrize("weakness", ["seccomp-left-out", "second-filter-left-out", "everything-left-out"])
def test_a_missing_layer_is_found_through_the_zygote(profile: str, weakness: str) -> None:
    with pytest.raises(Fault) as fault:
        check(weaker(profile, weakness))
    assert fault.value.code is FaultCode.SANDBOX


def test_a_jail_that_is_none_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bubblewrap that makes no namespaces: the worker is well confined, but not as node.toml asks."""
    system_packages.need("bwrap")
    home = Child(lambda control: (*profiles.MODULE, str(control), "open", account.word()))
    zygote = Zygote(home, "jail", ("bubblewrap:0",))
    with pytest.raises(Fault, match="own mnt namespace"):
        check(zygote)


def test_bubblewrap_missing_is_a_fault_and_never_another_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "PROGRAM", "no-such-program")
    with pytest.raises(Fault, match="not installed"), profiles.serving("jail"):
        pass


def test_what_bubblewrap_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    system_packages.need("bwrap")
    monkeypatch.setattr(bubblewrap, "_privileges", lambda: ("--no-such-option",))
    with pytest.raises(Fault, match=r"bwrap: .*no-such-option"):
        check(profiles.zygote("jail"))


@pytest.mark.parametrize("name", ["", "none", "Landlock", "docker "])
def test_another_word_for_a_profile_is_a_fault(name: str) -> None:
    with pytest.raises(Fault) as fault:
        profiles.zygote(name)
    assert fault.value.code is FaultCode.CONFIG


def test_a_snapshot_is_published_and_asked_and_every_limit_holds(
    tmp_path: Path, declare: Declare, zygote: Zygote
) -> None:
    source = tmp_path / "made.csv"
    source.write_text("id,sex,amount,note\n1,F,1.5,x\n2,M,2.5,y\n", encoding="utf-8")
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits(), Launcher(zygote))
    assert len(runner.inspect(str(source))) == 4
    scans = (("s0", runner.publish(str(source), declare()).version),)

    def ask(sql: str, cpu: int = 10) -> tuple[tuple[object, ...], ...]:
        limits = Limits(256 << 20, cpu, 60_000, 1 << 16, 10)
        return runner.query(scans, sql, (ColumnType.INTEGER,), limits, Event())[0]

    assert ask("SELECT count(*) FROM s0.data") == ((2,),)
    for sql, code in (
        ("SELECT levenshtein(repeat('a', 200000), repeat('b', 200000)) FROM s0.data", JobCode.TIME),
        ("SELECT length(repeat('x', 4000000000)) FROM s0.data", JobCode.MEMORY),
        ("SELECT i FROM range(1000) t(i)", JobCode.OUTPUT),
        ("SELECT count(*) FROM read_blob('/etc/passwd')", JobCode.FAILED),
    ):
        with pytest.raises(JobFailed) as failed:
            ask(sql, cpu=1)
        assert failed.value.code is code, sql
    assert ask("SELECT count(*) FROM s0.data") == ((2,),)


def test_a_command_that_runs_one_job_starts_what_the_profile_needs(profile: str) -> None:
    with profiles.once(profile, container_engine.need() if profile == "docker" else None) as spawner:
        assert spawner.profile == profile
        data, _ = Launcher(spawner).run(orders.vet("SELECT 1"), LIMITS, Event())
        assert data


@pytest.mark.parametrize("profile", ["landlock", "jail"])
def test_nobody_serves_without_a_namespace_of_users(profile: str) -> None:
    """A node that is not root has the same jail; root becomes another user by a user namespace."""
    if profile == "jail":
        system_packages.need("bwrap")
    script = (
        "import sys\nfrom yanmen.crypto.system import SystemRandomness\n"
        "from yanmen.execution import preflight, profiles\n"
        "from yanmen.execution.launcher import Launcher\nfrom yanmen.model.config import NodeLimits\n"
        "with profiles.serving(sys.argv[1]) as spawner:\n"
        "    print(preflight.check(Launcher(spawner), NodeLimits(), SystemRandomness()).layers[2])\n"
    )
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, sys.executable, "-c", script, profile], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["user:node"], done.stderr
