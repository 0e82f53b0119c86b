"""A whole province of nodes set up on one machine: keys, space, tables, as their owners would with the commands."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from demo_files.town import free_port
from province_files import insured
from province_files.divisions import Division
from yanmen import enrolment, publishing
from yanmen.cli import node as node_commands
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.enrolment import Claims
from yanmen.execution import profiles
from yanmen.formats import config as config_format
from yanmen.formats.enrolment import encode_grant
from yanmen.model.party import PartyRole, PartyStatus

AGGREGATORS = (("bureau", "省数据局"), ("statistics", "省统计局"), ("auditors", "省审计厅"))
DEVELOPER = ("datalab", "晋数实验室")
SUBJECT = "11140000MB0GTTTT0"
MICRO_RHO = 900_000
AT_ONCE = 65
"""Nodes of this one machine that are asked side by side."""
DEADLINE_MS = (4_000, 20_000)
DEADLINE_JOBS = 1.5
"""A job takes about as long as publishing a table of this size, and seven tenths of a deadline are for it."""
CLOCK, RANDOMNESS = SystemClock(), SystemRandomness()

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Member:
    """One party to be: its folder and what it says of itself."""

    folder: Path
    claims: Claims


@dataclass(frozen=True)
class Holding:
    """What a node is set up with: where its table, specification and register lie, and how it may be asked."""

    folder: Path
    division: Division
    divisions: tuple[Division, ...]
    specification: str
    register: Path


def settled(root: Path, divisions: tuple[Division, ...], places: tuple[Division, ...], told: Told) -> int:
    """Make the space, a node for each of `places`, three aggregators and a developer in `root`.

    Returns the nodes' deadline in milliseconds: as many jobs as are asked at once must compute within it, and how
    long publishing took shows how busy this machine is.
    """
    space = enrolment.create_space(root / "space", "shanxi.example", CLOCK, RANDOMNESS)
    members = [_node(root, place) for place in places]
    members += [_member(root, PartyRole.AGGREGATOR, *who) for who in AGGREGATORS]
    members.append(_member(root, PartyRole.DEVELOPER, *DEVELOPER))
    with _pool() as pool:
        for at, (member, application) in enumerate(zip(members, pool.map(_apply, members), strict=True), start=1):
            space, grant = enrolment.admit(space, application, PartyStatus.ACTIVE, CLOCK, RANDOMNESS)
            (member.folder / "granted.json").write_bytes(encode_grant(grant))
            told("keys, register", at, len(members))
        register = root / "space" / enrolment.REGISTER
        for member in members[len(places) :]:
            _join(member, register)
        specification = insured.specification(divisions)
        holdings = [
            Holding(member.folder, place, divisions, specification, register)
            for member, place in zip(members, places, strict=False)
        ]
        began = time.monotonic()
        for at, _ in enumerate(pool.map(_publish, holdings), start=1):
            told("tables", at, len(holdings))
        each_s = (time.monotonic() - began) / len(holdings)
    deadline_ms = int(
        min(DEADLINE_MS[1], max(DEADLINE_MS[0], DEADLINE_JOBS * min(len(holdings), AT_ONCE) * each_s * 1000))
    )
    for holding in holdings:
        _limit(holding.folder / node_commands.CONFIG, deadline_ms)
    return deadline_ms


def _node(root: Path, place: Division) -> Member:
    address = f"127.0.0.1:{free_port()}"
    claims = Claims(PartyRole.NODE, place.name, place.alias, SUBJECT + "1", place.code[:4], address)
    return Member(root / place.alias, claims)


def _member(root: Path, role: PartyRole, alias: str, name: str) -> Member:
    address = f"127.0.0.1:{free_port()}" if role is PartyRole.AGGREGATOR else ""
    return Member(root / alias, Claims(role, name, alias, SUBJECT + "2", "1400", address))


def _apply(member: Member) -> enrolment.Application:
    return enrolment.apply(member.folder, member.claims, CLOCK, RANDOMNESS)


def _join(member: Member, register: Path) -> None:
    """Install the grant of an aggregator or of the developer."""
    granted = member.folder / "granted.json"
    if member.claims.role is PartyRole.AGGREGATOR:
        from yanmen.ledger.sum_book import SumBook
        from yanmen.node.institution import BOOK

        node_commands.install(member.folder, granted, register)
        SumBook(member.folder / BOOK, create=True).close()
        return
    grant = enrolment.read_grant(granted.read_bytes())
    enrolment.accept(member.folder, grant)
    enrolment.write_identity(member.folder, grant, register)


def _publish(holding: Holding) -> None:
    """Install the grant of a node, let its owner's rule approve small contracts, and publish its table."""
    from yanmen.node.holder import open_holder

    folder = holding.folder
    node_commands._guard_rails(None, folder / node_commands.POLICIES)
    node_commands.install(folder, folder / "granted.json", holding.register)
    path = folder / node_commands.CONFIG
    config = config_format.decode(path.read_bytes())
    rule = replace(config, approve_general=True, approve_columns_max=9, approve_micro_rho_max=MICRO_RHO)
    path.write_text(config_format.encode(rule), encoding="utf-8")
    source = folder / "insured.csv"
    insured.write(source, insured.people(holding.division, holding.divisions))
    with open_holder(folder) as holder:
        runner = holder.runner(_spawners[0])
        publishing.publish(
            holding.specification.encode(), source, publishing.Press(holder.ledger, runner, holder.clock)
        )
    source.unlink()


def _limit(path: Path, deadline_ms: int) -> None:
    config = config_format.decode(path.read_bytes())
    changed = replace(config, limits=replace(config.limits, deadline_ms=deadline_ms))
    path.write_text(config_format.encode(changed), encoding="utf-8")


_spawners: list[profiles.Zygote] = []


def _prepare() -> None:
    """Begin a process of the pool: the zygote its publishing jobs are forked from dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    zygote = profiles.zygote(profiles.LANDLOCK)
    zygote.start()
    _spawners.append(zygote)


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn"), initializer=_prepare)
