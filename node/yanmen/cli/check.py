"""`yanmen check`: say what is trusted and what is wrong, before anything is served."""

import argparse

from yanmen.cli.grammar import Parser, command, day_of, folder, group
from yanmen.cli.output import Result, next_step
from yanmen.formats.config import SANDBOXES
from yanmen.model.config import Docker


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
    """Open the node as serving would, recompute its ledger, and name what is trusted."""
    from yanmen.crypto import x509
    from yanmen.enrolment import TLS_CERTIFICATE
    from yanmen.execution import profiles
    from yanmen.execution.volumes import Host, Volume
    from yanmen.node.holder import open_holder, read_config

    config = read_config(arguments.node)
    with profiles.serving(config.sandbox, config.docker) as spawner, open_holder(arguments.node) as holder:
        party = holder.party()
        holder.ledger.check()
        profile = holder.runner(spawner).profile
        guards = holder.desk()
        register = holder.register.current()
        certificate = x509.parse_peer((holder.directory / TLS_CERTIFICATE).read_bytes())
        trusted = [
            f"configuration 配置: {holder.directory / 'node.toml'}",
            f"register 名册: serial {register.serial}, this node is {party.status.value}; "
            f"good until 有效至 {day_of(register.expires_ms)}",
            f"certificate 证书: good until 有效至 {day_of(certificate.not_after_ms)}",
            f"guard rails 守则: {holder.config.policies}",
            f"ledger 台账: {holder.ledger.size()} leaves, tree and counters recomputed",
            f"sandbox 沙箱: {profile.name} {profile.digest[:16]} ({', '.join(profile.layers)})",
        ]
        volume, swap = Host().volume(holder.directory), Host().swap()
        trusted.append(f"volume 存储卷: {volume.value}; swap 交换区: {'none' if swap is Volume.MEMORY else swap.value}")
        clear = holder.clear_files()
        lies = clear.check()
        if lies is not None:
            large = f"{clear.folder}, above 超过 {clear.above_bytes} bytes"
            trusted.append(f"large snapshots 大快照: {large}: {lies.value}")
        fields = {
            "id": guards.node_id,
            "volume": volume.value,
            "large_snapshots": None if lies is None else lies.value,
            "status": party.status.value,
            "leaves": holder.ledger.size(),
            "register_expires_ms": register.expires_ms,
            "certificate_expires_ms": certificate.not_after_ms,
            "sandbox": {"name": profile.name, "layers": list(profile.layers), "digest": profile.digest},
        }
        hint = next_step("yanmen", "node", "serve", arguments.node)
        if not holder.ledger.current_versions():
            words = ("suggest", arguments.node, "NAME", "FILE.csv", "--to", "NAME.toml")
            hint = next_step("yanmen", "dataset", *words, note="NAME: the table's name in SQL 表名") + hint
        return Result(f"{holder.config.name} {holder.config.id}: ok 正常\n" + "\n".join(trusted) + hint, fields)


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
