"""`yanmen contract counter|answer|amend|sign|verify|end|break-off`: how two or three sides come to terms."""

import argparse
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yanmen.cli.grammar import CIVIL_TIME, Parser, command, day, folder, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.cli.terms_options import changes_of, settable, unsettable
from yanmen.crypto import agreements
from yanmen.formats import contract as contract_format
from yanmen.formats.malformed import Malformed
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import STOPPED, Bounds, Contract, ContractStatus, Grant, LeftToPerson, Terms
from yanmen.model.negotiation import ActKind, NegotiationState, missing, state

if TYPE_CHECKING:
    from yanmen.client.node import Node

Show = Callable[[Contract, str], Result]
"""How a contract is shown after it changed."""


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of a negotiation."""
    example = "yanmen contract counter health ID --set price_per_query_fen=800 --set queries=500 --by 张某"
    made = command(here, "counter", "answer an offer with other terms 反要约", countered, example)
    folder(made, "node", "the node's folder")
    made.add_argument("id", metavar="ID", help="the contract's id")
    made.add_argument("--by", required=True, help="who decides")
    _changes(made)
    example = "yanmen contract answer --as me --at health ID"
    said = command(here, "answer", "accept the holder's counter-offer, or answer it with --set 答复", answered, example)
    member(said)
    _changes(said)
    example = "yanmen contract amend --as me --at health ID --set queries=2000"
    said = command(here, "amend", "offer other terms for a contract in force 变更", amended, example)
    member(said)
    _changes(said)
    for kind, purpose in (
        (ActKind.SIGN, "sign as a further side 第三方签署"),
        (ActKind.VERIFY, "confirm the holder's acceptance of what was negotiated 确认"),
    ):
        example = f"yanmen contract {kind.value} --as me --at health ID"
        said = command(here, kind.value, purpose, acted, example)
        said.set_defaults(kind=kind)
        member(said)
    example = "yanmen contract end --as me --at health ID --reason 项目结束"
    said = command(here, "end", "end a contract, or its negotiation, as its consumer 使用方终止", acted, example)
    said.set_defaults(kind=ActKind.END)
    member(said)
    said.add_argument("--reason", required=True, help="why; it is signed")
    said.add_argument("--amendment", action="store_true", help="end the negotiation of its amendment alone")
    example = "yanmen contract break-off health ID --by 张某"
    gone = command(here, "break-off", "end a negotiation as its holder 终止协商", broken_off, example)
    folder(gone, "node", "the node's folder")
    gone.add_argument("id", metavar="ID", help="the contract's id")
    gone.add_argument("--by", required=True, help="who decides")


def member(parser: Parser) -> None:
    """Add whose contract it is."""
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    parser.add_argument("--at", required=True, help="the node's alias, id or address")
    parser.add_argument("id", metavar="ID", help="the contract's id")


def options(request: Parser) -> None:
    """Add what a request says of template, further sides and deletion."""
    named = "id of a template 合约模板 on offer: what it fixes is taken from it; see yanmen contract template list"
    request.add_argument("--template", default="", metavar="ID", help=named)
    side = "alias or id of a further side 第三方 that has to sign it too; repeat for more"
    request.add_argument("--signer", action="append", default=[], metavar="PARTY", help=side)
    due = "days after its end by which it is proved that its answers are destroyed 删除证明期限 (none asked for)"
    asked = "use only persons and enterprises whose consent is recorded 仅使用事先授权的主体"
    request.add_argument("--consent-first", action="store_true", help=asked)
    request.add_argument("--deletion-days", type=whole, default=None, metavar="DAYS", help=due)


def consent(arguments: argparse.Namespace) -> ConsentRule:
    """Return whose rows a request means."""
    return ConsentRule.RECORDED if arguments.consent_first else ConsentRule.UNLESS_WITHDRAWN


def _changes(parser: Parser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=NUMBER", help=f"another clause: {', '.join(settable())}"
    )
    parser.add_argument(
        "--grant", action="append", default=[], metavar="TABLE:COL,COL", help="other columns, all of them"
    )
    parser.add_argument("--until", type=day, metavar="DATE", help="another last day, UTC+8")
    parser.add_argument("--answer-days", type=whole, default=7, help="days it may be answered in (7)")


def countered(arguments: argparse.Namespace) -> Result:
    """Sign other terms on behalf of the holder."""
    from yanmen import contracting, negotiating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        office = contracting.Office.of(holder)
        draft = contracting.pending(arguments.id, office)
        terms = changed(draft.terms, arguments)
        held = negotiating.counter(arguments.id, terms, arguments.by, office, arguments.answer_days)
        note = next_step("yanmen", "contract", "answer", "--as", "MEMBER", "--at", holder.config.alias, arguments.id)
    return shown(held, note)


def broken_off(arguments: argparse.Namespace) -> Result:
    """End a negotiation on behalf of the holder."""
    from yanmen import contracting, negotiating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        return shown(negotiating.break_off(arguments.id, arguments.by, contracting.Office.of(holder)))


def answered(arguments: argparse.Namespace) -> Result:
    """Accept the holder's counter-offer, or answer it with other terms."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        held = node.contract(arguments.id)
        waits = held.amendment or held
        terms = None
        if arguments.set or arguments.grant or arguments.until:
            if not waits.counter:
                raise UsageProblem("the holder made no counter-offer; see yanmen contract show")
            terms = changed(agreements.peek_terms(waits.counter), arguments)
        made = node.answer_offer(held, terms, days=arguments.answer_days)
        return shown(made, _verify_next(made, node, arguments))


