"""`yanmen node`: a department makes its node, joins a space and serves."""

import argparse
import shutil
import signal
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from yanmen import enrolment
from yanmen.cli import member
from yanmen.cli.grammar import Parser, command, existing, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.cli.policy import EXPECTATIONS
from yanmen.crypto import keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import config as config_format
from yanmen.formats.enrolment import Grant
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import Config
from yanmen.model.party import PartyRole

CONFIG = "node.toml"
POLICIES = "policies"
PERSONS = SubjectSpace(name="person", lifetime_micro_rho=1_000_000, lifetime_delta_e12=0)
"""A safe start: over its whole life a person's data gives away at most ρ = 1 (ε < 8 at δ = 1e-6)."""
STOP_SECONDS = 10
"""How long running questions may finish after a stop signal before they are aborted with a receipt."""


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "node", "a department's node 部门节点: keys, configuration, serving")
    example = (
        "yanmen node init health --name 卫健委 --alias health"
        " --subject 11140000MB0GTTTT0X --region 1400 --address 127.0.0.1:7443"
    )
    init = command(here, "init", "make keys and an application 生成密钥与申请", initialise, example)
    folder(init, "node", "a new folder for the node's keys and state")
    member.who_are_you(init)
    init.add_argument("--address", required=True, help="host:port other parties reach this node at")
    example = "yanmen node accept health health/granted.json --register space/register.jws"
    accept = command(
        here, "accept", "install what the space granted, write node.toml 安装证书并写配置", accepted, example
    )
    folder(accept, "node", "the node's folder")
    file(accept, "grant", "the granted.json from the space operator")
    accept.add_argument(
        "--register", type=existing, required=True, help="where the space's signed register is kept up to date"
    )
    budget = "lifetime privacy budget of the subject space `person`, in millionths of ρ (1000000)"
    accept.add_argument("--lifetime-micro-rho", type=int, default=PERSONS.lifetime_micro_rho, help=budget)
    delta = "lifetime δ of `person`, in units of 1e-12: keys of open domains are found at its charge (0)"
    accept.add_argument("--lifetime-delta-e12", type=int, default=PERSONS.lifetime_delta_e12, help=delta)
    accept.add_argument("--policies", type=Path, help="folder of guard rails (*.cedar) to copy in")
    serve = command(here, "serve", "serve questions until stopped 启动服务", served, "yanmen node serve health")
    folder(serve, "node", "the node's folder")
    show = command(
        here, "status", "print what the node holds and its log's head 节点状态", status, "yanmen node status health"
    )
    folder(show, "node", "the node's folder")
    seal = command(
        here, "seal-keys", "seal key files under a passphrase 加密密钥文件", sealed, "yanmen node seal-keys health"
    )
    folder(seal, "node", "the folder of a node, member or space")
    plain = command(
        here, "unseal-keys", "write key files as they were 解密密钥文件", unsealed, "yanmen node unseal-keys health"
    )
    folder(plain, "node", "the folder of a node, member or space")


def initialise(arguments: argparse.Namespace) -> Result:
    """Make the node's keys and application."""
    claims = enrolment.Claims(
        PartyRole.NODE, arguments.name, arguments.alias, arguments.subject, arguments.region, arguments.address
    )
    enrolment.apply(arguments.node, claims, SystemClock(), SystemRandomness())
    path = arguments.node / enrolment.APPLICATION
    hint = next_step(
        "yanmen", "space", "sign", "SPACE", path, note="SPACE: the space operator's folder 空间运营者的目录"
    )
    return Result(f"keys are in {arguments.node}; they never leave it{hint}", {"application": str(path)})


