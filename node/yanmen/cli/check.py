"""`yanmen check`: say what is trusted and what is wrong, before anything is served."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yanmen import regular_file
from yanmen.cli.grammar import Parser, command, day_of, folder, group
from yanmen.cli.output import Result, next_step
from yanmen.formats.config import SANDBOXES
from yanmen.formats.malformed import Malformed
from yanmen.model.config import Docker
from yanmen.model.refusal import Fault, FaultCode

if TYPE_CHECKING:
    from yanmen.execution.process import Spawner
    from yanmen.node.holder import Holder


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "check", "preflight 自检: configuration, keys, ledger, sandbox")
    node = command(here, "node", "check a node's folder and this host 检查节点", checked, "yanmen check node health")
    folder(node, "node", "the node's folder")
    jail = command(here, "sandbox", "try to escape from the sandbox 沙箱探测", probed, "yanmen check sandbox")
    jail.add_argument("--profile", choices=SANDBOXES, default="landlock", help="what node.toml will ask for")
    usual = Docker()
    jail.add_argument("--docker-socket", default=usual.socket, metavar="PATH", help=f"the engine's ({usual.socket})")
    jail.add_argument("--docker-image", default=usual.image, metavar="NAME", help=f"the workers' ({usual.image})")
    jail.add_argument(
        "--docker-runtime", default=usual.runtime, metavar="NAME", help=f"runc or runsc ({usual.runtime})"
    )
    jail.add_argument("--verbose", action="store_true", help="list every layer engaged")


def checked(arguments: argparse.Namespace) -> Result:
    """Open the node as serving would, look at everything it relies on, and name what is trusted and what is wrong."""
    from yanmen.execution import profiles
    from yanmen.node.holder import open_holder, read_config

    config = read_config(arguments.node)
    with profiles.serving(config.sandbox, config.docker) as spawner, open_holder(arguments.node) as holder:
        findings = Findings()
        for look in (_identity, _books, _logs, _sandbox, _volumes, _standing):
            look(findings, holder, spawner)
        fields = {"id": config.id, "leaves": holder.ledger.size(), **findings.fields}
        offers = bool(holder.ledger.current_versions())
    trusted = "\n".join(f"{name}: {said}" for name, said in findings.trusted)
    if findings.wrong:
        wrong = "\n".join(f"{name}: {fault.code.value} {fault.note}" for name, fault in findings.wrong)
        note = findings.wrong[0][1].note if len(findings.wrong) == 1 else ""
        note += f"\nwrong 有误:\n{wrong}\ntrusted 可信:\n{trusted}"
        raise Fault(findings.wrong[0][1].code, note)
    hint = next_step("yanmen", "node", "serve", arguments.node)
    if not offers:
        words = ("suggest", arguments.node, "NAME", "FILE.csv", "--to", "NAME.toml")
        hint = next_step("yanmen", "dataset", *words, note="NAME: the table's name in SQL 表名") + hint
    return Result(f"{config.name} {config.id}: ok 正常\n{trusted}{hint}", fields)


@dataclass(slots=True)
class Findings:
    """What was looked at: what is relied on, what is wrong, and what `--json` says of it."""

    trusted: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, Fault]] = field(default_factory=list)
    fields: dict[str, object] = field(default_factory=dict)

    def look(self, name: str, read: Callable[[], str]) -> None:
        """Note what `read` says, or the fault it ends with; the next look is taken all the same."""
        try:
            self.trusted.append((name, read()))
        except Fault as fault:
            self.wrong.append((name, fault))
        except Malformed as error:
            self.wrong.append((name, Fault(FaultCode.CONFIG, str(error))))
        except OSError as error:
            self.wrong.append((name, Fault(FaultCode.STORAGE, f"{error.filename}: {error.strerror}")))


def _identity(findings: Findings, holder: "Holder", _: "Spawner") -> None:
    from yanmen.crypto import keys, x509
    from yanmen.enrolment import AUTHORITY, SEAL_KEY, TLS_CERTIFICATE, TLS_KEY

    def register() -> str:
        party, current = holder.party(), holder.register.current()
        findings.fields |= {"status": party.status.value, "register_expires_ms": current.expires_ms}
        until = day_of(current.expires_ms)
        return f"serial {current.serial}, this node is {party.status.value}; good until 有效至 {until}"

    def certificate() -> str:
        chain = regular_file.read(holder.directory / TLS_CERTIFICATE, x509.PEM_BYTES_MAX)
        found = x509.parse_peer(chain)
        findings.fields["certificate_expires_ms"] = found.not_after_ms
        x509.check_key_pair(holder.directory / TLS_KEY, chain)
        x509.check_issued(chain, regular_file.read(holder.directory / AUTHORITY, x509.PEM_BYTES_MAX))
        if not found.not_before_ms <= holder.clock.now_ms() < found.not_after_ms:
            raise Fault(FaultCode.KEYS, "outside its validity; have the space sign the application again")
        return f"good until 有效至 {day_of(found.not_after_ms)}"

    def seal() -> str:
        keys.read_secret(holder.directory / SEAL_KEY)
        return "receipt, log, TLS and seal keys are this node's, and its user's alone"

    findings.trusted.append(("configuration 配置", str(holder.directory / "node.toml")))
    findings.look("register 名册", register)
    findings.look("certificate 证书", certificate)
    findings.look("keys 密钥", seal)


def _books(findings: Findings, holder: "Holder", _: "Spawner") -> None:
    def ledger() -> str:
        holder.ledger.check()
        return f"{holder.ledger.size()} leaves, tree and counters recomputed"

    def guards() -> str:
        holder.desk()
        return holder.config.policies

    findings.look("guard rails 守则", guards)
    findings.look("ledger 台账", ledger)


def _logs(findings: Findings, holder: "Holder", _: "Spawner") -> None:
    from yanmen.node import logkeeping

    def logs() -> str:
        kept = logkeeping.check(holder)
        findings.fields["logs"] = {name: {"since": one.since, "lines": one.lines} for name, one in kept.items()}
        said = ", ".join(f"{name} {one.lines} lines since {one.since}" for name, one in kept.items())
        return f"{said or 'none yet'}; chained, kept 保存 {holder.config.log_days} days"

    findings.look("logs of operation 运维日志", logs)


def _sandbox(findings: Findings, holder: "Holder", spawner: "Spawner") -> None:
    from yanmen.node import readiness

    def jail() -> str:
        runner = holder.runner(spawner)
        profile = runner.profile
        findings.fields["sandbox"] = {"name": profile.name, "layers": list(profile.layers), "digest": profile.digest}
        readiness.snapshots(holder, runner.holds)()
        return f"{profile.name} {profile.digest[:16]} ({', '.join(profile.layers)})"

    findings.look("sandbox and snapshots 沙箱与快照", jail)


def _volumes(findings: Findings, holder: "Holder", _: "Spawner") -> None:
    from yanmen.execution.volumes import Host, Volume

    def volume() -> str:
        lies, swap = Host().volume(holder.directory), Host().swap()
        findings.fields["volume"] = lies.value
        return f"{lies.value}; swap 交换区: {'none' if swap is Volume.MEMORY else swap.value}"

    def large() -> str:
        clear = holder.clear_files()
        lies = clear.check()
        findings.fields["large_snapshots"] = None if lies is None else lies.value
        return "in memory" if lies is None else f"{clear.folder}, above 超过 {clear.above_bytes} bytes: {lies.value}"

    findings.look("volume 存储卷", volume)
    findings.look("large snapshots 大快照", large)


def _standing(findings: Findings, holder: "Holder", _: "Spawner") -> None:
    from yanmen.node import readiness
    from yanmen.witness import standing

    def witnesses() -> str:
        standing.check(holder.ledger, holder.config.witnesses)
        named = ", ".join(one.name for one in holder.config.witnesses)
        return (
            f"{named}: saw nothing that the ledger lacks" if named else "none; a copy of the log cannot be told apart"
        )

    probes = readiness.probes(holder)

    def host() -> str:
        for name in ("clock", "disk"):
            probes[name]()
        return f"clock not behind the log, {readiness.disk_free_bytes(holder) >> 20} MiB free"

    findings.look("witnesses 见证", witnesses)
    findings.look("host 主机", host)


def probed(arguments: argparse.Namespace) -> Result:
    """Run the escape probes in a throw-away worker; one that works is a fault."""
    from yanmen.crypto.system import SystemRandomness
    from yanmen.execution import preflight, profiles
    from yanmen.execution.launcher import Launcher
    from yanmen.model.config import NodeLimits

    docker = Docker(arguments.docker_socket, arguments.docker_image, arguments.docker_runtime)
    with profiles.serving(arguments.profile, docker) as spawner:
        profile = preflight.check(Launcher(spawner), NodeLimits(), SystemRandomness())
    lines = [f"{profile.name}: no probe escaped 无逃逸 ({profile.engine}) {profile.digest}"]
    lost = preflight.lost(profile)
    if lost is not None:
        lines.append(f"  lost 缺失: {lost}")
    if arguments.verbose:
        lines += [f"  {layer}" for layer in profile.layers]
    return Result("\n".join(lines), {"name": profile.name, "layers": list(profile.layers), "digest": profile.digest})
