"""A draft leads to a first request that is answered, and what is wrong in it is said in few words with lines."""

import re
import tomllib

import pytest
from yanmen import publishing
from yanmen.cli.main import parser
from yanmen.formats import spec, spec_draft
from yanmen.model.catalogue import Column, ColumnType, Role
from yanmen.model.refusal import Reason, Refused
from yanmen_sandbox.jobs.drafting import Drafted, with_one_unit

ANSWERS = {
    "title_zh": "低保",
    "title_en": "Allowances",
    "owner": "民政局",
    "region": "140100",
    "source_system": "低保系统",
    "authority": "职责",
    "update_cycle": "monthly",
    "sharing_reason": "个人",
    "legal_basis": "法",
}
COLUMNS = (
    Column("身份证", ColumnType.TEXT, Role.HIDDEN),
    Column("区", ColumnType.TEXT, Role.KEY, domain=("城东", "城西")),
    Column("金额", ColumnType.INTEGER, Role.KEY),
)


def confirmed(*columns: Column) -> str:
    """Return a draft with its blanks filled in and its marks deleted."""
    text = spec_draft.draft("dibao", columns)
    for key, value in ANSWERS.items():
        text = text.replace(f'{key} = ""', f'{key} = "{value}"')
    return re.sub(r"  # CONFIRM.*", "", text)


def test_the_drafted_channel_is_the_one_a_request_asks_for() -> None:
    unit = Column("身份证", ColumnType.TEXT, Role.UNIT)
    line = ["contract", "request", "--as", "me", "--at", "civil", "--grant", "dibao:区", "--scenario", "s"]
    asked = parser().parse_args([*line, "--purpose", "p", "--legal-basis", "l", "--price", "0"]).channel
    drafted = spec.decode(confirmed(unit).encode())
    assert [channel.value for channel in drafted.channels] == [asked]
    assert drafted.subject_space == "person"  # what `node accept` writes into node.toml


def test_the_bounds_on_one_unit_say_what_they_cost_and_stay_marked() -> None:
    lines = spec_draft.draft("dibao", COLUMNS).split("\n")
    for name in ("rows_per_unit", "groups_per_unit"):
        line = next(line for line in lines if line.startswith(f"{name} = 1 "))
        assert "# CONFIRM" in line
        assert "noise grows with it" in line
        assert "噪声" in line
    assert tomllib.loads("\n".join(lines))["rows_upto"] > 1


def refused(text: str) -> Refused:
    """Return the refusal of the specification `text`."""
    with pytest.raises(Refused) as caught:
        publishing.check(text.encode())
    return caught.value


def test_no_unit_names_the_lines_that_could_be_it() -> None:
    text = confirmed(*COLUMNS)
    found = " ".join(refused(text).detail.clauses)
    lines = text.split("\n")
    wanted = [number for number, line in enumerate(lines, 1) if line == 'role = "hidden"']
    assert f"it could be line {wanted[0]} (身份证)" in found
    assert "区" not in found.partition("it could be")[2].partition("（")[0]


def test_two_units_name_both_lines() -> None:
    text = confirmed(Column("a", ColumnType.TEXT, Role.UNIT), Column("b", ColumnType.INTEGER, Role.UNIT))
    numbers = [number for number, line in enumerate(text.split("\n"), 1) if line == 'role = "unit"']
    assert f"now it is line {numbers[0]} (a), {numbers[1]} (b)" in " ".join(refused(text).detail.clauses)


def test_a_fresh_draft_is_refused_in_one_clause() -> None:
    refusal = refused(spec_draft.draft("dibao", COLUMNS))
    assert refusal.reason is Reason.SPEC_UNCONFIRMED
    assert len(refusal.detail.clauses) == 1


@pytest.mark.parametrize(
    ("lines", "text"), [((4,), "4"), ((3, 4, 5, 6, 7, 8, 9, 12), "3-9, 12"), ((1, 3, 4), "1, 3-4")]
)
def test_lines_are_named_as_ranges(lines: tuple[int, ...], text: str) -> None:
    assert publishing.ranges(lines) == text


@pytest.mark.parametrize(
    ("names", "unit"),
    [
        (("姓名", "身份证"), "身份证"),
        (("区划代码", "身份证号"), "身份证号"),
        (("居民身份证号码", "医院编号"), "居民身份证号码"),
        (("visit_id", "id_card"), "id_card"),
        (("统一社会信用代码", "name"), "统一社会信用代码"),
        (("name", "patient_id"), "patient_id"),
        (("姓名", "grid"), None),
    ],
)
def test_what_names_a_person_is_drafted_as_the_unit(names: tuple[str, ...], unit: str | None) -> None:
    drafts = [Drafted(name, "text", "hidden", 0, None, None, None) for name in names]
    assert [each.source for each in with_one_unit(drafts) if each.role == "unit"] == ([unit] if unit else [])
