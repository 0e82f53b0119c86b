"""Specifications: every problem with its line, nothing guessed, the canonical text reads back."""

import dataclasses
import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yanmen.formats import spec, spec_columns, spec_draft, toml_lines
from yanmen.formats.toml_lines import NotToml
from yanmen.model.catalogue import Channel, Column, ColumnType, DatasetClass, Grade, Role, Sharing
from yanmen.model.refusal import Reason, Refused

GOOD = """\
# 化验
name = "labs"
title_zh = "化验"
title_en = "Laboratory values"
owner = "卫健委"
region = "140100"
registration = "晋-0001"
ndi_id = "691140100MA0GTTTT0X1401000000ZZS"
source_system = "HIS"
authority = "统计职责"
update_cycle = "monthly"
quality = "B"
rights = ["hold", "use"]
class = "personal"
grade = "general"
sharing = "conditional"
sharing_reason = "涉及个人"
legal_basis = "《数据安全法》"
channels = ["sharing", "authorised-operation"]
subject_space = "persons"
rows_per_unit = 20
groups_per_unit = 5
rows_upto = 500000
price_ceiling_fen = 500

[columns.person]
type = "integer"
role = "unit"

[columns.test]
type = "text"
role = "key"
domain = [
  "ALT",  # multi-line
  "AST",
]
title_zh = "项目"

[columns.value]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 999.99

[columns.taken]
type = "date"
role = "key"
domain = [2020-01-01, 2020-01-02]
source_name = "Taken on"

[columns."姓名"]
role = "hidden"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        spec.decode(text.encode())
    assert caught.value.reason is Reason.SPEC_INVALID
    clauses = list(caught.value.detail.clauses)
    assert clauses
    assert all("（" in clause for clause in clauses)
    return [clause.split("（", 1)[0] for clause in clauses]


def line_of(text: str, start: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(start))


class TestGood:
    def test_everything_declared_is_there(self) -> None:
        dataset = spec.decode(GOOD.encode())
        assert (dataset.name, dataset.cls, dataset.grade) == ("labs", DatasetClass.PERSONAL, Grade.GENERAL)
        assert dataset.sharing is Sharing.CONDITIONAL
        assert dataset.channels == (Channel.SHARING, Channel.AUTHORISED_OPERATION)
        assert (dataset.rows_per_unit, dataset.groups_per_unit, dataset.rows_upto) == (20, 5, 500_000)
        columns = {column.name: column for column in dataset.columns}
        assert columns["person"].role is Role.UNIT
        assert columns["test"].domain == ("ALT", "AST")
        assert (columns["value"].lower, columns["value"].upper) == (Decimal("0.00"), Decimal("999.99"))
        assert columns["taken"].domain == (date(2020, 1, 1), date(2020, 1, 2))
        assert columns["taken"].source_name == "Taken on"
        assert columns["姓名"].role is Role.HIDDEN
        assert [column.name for column in dataset.visible()] == ["person", "test", "value", "taken"]

    def test_canonical_text_reads_back(self) -> None:
        dataset = spec.decode(GOOD.encode())
        text = spec_draft.encode(dataset)
        assert spec.decode(text.encode()) == dataset
        assert spec_draft.encode(spec.decode(text.encode())) == text

    def test_windows_line_ends(self) -> None:
        assert spec.decode(GOOD.replace("\n", "\r\n").encode()) == spec.decode(GOOD.encode())

    def test_a_missing_class_is_personal(self) -> None:
        assert spec.decode(GOOD.replace('class = "personal"\n', "").encode()).cls is DatasetClass.PERSONAL

    def test_a_flag_has_both_values_unless_it_says_otherwise(self) -> None:
        text = GOOD + '[columns.smokes]\ntype = "boolean"\nrole = "key"\n'
        assert spec.decode(text.encode()).columns[-1].domain == (False, True)

    def test_only_a_key_has_both_values_of_a_flag(self) -> None:
        text = (
            GOOD + '[columns.smokes]\ntype = "boolean"\nrole = "hidden"\n[columns.code]\ntype = "text"\nrole = "key"\n'
        )
        assert [column.domain for column in spec.decode(text.encode()).columns[-2:]] == [None, None]

    def test_open_sums_are_not_bounded_by_rows(self) -> None:
        text = GOOD.replace('class = "personal"', 'class = "open"').replace('subject_space = "persons"\n', "")
        text = text.replace('role = "unit"', 'role = "key"').replace("upper = 999.99", "upper = 999999999999999.99")
        assert spec.decode(text.encode()).columns[2].upper == Decimal("999999999999999.99")

    def test_exact_data_need_not_bound_its_units(self) -> None:
        text = GOOD.replace('class = "personal"', 'class = "exact"').replace('subject_space = "persons"\n', "")
        text = text.replace("rows_per_unit = 20\ngroups_per_unit = 5\n", "")
        dataset = spec.decode(text.encode())
        assert (dataset.rows_per_unit, dataset.groups_per_unit) == (500_000, 500_000)

    def test_open_data_protects_nobody(self) -> None:
        text = GOOD.replace('class = "personal"', 'class = "open"').replace('subject_space = "persons"\n', "")
        text = text.replace('role = "unit"', 'role = "key"').replace("lower = 0\nupper = 999.99\n", "")
        assert spec.decode(text.encode()).unit() is None


class TestProblems:
    @pytest.mark.parametrize(
        ("old", "new", "line", "part"),
        [
            ('name = "labs"', 'name = "Labs"', 2, "name"),
            ('name = "labs"', "name = 5", 2, "must be text"),
            ('name = "labs"', 'name = "labs"\nextra = 1', 3, "unknown key"),
            ('owner = "卫健委"', 'owner = "  "', 5, "must not be empty"),
            ('owner = "卫健委"', 'owner = "a\\nb"', 5, "one line"),
            ('owner = "卫健委"', 'owner = "a\\u202eb"', 5, "one line"),
            ('region = "140100"', 'region = "1401"', 6, "region"),
            ('region = "140100"', 'region = "١٤٠١٠٠"', 6, "region"),
            ("1401000000ZZS", "1401000000ZZT", 8, "ndi_id"),
            ("1401000000ZZS", "1401000000Z", 8, "ndi_id"),
            ("691140100MA0GTTTT0X1401000000ZZS", "591140100MA0GTTTT0X1401A1B2C3D46", 8, "ndi_id"),
            ('owner = "卫健委"', f'owner = "{"x" * 513}"', 5, "at most 512 characters"),
            ('rights = ["hold", "use"]', 'rights = ["hold", 5]', 13, "list of texts"),
            ('class = "personal"', 'class = ["personal"]', 14, "must be one of"),
            ('quality = "B"', 'quality = "E"', 12, "must be one of A, B, C, D"),
            ('rights = ["hold", "use"]', "rights = []", 13, "not empty"),
            ('rights = ["hold", "use"]', 'rights = ["hold", "hold"]', 13, "without repeats"),
            ('rights = ["hold", "use"]', 'rights = ["sell"]', 13, "hold, use, operate only"),
            ('class = "personal"', 'class = "public"', 14, "must be one of open, exact, personal"),
            ('sharing_reason = "涉及个人"\n', "", 0, "sharing_reason: required"),
            ('legal_basis = "《数据安全法》"\n', "", 0, "legal_basis: required"),
            ('sharing = "conditional"', 'sharing = "not-shared"', 19, "no sharing channel"),
            ('channels = ["sharing", "authorised-operation"]', 'channels = "sharing"', 19, "list of texts"),
            ('subject_space = "persons"\n', "", 0, "subject_space: missing"),
            ("rows_per_unit = 20", "rows_per_unit = 0", 21, "between 1"),
            ("rows_per_unit = 20", "rows_per_unit = 20.0", 21, "whole number"),
            ("rows_per_unit = 20", "rows_per_unit = true", 21, "whole number"),
            ("rows_per_unit = 20\n", "", 0, "rows_per_unit: missing"),
            ("groups_per_unit = 5", "groups_per_unit = 21", 22, "between 1 and 20"),
            ("groups_per_unit = 5\n", "", 0, "groups_per_unit: missing"),
            ("rows_upto = 500000\n", "", 0, "rows_upto: missing"),
            ("price_ceiling_fen = 500", "price_ceiling_fen = -1", 24, "between 0"),
            ('type = "integer"\nrole = "unit"', 'type = "date"\nrole = "unit"', 27, "not admitted for the role unit"),
            ('type = "integer"\nrole = "unit"', 'type = "integer"\nrole = "key"', 26, "exactly one column"),
            ('type = "text"\nrole = "key"', 'type = "text"\nrole = "unit"', 26, "exactly one column"),
            ('role = "key"\ndomain = [\n', 'role = "key"\ndomian = [\n', 33, "unknown key"),
            ('  "AST",\n', '  "ALT",\n', 33, "holds a value twice"),
            ('  "AST",\n', "  5,\n", 33, "no text"),
            ('  "AST",\n', '  "",\n', 33, "no text"),
            ("domain = [2020-01-01, 2020-01-02]", "domain = [2020-01-01T00:00:00]", 49, "no date"),
            ('  "AST",\n', '  "A\\u0007",\n', 33, "no text"),
            ("domain = [2020-01-01, 2020-01-02]", "domain = 5", 49, "list of 1 to"),
            ("domain = [2020-01-01, 2020-01-02]", 'domain = ["2020-01-01"]', 49, "no date"),
            (
                'type = "date"\nrole = "key"\ndomain = [2020-01-01',
                'type = "integer"\nrole = "key"\ndomain = [true',
                49,
                "no integer",
            ),
            (
                'type = "date"\nrole = "key"\ndomain = [2020-01-01',
                'type = "integer"\nrole = "key"\ndomain = ["1"',
                49,
                "no integer",
            ),
            (
                'type = "date"\nrole = "key"\ndomain = [2020-01-01',
                f'type = "integer"\nrole = "key"\ndomain = [{2**63}',
                49,
                "no integer",
            ),
            (
                'type = "date"\nrole = "key"\ndomain = [2020-01-01',
                'type = "boolean"\nrole = "key"\ndomain = [1',
                49,
                "no boolean",
            ),
            ("domain = [2020-01-01, 2020-01-02]", "domain = []", 49, "list of 1 to"),
            ("scale = 2\n", "", 39, "scale: missing"),
            ("scale = 2", "scale = 10", 42, "between 0 and 9"),
            ("lower = 0\n", "", 39, "lower: missing"),
            ("upper = 999.99", "upper = 999.999", 44, "2 decimal places"),
            ("upper = 999.99", "upper = inf", 44, "2 decimal places"),
            ("upper = 999.99", "upper = nan", 44, "2 decimal places"),
            ("upper = 999.99", "upper = 1e400", 44, "2 decimal places"),
            ("upper = 999.99", "upper = 1e-400", 44, "2 decimal places"),
            ("upper = 999.99", 'upper = "9"', 44, "2 decimal places"),
            ("upper = 999.99", "upper = true", 44, "2 decimal places"),
            ("upper = 999.99", "upper = -1", 44, "above lower"),
            ("upper = 999.99", "upper = 999999999999999.99", 39, "exceeds 64 bits"),
            ('[columns."姓名"]', '[columns."a b"]', 52, "not a column name"),
            ('[columns."姓名"]', "[columns.TEST]", 52, "differs from another column only in case"),
            ('[columns."姓名"]', '[columns."e\u0301"]', 52, "not a column name"),
            ('[columns."姓名"]', '[columns."\u1100\u1161"]', 52, "not a column name"),
            ('role = "hidden"', 'role = "secret"', 53, "must be one of unit, key, measure, hidden"),
            ('role = "hidden"', 'role = "hidden"\nscale = 1', 54, "only decimals"),
            ('role = "unit"\n', 'role = "unit"\nlower = 1\nupper = 2\n', 29, "not admitted for the role unit"),
            ('role = "unit"\n', 'role = "unit"\ndomain = [1]\n', 29, "not admitted for the role unit"),
        ],
    )
    def test_a_problem_names_its_line(self, old: str, new: str, line: int, part: str) -> None:
        assert GOOD.count(old) >= 1
        found = problems(GOOD.replace(old, new, 1))
        prefix = f"line {line}: " if line else ""
        assert any(problem.startswith(prefix) and part in problem for problem in found), found

    def test_all_problems_are_reported_at_once_in_order(self) -> None:
        text = GOOD.replace('quality = "B"', 'quality = "Z"').replace("scale = 2", "scale = 99")
        text = text.replace('name = "labs"', 'name = ""')
        found = problems(text)
        assert [problem.split(":")[0] for problem in found] == ["line 2", "line 12", "line 42"]
        with pytest.raises(Refused) as caught:
            spec.decode(text.encode())
        assert caught.value.detail.line == 2
        assert "3" in caught.value.detail.hint_en
        assert "3" in caught.value.detail.hint_zh

    def test_open_data_has_no_unit(self) -> None:
        assert any("protects no unit" in problem for problem in problems(GOOD.replace('"personal"', '"open"')))

    def test_exact_data_spends_no_privacy_budget(self) -> None:
        found = problems(GOOD.replace('class = "personal"', 'class = "exact"'))
        assert any("only personal data spends" in problem for problem in found)

    def test_important_data_is_never_visible(self) -> None:
        text = GOOD.replace('grade = "general"', 'grade = "important"').replace('class = "personal"', 'class = "open"')
        assert any("usable but never visible" in problem for problem in problems(text))

    def test_core_data_is_never_published(self) -> None:
        with pytest.raises(Refused) as caught:
            spec.decode(GOOD.replace('grade = "general"', 'grade = "core"').replace('quality = "B"', "").encode())
        assert caught.value.reason is Reason.GRADE_CORE
        assert caught.value.detail.line == 15

    def test_nothing_to_see(self) -> None:
        text = GOOD[: GOOD.index("[columns.person]")].replace('"personal"', '"open"') + '[columns.a]\nrole = "hidden"\n'
        text = text.replace('subject_space = "persons"\n', "")
        assert problems(text) == ["line 25: columns: no column is visible"]

    def test_too_many_columns(self) -> None:
        more = "".join(f'[columns.c{number}]\nrole = "hidden"\n' for number in range(510))
        assert any("more than 512 columns" in problem for problem in problems(GOOD + more))

    def test_no_columns_at_all(self) -> None:
        assert any("columns: missing" in problem for problem in problems(GOOD[: GOOD.index("[columns.person]")]))
        assert any("must be a table" in problem for problem in problems("columns = 5\n" + GOOD.split("[columns", 1)[0]))

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("name = \n", 1),
            ('name = "a"\nname = "b"\n', 2),
            ("[columns.a]\n[columns.a]\n", 2),
            ('a = 1\nb = """\nx\n', 4),
            ("a = [1,\n2\n", 3),
            ("a = 08\n", 1),
        ],
    )
    def test_text_that_is_no_toml(self, text: str, line: int) -> None:
        assert problems(text)[0].startswith(f"line {line}: not TOML")

    @pytest.mark.parametrize(
        "data",
        [
            b"\xff\xfe",
            b"a = " + b"[" * 5000,
            b"a = " + b"9" * 5000,
            b"a = 1" + b"0" * 300_000,
            b"#\n" * 30_000,
            b"a = " + b"{b=" * 3000,
            b"",
            b"\x00",
        ],
    )
    def test_hostile_bytes(self, data: bytes) -> None:
        with pytest.raises(Refused) as caught:
            spec.decode(data)
        assert caught.value.reason is Reason.SPEC_INVALID


