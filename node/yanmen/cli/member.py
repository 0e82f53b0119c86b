"""`yanmen member`: developers, operators, auditors and regulators join a space, and leave it."""

import argparse
from dataclasses import replace

from yanmen import enrolment
from yanmen.cli import given, space
from yanmen.cli.grammar import Parser, command, existing, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto.documents import REGISTER_BYTES_MAX
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.model.party import LOG_KEEPERS, PartyRole, PartyStatus

ROLES = tuple(role.value for role in PartyRole if role not in LOG_KEEPERS)


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "member", "developers 使用方, operators 运营机构, auditors 审计方, regulators 主管部门")
    example = "yanmen member init me --name 'Data Lab' --alias datalab --subject 91140100MA0GTTTT0X --region 1401"
    init = command(here, "init", "make keys and an application 生成密钥与申请", initialise, example)
    folder(init, "member", "a new folder for the member's keys; it is the identity given to `query --as`")
    who_are_you(init)
    init.add_argument("--role", choices=ROLES, default=PartyRole.DEVELOPER.value, help="what the member is (developer)")
    enrol = command(
        here, "enrol", "the space admits a member 登记成员", space.admit, "yanmen member enrol space me/application.jws"
    )
    folder(enrol, "space", "the space's folder")
    file(enrol, "application", "the application.jws that `member init` wrote")
    enrol.add_argument("--pending", action="store_true", help="enter it in the register without letting it act yet")
    again = "take over the entry that the same key has in another role 变更角色"
    enrol.add_argument("--another-role", action="store_true", help=again)
    place = "of a data authority 数据主管部门: the six digits it answers for, 140000 a province, 140100 a city"
    enrol.add_argument("--jurisdiction", default="", metavar="REGION", help=place)
    accept = command(
        here,
        "accept",
        "install what the space granted 安装证书",
        accepted,
        "yanmen member accept me me/granted.json --register space/register.jws",
    )
    folder(accept, "member", "the member's folder")
    file(accept, "grant", "the granted.json from the space operator")
    accept.add_argument(
        "--register", type=existing, required=True, help="where the space's signed register is kept up to date"
    )
    example = "yanmen member rotate me --reason 年度更换"
    rotate = command(here, "rotate", "begin the next signing key 更换签名密钥", rotated, example)
    folder(rotate, "member", "the member's folder")
    rotate.add_argument("--reason", required=True, help="why; the space operator reads it")
    revoke = command(here, "revoke", "end a membership 撤销成员", revoked, "yanmen member revoke space ID")
    folder(revoke, "space", "the space's folder")
    revoke.add_argument("id", metavar="ID", help="the 32-character connector id or the alias")


def who_are_you(parser: Parser) -> None:
    """Add the options by which an applicant describes itself."""
    parser.add_argument("--name", required=True, help="full name, 中文 or English")
    parser.add_argument("--alias", required=True, help="short lower-case name, unique in the space")
    parser.add_argument("--subject", required=True, help="18-character credit code 统一社会信用代码")
    parser.add_argument("--region", required=True, help="first four digits of GB/T 2260, for instance 1401")


def initialise(arguments: argparse.Namespace) -> Result:
    """Make the member's keys and application."""
    claims = enrolment.Claims(
        PartyRole(arguments.role), arguments.name, arguments.alias, arguments.subject, arguments.region
    )
    enrolment.apply(arguments.member, claims, SystemClock(), SystemRandomness())
    path = arguments.member / enrolment.APPLICATION
    hint = next_step(
        "yanmen", "member", "enrol", "SPACE", path, note="SPACE: the space operator's folder 空间运营者的目录"
    )
    return Result(f"keys are in {arguments.member}; they never leave it{hint}", {"application": str(path)})


def accepted(arguments: argparse.Namespace) -> Result:
    """Install the grant."""
    grant = enrolment.read_grant(given.read(arguments.grant))
    known = enrolment.read_register(given.read(arguments.register, REGISTER_BYTES_MAX), grant.space_key)
    enrolment.accept(arguments.member, grant)
    enrolment.write_identity(arguments.member, grant, arguments.register)
    nodes = [party.alias for party in known.parties if party.role is PartyRole.NODE]
    text = f"{grant.id} in {grant.space}; nodes 节点: {', '.join(nodes) or 'none yet 尚无'}"
    text += next_step("yanmen", "dataset", "list", "--as", arguments.member, "--at", nodes[0] if nodes else "NODE")
    return Result(text, {"id": grant.id, "space": grant.space})


def rotated(arguments: argparse.Namespace) -> Result:
    """Make the next key, signed by the present one; it is taken up once the register lists it."""
    from yanmen.client import rekeying
    from yanmen.client.identity import Identity

    if not arguments.reason.strip():
        raise UsageProblem("--reason must say something")
    who = Identity.load(arguments.member)
    path = rekeying.begin(arguments.member, who.id, arguments.reason, SystemClock(), SystemRandomness())
    hint = next_step(
        "yanmen", "space", "sign", "SPACE", path, note="then copy the register; it is taken up by itself 随后分发名册"
    )
    return Result(
        f"the next key is made; the present one signs until the register lists it{hint}", {"exchange": str(path)}
    )


def revoked(arguments: argparse.Namespace) -> Result:
    """Enter the party as revoked; nodes refuse it from their next look at the register."""
    opened = enrolment.open_space(arguments.space)
    for party in opened.register.parties:
        if arguments.id in {party.id, party.alias}:
            changed = enrolment.enter(opened, replace(party, status=PartyStatus.REVOKED), SystemClock())
            fields = {"id": party.id, "status": "revoked", "serial": changed.register.serial}
            return Result(f"{party.name} is revoked (register serial {changed.register.serial})", fields)
    raise UsageProblem(f"{arguments.id} is not in the register; see yanmen space show {arguments.space}")
