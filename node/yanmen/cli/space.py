"""`yanmen space`: the operator of a space makes its root, admits parties and lists what they offer."""

import argparse
from dataclasses import replace
from pathlib import Path

from yanmen import cataloguing, enrolment
from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, day_of, existing, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import enrolment as formats
from yanmen.formats import listing
from yanmen.formats.config import SPACE
from yanmen.formats.malformed import Malformed
from yanmen.model.governance import Listing
from yanmen.model.party import LOG_KEEPERS, Party, PartyRole, PartyStatus, Register


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "space", "the space operator 空间运营者: root, register, catalogue of names")
    init = command(
        here, "init", "make a new space 建立空间", initialise, "yanmen space init space --name shanxi.example"
    )
    folder(init, "space", "a new folder for the root key and the register")
    init.add_argument("--name", required=True, help="the space's name, also its SPIFFE trust domain")
    sign = command(here, "sign", "admit a node 准入节点", admit, "yanmen space sign space health/application.jws")
    folder(sign, "space", "the space's folder")
    file(sign, "application", "the application.jws that `node init` wrote, or the exchange.json of an exchanged key")
    sign.add_argument("--pending", action="store_true", help="enter it in the register without letting it act yet")
    lists = command(
        here,
        "list",
        "list datasets a node offers 目录登记",
        enlist,
        "yanmen space list space health/catalogue/labs.jws",
    )
    folder(lists, "space", "the space's folder")
    file(lists, "entry", "the signed entry that `dataset publish` wrote")
    lists.add_argument(
        "--review",
        type=existing,
        metavar="FILE",
        help="the review of its level's data authority 审核意见, if the space has any",
    )
    example = "yanmen space abilities space health/abilities.jws"
    able = command(here, "abilities", "enter what a node says it can do 能力登记", enter_abilities, example)
    folder(able, "space", "the space's folder")
    file(able, "record", "the signed record that `node abilities` wrote")
    example = "yanmen space refresh space"
    fresh = command(here, "refresh", "sign the register anew before it is over 续签名册", refreshed, example)
    folder(fresh, "space", "the space's folder")
    show = command(here, "show", "print the register 名册", shown, "yanmen space show space")
    folder(show, "space", "the space's folder")


def initialise(arguments: argparse.Namespace) -> Result:
    """Make the space."""
    if SPACE.fullmatch(arguments.name) is None:
        raise UsageProblem(
            f"--name {arguments.name!r}: write lower-case letters, digits, dots and hyphens, for instance "
            "shanxi.example 空间名称只含小写字母、数字、点与连字符"
        )
    if (arguments.space / enrolment.AUTHORITY_KEY).exists():
        raise UsageProblem(f"{arguments.space} is a space already; name a new folder 该目录已是空间，请另选")
    space = enrolment.create_space(arguments.space, arguments.name, SystemClock(), SystemRandomness())
    text = f"space {space.register.space}: {arguments.space}" + next_step("yanmen", "node", "init", "--help")
    return Result(text, {"space": space.register.space, "folder": str(arguments.space)})


def admit(arguments: argparse.Namespace) -> Result:
    """Certify an applicant and write its grant beside the application."""
    path: Path = arguments.application
    token = given.read(path)
    if token[:1] == b"{":
        return _rekeyed(arguments, token)
    application = enrolment.read_application(token)
    status = PartyStatus.PENDING if arguments.pending else PartyStatus.ACTIVE
    space = enrolment.open_space(arguments.space)
    region = getattr(arguments, "jurisdiction", "")
    if not getattr(arguments, "another_role", False):
        enrolment.check_role(space, application)
    changed, grant = enrolment.admit(space, application, status, SystemClock(), SystemRandomness(), region)
    target = path.with_name("granted.json")
    target.write_bytes(formats.encode_grant(grant))
    kind = application.role.value if application.role in LOG_KEEPERS else "member"
    text = (
        f"{application.name} ({application.role.value}, {status.value}): {grant.id}\n"
        f"register serial {changed.register.serial}"
    )
    register = arguments.space / enrolment.REGISTER
    text += next_step("yanmen", kind, "accept", path.parent, target, "--register", register)
    fields = {"id": grant.id, "status": status.value, "grant": str(target), "serial": changed.register.serial}
    return Result(text, fields)


