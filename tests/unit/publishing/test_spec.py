"""Specifications as they should be: read, written back, drafted and confirmed."""

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
from yanmen.ledger import records
from yanmen.model.catalogue import Channel, Column, ColumnType, DatasetClass, Grade, Role, Sharing
from yanmen.model.refusal import Refused

from tests.unit.publishing.specification import GOOD


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

    def test_a_bound_on_units_reads_back_and_is_no_more_than_that_on_rows(self) -> None:
        assert spec.decode(GOOD.encode()).units_upto == 0
        text = GOOD.replace("rows_upto = 500000\n", "rows_upto = 500000\nunits_upto = 20000\n")
        dataset = spec.decode(text.encode())
        assert dataset.units_upto == 20_000
        assert spec.decode(spec_draft.encode(dataset).encode()) == dataset
        assert records.decode_dataset(records.encode_dataset(dataset)) == dataset
        with pytest.raises(Refused):
            spec.decode(text.replace("20000", "500001").encode())

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


def test_an_open_domain_is_for_keys_of_personal_data() -> None:
    start = GOOD.index("domain = [")
    listed = GOOD[start : GOOD.index("]", start) + 1]
    opened = GOOD.replace(listed, 'domain = "open"')
    assert opened != GOOD
    column = next(column for column in spec.decode(opened.encode()).columns if column.name == "test")
    assert (column.domain, column.is_open) == ((), True)
    again = spec_draft.encode(spec.decode(opened.encode()))
    assert 'domain = "open"' in again
    for wrong in (
        opened.replace('class = "personal"', 'class = "exact"'),
        GOOD.replace(listed, 'domain = "opened"'),
        GOOD.replace(listed, "domain = []"),
    ):
        with pytest.raises(Refused):
            spec.decode(wrong.encode())
