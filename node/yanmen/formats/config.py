"""`node.toml`: the configuration of one node, strict, with the line of everything that is wrong in it."""

import re
from dataclasses import fields

from yanmen.formats import base64url, connector_id, note, toml_lines, toml_table
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME
from yanmen.formats.spec_draft import quote
from yanmen.formats.toml_lines import NotToml
from yanmen.formats.toml_table import INTEGER_MAX, Table
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import (
    AnchorRules,
    AtRest,
    Config,
    Docker,
    Interfaces,
    LargeSnapshots,
    LedgerPlace,
    NodeLimits,
    NotifyRules,
    ReleasePolicy,
    ReleaseRules,
    Stamping,
    Telling,
    Witness,
)
from yanmen.model.refusal import Fault, FaultCode

SPACE = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII)
"""A space's name is also the trust domain of its SPIFFE ids."""
ALIAS = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
"""A node's short name is also an SQL schema in messages about joins across nodes."""
ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,39}\]):[0-9]{1,5}", re.ASCII)
ADDRESS_LIKE = "HOST:PORT, for instance health.example:7443 or 10.1.2.3:7443"
LOOPBACK_LIKE = "127.0.0.1:PORT or [::1]:PORT, for instance 127.0.0.1:9464"
URL_LIKE = "https://HOST:PORT/PATH without a slash at its end, for instance https://health.example:7443/tds"
COLUMNS_MAX = 10_000
SANDBOXES = ("landlock", "jail", "docker")
"""Profiles this program has; another word is refused, never replaced."""
DAY_MINUTES = 24 * 60
ANCHOR_SECONDS_MAX = 600
LOG_DAYS_LEAST, LOG_DAYS_MOST = 180, 36_500
"""TC609-6-2025-13: logs are kept six months at the least."""
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,254}", re.ASCII)
RUNTIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
SOCKET = re.compile(r"/[A-Za-z0-9._/-]{1,106}", re.ASCII)
"""An absolute path: the engine is on this host."""
URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,39}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*", re.ASCII
)
"""A witness's prefix, without a slash at its end."""
HTTPS_URL = re.compile(URL.pattern.replace("https?", "https", 1), re.ASCII)
"""The same of a node's own interfaces, which nobody reaches in the clear."""
LOOPBACK = re.compile(r"(?:127(?:\.[0-9]{1,3}){3}|\[::1\]):[0-9]{1,5}", re.ASCII)
"""An address that only this host reaches."""


def decode(text: bytes) -> Config:
    """Return the configuration in `text`, or a fault that lists every problem with its line."""
    try:
        table = toml_table.root(toml_lines.parse(text))
    except NotToml as error:
        raise Fault(FaultCode.CONFIG, f"node.toml: {error.problem.describe()}") from error
    config = _config(table)
    table.close()
    if table.problems:
        listed = "; ".join(problem.describe() for problem in toml_table.in_order(table.problems))
        raise Fault(FaultCode.CONFIG, f"node.toml: {listed}")
    return config


