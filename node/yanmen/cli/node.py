"""`yanmen node`: a department makes its node, joins a space and serves."""

import argparse
import signal
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from yanmen import enrolment
from yanmen.cli import given, member, node_abilities, node_backup, node_keys
from yanmen.cli.grammar import Parser, command, existing, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.cli.policy import EXPECTATIONS
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import config as config_format
from yanmen.formats.enrolment import Grant
from yanmen.formats.json_members import TEXT_MAX
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import Config, LedgerPlace
from yanmen.model.party import PartyRole

CONFIG = "node.toml"
POLICIES = "policies"
PERSONS = SubjectSpace(name="person", lifetime_micro_rho=1_000_000, lifetime_delta_e12=0)
"""A safe start: over its whole life a person's data gives away at most ρ = 1 (ε < 8 at δ = 1e-6)."""
LIFETIME = (PERSONS.lifetime_micro_rho, PERSONS.lifetime_delta_e12)
IN_THE_FOLDER = LedgerPlace()
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
    _lifetime(accept)
    where = "keep the ledger in PostgreSQL: FILE (0600) has one line, host=… dbname=… user=… password=…"
    accept.add_argument("--ledger", type=existing, metavar="FILE", help=where)
    accept.add_argument("--policies", type=Path, help="folder of guard rails (*.cedar) to copy in")
    serve = command(here, "serve", "serve questions until stopped 启动服务", served, "yanmen node serve health")
    serve.add_argument("node", type=Path, nargs="+", metavar="NODE", help="the node's folder; several share a process")
    show = command(
        here, "status", "print what the node holds and its log's head 节点状态", status, "yanmen node status health"
    )
    folder(show, "node", "the node's folder")
    _schema(here)
    example = "yanmen node succeed health --reason '备份恢复，丢失 3 片叶' --left person=250000"
    follow = command(
        here, "succeed", "continue a log that lost leaves, and say so 声明缺失并续建日志", succeeded, example
    )
    folder(follow, "node", "the node's folder, whose ledger a witness saw more of")
    follow.add_argument("--reason", required=True, help="what was lost and why; it stands in the new log's first leaf")
    rest = "micro-rho left of a subject space, at most; without it the space counts as spent"
    follow.add_argument("--left", action="append", default=[], metavar="SPACE=N", help=rest)
    node_backup.declare(here)
    node_keys.declare(here)
    node_abilities.declare(here)


def _schema(here: "argparse._SubParsersAction[Parser]") -> None:
    example, said = "yanmen node schema health --to 21", "say the ledger's schema in PostgreSQL, or lower it 账本结构"
    schema = command(here, "schema", said, schemed, example)
    folder(schema, "node", "the node's folder, no replica of which serves")
    older = "undo migrations down to this version, for an older program; refused once they hold a record"
    schema.add_argument("--to", type=int, metavar="N", help=older)


def _lifetime(accept: Parser) -> None:
    budget = "lifetime privacy budget of the subject space `person`, in millionths of ρ (1000000)"
    accept.add_argument("--lifetime-micro-rho", type=int, default=PERSONS.lifetime_micro_rho, help=budget)
    delta = "lifetime δ of `person`, in units of 1e-12: keys of open domains are found at its charge (0)"
    accept.add_argument("--lifetime-delta-e12", type=int, default=PERSONS.lifetime_delta_e12, help=delta)


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
    policies = directory / POLICIES
    if not policies.exists():
        _guard_rails(arguments.policies, policies)
    budget = (arguments.lifetime_micro_rho, arguments.lifetime_delta_e12)
    ledger = LedgerPlace("" if arguments.ledger is None else str(arguments.ledger.resolve()))
    grant = install(directory, arguments.grant, arguments.register, budget, ledger)
    text = f"{grant.id} in {grant.space}; configuration 配置: {directory / CONFIG}"
    text += next_step("yanmen", "check", "node", directory)
    return Result(text, {"id": grant.id, "space": grant.space, "config": str(directory / CONFIG)})


def install(
    directory: Path,
    granted: Path,
    register: Path,
    budget: tuple[int, int] = LIFETIME,
    ledger: LedgerPlace = IN_THE_FOLDER,
) -> Grant:
    """Install what the space granted, write a first node.toml and begin the log; what exists is kept.

    `budget` is the lifetime of the subject space `person`: micro-rho, and delta in units of 1e-12.
    """
    grant = enrolment.read_grant(given.read(granted))
    enrolment.accept(directory, grant)
    target = directory / CONFIG
    if not target.exists():
        config = replace(_config(directory, register, budget, grant), ledger=ledger)
        target.write_text(config_format.encode(config), encoding="utf-8")
    _begin(directory)
    return grant


