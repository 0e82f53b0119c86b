"""May this entry be shown and granted? 目录审核 by the data authority of its level, and no negative list against it."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from yanmen.admission import forbidden
from yanmen.formats import declared, wording
from yanmen.model.catalogue import Dataset, Version
from yanmen.model.contract import Terms
from yanmen.model.governance import NegativeItem, NegativeList, Review, level
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.refusal import Detail, Reason, Refused

Reviews = Callable[[str], Review | None]
"""The newest review of what has this digest, as the ledger has it."""


def authorities(register: Register) -> tuple[Party, ...]:
    """Return the data authorities of the space; where there is none, entries are listed without a review."""
    return tuple(
        party for party in register.parties if party.role is PartyRole.AUTHORITY and party.status is PartyStatus.ACTIVE
    )


def is_listed(dataset: Dataset, register: Register, reviews: Reviews) -> bool:
    """Say whether the entry may be shown: its level's authority passed what is declared now, or the space has none."""
    if not authorities(register):
        return True
    found = reviews(declared.digest(dataset))
    if found is None or not found.passed:
        return False
    by = register.find(found.by)
    return by is not None and by.role is PartyRole.AUTHORITY and by.region == dataset.region


def check_listed(datasets: Iterable[Dataset], register: Register, reviews: Reviews) -> None:
    """Refuse unless every one of `datasets` is listed."""
    for dataset in datasets:
        if not is_listed(dataset, register, reviews):
            place = dataset.region
            raise Refused(
                Reason.NOT_REVIEWED,
                Detail(
                    dataset.name,
                    hint_en=f"The authority of {place} ({level(place)}) has to pass what is declared now.",
                    hint_zh=f"须由 {place}（{level(place)}）数据主管部门审核现行著录内容。",
                ),
            )


def check_publishable(dataset: Dataset, lists: Sequence[NegativeList]) -> None:
    """Refuse what a negative list forbids to publish."""
    _refuse(dataset, tuple(forbidden.in_publishing(lists, dataset)))


def check_grantable(terms: Terms, versions: Mapping[str, Version], lists: Sequence[NegativeList]) -> None:
    """Refuse what a negative list forbids to grant by this channel for this scenario, and what hides from one."""
    said = terms.scenario
    wording.check(Reason.CONTRACT_MALFORMED, {"scenario.text": said.text, "scenario.legal_basis": said.legal_basis})
    for version in versions.values():
        found = forbidden.in_granting(lists, version.dataset, terms.channel, terms.scenario)
        _refuse(version.dataset, tuple(found))


def _refuse(dataset: Dataset, found: tuple[NegativeItem, ...]) -> None:
    if found:
        raise Refused(
            Reason.NEGATIVE_LIST,
            Detail(
                dataset.name,
                hint_en="Each item that applies is listed with its basis.",
                hint_zh="所适用的清单条目及其依据已逐项列出。",
                clauses=tuple(f"{item.id}: {item.text}（{item.basis}）" for item in found),
            ),
        )
