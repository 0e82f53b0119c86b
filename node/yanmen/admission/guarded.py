"""Do the department's guard rails leave these terms standing? Asked at each signature, before any use.

Terms are held to the guard rails as if all they grant were used: by their consumer, asked and explained at the usual
and at the highest charge, every granted column of a dataset read at once, on the first and on the last moment. What
the guard rails forbid of that would be refused at its use; here it is not signed, and every clause is named.
"""

from collections.abc import Iterator, Mapping

from yanmen.admission.admit import contract_entity, dataset_entity, party_entity
from yanmen.admission.policies import Question, Rails
from yanmen.formats.json_canonical import Json
from yanmen.formats.request import Operation
from yanmen.model.catalogue import Dataset, Version
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.party import Party
from yanmen.model.refusal import Detail, Reason, Refused


def check(terms: Terms, versions: Mapping[str, Version], consumer: Party, rails: Rails, now_ms: int) -> None:
    """Refuse terms of which the guard rails forbid anything, with every clause that does."""
    found: set[str] = set()
    subjects: set[str] = set()
    for question in _uses(terms, versions, consumer, now_ms):
        verdict = rails.decide_guards(question)
        if not verdict.allowed:
            found.update(verdict.clauses)
            subjects.add(question.resource[1])
    if found:
        named = ", ".join(sorted(subjects))
        raise Refused(
            Reason.POLICY_FORBIDS,
            Detail(
                named,
                hint_en="The department's guard rails forbid a use that these terms grant; the clauses are named.",
                hint_zh="数源部门的守则禁止这些条款所授予的使用；违反的条款已列出。",
                clauses=tuple(sorted(found)),
            ),
        )


def _uses(terms: Terms, versions: Mapping[str, Version], consumer: Party, now_ms: int) -> Iterator[Question]:
    """Return the uses that terms in force admit, at their widest."""
    contract = Contract(terms, b"", b"", "", ContractStatus.ACTIVE)
    people = (party_entity(consumer), contract_entity(contract))
    resource = ("Contract", terms.id)
    for moment in sorted({max(now_ms, terms.not_before_ms), max(now_ms, terms.not_after_ms - 1)}):
        context: dict[str, Json] = {"now_ms": moment, "scenario": terms.scenario.id}
        for operation in Operation:
            for charge in sorted({terms.micro_rho_per_query, terms.micro_rho_per_query_max}):
                asked = {**context, "micro_rho": charge}
                yield Question(consumer.id, operation.value, resource, asked, people)
        for grant in terms.grants:
            dataset = versions[grant.dataset].dataset
            read = {**context, **_reading(terms, dataset)}
            entities = (*people, dataset_entity(dataset, contract))
            yield Question(consumer.id, "scan", ("Dataset", dataset.name), read, entities)


def _reading(terms: Terms, dataset: Dataset) -> Mapping[str, Json]:
    """Return the widest reading of `dataset`: all that is granted of it, but its unit, which is never released."""
    unit = dataset.unit()
    spared = {unit.name.lower()} if unit is not None else set()
    return {
        "columns": sorted({column.lower() for column in terms.columns(dataset.name) or ()} - spared),
        "release": dataset.cls.value,
        "channel": terms.channel.value,
    }