def _rekeyed(arguments: argparse.Namespace, token: bytes) -> Result:
    """Enter a key that a party exchanged."""
    if arguments.pending:
        raise UsageProblem("--pending is for applications: an exchanged key is entered or refused")
    space = enrolment.open_space(arguments.space)
    changed, party = enrolment.rekey(space, token, SystemClock())
    ended = party.former_keys[-1]
    text = f"{party.name}: {ended.use.value} key {ended.end.value}, register serial {changed.register.serial}\n"
    register = arguments.space / enrolment.REGISTER
    text += f"copy {register} to every node and member 请分发至各节点与成员"
    fields = {"id": party.id, "use": ended.use.value, "end": ended.end.value, "serial": changed.register.serial}
    return Result(text, fields)


def enlist(arguments: argparse.Namespace) -> Result:
    """Enter a node's signed catalogue entry, so that other nodes know whose table a name is."""
    space = enrolment.open_space(arguments.space)
    token = given.read(arguments.entry, listing.BYTES_MAX)
    party, entry = _listed(space.register, token)
    review = None if arguments.review is None else given.read(arguments.review)
    cataloguing.check_reviewed(entry, review, space.register)
    name = entry.dataset.name
    names = tuple(sorted({*party.datasets, name}))
    changed = enrolment.enter(space, replace(party, datasets=names), SystemClock())
    fields = {"node": party.id, "alias": party.alias, "datasets": names, "serial": changed.register.serial}
    hint = next_step(
        "yanmen", "node", "serve", arguments.entry.parent.parent, note="unless it serves already 若尚未启动"
    )
    return Result(f"{party.alias}.{name} is listed (register serial {changed.register.serial}){hint}", fields)


def _listed(known: Register, token: bytes) -> tuple[Party, Listing]:
    try:
        claimed = listing.claimed_node(token)
        party = known.find(claimed)
        if party is None or party.role is not PartyRole.NODE:
            raise UsageProblem("the entry is not by a node of this space")
        entry = governance.open_listing(token, party.signing_key)
    except (Malformed, BadSignature) as error:
        raise UsageProblem(f"not a catalogue entry signed by its node: {error}") from error
    if entry.node != party.id:
        raise UsageProblem("the entry names another node than its signer")
    return party, entry


def enter_abilities(arguments: argparse.Namespace) -> Result:
    """Enter the digest of a node's signed ability record into the register."""
    space = enrolment.open_space(arguments.space)
    token = given.read(arguments.record).strip()
    try:
        claimed = documents.peek_abilities(token).node
        party = space.register.find(claimed)
        if party is None or party.role is not PartyRole.NODE:
            raise UsageProblem("the record is not by a node of this space")
        documents.open_abilities(token, party.signing_key)
    except (Malformed, BadSignature) as error:
        raise UsageProblem(f"not an ability record signed by its node: {error}") from error
    changed = enrolment.enter(space, replace(party, abilities=documents.digest(token)), SystemClock())
    fields = {"node": party.id, "abilities": documents.digest(token), "serial": changed.register.serial}
    return Result(f"{party.alias}: abilities entered 已登记 (register serial {changed.register.serial})", fields)


def refreshed(arguments: argparse.Namespace) -> Result:
    """Publish the same register under the next serial, with a later end."""
    known = enrolment.refresh(enrolment.open_space(arguments.space), SystemClock()).register
    text = f"register serial {known.serial}, good until 有效至 {day_of(known.expires_ms)}\n"
    path = arguments.space / enrolment.REGISTER
    text += f"copy {path} to every node and member 请分发至各节点与成员"
    return Result(text, {"serial": known.serial, "expires_ms": known.expires_ms, "register": str(path)})


def shown(arguments: argparse.Namespace) -> Result:
    """Print the register."""
    known = enrolment.open_space(arguments.space).register
    rows = [_row(party) for party in known.parties]
    lines = [f"{known.space}, serial {known.serial}, good until 有效至 {day_of(known.expires_ms)}"]
    lines += [f"  {row['id']}  {row['status']:8} {row['role']:10} {row['alias']:12} {row['name']}" for row in rows]
    fields = {"space": known.space, "serial": known.serial, "expires_ms": known.expires_ms, "parties": rows}
    return Result("\n".join(lines), fields)


def _row(party: Party) -> dict[str, object]:
    return {
        "id": party.id,
        "alias": party.alias,
        "name": party.name,
        "role": party.role.value,
        "status": party.status.value,
        "address": party.address,
        "datasets": list(party.datasets),
    }
