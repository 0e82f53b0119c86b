"""What the pages load besides themselves: our own files, and other people's scripts by exact digest.

The scripts are no part of this repository: `scripts/console-assets` fetches them, the wheel and the image bring
them. Whichever way they came, a file that is missing or another is not served: the console does not start.
"""

import hashlib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from yanmen.model.refusal import Fault, FaultCode

VENDORED: Mapping[str, str] = {
    "echarts.min.js": "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0",
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
}
"""SHA-256 of ECharts 6.1.0 (Apache-2.0) and htmx 4.0.1 (0BSD), as their packages have them."""
OURS = ("console.css", "console.js", "icon.svg")
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
MISSING = "the console's scripts are missing or altered ({name}): run scripts/console-assets in a checkout"


def load() -> Mapping[str, bytes]:
    """Return every file the pages may load, by name, each read once and held to its digest."""
    return load_from(resources.files("yanmen.console"))


def load_from(package: Traversable) -> Mapping[str, bytes]:
    """Return the files of `package`; raise a `Fault` that names the next step when one is not what it should be."""
    found = {name: package.joinpath("static", name).read_bytes() for name in OURS}
    for name, digest in VENDORED.items():
        file = package.joinpath("assets", name)
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise Fault(FaultCode.CONFIG, MISSING.format(name=name))
        found[name] = content
    return found


def type_of(name: str) -> str:
    """Return the media type of a file the pages load."""
    return TYPES[name.rpartition(".")[2]]
