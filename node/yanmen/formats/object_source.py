"""A source that lies in object storage (TOML): which object, where it is asked for, and which bytes it has to be.

Strict like a specification. It holds no key: that is in a private file of its own.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique

from yanmen.formats import toml_lines, toml_table
from yanmen.formats.toml_lines import NotToml, Problem
from yanmen.formats.toml_table import Table
from yanmen.model.refusal import Detail, Reason, Refused

SECTION = "object_storage"
REGION = "us-east-1"
"""What stores that have no regions take."""
KEY_BYTES_MAX = 1024
TIMEOUT_MAX_S = 24 * 3600
SUFFIXES = (".csv", ".parquet")
_OBJECT = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.ASCII)
_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_ENDPOINT = re.compile(rf"(https?)://({_HOST})(?::([1-9][0-9]{{0,4}}))?", re.ASCII)
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_FILE = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ETAG = re.compile(r"[!#-~]{1,128}", re.ASCII)
_VERSION = re.compile(r"[!-~]{1,1024}", re.ASCII)
_HERE = frozenset({"127.0.0.1", "localhost"})
_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
_SECRET = re.compile(r"[!-~]{1,256}", re.ASCII)
_TOKEN = re.compile(r"[!-~]{1,4096}", re.ASCII)


@unique
class Addressing(Enum):
    """Whether the bucket stands in the path or before the host's name."""

    PATH = "path"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """One object; `credentials` and `authority` are files beside this one, and the rest pins what has to be found.

    `authority` are the PEM certificates to trust ("": those of the system); `etag`, `sha256` and `version` say which
    state of the object it has to be ("": whichever there is).
    """

    bucket: str
    key: str
    tls: bool
    host: str
    port: int
    credentials: str
    region: str = REGION
    addressing: Addressing = Addressing.PATH
    authority: str = ""
    etag: str = ""
    sha256: str = ""
    version: str = ""
    timeout_s: int = 600

    @property
    def location(self) -> str:
        """The object as people name it."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the private file holds."""

    id: str
    secret: str
    token: str


def is_one(text: bytes) -> bool:
    """Say whether a file that describes a source means object storage."""
    try:
        return SECTION in toml_lines.parse(text).data
    except NotToml:
        return False


def decode(text: bytes) -> ObjectSource:
    """Return the source that `text` describes, or refuse naming every problem and its line."""
    table = _root(text)
    section = table.table(SECTION)
    bucket, key = _object(section)
    tls, host, port = _endpoint(section)
    source = ObjectSource(
        bucket=bucket,
        key=key,
        tls=tls,
        host=host,
        port=port,
        credentials=section.text("credentials", pattern=_FILE),
        region=section.text("region", required=False, pattern=_REGION) or REGION,
        addressing=section.choice("addressing", Addressing, Addressing.PATH),
        authority=section.text("authority", required=False, pattern=_FILE),
        etag=section.text("etag", required=False, pattern=_ETAG),
        sha256=section.text("sha256", required=False, pattern=_SHA256),
        version=section.text("version", required=False, pattern=_VERSION),
        timeout_s=section.integer("timeout_seconds", 1, TIMEOUT_MAX_S, 600),
    )
    _close(section, table)
    return source


def decode_credentials(text: bytes) -> Credentials:
    """Return the keys that the private file holds, or refuse naming every problem and its line, and no value."""
    table = _root(text)
    found = Credentials(
        id=table.text("access_key_id", pattern=_ID),
        secret=table.text("secret_access_key", pattern=_SECRET),
        token=table.text("session_token", required=False, pattern=_TOKEN),
    )
    _close(table)
    return found


def _object(section: Table) -> tuple[str, str]:
    match = _OBJECT.fullmatch(section.text("object"))
    key = "" if match is None else match[2]
    parts = key.split("/")
    whole = key.isprintable() and len(key.encode("utf-8", errors="replace")) <= KEY_BYTES_MAX
    if match is None or not whole or {"", ".", ".."} & set(parts) or not key.lower().endswith(SUFFIXES):
        section.problem(
            "object", "is s3://bucket/key, of .csv or .parquet", "须为 s3://bucket/key，以 .csv 或 .parquet 结尾"
        )
        return "", ""
    return match[1], key


def _endpoint(section: Table) -> tuple[bool, str, int]:
    match = _ENDPOINT.fullmatch(section.text("endpoint"))
    if match is None or int(match[3] or 0) > 65_535:
        section.problem("endpoint", "is https://host, with a port if need be", "须为 https://主机，可带端口")
        return True, "", 0
    tls = match[1] == "https"
    if not tls and match[2] not in _HERE:
        section.problem("endpoint", "without TLS only on this host", "仅本机可不用 TLS")
    return tls, match[2], int(match[3] or (443 if tls else 80))


def _root(text: bytes) -> Table:
    try:
        return toml_table.root(toml_lines.parse(text))
    except NotToml as error:
        raise _refusal((error.problem,)) from error


def _close(*tables: Table) -> None:
    for table in tables:
        table.close()
    if tables[-1].problems:
        raise _refusal(toml_table.in_order(tables[-1].problems))


def _refusal(problems: tuple[Problem, ...]) -> Refused:
    return Refused(
        Reason.SPEC_INVALID,
        Detail(
            line=problems[0].line,
            hint_en="The file that names the object or its keys is wrong; each problem is listed with its line.",
            hint_zh="说明对象存储数据源或其密钥的文件有误，已逐行列出。",
            clauses=tuple(problem.describe() for problem in problems),
        ),
    )
