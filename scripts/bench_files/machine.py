"""What a figure was measured on, and where in a document it goes."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

BEGIN, END = "<!-- scripts/bench: begin -->", "<!-- scripts/bench: end -->"
PACKAGES = ("duckdb", "grpcio", "pyarrow", "opendp", "cryptography", "pynacl")


def commit(root: Path) -> str:
    """Return the commit of the working tree, with a mark when files of it were changed; `outside` of git."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--", "node", "sandbox", "scripts", "requirements.lock")
    return (found + ("-changed" if changed else "")) or "outside"


def description() -> str:
    """Return one sentence about machine and versions."""
    processor = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    chip = processor[1] if processor else platform.machine()
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return (
        f"{os.cpu_count()} cores ({chip}), {memory} GiB, {system}, kernel {platform.release()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def marked(whole: str, text: str) -> str:
    """Return a page with `text` between its marks, of which it has each once, and all else as it is."""
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(END) < whole.index(BEGIN):
        raise SystemExit(f"the page has not one {BEGIN} before one {END}")
    before, rest = whole.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
