"""May these terms be signed at all (admission/ruling.py: may they be without a person)?"""

from collections.abc import Iterator, Mapping

from yanmen.model.catalogue import DatasetClass, Grade, SubjectSpace, Version
from yanmen.model.config import Config
from yanmen.model.consent import ConsentRule
from yanmen.model.contract import Grant, Terms
from yanmen.model.refusal import Detail, Reason, Refused

DAY_MS = 24 * 60 * 60 * 1000


def check_offer(terms: Terms, versions: Mapping[str, Version], config: Config, now_ms: int) -> None:
    """Refuse terms that this node could not keep or its owner never offered; `versions` are those granted."""
    _check_time(terms, config.limits.contract_days, now_ms)
    for grant in terms.grants:
        _check_grant(terms, grant, versions.get(grant.dataset))
    ceiling = price_ceiling_fen(terms, versions)
    if terms.price_most_fen > ceiling:
        raise Refused(
            Reason.PRICE_ABOVE_CEILING,
            Detail(
                "yanmen:priceFenPerQuery" if terms.tariff is None else "yanmen:tariff",
                hint_en=f"The lowest ceiling among these datasets is {ceiling} fen a question.",
                hint_zh=f"所涉数据集中最低的上限收费标准为每次 {ceiling} 分。",
            ),
        )
    _check_consent(terms, versions)
    lifetime = {space.name: space for space in config.subject_spaces}
    for name in sorted(subject_spaces(terms, versions)):
        if name not in lifetime:
            raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, Detail(name))
        check_budget(terms, lifetime[name])


def check_budget(terms: Terms, space: SubjectSpace) -> None:
    """Refuse terms whose privacy budget is more than `space` has."""
    if terms.micro_rho > space.lifetime_micro_rho or terms.delta_e12 > space.lifetime_delta_e12:
        raise Refused(
            Reason.BUDGET_SPENT,
            Detail(
                space.name,
                hint_en="The contract's privacy budget is more than this subject space has; ask for less.",
                hint_zh="合约的隐私预算超过该主体空间可用的预算，请减少申请量。",
            ),
        )


def price_ceiling_fen(terms: Terms, versions: Mapping[str, Version]) -> int:
    """Return the lowest ceiling of the datasets granted: a question may read any one of them alone."""
    return min(versions[grant.dataset].dataset.price_ceiling_fen for grant in terms.grants)


def subject_spaces(terms: Terms, versions: Mapping[str, Version]) -> frozenset[str]:
    """Return the subject spaces whose budgets these terms may spend."""
    return frozenset(_spaces(terms, versions))


def is_important(terms: Terms, versions: Mapping[str, Version]) -> bool:
    """Say whether any dataset granted is of grade important, which takes two persons and three reasons."""
    return any(versions[grant.dataset].dataset.grade is not Grade.GENERAL for grant in terms.grants)


def _spaces(terms: Terms, versions: Mapping[str, Version]) -> Iterator[str]:
    for grant in terms.grants:
        dataset = versions[grant.dataset].dataset
        if dataset.cls is DatasetClass.PERSONAL:
            yield dataset.subject_space


def _check_consent(terms: Terms, versions: Mapping[str, Version]) -> None:
    """Refuse terms that use whom their owner asks first, and terms that ask where nobody can be asked."""
    granted = [versions[grant.dataset].dataset for grant in terms.grants]
    asked = terms.consent is ConsentRule.RECORDED
    for dataset in granted:
        if dataset.consent is ConsentRule.RECORDED and not asked:
            hint = Detail(
                "yanmen:consent",
                hint_en=f"Only units that consented may be used of {dataset.name}: say so (--consent-first).",
                hint_zh=f"{dataset.name} 只能使用事先授权的主体数据，请在合约中写明（--consent-first）。",
            )
            raise Refused(Reason.CONTRACT_MALFORMED, hint)
    if asked and not any(dataset.unit() is not None for dataset in granted):
        hint = Detail(
            "yanmen:consent",
            hint_en="None of these datasets is about persons or enterprises that could consent.",
            hint_zh="所涉数据集均非可授权主体的数据。",
        )
        raise Refused(Reason.CLAUSE_NOT_ENFORCEABLE, hint)


def _check_time(terms: Terms, days: int, now_ms: int) -> None:
    if terms.not_after_ms <= now_ms:
        raise Refused(
            Reason.CONTRACT_EXPIRED,
            Detail("dateTime", hint_en="These terms are over already.", hint_zh="合约期限已过。"),
        )
    if terms.not_after_ms > max(now_ms, terms.not_before_ms) + days * DAY_MS or (
        terms.not_before_ms > now_ms + days * DAY_MS
    ):
        raise Refused(
            Reason.CONTRACT_MALFORMED,
            Detail(
                "dateTime",
                hint_en=f"A contract begins within {days} days and is valid for {days} days at most.",
                hint_zh=f"合约须在 {days} 天内生效，有效期最长 {days} 天。",
            ),
        )


def _check_grant(terms: Terms, grant: Grant, version: Version | None) -> None:
    if version is None:
        hint = Detail(grant.dataset, hint_en="See the catalogue.", hint_zh="请查看目录。")
        raise Refused(Reason.DATASET_UNKNOWN, hint)
    if version.retracted:
        hint = Detail(grant.dataset, hint_en="See the catalogue.", hint_zh="请查看目录。")
        raise Refused(Reason.DATASET_RETRACTED, hint)
    for column in grant.columns:
        if version.dataset.column(column) is None:  # a hidden column is as unknown as none
            hint = Detail(f"{grant.dataset}.{column}", hint_en="See the catalogue.", hint_zh="请查看目录。")
            raise Refused(Reason.UNKNOWN_COLUMN, hint)
    if terms.channel not in version.dataset.channels:
        open_to = ", ".join(channel.value for channel in version.dataset.channels)
        raise Refused(
            Reason.POLICY_FORBIDS,
            Detail(
                grant.dataset,
                hint_en=f"Its owner offers it through: {open_to}.",
                hint_zh=f"该数据集只通过以下渠道提供：{open_to}。",
                clauses=("dataset:channels",),
            ),
        )
    if version.dataset.cls is DatasetClass.PERSONAL and not terms.micro_rho_per_query:
        raise Refused(
            Reason.CONTRACT_MALFORMED,
            Detail(
                "yanmen:microRhoPerQuery",
                hint_en="Answers about persons spend a privacy budget; offer one above 0.",
                hint_zh="涉及个人的结果需消耗隐私预算，请设定大于 0 的值。",
            ),
        )