def encode(config: Config) -> str:
    """Return the text of `config`; `decode` of it is `config` again."""
    lines = [
        f"id = {quote(config.id)}",
        f"name = {quote(config.name)}",
        f"alias = {quote(config.alias)}",
        f"address = {quote(config.address)}",
        f"space = {quote(config.space)}",
        f"register = {quote(config.register)}",
        f"space_key = {quote(base64url.encode(config.space_key))}",
        f"sandbox = {quote(config.sandbox)}",
        f"policies = {quote(config.policies)}",
        "",
        "# What the owner's rule approves by itself; everything else waits for a person.",
        "[approve]",
        f"general = {'true' if config.approve_general else 'false'}",
        f"columns_max = {config.approve_columns_max}",
        f"micro_rho_max = {config.approve_micro_rho_max}",
        f"hours = {config.approve_hours}",
    ]
    for space in config.subject_spaces:
        lines += ["", f"[subject_spaces.{space.name}]", f"lifetime_micro_rho = {space.lifetime_micro_rho}"]
        lines.append(f"lifetime_delta_e12 = {space.lifetime_delta_e12}")
    rules = config.release
    lines += ["", "# What must be so before an answer leaves.", "[release]", f"policy = {quote(rules.policy.value)}"]
    lines += [f"quorum = {rules.quorum}", f"unwitnessed_minutes = {rules.unwitnessed_minutes}"]
    lines.append(f"acknowledged_first = {'true' if rules.acknowledged_first else 'false'}")
    for witness in config.witnesses:
        vkey = note.encode_key(note.VerifierKey(witness.name, witness.public, note.COSIGNATURE))
        lines += ["", "[[witness]]", f"url = {quote(witness.url)}", f"vkey = {quote(vkey)}"]
    lines += _programs(config)
    if config.docker != Docker() or config.sandbox == "docker":
        lines += ["", "[docker]", f"socket = {quote(config.docker.socket)}", f"image = {quote(config.docker.image)}"]
        lines += [f"runtime = {quote(config.docker.runtime)}", f"memory_bytes = {config.docker.memory_bytes}"]
    lines += ["", "# Whether the node refuses to work where a disk that is taken away can be read."]
    lines += ["[volume]", f"encrypted = {'true' if config.encrypted_volume else 'false'}"]
    lines.append(f"cipher = {quote(config.at_rest.value)}")
    if config.large != LargeSnapshots():
        lines += [f"folder = {quote(config.large.folder)}", f"above_bytes = {config.large.above_bytes}"]
        lines.append(f"largest_bytes = {config.large.largest_bytes}")
    lines += ["", "# How long the logs of operation are kept.", "[logs]", f"days = {config.log_days}"]
    lines += ["", "[limits]"]
    lines += [f"{limit.name} = {getattr(config.limits, limit.name)}" for limit in fields(NodeLimits)]
    return "\n".join(lines) + "\n"


def _programs(config: Config) -> list[str]:
    """Return the tables about what stands beside the node: authorities, hooks, listeners."""
    lines: list[str] = []
    if config.stamping != Stamping():
        lines += ["", "[timestamp]", f"authority = {quote(config.stamping.authority)}"]
        lines += [f"url = {quote(config.stamping.url)}"] if config.stamping.url else []
    if config.anchor.command:
        words = ", ".join(map(quote, config.anchor.command))
        lines += ["", "[anchor]", f"command = [{words}]"]
        lines += [f"minutes = {config.anchor.minutes}", f"seconds = {config.anchor.seconds}"]
    if config.notify.command:
        words = ", ".join(map(quote, config.notify.command))
        lines += ["", "[notify]", f"command = [{words}]", f"seconds = {config.notify.seconds}"]
    if config.telling != Telling():
        lines += ["", "[operations]", f"address = {quote(config.telling.address)}"]
        lines += [f"traces = {quote(config.telling.traces)}"] if config.telling.traces else []
    if config.https != Interfaces():
        lines += ["", "[https]", f"address = {quote(config.https.address)}", f"url = {quote(config.https.url)}"]
    if config.ledger != LedgerPlace():
        lines += ["", "[ledger]", f"postgresql = {quote(config.ledger.postgresql)}"]
        lines.append(f"schema = {quote(config.ledger.schema)}")
    return lines


def _config(table: Table) -> Config:
    approve = table.table("approve")
    encrypted, at_rest, large = _volume(table.table("volume", required=False))
    config = Config(
        id=_id(table),
        name=table.text("name"),
        alias=table.text("alias", pattern=ALIAS),
        address=_address(table),
        space=table.text("space", pattern=SPACE),
        register=table.text("register"),
        space_key=_space_key(table),
        sandbox=_sandbox(table),
        approve_general=approve.boolean("general"),
        approve_columns_max=approve.integer("columns_max", 0, COLUMNS_MAX),
        subject_spaces=tuple(_space(section) for section in table.table("subject_spaces", required=False).tables()),
        limits=_limits(table.table("limits", required=False)),
        approve_micro_rho_max=approve.integer("micro_rho_max", 0, INTEGER_MAX, 0),
        approve_hours=approve.integer("hours", 1, 24 * 366, 24),
        policies=table.text("policies", required=False) or "policies",
        witnesses=_witnesses(table),
        release=_release(table.table("release", required=False)),
        docker=_docker(table.table("docker", required=False)),
        encrypted_volume=encrypted,
        at_rest=at_rest,
        large=large,
        stamping=_stamping(table),
        anchor=_anchor(table),
        ledger=_ledger(table),
        notify=_notify(table),
        telling=_telling(table),
        log_days=_logs(table.table("logs", required=False)),
        https=_https(table),
    )
    _check_quorum(table, config)
    approve.close()
    return config


