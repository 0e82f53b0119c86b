"""Does a contract stay within the template (合约模板) it names?"""

from collections.abc import Callable

from yanmen.formats import template
from yanmen.model.contract import Terms
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.template import PublishedTemplate

Templates = Callable[[str], PublishedTemplate | None]
"""A contract template as it stands, as the ledger has it."""


def check(terms: Terms, templates: Templates) -> None:
    """Refuse terms that leave what their template fixes or bounds, naming every clause that does."""
    if terms.filled is None:
        return
    known = templates(terms.filled.template)
    if known is None or known.template.withdrawn or known.digest != terms.filled.sha256:
        hint = Detail(
            terms.filled.template,
            hint_en="There is no such template in force: yanmen contract template list --as ME --at NODE.",
            hint_zh="没有该有效模板，请查看 yanmen contract template list。",
            clauses=("yanmen:template eq",),
        )
        raise Refused(Reason.OUTSIDE_TEMPLATE, hint)
    wrong = tuple(template.unfit(known.template, terms))
    if wrong:
        name, en, zh = wrong[0]
        raise Refused(
            Reason.OUTSIDE_TEMPLATE,
            Detail(
                name,
                hint_en=f"{name} {en}.",
                hint_zh=f"{name}：{zh}。",
                clauses=tuple(f"{name} {en} {zh}" for name, en, zh in wrong),
            ),
        )
