"""Does this hang on a grant of operation (授权运营) in force, and is this question one of its products?"""

from collections.abc import Callable, Iterable, Sequence

from yanmen.formats import product
from yanmen.model.catalogue import Channel
from yanmen.model.contract import Contract, Operated, Terms
from yanmen.model.operation import Endorsement, OperatingGrant, OperatingMode, Product
from yanmen.model.refusal import Detail, Reason, Refused

Products = Callable[[str], Product | None]
"""A product as it stands, as the ledger has it."""


def check_terms(terms: Terms, grants: Sequence[OperatingGrant], products: Products, now_ms: int) -> None:
    """Refuse terms that go beyond the grant they hang on, or by a channel that takes one without naming any."""
    if terms.operated is None:
        _check_own(terms, grants, now_ms)
        return
    grant = _in_force(terms.operated.grant, grants, now_ms)
    if terms.consumer == grant.operator:
        raise _not_granted("assignee", "An operator's contracts are with others.", "运营机构不得与自身签约。")
    if not grant.covers(terms.grants):
        raise _not_granted("target", "The grant's scope is less.", "超出授权范围。")
    if not grant.from_ms <= terms.not_before_ms < terms.not_after_ms <= grant.until_ms:
        raise _not_granted("dateTime", "The grant's term is shorter.", "超出授权期限。")
    if grant.mode is OperatingMode.BY_SCENARIO and terms.scenario.id not in grant.scenarios:
        raise _not_granted("purpose", "The grant names other scenarios.", "不在授权场景之内。")
    if terms.price_most_fen > grant.ceiling_fen:
        hint_en, hint_zh = f"The grant's ceiling is {grant.ceiling_fen} fen.", f"授权的上限为 {grant.ceiling_fen} 分。"
        raise Refused(Reason.PRICE_ABOVE_CEILING, Detail("yanmen:operation", hint_en=hint_en, hint_zh=hint_zh))
    for name in terms.operated.products:
        _offered(name, grant.id, products)


def check_endorsed(contract: Contract, grants: Iterable[OperatingGrant], endorsement: Endorsement | None) -> None:
    """Refuse a contract that hangs on a grant until the grant's operator signed under this very offer."""
    operated = contract.terms.operated
    if operated is None:
        return
    operator = next((grant.operator for grant in grants if grant.id == operated.grant), "")
    said = None if endorsement is None else (endorsement.by, endorsement.operation, endorsement.offer_sha256)
    if said != (operator, operated.grant, contract.digest):
        raise _not_granted("endorsement", "The operator has to endorse this very offer.", "须由运营机构签署该要约。")


def check_question(sql: str, operated: Operated | None, products: Products) -> None:
    """Refuse a question under such a contract that is no instance of one of its products."""
    if operated is None:
        return
    found = [made for name in operated.products if (made := products(name)) is not None and not made.withdrawn]
    if not any(made.operation == operated.grant and product.fits(made, sql) for made in found):
        raise Refused(
            Reason.NOT_A_PRODUCT,
            Detail(
                operated.grant,
                clauses=tuple(f"{made.id} {made.title_zh} {made.title_en}" for made in found),
            ),
        )


def _check_own(terms: Terms, grants: Sequence[OperatingGrant], now_ms: int) -> None:
    """Refuse to pass an operator by: what is granted to one is contracted for under its grant."""
    if terms.channel is not Channel.AUTHORISED_OPERATION:
        return
    names = {grant.dataset for grant in terms.grants}
    for grant in grants:
        if _stands(grant, now_ms) and names & {each.dataset for each in grant.grants}:
            raise _not_granted(
                "yanmen:operation",
                f"It is operated under the grant {grant.id}; name it and its products.",
                f"该数据已授权运营（{grant.id}），请在合约中写明授权与产品。",
            )


def _in_force(name: str, grants: Sequence[OperatingGrant], now_ms: int) -> OperatingGrant:
    for grant in grants:
        if grant.id == name and _stands(grant, now_ms):
            return grant
    raise _not_granted(name, "There is no such grant in force.", "没有该有效授权。")


def _stands(grant: OperatingGrant, now_ms: int) -> bool:
    return not grant.ended and now_ms < grant.until_ms


def _offered(name: str, grant: str, products: Products) -> Product:
    made = products(name)
    if made is None or made.withdrawn or made.operation != grant:
        raise _not_granted(name, "There is no such product under this grant.", "该授权下没有此产品。")
    return made


def _not_granted(subject: str, hint_en: str, hint_zh: str) -> Refused:
    return Refused(Reason.OPERATION_NOT_GRANTED, Detail(subject, hint_en=hint_en, hint_zh=hint_zh))