class TestMarks:
    def test_every_mark_is_found(self) -> None:
        text = 'a = 1  # CONFIRM\nb = 2\nc = 3 #confirm this\nd = "# CONFIRM"\n# reconfirmed\n'
        assert spec.unconfirmed(text.encode()) == (1, 3, 4)
        assert spec.unconfirmed(GOOD.encode()) == ()

    def test_a_draft_marks_every_line_read_from_data(self) -> None:
        columns = (
            Column("id", ColumnType.INTEGER, Role.UNIT, lower=Decimal(1), upper=Decimal(9)),
            Column("sex", ColumnType.TEXT, Role.KEY, domain=("f", "m"), lower=Decimal(1), upper=Decimal(2)),
            Column("weight", ColumnType.DECIMAL, Role.MEASURE, lower=Decimal("1.5"), upper=Decimal("9.5"), scale=1),
            Column("a_b", ColumnType.TEXT, Role.HIDDEN, source_name='a"b\nrole = "key"\u2028'),
        )
        draft = spec_draft.draft("labs", columns)
        marked = set(spec.unconfirmed(draft.encode()))
        for number, line in enumerate(draft.split("\n"), 1):
            assert number in marked or not line.strip() or line.startswith(("#", "name = "))
        parsed = tomllib.loads(draft)
        assert list(parsed["columns"]) == ["id", "sex", "weight", "a_b"]
        assert parsed["columns"]["a_b"]["source_name"] == columns[3].source_name
        assert "lower" not in parsed["columns"]["sex"]

    def test_a_draft_filled_in_and_confirmed_is_a_specification(self) -> None:
        columns = (Column("id", ColumnType.INTEGER, Role.UNIT), Column("sex", ColumnType.TEXT, Role.KEY, domain=("f",)))
        answers = {
            "title_zh": "化验",
            "title_en": "Labs",
            "owner": "卫健委",
            "region": "140100",
            "source_system": "HIS",
            "authority": "职责",
            "update_cycle": "monthly",
            "sharing_reason": "个人",
            "legal_basis": "法",
            "subject_space": "persons",
        }
        draft = spec_draft.draft("labs", columns)
        for key, value in answers.items():
            draft = draft.replace(f'{key} = ""', f'{key} = "{value}"')
        confirmed = "\n".join(line.split("  # CONFIRM")[0] for line in draft.split("\n"))
        dataset = spec.decode(confirmed.encode())
        assert dataset.columns[1].domain == ("f",)
        assert dataset.cls is DatasetClass.PERSONAL
        assert dataset.grade is Grade.IMPORTANT


