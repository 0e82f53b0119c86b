"""The file that names a PostgreSQL source: strict, with the line of every problem, and without a secret."""

import pytest
from yanmen.formats import postgresql_source
from yanmen.formats.postgresql_source import PostgresqlSource
from yanmen.model.refusal import Reason, Refused


def decode(*lines: str) -> PostgresqlSource:
    return postgresql_source.decode("\n".join(["[postgresql]", *lines]).encode())


def test_a_table_is_quoted_and_the_day_is_that_of_shanghai() -> None:
    assert decode('table = "his.Labs"') == PostgresqlSource('"his"."Labs"', zone="Asia/Shanghai", timeout_s=600)


def test_everything_there_is_to_say() -> None:
    lines = ('connection = "labs.conn"', 'time_zone = "Etc/GMT-8"', "timeout_seconds = 5", 'refresh = "changed at"')
    assert decode('query = """\nSELECT 1\n  AS a -- one\n"""', *lines) == PostgresqlSource(
        "(\nSELECT 1\n  AS a -- one\n)", "labs.conn", "", "Etc/GMT-8", 5, "changed at"
    )
    assert decode('table = "化验"', 'service = "his-1"').service == "his-1"


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ((), 1),
        (('table = "a"', 'query = "SELECT 1"'), 2),
        (('query = ""',), 2),
        (('query = "SELECT \\u0000"',), 2),
        (("query = 5",), 2),
        (('table = "a; DROP TABLE b"',), 2),
        (("table = 'a\"b'",), 2),
        (('table = "a.b.c"',), 2),
        (('table = "a"', 'service = "s"', 'connection = "c"'), 3),
        (('table = "a"', 'service = "s host=evil"'), 3),
        (('table = "a"', 'time_zone = "\'; --"'), 3),
        (('table = "a"', "timeout_seconds = 0"), 3),
        (('table = "a"', "refresh = 'a\"b'"), 3),
        (('table = "a"', 'password = "secret"'), 3),
        (('table = "a"', 'host = "db"'), 3),
    ],
)
def test_what_is_wrong_is_told_with_its_line(lines: tuple[str, ...], line: int) -> None:
    with pytest.raises(Refused) as refused:
        decode(*lines)
    assert refused.value.reason is Reason.SPEC_INVALID
    assert refused.value.detail.line == line
    assert "secret" not in str(refused.value.detail)


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(Refused):
        postgresql_source.decode(b"[postgresql")
    with pytest.raises(Refused):
        postgresql_source.decode(b"[mysql]\n")
