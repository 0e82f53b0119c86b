"""Expected verdicts of guard rails: a TOML file of questions, each with the clauses that must forbid it.

[party]                      # what every question below has unless it says otherwise
role = "developer"

[[expect]]
name = "a consumer in Hong Kong is refused"
action = "submit"            # submit, explain or scan
party = { region = "8100" }
denied_by = ["policy:cross-border"]   # empty = allowed
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen import regular_file
from yanmen.admission.policies import Guards, Policies, Question
from yanmen.formats import toml_lines, toml_table
from yanmen.formats.json_canonical import Json
from yanmen.formats.toml_lines import NotToml
from yanmen.formats.toml_table import Table
from yanmen.model.catalogue import Channel, DatasetClass, Grade, Sharing
from yanmen.model.party import PartyRole
from yanmen.model.refusal import Fault, FaultCode

PARTY = "party under test"
CONTRACT = "contract under test"
DATASET = "dataset under test"


@dataclass(frozen=True, slots=True)
class Checked:
    """One expectation and what the guard rails really said."""

    name: str
    line: int
    expected: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether exactly the expected clauses forbid."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class _World:
    """The entities and the context of a question, with defaults that no guard rail of ours forbids."""

    role: str = PartyRole.DEVELOPER.value
    region: str = "1401"
    channel: str = Channel.AUTHORISED_OPERATION.value
    scenario: str = "S1"
    cls: str = DatasetClass.PERSONAL.value
    grade: str = Grade.GENERAL.value
    sharing: str = Sharing.UNCONDITIONAL.value
    channels: tuple[str, ...] = (Channel.AUTHORISED_OPERATION.value,)
    owner: str = "owner"
    dataset_region: str = "140100"
    subject_space: str = "persons"
    release: str = DatasetClass.PERSONAL.value
    columns: tuple[str, ...] = ()
    micro_rho: int = 0
    now_ms: int = 1_767_225_600_000


def policy_test(path: Path, guards: Guards) -> tuple[Checked, ...]:
    """Evaluate every expectation in the file `path` against `guards`; a malformed file is a fault with its lines."""
    try:
        table = toml_table.root(toml_lines.parse(regular_file.read(path, toml_lines.BYTES_MAX + 1)))
    except OSError as error:
        raise Fault(FaultCode.CONFIG, f"{path}: {error.strerror}") from error
    except NotToml as error:
        raise Fault(FaultCode.CONFIG, f"{path}: {error.problem.describe()}") from error
    policies = Policies(guards)
    usual = _world(table, _World())
    checked = tuple(_check(section, usual, policies) for section in table.sections("expect"))
    table.close()
    if table.problems:
        listed = "; ".join(problem.describe() for problem in toml_table.in_order(table.problems))
        raise Fault(FaultCode.CONFIG, f"{path}: {listed}")
    return checked


def _check(section: Table, usual: _World, policies: Policies) -> Checked:
    name, action = section.text("name"), section.text("action", pattern=toml_table.pattern("submit|explain|scan"))
    expected = tuple(sorted(section.texts("denied_by", required=False)))
    world = _world(section, usual)
    section.close()
    found = policies.decide_guards(_question(action, world)).clauses if action else ()
    return Checked(name, section.document.line(section.path), expected, found)


def _world(table: Table, usual: _World) -> _World:
    """Return `usual` with what the tables party, contract, dataset and question of `table` say otherwise."""
    party, contract = table.table("party", required=False), table.table("contract", required=False)
    dataset, question = table.table("dataset", required=False), table.table("question", required=False)
    world = replace(
        usual,
        role=party.text("role", required=False) or usual.role,
        region=party.text("region", required=False, pattern=toml_table.pattern("[0-9]{4}")) or usual.region,
        channel=contract.text("channel", required=False) or usual.channel,
        scenario=contract.text("scenario", required=False) or usual.scenario,
        cls=dataset.text("class", required=False) or usual.cls,
        grade=dataset.text("grade", required=False) or usual.grade,
        sharing=dataset.text("sharing", required=False) or usual.sharing,
        channels=dataset.texts("channels", required=False) or usual.channels,
        owner=dataset.text("owner", required=False) or usual.owner,
        dataset_region=dataset.text("region", required=False) or usual.dataset_region,
        subject_space=dataset.text("subject_space", required=False) or usual.subject_space,
        release=question.text("release", required=False) or usual.release,
        columns=question.texts("columns", required=False) or usual.columns,
        micro_rho=question.integer("micro_rho", 0, toml_table.INTEGER_MAX, usual.micro_rho),
        now_ms=question.integer("now_ms", 0, toml_table.INTEGER_MAX, usual.now_ms),
    )
    for part in (party, contract, dataset, question):
        part.close()
    return world


def _question(action: str, world: _World) -> Question:
    context: dict[str, Json] = {"now_ms": world.now_ms, "scenario": world.scenario}
    if action == "scan":
        context |= {"columns": list(world.columns), "release": world.release, "channel": world.channel}
    else:
        context |= {"micro_rho": world.micro_rho}
    return Question(
        principal=PARTY,
        action=action,
        resource=("Dataset", DATASET) if action == "scan" else ("Contract", CONTRACT),
        context=context,
        entities=_entities(world),
    )


def _entities(world: _World) -> tuple[Mapping[str, Json], ...]:
    party = {"role": world.role, "region": world.region, "province": world.region[:2]}
    contract = {"channel": world.channel, "scenario": world.scenario, "status": "active"}
    dataset = {
        "class": world.cls,
        "grade": world.grade,
        "sharing": world.sharing,
        "channels": list(world.channels),
        "owner": world.owner,
        "region": world.dataset_region,
        "subject_space": world.subject_space,
    }
    return (
        {"uid": {"type": "Party", "id": PARTY}, "attrs": party, "parents": []},
        {"uid": {"type": "Contract", "id": CONTRACT}, "attrs": contract, "parents": []},
        {
            "uid": {"type": "Dataset", "id": DATASET},
            "attrs": dataset,
            "parents": [{"type": "Contract", "id": CONTRACT}],
        },
    )