def accepted(arguments: argparse.Namespace) -> Result:
    """Install the grant and write a first node.toml; an existing node.toml is kept."""
    directory: Path = arguments.node
    grant = enrolment.read_grant(arguments.grant.read_bytes())
    enrolment.accept(directory, grant)
    target = directory / CONFIG
    if not target.exists():
        target.write_text(config_format.encode(_config(arguments, grant)), encoding="utf-8")
    policies = directory / POLICIES
    if not policies.exists():
        _guard_rails(arguments.policies, policies)
    _begin(directory)
    text = f"{grant.id} in {grant.space}; configuration 配置: {target}"
    text += next_step("yanmen", "check", "node", directory)
    return Result(text, {"id": grant.id, "space": grant.space, "config": str(target)})


def _guard_rails(source: Path | None, target: Path) -> None:
    """Copy the department's guard rails with their expected verdicts, or those that come with this program."""
    from yanmen.admission.policies import shipped

    target.mkdir()
    where = source or shipped()
    for path in sorted((*where.glob("*.cedar"), *where.glob(f"{EXPECTATIONS}/*.toml"))):
        copy = target / path.relative_to(where)
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, copy)


def _begin(directory: Path) -> None:
    """Begin the usage log of a new node; one that exists must be this node's."""
    from yanmen.node.holder import LEDGER, open_holder

    with open_holder(directory, begin=not (directory / LEDGER).exists()) as holder:
        holder.party()


def _config(arguments: argparse.Namespace, grant: Grant) -> Config:
    application = enrolment.read_application((arguments.node / enrolment.APPLICATION).read_bytes())
    return Config(
        id=grant.id,
        name=application.name,
        alias=application.alias,
        address=application.address,
        space=grant.space,
        register=str(Path(arguments.register).resolve()),
        space_key=grant.space_key,
        sandbox="landlock",
        approve_general=False,
        approve_columns_max=0,
        subject_spaces=(
            replace(
                PERSONS,
                lifetime_micro_rho=arguments.lifetime_micro_rho,
                lifetime_delta_e12=arguments.lifetime_delta_e12,
            ),
        ),
    )


def served(arguments: argparse.Namespace) -> Result:
    """Serve until SIGTERM or SIGINT; running questions finish or are aborted with a receipt."""
    from yanmen.execution import profiles
    from yanmen.node.holder import read_config

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not (arguments.node / CONFIG).is_file():
        raise UsageProblem(f"no {CONFIG} in {arguments.node}; run yanmen node accept first")
    with profiles.serving(read_config(arguments.node).sandbox) as spawner:
        # Only now: grpc starts threads, and a zygote is forked from a process without any.
        from yanmen.wire.serving import serve

        address = serve(arguments.node, spawner, stop, STOP_SECONDS)
    return Result(f"stopped 已停止: {address}", {"address": address, "stopped": True})


def status(arguments: argparse.Namespace) -> Result:
    """Print the log's head and what is published, from the node's folder alone."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        head = holder.ledger.checkpoint()
        versions = holder.ledger.current_versions()
        names = [version.dataset.name for version in versions]
        events = holder.ledger.violations()
        fields = {
            "id": holder.config.id,
            "datasets": names,
            "violations": [asdict(event) for event in events],
            "checkpoint": head,
        }
        lines = [f"{holder.config.name} {holder.config.id}", f"datasets 数据集: {', '.join(names)}"]
        lines += [
            f"SECURITY EVENT 安全事件: receipt 回执 no. {event.index}, {_moment(event.at_ms)},"
            f" contract 合约 {event.contract}, member 成员 {event.consumer}"
            for event in events
        ]
        return Result("\n".join(lines) + f"\n\n{head}", fields)


def sealed(arguments: argparse.Namespace) -> Result:
    """Seal the folder's key files."""
    given = keys.passphrase(arguments.node)
    names = enrolment.seal_keys(arguments.node, given, SystemRandomness())
    return Result(f"sealed 已加密: {', '.join(names) or '-'}", {"sealed": list(names)})


def unsealed(arguments: argparse.Namespace) -> Result:
    """Write the folder's key files unsealed."""
    names = enrolment.unseal_keys(arguments.node, keys.passphrase(arguments.node))
    return Result(f"unsealed 已解密: {', '.join(names) or '-'}", {"unsealed": list(names)})


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