def _id(table: Table) -> str:
    value = table.text("id")
    try:
        return connector_id.check(value)
    except Malformed as error:
        if value:
            table.problem("id", str(error), "不是合法的连接器标识")
        return value


def _address(table: Table) -> str:
    value = table.text("address", pattern=ADDRESS, like=ADDRESS_LIKE)
    port = value.rpartition(":")[2]
    if port.isascii() and port.isdigit() and int(port) > 65535:
        table.problem("address", "no such port", "端口号超出范围")
    return value


def _sandbox(table: Table) -> str:
    value = table.text("sandbox")
    if value not in SANDBOXES:
        table.problem("sandbox", f"must be one of {', '.join(SANDBOXES)}", f"须为 {', '.join(SANDBOXES)} 之一")
    return value


def _docker(section: Table) -> Docker:
    usual = Docker()
    found = Docker(
        socket=section.text("socket", required=False, pattern=SOCKET) or usual.socket,
        image=section.text("image", required=False, pattern=IMAGE) or usual.image,
        runtime=section.text("runtime", required=False, pattern=RUNTIME) or usual.runtime,
        memory_bytes=section.integer("memory_bytes", 1 << 30, INTEGER_MAX, usual.memory_bytes),
    )
    section.close()
    return found


def _space_key(table: Table) -> bytes:
    value = table.text("space_key")
    try:
        return base64url.decode_sized(value, 32)
    except Malformed as error:
        if value:
            table.problem("space_key", str(error), "不是 base64url 编码的 32 字节公钥")
        return b""


def _witnesses(table: Table) -> tuple[Witness, ...]:
    found = tuple(_witness(section) for section in table.sections("witness")) if table.has("witness") else ()
    if len({witness.public for witness in found}) < len(found):
        table.problem("witness", "the same key twice", "同一公钥出现两次")
    return found


def _stamping(table: Table) -> Stamping:
    if not table.has("timestamp"):
        return Stamping()
    section = table.table("timestamp")
    found = Stamping(section.text("url", required=False, pattern=URL, like=URL_LIKE), section.text("authority"))
    section.close()
    return found


def _ledger(table: Table) -> LedgerPlace:
    if not table.has("ledger"):
        return LedgerPlace()
    section, usual = table.table("ledger"), LedgerPlace()
    place = LedgerPlace(
        postgresql=section.text("postgresql"),
        schema=section.text("schema", required=False, pattern=NAME) or usual.schema,
    )
    section.close()
    return place


def _anchor(table: Table) -> AnchorRules:
    if not table.has("anchor"):
        return AnchorRules()
    section, usual = table.table("anchor"), AnchorRules()
    rules = AnchorRules(
        command=section.texts("command"),
        minutes=section.integer("minutes", 1, DAY_MINUTES, usual.minutes),
        seconds=section.integer("seconds", 1, ANCHOR_SECONDS_MAX, usual.seconds),
    )
    _check_command(section, rules.command)
    section.close()
    return rules


def _notify(table: Table) -> NotifyRules:
    if not table.has("notify"):
        return NotifyRules()
    section, usual = table.table("notify"), NotifyRules()
    rules = NotifyRules(section.texts("command"), section.integer("seconds", 1, ANCHOR_SECONDS_MAX, usual.seconds))
    _check_command(section, rules.command)
    section.close()
    return rules


def _check_command(section: Table, command: tuple[str, ...]) -> None:
    if command and (not command[0].startswith("/") or any("\0" in word for word in command)):
        section.problem("command", "must begin with the absolute path of a program", "须以程序的绝对路径开头")


