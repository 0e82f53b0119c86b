"""What a job sends back is hostile: only the exact shape, types and counts pass."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.execution import drafted, reply
from yanmen.model.catalogue import ColumnType, Role
from yanmen.model.refusal import JobCode, JobFailed

T = ColumnType


def bad(data: bytes, *types: ColumnType | None, cap: int = 10) -> JobCode:
    with pytest.raises(JobFailed) as failed:
        reply.table(data, types, cap)
    return failed.value.code


def test_every_type_is_read_exactly() -> None:
    data = '{"ok":true,"rows":[[1,"1.50","雁门",true,"2026-11-22",2.5],[null,null,null,null,null,null]]}'.encode()
    rows = reply.table(data, (T.INTEGER, T.DECIMAL, T.TEXT, T.BOOLEAN, T.DATE, None), 2)
    assert rows == ((1, Decimal("1.50"), "雁门", True, date(2026, 11, 22), 2.5), (None,) * 6)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"ok":true}',
        b'{"ok":true,"rows":[[1]]} ',
        b' {"ok":true,"rows":[[1]]}',
        b'{"ok": true,"rows":[[1]]}',
        b'{"ok":true,"rows":[[1]]}{"ok":true}',
        b'{"ok":true,"rows":[[1]],"rows":[[1]]}',
        b'{"ok":true,"ok":true,"rows":[[1]]}',
        b'{"ok":true,"rows":[[1]],"note":"x"}',
        b'{"ok":1,"rows":[[1]]}',
        b'{"ok":false,"rows":[[1]]}',
        b'{"code":"FAILED","rows":[[1]]}',
        b'{"code":"FAILED","ok":true,"rows":[[1]]}',
        b'{"ok":true,"rows":{"0":[1]}}',
        b'{"ok":true,"rows":[1]}',
        b'{"ok":true,"rows":[[1,2]]}',
        b'{"ok":true,"rows":[[]]}',
        b'{"ok":true,"rows":[[1.0]]}',
        b'{"ok":true,"rows":[[1e3]]}',
        b'{"ok":true,"rows":[[NaN]]}',
        b'{"ok":true,"rows":[[Infinity]]}',
        b'{"ok":true,"rows":[[true]]}',
        b'{"ok":true,"rows":[["1"]]}',
        b'{"ok":true,"rows":[[01]]}',
        b'{"ok":true,"rows":[[-0]]}',
        b'{"ok":true,"rows":[[' + b"9" * 40 + b"]]}",
        b'{"ok":true,"rows":[[' + b"9" * 5000 + b"]]}",
        b'{"ok":true,"rows":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"ok":true,"rows":[[1]]}\xff',
        b'{"\\u006fk":true,"rows":[[1]]}',
    ],
)
def test_anything_else_is_a_bad_reply(data: bytes) -> None:
    assert bad(data, T.INTEGER) is JobCode.BAD_REPLY


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ('"1"', T.INTEGER),
        ("1", T.DECIMAL),
        ("1.5", T.DECIMAL),
        ('"1e5"', T.DECIMAL),
        ('"NaN"', T.DECIMAL),
        ('"+1"', T.DECIMAL),
        ('"01"', T.DECIMAL),
        ('"1."', T.DECIMAL),
        ('"٥"', T.DECIMAL),
        ('"1_0"', T.DECIMAL),
        ("1", T.TEXT),
        ('"' + "x" * (reply.TEXT_MAX + 1) + '"', T.TEXT),
        ('"\\ud800"', T.TEXT),
        ("1", T.BOOLEAN),
        ('"true"', T.BOOLEAN),
        ('"2026-02-30"', T.DATE),
        ('"20260222"', T.DATE),
        ('"2026-02-22T00:00:00"', T.DATE),
        ("1", None),
        ("NaN", None),
        ("-Infinity", None),
        ("1e999", None),
        ('"1.5"', None),
    ],
)
def test_a_cell_of_another_type_is_a_bad_reply(value: str, kind: ColumnType | None) -> None:
    data = f'{{"ok":true,"rows":[[{value}]]}}'.encode("utf-8", errors="surrogatepass")
    assert bad(data, kind) is JobCode.BAD_REPLY


def test_more_rows_than_agreed_is_a_bad_reply() -> None:
    data = b'{"ok":true,"rows":[[1],[2],[3]]}'
    assert len(reply.table(data, (T.INTEGER,), 3)) == 3
    assert bad(data, T.INTEGER, cap=2) is JobCode.BAD_REPLY


@pytest.mark.parametrize("code", ["BAD_SQL", "BAD_SOURCE", "FAILED", "MEMORY", "TIME", "OUTPUT"])
def test_a_job_may_say_how_it_ended(code: str) -> None:
    assert bad(json.dumps({"code": code}, separators=(",", ":")).encode()).value == code


@pytest.mark.parametrize("code", ["VIOLATION", "BAD_REPLY", "CANCELLED", "the value was 42", ""])
def test_a_job_may_not_say_what_only_the_outside_can_know(code: str) -> None:
    assert bad(json.dumps({"code": code}, separators=(",", ":")).encode()) is JobCode.BAD_REPLY


def test_a_failure_quotes_nothing() -> None:
    with pytest.raises(JobFailed) as failed:
        reply.table(b'{"ok":true,"rows":[["canary"]]}', (T.INTEGER,), 1)
    assert "canary" not in repr(failed.value)
    assert failed.value.__cause__ is None
    with pytest.raises(JobFailed) as failed:
        reply.table(b'{"ok":true,"rows":[[canary]]}', (T.INTEGER,), 1)
    assert failed.value.__suppress_context__


@given(st.binary(max_size=200))
def test_bytes_never_do_more_than_fail(data: bytes) -> None:
    assert bad(data, T.INTEGER) is JobCode.BAD_REPLY


@given(st.data())
def test_a_flipped_byte_changes_a_cell_or_fails(data: st.DataObject) -> None:
    good = b'{"ok":true,"rows":[[12,"3.4","x","2026-01-02"],[null,"5","y",null]]}'
    types = (T.INTEGER, T.DECIMAL, T.TEXT, T.DATE)
    place = data.draw(st.integers(0, len(good) - 1))
    altered = good[:place] + bytes([data.draw(st.integers(0, 255))]) + good[place + 1 :]
    try:
        rows = reply.table(altered, types, 2)
    except JobFailed:
        return
    assert (rows == reply.table(good, types, 2)) == (altered == good)


def column(*values: object) -> bytes:
    return json.dumps({"ok": True, "columns": [list(values)]}, ensure_ascii=False, separators=(",", ":")).encode()


def test_drafted_columns_get_names_sql_takes() -> None:
    columns = [
        ["2020 total", "decimal", "measure", 2, None, "-1.50", "9.00"],
        ["2020_total", "integer", "unit", 0, None, None, None],
        ["年龄", "integer", "key", 0, [1, 2], None, None],
    ]
    data = json.dumps({"ok": True, "columns": columns}, ensure_ascii=False, separators=(",", ":")).encode()
    first, second, third = drafted.columns(data)
    assert [first.name, second.name, third.name] == ["c_2020_total", "c_2020_total_2", "年龄"]
    assert first.source_name == "2020 total"
    assert (first.lower, first.upper, first.scale) == (Decimal("-1.50"), Decimal("9.00"), 2)
    assert (third.role, third.domain) == (Role.KEY, (1, 2))


@pytest.mark.parametrize(
    "data",
    [
        column("a", "integer", "key", 0, None, None),
        column("a", "number", "key", 0, None, None, None),
        column("a", "integer", "owner", 0, None, None, None),
        column("a", "integer", "key", 10, None, None, None),
        column("a", "integer", "key", True, None, None, None),
        column("", "integer", "key", 0, None, None, None),
        column("x" * 300, "integer", "key", 0, None, None, None),
        column("a", "integer", "key", 0, ["1"], None, None),
        column("a", "integer", "key", 0, [None], None, None),
        column("a", "integer", "key", 0, list(range(100)), None, None),
        column("a", "integer", "key", 0, {}, None, None),
        column("a", "integer", "key", 0, None, "x", None),
        column("a", "integer", "key", 0, None, 1.5, None),
    ],
)
def test_a_draft_of_another_shape_is_a_bad_reply(data: bytes) -> None:
    with pytest.raises(JobFailed) as failed:
        drafted.columns(data)
    assert failed.value.code is JobCode.BAD_REPLY


def test_a_text_is_what_follows_the_first_line() -> None:
    assert reply.text('{"ok":true}\n{"雁门":"\n"}'.encode()) == '{"雁门":"\n"}'
    assert reply.text(b'{"ok":true}\n') == ""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", JobCode.BAD_REPLY),
        (b'{"ok":true}', JobCode.BAD_REPLY),
        (b'{"ok":true,"json":"{}"}', JobCode.BAD_REPLY),
        (b'{"ok":true} \n{}', JobCode.BAD_REPLY),
        (b'{"ok":1}\n{}', JobCode.BAD_REPLY),
        (b' {"ok":true}\n{}', JobCode.BAD_REPLY),
        (b'{"ok":true}\n\xff', JobCode.BAD_REPLY),
        (b'{"ok":true}\n\xed\xa0\x80', JobCode.BAD_REPLY),
        (b'{"code":"BAD_SQL"}', JobCode.BAD_SQL),
        (b'{"code":"BAD_SQL"}\n{}', JobCode.BAD_REPLY),
        (b'{"code":"VIOLATION"}', JobCode.BAD_REPLY),
    ],
)
def test_any_other_reply_of_a_vetting_job_is_none(data: bytes, code: JobCode) -> None:
    with pytest.raises(JobFailed) as failed:
        reply.text(data)
    assert failed.value.code is code