def _guard_rails(source: Path | None, target: Path) -> None:
    """Copy the department's guard rails with their expected verdicts, or those that come with this program."""
    from yanmen.admission.policies import shipped

    target.mkdir()
    where = source or shipped()
    for path in sorted((*where.glob("*.cedar"), *where.glob(f"{EXPECTATIONS}/*.toml"))):
        copy = target / path.relative_to(where)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(given.read(path))


def _begin(directory: Path) -> None:
    """Begin the usage log of a new node; one that exists must be this node's."""
    from yanmen.ledger.ledger import Ledger
    from yanmen.node.holder import ledger_place, open_holder, read_config

    there = Ledger.is_there(ledger_place(directory, read_config(directory)))
    with open_holder(directory, begin=not there) as holder:
        holder.party()


def _config(directory: Path, register: Path, budget: tuple[int, int], grant: Grant) -> Config:
    application = enrolment.read_application(given.read(directory / enrolment.APPLICATION))
    return Config(
        id=grant.id,
        name=application.name,
        alias=application.alias,
        address=application.address,
        space=grant.space,
        register=str(register.resolve()),
        space_key=grant.space_key,
        sandbox="landlock",
        approve_general=False,
        approve_columns_max=0,
        subject_spaces=(replace(PERSONS, lifetime_micro_rho=budget[0], lifetime_delta_e12=budget[1]),),
    )


def served(arguments: argparse.Namespace) -> Result:
    """Serve until SIGTERM or SIGINT; running questions finish or are aborted with a receipt."""
    from yanmen.execution import profiles
    from yanmen.node.holder import read_config

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for directory in arguments.node:
        if not (directory / CONFIG).is_file():
            raise UsageProblem(f"no {CONFIG} in {directory}; run yanmen node accept first")
    configs = [read_config(directory) for directory in arguments.node]
    if len({(config.sandbox, config.docker) for config in configs}) > 1:
        raise UsageProblem("these nodes ask for different sandboxes in their node.toml; serve them apart")
    with profiles.serving(configs[0].sandbox, configs[0].docker) as spawner:
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
        anchor, failing = holder.ledger.anchored(), holder.ledger.anchor_failing()
        fields = {
            "id": holder.config.id,
            "anchor": None if anchor is None else asdict(anchor),
            "anchor_failing": None if failing is None else asdict(failing),
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
        if anchor is not None:
            lines.append(f"anchored 已锚定: {anchor.size} leaves, {anchor.answer}")
        if failing is not None:
            lines.append(f"ANCHORING FAILS 锚定失败: since {_moment(failing.since_ms)}, {failing.note}")
        return Result("\n".join(lines) + f"\n\n{head}", fields)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def schemed(arguments: argparse.Namespace) -> Result:
    """Print the version of the ledger's schema, after lowering it when that is asked for."""
    from yanmen.ledger import opening
    from yanmen.node.holder import ledger_place, read_config

    place = ledger_place(arguments.node, read_config(arguments.node))
    if isinstance(place, Path):
        raise UsageProblem("this ledger is a file, whose schema only rises: go back with its backup")
    version = opening.lowered(place, arguments.to)
    return Result(f"schema 结构版本 {version}", {"schema": version})


def succeeded(arguments: argparse.Namespace) -> Result:
    """Begin the declared-gap successor of the node's log."""
    from yanmen.node import succession

    if not arguments.reason.strip() or len(arguments.reason) > TEXT_MAX:
        raise UsageProblem(f"--reason is empty or longer than {TEXT_MAX} characters")
    left = dict(_left(word) for word in arguments.left)
    succession.finish(arguments.node)
    closed = succession.succeed(arguments.node, arguments.reason, left)
    text = f"{closed.origin} continues 续接; closed 已封存: {closed.archive}"
    return Result(text, {"origin": closed.origin, "archive": closed.archive})


def _left(word: str) -> tuple[str, int]:
    space, mark, number = word.partition("=")
    if not mark or not (number.isascii() and number.isdigit()):
        raise UsageProblem(f"--left {word}: write SPACE=N")
    return space, int(number)