def _logs(section: Table) -> int:
    days = section.integer("days", LOG_DAYS_LEAST, LOG_DAYS_MOST, LOG_DAYS_LEAST)
    section.close()
    return days


def _telling(table: Table) -> Telling:
    if not table.has("operations"):
        return Telling()
    section = table.table("operations")
    address = section.text("address", required=False, pattern=LOOPBACK, like=LOOPBACK_LIKE)
    if LOOPBACK.fullmatch(address) and int(address.rpartition(":")[2]) > 65535:
        section.problem("address", "no such port", "端口号超出范围")
    found = Telling(address, section.text("traces", required=False, pattern=URL, like=URL_LIKE))
    section.close()
    return found


def _https(table: Table) -> Interfaces:
    if not table.has("https"):
        return Interfaces()
    section = table.table("https")
    found = Interfaces(_address(section), section.text("url", pattern=HTTPS_URL, like=URL_LIKE))
    section.close()
    return found


def _volume(section: Table) -> tuple[bool, AtRest, LargeSnapshots]:
    usual = LargeSnapshots()
    encrypted = section.boolean("encrypted") if section.has("encrypted") else False
    large = LargeSnapshots(
        folder=section.text("folder", required=False),
        above_bytes=section.integer("above_bytes", 0, INTEGER_MAX, usual.above_bytes),
        largest_bytes=section.integer("largest_bytes", 1, INTEGER_MAX, usual.largest_bytes),
    )
    at_rest = section.choice("cipher", AtRest, AtRest.AES)
    section.close()
    return encrypted, at_rest, large


def _release(section: Table) -> ReleaseRules:
    usual = ReleaseRules()
    rules = ReleaseRules(
        policy=section.choice("policy", ReleasePolicy, usual.policy),
        quorum=section.integer("quorum", 0, note.SIGNATURES_MAX - 1, usual.quorum),
        unwitnessed_minutes=section.integer("unwitnessed_minutes", 1, DAY_MINUTES, usual.unwitnessed_minutes),
        acknowledged_first=section.boolean("acknowledged_first") if section.has("acknowledged_first") else False,
    )
    section.close()
    return rules


def _check_quorum(table: Table, config: Config) -> None:
    """A quorum counts witnesses that are named: one, or more, and no more than there are."""
    rules = config.release
    if rules.policy is ReleasePolicy.QUORUM and not 1 <= rules.quorum <= len(config.witnesses):
        table.problem("release", "quorum is not a number of the witnesses named", "法定见证数须在 1 与所列见证者数之间")
    if rules.policy is ReleasePolicy.LOCAL and rules.quorum:
        table.problem("release", "quorum counts with policy quorum only", "仅 quorum 策略可设法定见证数")


def _witness(section: Table) -> Witness:
    url, vkey = section.text("url", pattern=URL, like=URL_LIKE), section.text("vkey")
    section.close()
    try:
        key = note.decode_key(vkey, note.COSIGNATURE)
    except Malformed as error:
        if vkey:
            section.problem("vkey", str(error), "不是见证者的公钥")
        return Witness(url, "", b"")
    return Witness(url, key.name, key.public)


def _space(section: Table) -> SubjectSpace:
    if NAME.fullmatch(section.path[-1]) is None:
        section.problem("", f"must match {NAME.pattern}", f"须符合 {NAME.pattern}")
    space = SubjectSpace(
        name=section.path[-1],
        lifetime_micro_rho=section.integer("lifetime_micro_rho", 0, INTEGER_MAX),
        lifetime_delta_e12=section.integer("lifetime_delta_e12", 0, 10**12),
    )
    section.close()
    return space


def _limits(section: Table) -> NodeLimits:
    usual = NodeLimits()
    defaults: dict[str, int] = {limit.name: getattr(usual, limit.name) for limit in fields(NodeLimits)}
    given = {name: section.integer(name, min(1, default), INTEGER_MAX, default) for name, default in defaults.items()}
    section.close()
    return NodeLimits(**given)
