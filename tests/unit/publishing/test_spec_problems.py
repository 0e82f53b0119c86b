"""What is wrong with a specification is told all at once, each with its line."""

import pytest
from yanmen.formats import spec
from yanmen.model.refusal import Reason, Refused

from tests.unit.publishing.specification import GOOD, problems


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
            ("rows_per_unit = 20", 'clustered_by = "taken"\nrows_per_unit = 20', 21, "only open data"),
            ("rows_per_unit = 20", 'clustered_by = "value"\nrows_per_unit = 20', 21, "not the name of a visible date"),
            ("rows_per_unit = 20", 'clustered_by = "姓名"\nrows_per_unit = 20', 21, "not the name of a visible date"),
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