def amended(arguments: argparse.Namespace) -> Result:
    """Offer other terms in the place of those in force."""
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        held = node.contract(arguments.id)
        made = node.amend_contract(held, changed(held.terms, arguments))
        note = ""
        if made.status is ContractStatus.PENDING:
            who = f"by its holder 由数源部门执行; {node.party.alias}: the node's folder 节点目录"
            note = next_step("yanmen", "contract", "approve", node.party.alias, made.terms.id, "--by", "NAME", note=who)
        return shown(made, note)


def acted(arguments: argparse.Namespace) -> Result:
    """Sign a word on a contract in the member's name."""
    from yanmen.client import connect

    kind: ActKind = arguments.kind
    with connect(arguments.at, identity=arguments.identity) as node:
        held = node.contract(arguments.id)
        match kind:
            case ActKind.SIGN:
                return shown(node.sign_contract(held))
            case ActKind.VERIFY:
                return shown(node.verify_contract(held))
            case ActKind.END:
                if arguments.amendment and held.amendment is None:
                    raise UsageProblem("nothing is to replace this contract; see yanmen contract show")
                about = held.amendment if arguments.amendment and held.amendment is not None else held
                return shown(node.end_contract(about, arguments.reason))


def changed(terms: Terms, arguments: argparse.Namespace) -> Terms:
    """Return `terms` with what `--set`, `--grant` and `--until` say."""
    own: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    for text in arguments.set:
        name, _, number = text.partition("=")
        if name not in settable():
            raise UsageProblem(f"--set {text}: {unsettable(name)}")
        (bounds if name in Bounds.__slots__ else own)[name] = whole(number)
    if arguments.grant:
        own["grants"] = tuple(_grant(text) for text in sorted(arguments.grant))
    if arguments.until is not None:
        own["not_after_ms"] = (
            int(datetime.combine(arguments.until + timedelta(days=1), time(), CIVIL_TIME).timestamp()) * 1000
        )
    made = replace(terms, bounds=replace(terms.bounds, **bounds), **own)
    try:
        contract_format.encode(made)
    except Malformed as error:
        raise UsageProblem(f"these terms make no contract: {error}{changes_of(str(error))}") from error
    return made


def _grant(text: str) -> Grant:
    table, _, columns = text.partition(":")
    names = tuple(sorted(name.strip() for name in columns.split(",") if name.strip()))
    if not table or not names:
        raise UsageProblem(f"--grant {text}: write TABLE:COLUMN,COLUMN")
    return Grant(table, names)


def shown(contract: Contract, note: str = "") -> Result:
    """Say how a contract stands, and what of it waits for whom."""
    return Result(head(contract) + lines(contract) + note, described(contract))


