"""A source that lies in PostgreSQL (TOML): which table or query, how it is reached, what time it is there.

Strict like a specification. It holds no password: that is in a private file of its own, in libpq's password or service
file, or in the environment.
"""

import hashlib
import re
from dataclasses import dataclass

from yanmen.formats import spec_draft, toml_lines, toml_table
from yanmen.formats.toml_lines import NotToml, Problem
from yanmen.formats.toml_table import Table
from yanmen.model.catalogue import Dataset
from yanmen.model.refusal import Detail, Reason, Refused

SUFFIX = ".toml"
ZONE = "Asia/Shanghai"
"""Whose clock says what day an instant is, unless the source says another."""
QUERY_MAX = 16 * 1024
_NAME = r"[^\W\d][\w$]{0,62}"
_TABLE = re.compile(rf"{_NAME}(?:\.{_NAME})?")
_COLUMN = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,63}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
TIMEOUT_MAX_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class PostgresqlSource:
    """`relation` is what follows FROM; `connection` a file beside this one, `service` a libpq service, "" = not named.

    `refresh` names the column whose values only grow ("": everything is read each time).
    """

    relation: str
    connection: str = ""
    service: str = ""
    zone: str = ZONE
    timeout_s: int = 600
    refresh: str = ""

    def digest(self, dataset: Dataset) -> str:
        """Return what tells whether rows read before were read of the same source for the same specification."""
        parts = (self.relation, self.zone, self.refresh, spec_draft.encode(dataset))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def decode(text: bytes) -> PostgresqlSource:
    """Return the source that `text` describes, or refuse naming every problem and its line."""
    try:
        table = toml_table.root(toml_lines.parse(text))
    except NotToml as error:
        raise _refusal((error.problem,)) from error
    section = table.table("postgresql")
    source = PostgresqlSource(
        relation=_relation(section),
        connection=section.text("connection", required=False),
        service=section.text("service", required=False, pattern=_SERVICE),
        zone=section.text("time_zone", required=False, pattern=_ZONE) or ZONE,
        timeout_s=section.integer("timeout_seconds", 1, TIMEOUT_MAX_S, 600),
        refresh=section.text("refresh", required=False, pattern=_COLUMN),
    )
    if source.connection and source.service:
        section.problem("service", "not beside connection", "不得与 connection 并用")
    section.close()
    table.close()
    if table.problems:
        raise _refusal(toml_table.in_order(table.problems))
    return source


def _relation(section: Table) -> str:
    """Return the table, quoted, or the query in parentheses of its own lines, so that a comment cannot end them."""
    if section.has("table") == section.has("query"):
        section.value("table", required=False)
        section.value("query", required=False)
        section.problem("table", "exactly one of table and query is named", "table 与 query 须恰有其一")
        return ""
    if section.has("table"):
        parts = section.text("table", pattern=_TABLE).split(".")
        return ".".join(f'"{part}"' for part in parts)
    query = section.value("query")
    if not isinstance(query, str) or not query.strip() or len(query) > QUERY_MAX or _NOT_TEXT.search(query):
        section.problem(
            "query", f"must be one SELECT of at most {QUERY_MAX} characters", "须为一条不过长的 SELECT 语句"
        )
        return ""
    return f"(\n{query.strip()}\n)"


def _refusal(problems: tuple[Problem, ...]) -> Refused:
    return Refused(
        Reason.SPEC_INVALID,
        Detail(
            line=problems[0].line,
            hint_en="The file that names the PostgreSQL source is wrong; each problem is listed with its line.",
            hint_zh="说明 PostgreSQL 数据源的文件有误，已逐行列出。",
            clauses=tuple(problem.describe() for problem in problems),
        ),
    )
