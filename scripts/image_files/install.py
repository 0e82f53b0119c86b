"""Runs while an image is built: makes the environment, installs the wheels of the context by hash, and what is ours.

Only Python is there: no shell, no network. The file `stage` of the context says which image it is.
"""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from slim import loaded, wanted

HERE = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path("/usr/lib/yanmen")
OURS = {
    "worker": ("sandbox/yanmen_sandbox",),
    "node": ("sandbox/yanmen_sandbox", "sandbox/yanmen_reader", "node/yanmen"),
}


def main() -> None:
    """Install what the context was made for."""
    stage = (HERE / "stage").read_text()
    venv.create(ENVIRONMENT, symlinks=True, with_pip=False)
    python = ENVIRONMENT / "bin" / "python3"
    (pip,) = (HERE / "wheels").glob("pip-*.whl")
    words = ("--no-index", "--find-links", HERE / "wheels", "--require-hashes", "--no-deps", "--no-cache-dir")
    quiet = ("--quiet", "--disable-pip-version-check", "--root-user-action=ignore")
    subprocess.run([python, pip / "pip", "install", *quiet, *words, "-r", HERE / "requirements"], check=True)
    into = Path(sysconfig.get_path("purelib", "venv", {"base": str(ENVIRONMENT)}))
    slim(into)
    for package in OURS[stage]:
        shutil.copytree(HERE / package, into / Path(package).name)
    subprocess.run([python, "-m", "compileall", "-q", into], check=True)
    if stage == "node":
        command = ENVIRONMENT / "bin" / "yanmen"
        command.write_text(f"#!{python}\nimport sys\nfrom yanmen.cli.main import main\nsys.exit(main())\n")
        command.chmod(0o755)
        version = (HERE / "version").read_text()
        known = into / f"yanmen-{version}.dist-info"  # by which a program is told what it runs
        known.mkdir()
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: yanmen\nVersion: {version}\n")
        shutil.copytree(HERE / "policies", ENVIRONMENT / "policies")
        shutil.copytree(HERE / "protos" / "json", into / "yanmen" / "schemas")


def slim(folder: Path) -> None:
    """Remove what nothing here needs; the wheels were held to their hashes before."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not wanted(path):
            shutil.rmtree(path)
        elif path.is_file() and not wanted(path):
            path.unlink()
        elif path.is_file() and (path.suffix == ".so" or ".so." in path.name):
            path.write_bytes(loaded(path.read_bytes()))


if __name__ == "__main__":
    main()
