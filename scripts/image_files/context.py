"""Writes what an image is built from into a folder: the files of this commit's working tree, and wheels by hash.

`context.py worker|node FOLDER`, run by the project's own Python: which packages a node needs is read off it.
"""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = ("Dockerfile", ".dockerignore", "scripts/image_files", "sandbox", "node", "policies", "protos/json")
EXTRAS = ("", "console", "docker", "ledger-postgresql", "metrics", "traces")
"""What a node in a container needs: not the tests', the demo's or an analyst's packages."""


def main() -> None:
    """Copy the files and fetch the wheels."""
    stage, folder = sys.argv[1], Path(sys.argv[2])
    for name in FILES:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source, folder / name)
    names = {"duckdb"} if stage == "worker" else needed("yanmen", EXTRAS)
    (folder / "stage").write_text(stage)
    (folder / "version").write_text(metadata.version("yanmen"))
    (folder / "requirements").write_text(locked(names))
    (folder / "pip.requirements").write_text(locked({"pip"}))
    for requirements in ("requirements", "pip.requirements"):
        fetch(folder / requirements, folder / "wheels")


def needed(name: str, extras: tuple[str, ...]) -> set[str]:
    """Return the names of everything that `name` with `extras` needs here, itself left out."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        current, wanted = waiting.pop()
        for line in metadata.requires(current) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            applies = marker is None or any(marker.evaluate({"extra": extra}) for extra in wanted)
            if applies and canonicalize_name(requirement.name) not in found:
                found.add(canonicalize_name(requirement.name))
                waiting.append((requirement.name, ("", *requirement.extras)))
    return found


def locked(names: set[str]) -> str:
    """Return the parts of the lock that pin `names`."""
    lock = (ROOT / "requirements.lock").read_text()
    parts = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    # A package may be pinned twice, for different Pythons: pip takes the one that fits.
    chosen = [
        (match[1], part) for part in parts if (match := re.match(r"([a-z0-9._-]+)==", part)) and match[1] in names
    ]
    missing = names - {name for name, _ in chosen}
    if missing:
        raise SystemExit(f"not in requirements.lock: {', '.join(sorted(missing))}")
    return "".join(part for _, part in chosen)


def fetch(requirements: Path, into: Path) -> None:
    """Put the wheels of `requirements` into a folder, from wheels/ of an offline bundle when there is one."""
    local = ("--no-index", "--find-links", ROOT / "wheels") if (ROOT / "wheels").is_dir() else ()
    words = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", into, "-r", requirements)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "download")
    subprocess.run([*pip, *local, *words], check=True)


if __name__ == "__main__":
    main()
