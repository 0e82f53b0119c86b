"""The logs of a node that were closed: of years that are over, or of which leaves were lost."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from yanmen import regular_file
from yanmen.ledger import closed, opening
from yanmen.ledger.place import Place
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.holder import LEDGER, ledger_place, open_holder, read_config

_FILE = re.compile(r"ledger-([0-9]{4}(?:-[0-9]{1,2})?)\.sqlite", re.ASCII)


def archives(directory: Path) -> Mapping[str, Place]:
    """Return where each closed log lies, by its name: the year, and a number where a year had several."""
    place = ledger_place(directory, read_config(directory))
    if isinstance(place, Path):
        named = ((_FILE.fullmatch(path.name), path) for path in sorted(directory.glob("ledger-*.sqlite")))
        return {match[1]: path for match, path in named if match is not None}
    return {name.replace("_", "-"): place.beside(name) for name in opening.closed(place)}


def export(directory: Path, name: str, target: Path) -> int:
    """Write the audit bundle of the closed log `name` to the new folder `target`; return how many leaves it has."""
    found = archives(directory)
    if name not in found:
        there = ", ".join(found) or "none 无"
        raise Fault(FaultCode.CONFIG, f"no closed log {name} here（没有该已封存日志）; closed 已封存: {there}")
    with open_holder(directory) as holder, TemporaryDirectory(dir=directory, prefix=".closed-") as folder:
        copy, place = Path(folder) / LEDGER, found[name]
        if isinstance(place, Path):
            with regular_file.opened(place) as kept, copy.open("xb") as fresh:
                shutil.copyfileobj(kept, fresh)
        else:
            opening.taken(place, copy)
        return closed.export_copy(copy, target, holder.papers())
