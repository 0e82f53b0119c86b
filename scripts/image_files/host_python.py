"""Writes a base image's file tree to standard output as tar: this host's Python and what its libraries need, no more.

For hosts without a registry; `docker import` reads it. It has no shell, no package manager, no setuid file, and no
accounts: users in it are numbers.
"""

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from slim import loaded, wanted

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
INSTALLED = ("site-packages", "dist-packages")
LINKED = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)")
BESIDE = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "librt.so.1",
    "libdl.so.2",
    "libutil.so.1",
    "libresolv.so.2",
)
"""What wheels need beyond Python itself (manylinux: the C++ library and the C library's parts)."""


def main() -> None:
    """Write the archive."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for folder in ("tmp", "usr", "usr/local", "usr/local/bin", "usr/local/lib"):
            archive.addfile(entry(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755))
        interpreter = Path(sys.executable).resolve()
        add(archive, interpreter, f"usr/local/bin/{VERSION}")
        for name in ("python3", "python"):
            link = entry(f"usr/local/bin/{name}", tarfile.SYMTYPE, 0o777)
            link.linkname = VERSION
            archive.addfile(link)
        standard = Path(sys.base_prefix) / "lib" / VERSION
        for path in (standard, *sorted(standard.rglob("*"))):
            below = path.relative_to(standard)
            if all(wanted(Path(part)) and part not in INSTALLED for part in below.parts):
                add(archive, path, str(Path("usr/local/lib", VERSION, below)))
        modules = [path for path in (standard / "lib-dynload").glob("*.so") if wanted(path)]
        for library in sorted(libraries([interpreter, *modules])):
            add(archive, library.resolve(), placed(library))


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


def add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file or folder, root's and readable by all, without what only debuggers read."""
    if path.is_symlink():
        link = entry(name, tarfile.SYMTYPE, 0o777)
        link.linkname = str(path.readlink())
        archive.addfile(link)
    elif path.is_dir():
        archive.addfile(entry(name, tarfile.DIRTYPE, 0o755))
    elif path.is_file():
        data = loaded(path.read_bytes())
        member = entry(name, tarfile.REGTYPE, 0o755 if path.stat().st_mode & 0o100 else 0o644)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """Return an entry of root's."""
    made = tarfile.TarInfo(name)
    made.type, made.mode = kind, mode
    return made


if __name__ == "__main__":
    main()