class TestLines:
    def test_tables_of_tables_and_dotted_keys(self) -> None:
        text = b"[[e]]\nx = 1\n[[e]]\ny.z = 2\n\n[e.k]\nw = 3\n"
        document = toml_lines.parse(text)
        assert document.line(("e", "0", "x")) == 2
        assert document.line(("e", "1", "y", "z")) == 4
        assert document.line(("e", "1", "nothing")) == 3
        assert document.line(("nothing",)) == 0

    @given(st.text(max_size=200))
    @settings(max_examples=300)
    def test_any_text_is_toml_or_not(self, text: str) -> None:
        try:
            document = toml_lines.parse(text.encode("utf-8", errors="surrogatepass"))
        except NotToml:
            return
        assert dict(document.data) == tomllib.loads(text.replace("\r\n", "\n"), parse_float=Decimal)
        for name in document.data:
            assert document.line((name,)) > 0

    @given(
        st.lists(
            st.one_of(
                st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9),
                st.text("\"\\'#[]={}\x7f", min_size=1, max_size=5),
            ),
            min_size=1,
            max_size=9,
            unique=True,
        )
    )
    def test_domains_of_any_text_read_back(self, values: list[str]) -> None:
        dataset = spec.decode(GOOD.encode())
        columns = tuple(
            dataclasses.replace(column, domain=tuple(values)) if column.name == "test" else column
            for column in dataset.columns
        )
        changed = dataclasses.replace(dataset, columns=columns)
        if all(value.isprintable() for value in values):
            assert spec.decode(spec_draft.encode(changed).encode()) == changed


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [
        (5, 0, "5"),
        (Decimal("1.50"), 1, "1.5"),
        (Decimal("-0.0"), 1, "0.0"),
        (Decimal("1.55"), 1, None),
        (10**18, 0, None),
        (10**18 - 1, 0, str(10**18 - 1)),
        (Decimal(10) ** 17, 1, None),
        (Decimal("NaN"), 0, None),
        (True, 0, None),
        ("5", 0, None),
    ],
)
def test_fixed_point(value: Any, scale: int, expected: str | None) -> None:
    found = spec_columns.fixed_point(value, scale)
    assert (None if found is None else format(found, "f")) == expected
