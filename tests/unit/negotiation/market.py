"""An office where contracts are negotiated, with real keys, a real ledger and a log that can be verified."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yanmen import contracting, templating
from yanmen.admission.policies import Rails, load_guards, shipped
from yanmen.contracting import Office
from yanmen.crypto import documents
from yanmen.crypto.keys import FileSigner
from yanmen.formats import connector_id, template_draft
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import Config
from yanmen.model.contract import Contract, Grant, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus
from yanmen.model.template import PublishedTemplate, Template

from tests.unit.catalogue.hall import Hall, hall
from tests.unit.ledger.scene import (
    CONSUMER,
    LIFETIME_DELTA_E12,
    LIFETIME_MICRO_RHO,
    MEMBER_KEYS,
    NODE,
    START_MS,
    SUBJECTS,
    signer,
    terms_of,
)

DAY_MS = 86_400_000
BUREAU = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "BUREAU01")
BUREAU_KEY: FileSigner = signer("bureau")
DRAFT = """
title_zh = "人口统计标准合约"
title_en = "Statistics on persons"
days_most = 365

[grants]
persons = ["city", "id"]

[fixed]
channel = "sharing"
min_group = 10
micro_rho_per_query = 100
delta_e12 = 0
price_per_query_fen = 120
regulator_discloses = []

[choice]
retention_days = [30, 180]

[between]
queries = [1, 1000]
queries_per_day = [1, 500]
micro_rho = [1000, 10000]
micro_rho_per_query_max = [100, 5000]
"""


def bureau(status: PartyStatus = PartyStatus.ACTIVE) -> Party:
    """Return the third side as the register lists it."""
    return Party(BUREAU, "bureau", "数据局", PartyRole.REGULATOR, status, BUREAU_KEY.public, b"", "5" * 64)


@dataclass
class Market:
    """The office, and who comes to it."""

    hall: Hall
    folder: Path
    config: Config
    count: int = 0
    more_rails: str = ""

    @property
    def office(self) -> Office:
        """Return the office as it is now."""
        hall_ = self.hall
        return Office(self.config, hall_.ledger, hall_.receipt_signer, hall_.clock, hall_.current, self.rails)

    def rails(self) -> Rails:
        """Return the guard rails: those that come with the program, and what a test adds."""
        guards = load_guards(shipped())
        ids = guards.ids | frozenset(re.findall(r'@id\("([^"]+)"\)', self.more_rails))
        return Rails(replace(guards, text=guards.text + self.more_rails, ids=ids))

    def peer(self, party_id: str = CONSUMER) -> Party:
        """Return a party of the register."""
        found = self.hall.listed.find(party_id)
        assert found is not None
        return found

    def terms(self, **other: Any) -> Terms:
        """Return terms that fit data and template."""
        self.count += 1
        usual: dict[str, Any] = {
            "grants": (Grant("persons", ("city",)),),
            "delta_e12": 0,
            "not_before_ms": START_MS,
            "not_after_ms": START_MS + 30 * DAY_MS,
        }
        return terms_of(f"{self.count:032x}", **{**usual, **other})

    def offer(self, terms: Terms, key: FileSigner | None = None) -> Contract:
        """Hand in an offer over `terms`."""
        token = documents.sign_offer(terms, key or MEMBER_KEYS[terms.consumer])
        return contracting.request(token, self.peer(), self.office)

    def template(self, text: str = DRAFT, **other: Any) -> PublishedTemplate:
        """Publish a template."""
        draft = template_draft.read(text.encode())
        self.count += 1
        value = Template(
            f"{self.count:032x}",
            NODE,
            draft.title_zh,
            draft.title_en,
            draft.product,
            draft.grants,
            draft.clauses,
            draft.days_most,
            "首席数据官",
            START_MS // 1000,
            draft.rules,
        )
        return templating.publish(replace(value, **other), self.hall)[1]

    def findings(self) -> tuple[str, ...]:
        """Export the log, verify it, and return what is wrong."""
        return tuple(f"{each.code.value}: {each.en}" for each in self.hall.report(self.folder).findings)


@contextmanager
def market(folder: Path, *, rule: bool = False) -> Iterator[Market]:
    """Give an office whose owner's rule approves, or not."""
    config = Config(
        id=NODE,
        name="n",
        alias="health",
        address="127.0.0.1:1",
        space="shanxi.example",
        register="r",
        space_key=b"",
        sandbox="landlock",
        approve_general=rule,
        approve_columns_max=9,
        approve_micro_rho_max=20_000,
        subject_spaces=(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12),),
    )
    with hall(folder, more=(bureau(),)) as made:
        made.publish()
        yield Market(made, folder, config)
