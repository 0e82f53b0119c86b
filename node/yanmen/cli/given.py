"""Files that a command line names: they may come from anybody, so regular ones only, none longer than it may be."""

from pathlib import Path

from yanmen import regular_file
from yanmen.cli.output import UsageProblem

KEY_BYTES_MAX = 4096
"""A verifier key is one line."""
DOCUMENT_BYTES_MAX = 1024 * 1024
"""A specification or a certificate."""


def read(path: Path, max_bytes: int = DOCUMENT_BYTES_MAX) -> bytes:
    """Return the content of the file `path`; a pipe would keep one waiting, a device never end."""
    try:
        return regular_file.read(path, max_bytes)
    except regular_file.NotRegular as error:
        raise UsageProblem(f"{path} is no regular file; save it to one first 不是普通文件，请先另存为文件") from error
    except regular_file.TooLong as error:
        raise UsageProblem(f"{path} is longer than {max_bytes:,} bytes 文件过大") from error


def read_text(path: Path, max_bytes: int = KEY_BYTES_MAX) -> str:
    """Return the text of the file `path` without what surrounds it."""
    try:
        return read(path, max_bytes).decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not text 不是文本文件") from error
