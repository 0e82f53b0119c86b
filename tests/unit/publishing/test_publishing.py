"""Publishing: confirmed lines only, files read in the jail only, refusals that say what to do."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override
from yanmen import publishing
from yanmen.crypto import keys
from yanmen.execution.jail import JailRunner
from yanmen.formats import connector_id, spec
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Column, ColumnType, Dataset, Role, SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Snapshot
from yanmen.model.refusal import JobCode, JobFailed, Reason, Refused
from yanmen.publishing import Press

NOW_MS = 1_790_000_000_000
NODE = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001")
SPEC = """\
name = "labs"
title_zh = "化验"
title_en = "Laboratory values"
owner = "卫健委"
region = "140100"
source_system = "HIS"
authority = "职责"
update_cycle = "monthly"
quality = "B"
rights = ["hold"]
class = "personal"
grade = "general"
sharing = "unconditional"
channels = ["authorised-operation"]
subject_space = "persons"
rows_per_unit = 2
groups_per_unit = 2
rows_upto = 1000
price_ceiling_fen = 30
[columns.person]
type = "integer"
role = "unit"
[columns.sex]
type = "text"
role = "key"
domain = ["f", "m"]
[columns.name]
role = "hidden"
"""


class Counting:
    """Bytes that are all different."""

    calls = 0

    def token(self, size: int) -> bytes:
        Counting.calls += 1
        return hashlib.shake_256(str(Counting.calls).encode()).digest(size)


class Standing:
    def now_ms(self) -> int:
        return NOW_MS


class Jail(JailRunner):
    """A jail whose jobs end as the test says."""

    ends: JobCode | None = None
    columns: tuple[Column, ...] = ()
    inspect_ends: JobCode | None = None
    read = 0

    @override
    def publish(self, source: str, dataset: Dataset, previous: str = "") -> Snapshot:
        self.read += 1
        if self.ends is not None:
            raise JobFailed(self.ends)
        return super().publish(source, dataset, previous)

    @override
    def inspect(self, source: str, dataset: Dataset | None = None) -> tuple[Column, ...]:
        if self.inspect_ends is not None:
            raise JobFailed(self.inspect_ends)
        return self.columns or super().inspect(source, dataset)


@dataclasses.dataclass
class World:
    press: Press
    jail: Jail
    source: Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    jail = Jail(tmp_path, b"k" * 32, Counting(), NodeLimits())
    holder, log_key = keys.generate(tmp_path / "holder", Counting()), keys.generate(tmp_path / "log", Counting())
    source = tmp_path / "labs.csv"
    source.write_text("person,sex,name\n1,f,Canary\n1,m,Canary\n2,m,Canary\n", encoding="utf-8")
    keeper = Keeper(NODE, holder, log_key, Standing(), Counting())
    with Ledger.open(tmp_path / "ledger.sqlite", keeper, NodeLimits()) as ledger:
        ledger.register_space(SubjectSpace("persons", 5000, 0))
        ledger.register_space(SubjectSpace("others", 5000, 0))
        yield World(Press(ledger, jail, Standing()), jail, source)


def refused(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.detail.hint_en
    assert caught.value.detail.hint_zh
    return caught.value


class TestPublish:
    def test_a_confirmed_specification_and_its_file(self, world: World, tmp_path: Path) -> None:
        made = publishing.publish(SPEC.encode(), world.source, world.press)
        assert made.version.dataset == spec.decode(SPEC.encode())
        assert made.version.published_ms == NOW_MS
        assert publishing.show("labs", world.press.ledger) == made.version
        sealed = (tmp_path / made.version.path).read_bytes()
        assert b"Canary" not in sealed

    def test_publishing_again_replaces(self, world: World) -> None:
        first = publishing.publish(SPEC.encode(), world.source, world.press).version
        second = publishing.publish(SPEC.encode(), world.source, world.press).version
        assert first.version != second.version, "the same rows must not give the same version"
        assert publishing.listed(world.press.ledger) == (second,)

    def test_unconfirmed_lines_are_named_and_nothing_is_read(self, world: World) -> None:
        text = SPEC.replace("rows_per_unit = 2", "rows_per_unit = 2  # CONFIRM").replace(
            'domain = ["f", "m"]', "# confirm"
        )
        refusal = refused(lambda: publishing.publish(text.encode(), world.source, world.press))
        assert refusal.reason is Reason.SPEC_UNCONFIRMED
        assert refusal.detail.line == 16
        assert refusal.detail.clauses == ("lines 16, 26 行",)
        assert world.jail.read == 0

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("rows_upto = 1000", "rows_upto = 0", Reason.SPEC_INVALID),
            ('grade = "general"', 'grade = "core"', Reason.GRADE_CORE),
            ('subject_space = "persons"', 'subject_space = "nobody"', Reason.SUBJECT_SPACE_UNKNOWN),
        ],
    )
    def test_what_is_refused_before_the_file_is_read(self, world: World, old: str, new: str, reason: Reason) -> None:
        text = SPEC.replace(old, new)
        assert refused(lambda: publishing.publish(text.encode(), world.source, world.press)).reason is reason
        assert world.jail.read == 0
        assert publishing.listed(world.press.ledger) == ()

    def test_another_subject_space_is_no_fresh_budget(self, world: World) -> None:
        publishing.publish(SPEC.encode(), world.source, world.press)
        moved = SPEC.replace('"persons"', '"others"').encode()
        opened = (
            SPEC.replace('class = "personal"', 'class = "exact"').replace('subject_space = "persons"\n', "").encode()
        )
        for text in (moved, opened):
            refusal = refused(lambda t=text: publishing.publish(t, world.source, world.press))  # type: ignore[misc]
            assert (refusal.reason, refusal.detail.subject) == (Reason.SPEC_INVALID, "subject_space")
        assert world.jail.read == 1

    def test_no_file(self, world: World, tmp_path: Path) -> None:
        for source in (tmp_path / "nothing.csv", tmp_path):
            refusal = refused(lambda s=source: publishing.publish(SPEC.encode(), s, world.press))  # type: ignore[misc]
            assert refusal.reason is Reason.SOURCE_MISMATCH
            assert refusal.detail.hint_en == "There is no such file."
        assert world.jail.read == 0

    def test_a_file_that_is_not_what_the_specification_says(self, world: World) -> None:
        world.source.write_text("who,sex\n1,f\n", encoding="utf-8")
        refusal = refused(lambda: publishing.publish(SPEC.encode(), world.source, world.press))
        assert refusal.reason is Reason.SOURCE_MISMATCH
        assert refusal.detail.clauses[0].startswith("person: not in the file")
        assert publishing.listed(world.press.ledger) == ()

    def test_types_that_differ_are_named(self, world: World) -> None:
        world.jail.ends = JobCode.BAD_SOURCE
        world.jail.columns = (
            Column("person", ColumnType.TEXT, Role.KEY, source_name="person"),
            Column("sex", ColumnType.TEXT, Role.KEY, source_name="sex"),
        )
        refusal = refused(lambda: publishing.publish(SPEC.encode(), world.source, world.press))
        assert refusal.reason is Reason.SOURCE_MISMATCH
        (clause,) = refusal.detail.clauses
        assert clause.startswith("person: declared integer, looks like text")

    @pytest.mark.parametrize("code", [code for code in JobCode if code is not JobCode.BAD_SOURCE])
    def test_a_job_that_dies(self, world: World, code: JobCode) -> None:
        world.jail.ends = code
        refusal = refused(lambda: publishing.publish(SPEC.encode(), world.source, world.press))
        assert (refusal.reason, refusal.detail.subject) == (Reason.RUN_FAILED, code.value)
        assert publishing.listed(world.press.ledger) == ()

    def test_a_file_nothing_can_be_said_of(self, world: World) -> None:
        world.jail.ends = world.jail.inspect_ends = JobCode.BAD_SOURCE
        assert refused(lambda: publishing.publish(SPEC.encode(), world.source, world.press)).reason is (
            Reason.SOURCE_MISMATCH
        )


class TestSuggest:
    def test_a_draft_is_not_publishable_until_confirmed(self, world: World) -> None:
        draft = publishing.suggest("labs", world.source, world.jail)
        assert "[columns" in draft
        assert refused(lambda: publishing.publish(draft.encode(), world.source, world.press)).reason is (
            Reason.SPEC_UNCONFIRMED
        )

    def test_names_and_files(self, world: World, tmp_path: Path) -> None:
        assert refused(lambda: publishing.suggest("Labs", world.source, world.jail)).reason is Reason.SPEC_INVALID
        assert refused(lambda: publishing.suggest("labs", tmp_path / "x.csv", world.jail)).reason is (
            Reason.SOURCE_MISMATCH
        )
        world.jail.inspect_ends = JobCode.BAD_SOURCE
        assert refused(lambda: publishing.suggest("labs", world.source, world.jail)).reason is Reason.SOURCE_MISMATCH


class TestRetract:
    def test_a_retracted_dataset_is_still_shown_to_its_holder(self, world: World) -> None:
        publishing.publish(SPEC.encode(), world.source, world.press)
        publishing.retract("labs", world.press.ledger)
        (version,) = publishing.listed(world.press.ledger)
        assert version.retracted
        assert world.press.ledger.current_versions() == ()

    def test_what_was_never_published(self, world: World) -> None:
        assert refused(lambda: publishing.show("labs", world.press.ledger)).reason is Reason.DATASET_UNKNOWN
