"""What is enforced over a contract and what it would say now: every rule in its own words, every verdict by name.

For the holder and for whoever writes guard rails; admission itself does not read any of this.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yanmen import regular_file
from yanmen.admission import clauses
from yanmen.admission.admit import contract_entity, dataset_entity, party_entity
from yanmen.admission.policies import GUARD_BYTES_MAX, GUARD_PREFIX, Policies, Question, load_guards
from yanmen.formats.json_canonical import Json
from yanmen.model.catalogue import Dataset
from yanmen.model.contract import Contract, Terms
from yanmen.model.party import Party

_RULE = re.compile(r'((?:^//[^\n]*\n)*)^@id\("([^"]+)"\)\n(.+?;)\s*$', re.MULTILINE | re.DOTALL)
"""A comment, an id and a policy, as guard rails are written; Cedar itself keeps no comments."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy: the id a refusal names, where it stands, what its author says of it, and its text."""

    id: str
    source: str
    meaning: str
    cedar: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules say to one use, now: the clauses that forbid it, none when it is allowed."""

    use: str
    clauses: tuple[str, ...]


def guard_rules(directory: Path) -> tuple[Rule, ...]:
    """Return the guard rails in `directory`, which must be sound; one written unusually has no text here."""
    guards = load_guards(directory)
    found = {rule.id: rule for path in sorted(directory.glob("*.cedar")) for rule in _rules(path)}
    missing = guards.ids - found.keys()
    named = [*found.values(), *(Rule(name, "", "", "") for name in sorted(missing))]
    return tuple(
        Rule(GUARD_PREFIX + rule.id, rule.source, rule.meaning, rule.cedar) for rule in named if rule.id in guards.ids
    )


def _rules(path: Path) -> Iterator[Rule]:
    for comment, name, text in _RULE.findall(regular_file.read(path, GUARD_BYTES_MAX).decode("utf-8")):
        meaning = " ".join(line.removeprefix("//").strip() for line in comment.splitlines())
        yield Rule(name, path.name, meaning, text.strip())


def contract_rules(terms: Terms) -> tuple[Rule, ...]:
    """Return the policies that `terms` compile to."""
    found = _RULE.findall(clauses.compile_terms(terms))
    return tuple(Rule(name, "contract", "", text.strip()) for _, name, text in found)


def standings(
    contract: Contract, consumer: Party, datasets: tuple[Dataset, ...], policies: Policies, now_ms: int
) -> tuple[Standing, ...]:
    """Say what becomes of asking at the usual charge, and of reading all that `contract` grants of each dataset."""
    context: dict[str, Json] = {"now_ms": now_ms, "scenario": contract.terms.scenario.id}
    people = (party_entity(consumer), contract_entity(contract))
    asking = {**context, "micro_rho": contract.terms.micro_rho_per_query}
    uses = {"submit": Question(consumer.id, "submit", ("Contract", contract.terms.id), asking, people)}
    for dataset in datasets:
        scan = {**context, "channel": contract.terms.channel.value, "release": dataset.cls.value}
        scan["columns"] = sorted(column.lower() for column in contract.terms.columns(dataset.name) or ())
        entities = (*people, dataset_entity(dataset, contract))
        uses[f"scan {dataset.name}"] = Question(consumer.id, "scan", ("Dataset", dataset.name), scan, entities)
    return tuple(Standing(use, policies.decide(contract, question).clauses) for use, question in uses.items())
