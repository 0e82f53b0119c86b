"""`yanmen operation`: grants to operators 授权运营, products under them, the operator's endorsement, and the end."""

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from yanmen.cli import given
from yanmen.cli.catalogue import write
from yanmen.cli.grammar import CIVIL_TIME, command, day, day_of, file, folder, group, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import governance
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import connector_id, ndi_id, product
from yanmen.formats.malformed import Malformed
from yanmen.model.contract import ContractStatus, Grant
from yanmen.model.operation import Endorsement, OperatingGrant, OperatingMode, Product, ProductReview, ReviewKind

FOLDER = "catalogue"
_TEMPLATE = frozenset({"title_zh", "title_en", "sql", "price_fen", "fits_model", "parameter"})


def declare(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the commands of this group."""
    here = group(commands, "operation", "authorised operation 授权运营: grant, product, endorse, end, list")
    _declare_holders(here)
    example = "yanmen operation endorse --as operator --at health --contract ID --offer-sha256 HEX --grant GRANT e.jws"
    endorsed = command(here, "endorse", "sign a developer's offer as its operator 运营机构签署", endorse, example)
    endorsed.add_argument("--as", dest="identity", type=Path, required=True, help="the operator's folder")
    endorsed.add_argument("--at", required=True, metavar="NODE", help="alias or id of the node that holds the data")
    endorsed.add_argument("--contract", required=True, metavar="ID", help="the contract, as the developer was told")
    endorsed.add_argument("--offer-sha256", required=True, metavar="HEX", help="digest of the offer you read")
    endorsed.add_argument("--grant", required=True, metavar="GRANT", help="the grant it hangs on")
    endorsed.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed endorsement")
    example = "yanmen operation question health/catalogue/PRODUCT.jws --set city=太原"
    asked = command(here, "question", "write a product's question with its values 产品查询", question, example)
    file(asked, "product", "the product that the node signed")
    asked.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one for each parameter")


def _declare_holders(here: "argparse._SubParsersAction[Any]") -> None:
    example = (
        "yanmen operation grant health --operator datagroup --scope labs:test,value --mode by-field --until 2027-12-31"
        " --ceiling 500 --exit 到期移交 --by 张某"
    )
    granted = command(here, "grant", "let an operator offer products 授权", grant, example)
    folder(granted, "node", "the node's folder")
    granted.add_argument("--operator", required=True, help="alias or id of the operator")
    scope = "what may be operated; repeat for more tables"
    granted.add_argument("--scope", action="append", required=True, metavar="TABLE:COL,COL", help=scope)
    modes = [mode.value for mode in OperatingMode]
    granted.add_argument("--mode", choices=modes, required=True, help="整体授权, 分领域授权 or 依场景授权")
    granted.add_argument("--scenario", action="append", default=[], metavar="ID", help="by scenario: one that is meant")
    granted.add_argument("--until", type=day, required=True, metavar="DATE", help="last day of the term, UTC+8")
    granted.add_argument("--ceiling", type=whole, required=True, metavar="FEN", help="most that a use may cost 上限")
    granted.add_argument("--exit", required=True, help="how it is wound up 退出安排")
    granted.add_argument("--by", required=True, help="who decides")
    example = (
        "yanmen operation product health GRANT template.toml --compliance 李某:合规 --algorithm 王某:可解释 --by 张某"
    )
    made = command(here, "product", "approve a template as a product 产品", offer, example)
    folder(made, "node", "the node's folder")
    made.add_argument("grant", metavar="GRANT", help="the grant's id")
    file(made, "template", "TOML: title_zh, title_en, sql, price_fen, fits_model, [[parameter]]")
    made.add_argument("--compliance", required=True, metavar="WHO:WHAT", help="the 合规审查 that it passed")
    made.add_argument("--algorithm", metavar="WHO:WHAT", help="the 算法审查, where it fits a model")
    made.add_argument("--by", required=True, help="who decides; nobody who reviewed")
    _declare_ends(here)


def _declare_ends(here: "argparse._SubParsersAction[Any]") -> None:
    example = "yanmen operation withdraw health PRODUCT --by 张某"
    gone = command(here, "withdraw", "offer a product no more 下架", withdraw, example)
    folder(gone, "node", "the node's folder")
    gone.add_argument("product", metavar="PRODUCT", help="its NDI id")
    gone.add_argument("--by", required=True, help="who decides")
    example = "yanmen operation record health e.jws"
    recorded = command(here, "record", "record an endorsement, and sign the contract 登记", record, example)
    folder(recorded, "node", "the node's folder")
    file(recorded, "endorsement", "what the operator signed")
    example = "yanmen operation end health GRANT --reason 违反授权 --by 张某"
    ended = command(here, "end", "end a grant, and every contract that hangs on it 终止授权", end, example)
    folder(ended, "node", "the node's folder")
    ended.add_argument("grant", metavar="GRANT", help="the grant's id")
    ended.add_argument("--reason", required=True, help="why; it stands in the log")
    ended.add_argument("--by", required=True, help="who decides")
    lists = command(here, "list", "grants and their products 列出", listed, "yanmen operation list health")
    folder(lists, "node", "the node's folder")


def grant(arguments: argparse.Namespace) -> Result:
    """Sign and record a grant."""
    from yanmen import operating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        parties = holder.register.current().parties
        operator = next((party.id for party in parties if arguments.operator in {party.id, party.alias}), "")
        if not operator:
            raise UsageProblem(f"the register lists no {arguments.operator}; see yanmen space show")
        now_ms = holder.clock.now_ms()
        value = OperatingGrant(
            id=SystemRandomness().token(16).hex(),
            by=holder.config.id,
            operator=operator,
            grants=tuple(_scope(text) for text in sorted(arguments.scope)),
            mode=OperatingMode(arguments.mode),
            scenarios=tuple(sorted(arguments.scenario)),
            from_ms=now_ms,
            until_ms=_end_of(arguments.until),
            ceiling_fen=arguments.ceiling,
            exit=arguments.exit,
            decided_by=arguments.by,
            issued_s=now_ms // 1000,
        )
        receipt, token = operating.grant(value, holder)
    path = _kept(arguments.node, value.id, token)
    text = f"grant 授权 {value.id} until 至 {day_of(value.until_ms)}, receipt 回执 no. {receipt.index}"
    text += next_step("yanmen", "operation", "product", arguments.node, value.id, "TEMPLATE.toml", "--compliance", "…")
    return Result(text, {"grant": value.id, "receipt": receipt.index, "document": str(path)})


def offer(arguments: argparse.Namespace) -> Result:
    """Sign and record a product."""
    from yanmen import operating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        owner = connector_id.decode(holder.config.id)
        name = ndi_id.build("product", owner.subject, owner.region, SystemRandomness())
        now_s = holder.clock.now_ms() // 1000
        value = _product(arguments, name, holder.config.id, now_s)
        receipt, token = operating.offer(value, holder)
    path = _kept(arguments.node, value.id, token)
    text = f"product 产品 {value.id} {value.title_zh}: offered 已上架, receipt 回执 no. {receipt.index}"
    return Result(text, {"product": value.id, "receipt": receipt.index, "document": str(path)})


def withdraw(arguments: argparse.Namespace) -> Result:
    """Sign and record that a product is offered no more."""
    from yanmen import operating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        known = holder.ledger.product(arguments.product)
        if known is None:
            raise UsageProblem(f"there is no product {arguments.product}; see yanmen operation list")
        now_s = holder.clock.now_ms() // 1000
        gone = replace(known, withdrawn=True, decided_by=arguments.by, issued_s=now_s)
        receipt, token = operating.offer(gone, holder)
    _kept(arguments.node, known.id, token)
    text = f"{known.id}: withdrawn 已下架, receipt 回执 no. {receipt.index}"
    return Result(text, {"product": known.id, "receipt": receipt.index})


def endorse(arguments: argparse.Namespace) -> Result:
    """Sign an offer as the operator of the grant it hangs on."""
    from yanmen.client.identity import Identity

    who = Identity.load(arguments.identity)
    node = who.node(arguments.at)
    now_s = SystemClock().now_ms() // 1000
    value = Endorsement(who.id, node.id, arguments.grant, arguments.contract, arguments.offer_sha256, now_s)
    try:
        token = governance.sign_endorsement(value, who.signer)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    write(arguments.target, token)
    text = f"{arguments.contract} endorsed 已签署 -> {arguments.target}"
    text += next_step("yanmen", "operation", "record", node.alias, arguments.target)
    return Result(text, {"contract": arguments.contract, "endorsement": str(arguments.target)})


def record(arguments: argparse.Namespace) -> Result:
    """Record an endorsement; general data under a grant is then contracted for by the grant itself."""
    from yanmen import contracting, operating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt, said = operating.endorse(given.read(arguments.endorsement), holder)
        office = contracting.Office.of(holder)
        held = contracting.show(said.contract, office)
        if held.status is ContractStatus.PENDING:
            held = contracting.accept_endorsed(said.contract, office)
    text = f"{said.contract}: {held.status.value}, receipt 回执 no. {receipt.index}"
    if held.status is ContractStatus.PENDING:
        text += next_step("yanmen", "contract", "approve", arguments.node, said.contract, "--by", "…")
    return Result(text, {"contract": said.contract, "status": held.status.value, "receipt": receipt.index})


def end(arguments: argparse.Namespace) -> Result:
    """End a grant and all that hangs on it."""
    from yanmen import operating
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt, count, token = operating.end(arguments.grant, arguments.reason, arguments.by, holder)
    _kept(arguments.node, arguments.grant, token)
    text = f"grant 授权 {arguments.grant}: ended 已终止, {count} contracts 份合约, receipt 回执 no. {receipt.index}"
    return Result(text, {"grant": arguments.grant, "contracts": count, "receipt": receipt.index})


def listed(arguments: argparse.Namespace) -> Result:
    """Print every grant with its products."""
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        grants, products = holder.ledger.operations(), [made for made, _ in holder.ledger.products()]
    lines, rows = [], []
    for one in grants:
        state = "ended 已终止" if one.ended else f"until 至 {day_of(one.until_ms)}"
        lines.append(f"{one.id}  {one.operator}  {one.mode.value}  ≤ {one.ceiling_fen} fen 分  {state}")
        offered = [made for made in products if made.operation == one.id]
        lines += [f"  {made.id}  {made.title_zh}{'  withdrawn 已下架' if made.withdrawn else ''}" for made in offered]
        rows.append({"grant": one.id, "ended": one.ended, "products": [made.id for made in offered]})
    return Result("\n".join(lines) or "none 无", {"grants": rows})


def question(arguments: argparse.Namespace) -> Result:
    """Write the question that is a product with these values."""
    pairs = [text.partition("=") for text in arguments.set]
    try:
        made = governance.peek_product(given.read(arguments.product))
        sql = product.render(made, {name: value for name, _, value in pairs})
    except Malformed as error:
        raise UsageProblem(f"{arguments.product}: {error}") from error
    return Result(sql, {"sql": sql, "product": made.id})


def _product(arguments: argparse.Namespace, name: str, node: str, now_s: int) -> Product:
    try:
        data: Mapping[str, Any] = tomllib.loads(given.read(arguments.template).decode("utf-8"))
        if set(data) - _TEMPLATE:
            raise Malformed(f"unknown {', '.join(sorted(set(data) - _TEMPLATE))}")
        blank = {"values": [], "lower": "", "upper": ""}
        reviews = [_review(ReviewKind.COMPLIANCE, arguments.compliance)]
        if arguments.algorithm is not None:
            reviews.append(_review(ReviewKind.ALGORITHM, arguments.algorithm))
        value = Product(
            id=name,
            by=node,
            operation=arguments.grant,
            title_zh=data.get("title_zh", ""),
            title_en=data.get("title_en", ""),
            sql=str(data.get("sql", "")).strip(),
            parameters=tuple(product.parameter({**blank, **each}) for each in data.get("parameter", [])),
            price_fen=data.get("price_fen", 0),
            fits_model=data.get("fits_model", False),
            reviews=tuple(reviews),
            decided_by=arguments.by,
            issued_s=now_s,
        )
        product.encode(value)
    except (Malformed, tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise UsageProblem(f"{arguments.template}: {error}") from error
    return value


def _review(kind: ReviewKind, text: str) -> ProductReview:
    who, _, what = text.partition(":")
    return ProductReview(kind, who, what)


def _scope(text: str) -> Grant:
    name, _, columns = text.partition(":")
    return Grant(name, tuple(column.strip() for column in columns.split(",") if column.strip()))


def _end_of(last: date) -> int:
    return int(datetime.combine(last, time.max, CIVIL_TIME).timestamp() * 1000)


def _kept(node: Path, name: str, token: bytes) -> Path:
    """Write what was signed where others may have it from."""
    target = node / FOLDER / f"{name}.jws"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(token)
    return target
