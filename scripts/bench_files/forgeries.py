"""How many forgeries the auditor in Go finds: single bytes of everything it is handed, and whole histories."""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.attacks.test_go_auditor import BUILD, TAMPERED, Desk
from tests.vectors import specimen

MUTATIONS = 1_200
SEED = 20261122


def main() -> int:
    """Forge, judge, print both counts, and return 1 when one forgery was taken."""
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as name:
        folder = Path(name)
        auditor = folder / "auditor"
        subprocess.run([BUILD, auditor], check=True)
        taken = [str(each) for each in mutated(folder / "desk", auditor, MUTATIONS)]
        print(f"{MUTATIONS - len(taken):,} of {MUTATIONS:,} mutations of one byte found")
        missed = []
        for number, (what, tamper) in enumerate(TAMPERED.items()):
            desk = Desk(folder / str(number))
            tamper(desk)
            if desk.run(auditor).returncode == 0:
                missed.append(what)
        print(f"{len(TAMPERED) - len(missed)} of {len(TAMPERED)} forgeries of keys, heads, leaves and histories found")
    for each in (*taken, *missed):
        print(f"taken for good: {each}", file=sys.stderr)
    return 1 if taken or missed else 0


def mutated(folder: Path, auditor: Path, count: int) -> Iterator[tuple[str, int, int]]:
    """Yield the mutations, (file, place, new byte), that the auditor took, of `count` drawn alike in every run."""
    desk, draw = Desk(folder, specimen.specimen()), random.Random(SEED)
    witness = desk.cosign("witness")
    if desk.run(auditor, witness=witness).returncode:
        raise SystemExit("the good log is not taken")
    files = [desk.register, desk.receipt, desk.proof, *sorted(each for each in desk.tiles.rglob("*") if each.is_file())]
    for number in range(count):
        file = files[number % len(files)]
        good = file.read_bytes()
        place = draw.randrange(len(good))
        byte = draw.choice([each for each in range(256) if each != good[place]])
        file.write_bytes(good[:place] + bytes([byte]) + good[place + 1 :])
        if desk.run(auditor, witness=witness).returncode == 0:
            yield str(file.relative_to(folder)), place, byte
        file.write_bytes(good)


if __name__ == "__main__":
    sys.exit(main())
