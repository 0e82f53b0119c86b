"""Values of the slots that say what a question read, under which scenario and by which rule its answer left.

Both sides use these, as they do those of formats/slots: the ledger writes `value.json()`, the verifier reads it again.
"""

import re
from dataclasses import dataclass

from yanmen.formats import json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import Scenario

READS_MAX = 64
"""Most datasets of one question: a contract grants no more."""
COLUMNS_MAX = 4096
AGGREGATES_MAX = 512
_SQUARED = re.compile(r"0|[1-9][0-9]{0,79}", re.ASCII)
"""A squared sensitivity: that of a sum over many 64-bit integers has some fifty digits."""
_READING = frozenset({"columns", "name", "version"})
_PUBLICATION = frozenset({"columns", "name", "unit", "version"})
_SENSITIVITY = frozenset({"l2_squared", "name"})
_RULE = frozenset({"aggregates", "class", "min_group"})
_SCENARIO = frozenset({"id", "legal_basis", "text"})


@dataclass(frozen=True, slots=True)
class Reading:
    """The columns that were read of one version of a dataset."""

    name: str
    version: str
    columns: tuple[str, ...]

    def json(self) -> Json:
        """Return the slot's value."""
        return {"columns": list(self.columns), "name": self.name, "version": self.version}

    @classmethod
    def read(cls, value: Json) -> "Reading":
        """Return the reading that an item of the slot holds."""
        members = json_members.exact(value, _READING)
        columns = json_members.texts(members, "columns", COLUMNS_MAX)
        return cls(json_members.text(members, "name"), json_members.text(members, "version"), columns)


def read_readings(value: Json) -> tuple[Reading, ...]:
    """Return what the slot `datasets` of a question holds."""
    return tuple(Reading.read(item) for item in json_members.items({"datasets": value}, "datasets", READS_MAX))


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of a dataset as published: its visible columns, and which of them is the unit's ("" = none)."""

    reading: Reading
    unit: str

    def json(self) -> Json:
        """Return the slot's value, a list of this one."""
        listed = list(self.reading.columns)
        return [{"columns": listed, "name": self.reading.name, "unit": self.unit, "version": self.reading.version}]

    @classmethod
    def read(cls, value: Json) -> "Publication":
        """Return the publication that the slot's `value` holds."""
        items = json_members.items({"datasets": value}, "datasets", 1)
        if not items:
            raise Malformed("datasets: nothing was published")
        members = json_members.exact(items[0], _PUBLICATION)
        columns = json_members.texts(members, "columns", COLUMNS_MAX)
        reading = Reading(json_members.text(members, "name"), json_members.text(members, "version"), columns)
        return cls(reading, json_members.text(members, "unit"))


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far one unit's presence moves an aggregate: the square of the L2 norm, in the aggregate's integer units."""

    aggregate: str
    l2_squared: int

    def json(self) -> Json:
        """Return the item's value; the figure is text, since it may be beyond 2^53."""
        return {"l2_squared": str(self.l2_squared), "name": self.aggregate}

    @classmethod
    def read(cls, value: Json) -> "Sensitivity":
        """Return the sensitivity that an item holds."""
        members = json_members.exact(value, _SENSITIVITY)
        squared = json_members.text(members, "l2_squared")
        if _SQUARED.fullmatch(squared) is None:
            raise Malformed("release: a sensitivity is not a decimal")
        return cls(json_members.text(members, "name"), int(squared))


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """By which rule the answer may leave; `sensitivities` are those of the aggregates that get noise."""

    cls: DatasetClass
    min_group: int
    sensitivities: tuple[Sensitivity, ...] = ()

    def json(self) -> Json:
        """Return the slot's value."""
        aggregates = [each.json() for each in self.sensitivities]
        return {"aggregates": aggregates, "class": self.cls.value, "min_group": self.min_group}

    @classmethod
    def read(cls, value: Json) -> "ReleaseRule":
        """Return the rule that the slot's `value` holds."""
        members = json_members.exact(value, _RULE)
        try:
            class_ = DatasetClass(json_members.text(members, "class"))
        except ValueError as error:
            raise Malformed("release: unknown class") from error
        sensitivities = tuple(
            Sensitivity.read(item) for item in json_members.items(members, "aggregates", AGGREGATES_MAX)
        )
        return cls(class_, json_members.integer(members, "min_group"), sensitivities)


def scenario_json(scenario: Scenario) -> Json:
    """Return the value of the slot `scenario`."""
    return {"id": scenario.id, "legal_basis": scenario.legal_basis, "text": scenario.text}


def read_scenario(value: Json) -> Scenario:
    """Return the scenario that the slot's `value` holds."""
    members = json_members.exact(value, _SCENARIO)
    text, basis = (json_members.text(members, name) for name in ("text", "legal_basis"))
    return Scenario(json_members.text(members, "id"), text, basis)
