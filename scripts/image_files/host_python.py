"""Writes a base image's file tree to standard output as tar: this host's Python and what its libraries need, no more.

For hosts without a registry; `docker import` reads it. It has no shell, no package manager, no setuid file, and no
accounts: users in it are numbers.
"""

import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

FOLDERS = {
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
}
FILES = re.compile(
    r"(_tkinter|_test\w*|_ctypes_test|_xx\w+|xx\w+|readline|nis|_gdbm|_dbm|_curses\w*)\..*|.*\.opt-[12]\.pyc"
)
"""Extension modules that would bring a screen, a terminal or a data base along."""
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
LINKED = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)")
BESIDE = ("libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0", "librt.so.1", "libdl.so.2", "libutil.so.1")
"""What wheels need beyond Python itself (manylinux: the C++ library and the C library's parts)."""


def main() -> None:
    """Write the archive."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for folder in ("tmp", "usr", "usr/local", "usr/local/bin", "usr/local/lib"):
            archive.addfile(entry(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755))
        interpreter = Path(sys.executable).resolve()
        archive.add(interpreter, f"usr/local/bin/{VERSION}", filter=plain)
        for name in ("python3", "python"):
            link = entry(f"usr/local/bin/{name}", tarfile.SYMTYPE, 0o777)
            link.linkname = VERSION
            archive.addfile(link)
        standard = Path(sys.base_prefix) / "lib" / VERSION
        archive.add(standard, f"usr/local/lib/{VERSION}", filter=plain)
        modules = [path for path in (standard / "lib-dynload").glob("*.so") if FILES.fullmatch(path.name) is None]
        for library in sorted(libraries([interpreter, *modules])):
            archive.add(library.resolve(), placed(library), filter=plain)


def libraries(programs: list[Path]) -> set[Path]:
    """Return every shared library that `programs` load, and those of BESIDE, where the loader looks for them."""
    found = set(linked(programs))
    places = {library.parent for library in found if library.name == "libc.so.6"}
    return found | {place / name for place in places for name in BESIDE if (place / name).exists()}


def placed(library: Path) -> str:
    """Return where the loader of the image looks for `library`: a Python of its own has its own folder on the host."""
    system = library.parts[1] in {"lib", "lib64", "usr"} and "local" not in library.parts
    return str(library).lstrip("/") if system else f"usr/lib/{sysconfig.get_config_var('MULTIARCH')}/{library.name}"


def linked(programs: list[Path]) -> Iterator[Path]:
    """Yield what `ldd` names for `programs`."""
    said = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        match = LINKED.search(line)
        if match is not None:
            yield Path(match[1])


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Keep files and folders, root's and readable by all; leave out what nothing here needs."""
    name = Path(member.name).name
    if (
        name in FOLDERS
        or FILES.fullmatch(name) is not None
        or not (member.isfile() or member.isdir() or member.issym())
    ):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """Return an entry of root's."""
    made = tarfile.TarInfo(name)
    made.type, made.mode = kind, mode
    return made


if __name__ == "__main__":
    main()
