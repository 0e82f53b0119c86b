"""What the pages read: the node's ledger, its node.toml and the space's register, and no file besides.

Nothing here opens a key: whether a receipt holds is checked with the public keys of the register, which counts under
the space's key. That key is the one given at the start, or the one in node.toml, and the pages say which.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import config as config_format
from yanmen.formats import note, toml_lines
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.ledger import log, opening, showing
from yanmen.ledger.place import database
from yanmen.ledger.showing import Look
from yanmen.model.config import Config
from yanmen.model.party import Party
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.verify import stepwise
from yanmen.verify.report import Report
from yanmen.verify.stepwise import Outcome, Papers, Witnessed

Lack = tuple[str, str]
"""Why there is nothing to show, in English and Chinese."""
CONFIG = "node.toml"
LEDGER = "ledger.sqlite"
FILE_ONLY = "this node's ledger is a file: leave --ledger out（该节点的账本是文件）"
IN_DATABASE = (
    "this node's ledger is in PostgreSQL: name a private file with the connection of a role that may only look"
    " (--ledger FILE; yanmen node looker)（请用 --ledger 指明只读角色的连接文件）"
)


@dataclass(frozen=True, slots=True)
class Members:
    """Who is who, as the register says it; `problem` tells why it is not believed, and then nobody has a name."""

    parties: dict[str, Party]
    serial: int = 0
    expires_ms: int = 0
    problem: str = ""

    def name(self, party_id: str) -> str:
        """Return what people call a party, its id when the register does not tell."""
        party = self.parties.get(party_id)
        return party_id if party is None else party.name


class Books:
    """One node's folder, as a console may read it."""

    __slots__ = ("_ledger", "clock", "config", "folder", "pinned", "space_key")

    def __init__(self, folder: Path, clock: Clock, space_key: bytes | None = None, looker: Path | None = None) -> None:
        """Read node.toml once; ledger and register are read anew for each page.

        `looker` is the private file with the connection to a ledger in a database, of a role that may only look.
        """
        path = folder / CONFIG
        if not path.is_file():
            raise Fault(FaultCode.CONFIG, f"no {CONFIG} in {folder}: name a node's folder")
        self.folder = folder
        self.clock = clock
        self.config: Config = config_format.decode(regular_file.read(path, toml_lines.BYTES_MAX + 1))
        self.pinned = space_key is not None
        self.space_key = self.config.space_key if space_key is None else space_key
        kept = self.config.ledger
        if bool(kept.postgresql) != (looker is not None):
            raise Fault(FaultCode.CONFIG, FILE_ONLY if looker is not None else IN_DATABASE)
        place = folder / LEDGER if looker is None else database(looker, kept.schema)
        self._ledger = opening.looking(place)

    def report(self) -> Report | None:
        """Return what the verification of a bundle found; a node's folder is none."""
        return None

    def lacks(self, _entry: str) -> Lack | None:
        """Return why there is nothing to show under an entry of the navigation; of a node there is everything."""
        return None

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Give one consistent view of the ledger."""
        with self._ledger.view() as db:
            node, _ = showing.identity(db)
            if node != self.config.id:
                raise Fault(FaultCode.STORAGE, "this ledger is that of another node")
            yield db

    def members(self) -> Members:
        """Return who is who in the space now."""
        try:
            return _members(self._register(), self.space_key)
        except OSError as error:
            return Members({}, problem=f"the register cannot be read: {error.strerror}")

    def witnesses(self) -> tuple[VerifierKey, ...]:
        """Return the keys of the witnesses that node.toml names."""
        return tuple(VerifierKey(one.name, one.public, note.COSIGNATURE) for one in self.config.witnesses)

    def verify(self, index: int) -> tuple[Outcome, ...] | None:
        """Check the receipt of leaf `index` with public keys alone, None when there is no such leaf."""
        with self.look() as db:
            if log.party(db, index) is None:
                return None
            receipt = log.read_receipt(db, index, whole=False)
            seen = [Witnessed(each, showing.cosigned_proof(db, index, each)) for each in self.witnesses()]
        try:
            register = self._register()
        except OSError:
            register = b""
        papers = Papers(register, self.config.space, self.space_key, self.config.id)
        return stepwise.check(papers, receipt.sdjwt, receipt.proof, seen)

    def _register(self) -> bytes:
        return regular_file.read(self.folder / self.config.register, documents.REGISTER_BYTES_MAX + 1)


@lru_cache(maxsize=2)
def _members(register: bytes, space_key: bytes) -> Members:
    try:
        found = documents.open_register(register, space_key)
    except (Malformed, BadSignature) as error:
        return Members({}, problem=f"the register does not verify: {error}")
    return Members({party.id: party for party in found.parties}, found.serial, found.expires_ms)
