"""Why a PostgreSQL source gave no rows, in words for its holder: what to do next, and no text of the server's."""

import re
from dataclasses import dataclass

from yanmen.model.refusal import Detail, Fault, FaultCode, JobCode, JobFailed, Reason, Refused

EXIT_NO_LANDLOCK = 71
EXIT_NO_SECCOMP = 72
_STATE = re.compile(r"[0-9A-Z]{5}", re.ASCII)
_KIND = re.compile(r"[a-z]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of the source are read, and which must be there and stay."""

    columns: tuple[str, ...]
    hidden: tuple[str, ...]

    def name(self, place: int) -> str:
        """Return the column at `place` of both lists, "" when there is none."""
        names = (*self.columns, *self.hidden)
        return names[place] if 0 <= place < len(names) else ""


@dataclass(frozen=True, slots=True)
class Words:
    """One kind of trouble in both languages."""

    en: str
    zh: str


OF_THE_NODE = {
    "NO_DRIVER": (
        FaultCode.CONFIG,
        Words("the driver is missing: install yanmen[postgresql]", "缺少驱动：请安装 yanmen[postgresql]"),
    ),
    "UNREACHABLE": (
        FaultCode.UNREACHABLE,
        Words(
            "the server does not answer: try host, port or socket with psql",
            "服务器无应答：请用 psql 核对主机、端口或套接字",
        ),
    ),
    "CONNECTION": (
        FaultCode.UNREACHABLE,
        Words(
            "no connection: try the same connection string, service or environment with psql",
            "无法连接：请以相同的连接串、服务名或环境变量用 psql 核对",
        ),
    ),
    "LOGIN": (
        FaultCode.UNREACHABLE,
        Words(
            "the server refuses this user: check user, password and pg_hba.conf",
            "服务器拒绝该用户：请核对用户、口令与 pg_hba.conf",
        ),
    ),
    "DATABASE": (
        FaultCode.UNREACHABLE,
        Words("there is no such database for this user: check dbname", "该用户没有此数据库：请核对 dbname"),
    ),
    "TLS": (
        FaultCode.UNREACHABLE,
        Words(
            "TLS is not verified: name sslrootcert, or sslmode=disable for a server on this host",
            "TLS 未通过验证：请指定 sslrootcert；若服务器在本机，可用 sslmode=disable",
        ),
    ),
    "ROOM": (
        FaultCode.STORAGE_FULL,
        Words(
            "the rows do not fit: name a volume.folder, or read fewer", "容量不足：请配置 volume.folder 或减少读取的行"
        ),
    ),
}
"""Troubles that are no answer: what is around the rows is broken."""

OF_THE_SOURCE = {
    "TIMEOUT": Words(
        "The query took longer than timeout_seconds: raise it, or read less.",
        "查询超过 timeout_seconds：请调大或减少读取量。",
    ),
    "TIME_ZONE": Words(
        "The server knows no time zone of this name: one of pg_timezone_names.",
        "服务器没有此时区：须取自 pg_timezone_names。",
    ),
    "COLUMN_MISSING": Words(
        "The table or query has no such column: correct source_name, or the query.",
        "该表或查询没有此列：请更正 source_name 或查询。",
    ),
    "COLUMN_TWICE": Words("The query gives a column twice: name each once.", "查询有同名列：请分别命名。"),
    "COLUMN_TYPE": Words(
        "Columns of this type are not read: cast it in a query, or declare it hidden.",
        "不读取此类型的列：请在查询中转换，或声明为 hidden。",
    ),
    "REFRESH_TYPE": Words(
        "refresh names a column of type integer, date or timestamp.", "refresh 须为整数、日期或时间戳类型的列。"
    ),
    "REFRESH_NULL": Words(
        "The refresh column is NULL or infinite somewhere: fill it, or leave refresh out.",
        "refresh 列存在空值或无穷值：请补全，或不使用 refresh。",
    ),
    "QUERY": Words(
        "The server refuses the query: try it with psql, as this user, in a read-only transaction.",
        "服务器拒绝该查询：请以此用户在只读事务中用 psql 试运行。",
    ),
    "FAILED": Words(
        "The reader could not read these rows: try the query with psql.",
        "读取进程无法读取这些行：请用 psql 试运行该查询。",
    ),
}
STATES = {
    "42P01": Words(
        "There is no such table for this user: check its schema and name.", "该用户没有此表：请核对模式与表名。"
    ),
    "3F000": Words("There is no such schema.", "没有此模式。"),
    "42501": Words("This user may not read it: GRANT SELECT.", "该用户无权读取：请授予 SELECT 权限。"),
    "25006": Words("The query writes; sources are only read.", "该查询会写入；数据源只可读取。"),
    "42601": Words(
        "The query is not one SELECT, without a semicolon at its end.", "查询须为一条 SELECT，末尾不带分号。"
    ),
}
"""What the commonest SQLSTATEs ask for (PostgreSQL manual, appendix A)."""


def told(trouble: str, column: int, word: str, want: Wanted | None) -> Exception:
    """Return what to raise for a `trouble` the reader told, about the column at a place; `word` has a closed form."""
    if trouble in OF_THE_NODE:
        code, words = OF_THE_NODE[trouble]
        return Fault(code, f"PostgreSQL: {words.en}（{words.zh}）")
    if trouble not in OF_THE_SOURCE:
        return JobFailed(JobCode.BAD_REPLY)
    state = _STATE.fullmatch(word) is not None
    words = STATES.get(word, OF_THE_SOURCE[trouble]) if trouble == "QUERY" else OF_THE_SOURCE[trouble]
    name = "" if want is None else want.name(column)
    clauses = (f"SQLSTATE {word}",) if state else (f"type 类型 {word}",) if _KIND.fullmatch(word) else ()
    return Refused(Reason.SOURCE_MISMATCH, Detail(name, hint_en=words.en, hint_zh=words.zh, clauses=clauses))


def ended(failed: JobFailed, exit_status: int | None) -> Exception:
    """Return what to raise for a reader that ended without a reply."""
    if exit_status in {EXIT_NO_LANDLOCK, EXIT_NO_SECCOMP}:
        layer = "Landlock" if exit_status == EXIT_NO_LANDLOCK else "seccomp"
        return Fault(
            FaultCode.SANDBOX, f"the kernel has no {layer}, which the reader of PostgreSQL needs（内核缺少 {layer}）"
        )
    if failed.code is JobCode.VIOLATION:
        return Fault(
            FaultCode.SANDBOX, "SECURITY EVENT 安全事件: the reader of PostgreSQL made a call that it never makes"
        )
    if failed.code is JobCode.TIME:
        return told("TIMEOUT", -1, "", None)
    return told("FAILED", -1, "", None)