def lines(contract: Contract) -> str:
    """Return what a negotiation says beside the contract itself: the counter-offer, and who has to sign."""
    text = ""
    if contract.status is ContractStatus.OFFERED:
        text += "".join(f"\n  counter-offer 反要约: {line}" for line in differences(contract))
    text += "".join(f"\n  to be signed by 待签署: {who}" for who in unsigned(contract))
    text += left(contract.left_to_person)
    if contract.amendment is not None:
        text += f"\n  amendment 变更 {contract.amendment.status.value}" + lines(contract.amendment)
        text += "".join(f"\n  amendment 变更: {line}" for line in _differ(contract.terms, contract.amendment.terms))
    return text


def left(clauses: tuple[LeftToPerson, ...]) -> str:
    """Return why the owner's rule left an offer to a person, a line for each clause."""
    return "".join(f"\n  left to a person 转人工 {each.clause}: {each.en} {each.zh}" for each in clauses)


def differences(contract: Contract) -> tuple[str, ...]:
    """Return what the holder's counter-offer says otherwise than the offer that it answers."""
    return _differ(contract.terms, agreements.peek_terms(contract.counter)) if contract.counter else ()


def unsigned(contract: Contract) -> tuple[str, ...]:
    """Return the sides whose signature a contract waits for."""
    if contract.status is not ContractStatus.AGREED:
        return ()
    signed, verified = _signed(contract)
    return missing(contract.terms, signed, verified=verified)


def negotiation(contract: Contract) -> NegotiationState:
    """Return the state of the contract's negotiation as the Dataspace Protocol calls it."""
    signed, verified = _signed(contract)
    accepted = bool(contract.counter) and not differences(contract)
    began = bool(contract.acceptance) and not missing(contract.terms, signed, verified=verified)
    return state(contract.status, accepted=accepted, verified=verified, began=began)


def described(contract: Contract) -> dict[str, object]:
    """Return what `--json` says of a negotiation."""
    return {
        "id": contract.terms.id,
        "status": contract.status.value,
        "negotiation": negotiation(contract).value,
        "offer_sha256": contract.digest,
        "round": 1 if contract.terms.round is None else contract.terms.round.number,
        "counter": list(differences(contract)),
        "signers": list(contract.terms.signers),
        "unsigned": list(unsigned(contract)),
        "left_to_person": [asdict(each) for each in contract.left_to_person],
        "amendment": None if contract.amendment is None else described(contract.amendment),
    }


def _signed(contract: Contract) -> tuple[frozenset[str], bool]:
    words = [agreements.peek_act(token) for token in contract.signatures]
    signed = frozenset(word.by for word in words if word.act is ActKind.SIGN)
    return signed, any(word.act is ActKind.VERIFY for word in words)


def head(contract: Contract) -> str:
    """Say how a contract stands, in one line."""
    if contract.status in STOPPED:
        return f"{contract.terms.id}: {contract.status.value}, {decider(contract)}"
    state_ = f"{contract.status.value} ({negotiation(contract).value})"
    return f"{contract.terms.id}: {state_} {contract.decided_by}".rstrip()


def decider(contract: Contract) -> str:
    """Say who stopped or approved a contract: its consumer by a signed word, or its holder by the person it names."""
    if contract.status not in STOPPED:
        return contract.decided_by
    words = [agreements.peek_act(token) for token in contract.signatures]
    if any(word.act is ActKind.END and word.digest == contract.digest for word in words):
        return "by its consumer 由使用方终止"
    named = f": {contract.decided_by}" if contract.decided_by else ""
    return f"by its holder 由数源部门{named}"


def _verify_next(contract: Contract, node: "Node", arguments: argparse.Namespace) -> str:
    if node.member_id not in unsigned(contract):
        return ""
    return next_step(
        "yanmen", "contract", "verify", "--as", arguments.identity, "--at", arguments.at, contract.terms.id
    )


def _differ(one: Terms, other: Terms) -> tuple[str, ...]:
    """Return the clauses in which two rounds differ, the round itself left out."""
    found = []
    for each in fields(Terms):
        before, after = getattr(one, each.name), getattr(other, each.name)
        if before != after and each.name not in ("round", "amends"):
            found.append(f"{each.name}: {_brief(before)} -> {_brief(after)}")
    return tuple(found)


def _brief(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(
            f"{each.dataset}: {', '.join(each.columns)}" if isinstance(each, Grant) else str(each) for each in value
        )
    return str(value)[:200]
