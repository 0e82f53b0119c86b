"""What the pages read where there is no node: an audit bundle, from files alone.

The bundle is verified as a whole when the console starts, and every page says when that found something wrong. Where
receipts are not those of the leaves under the signed head, nothing else is shown at all; and what no bundle has
(specifications, offers that wait, security events) is said to be elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import override

from yanmen.console.books import Books, Lack, Members
from yanmen.formats import bundle, merkle, note, proof, receipt
from yanmen.formats.bundle import Entry
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.ledger.bundled import Bundled, Verified
from yanmen.ledger.showing import Look
from yanmen.model.config import Config
from yanmen.model.ports import Clock
from yanmen.model.refusal import Fault, FaultCode
from yanmen.verify import directory, stepwise
from yanmen.verify.following import Trust
from yanmen.verify.procedure import examine
from yanmen.verify.report import Report
from yanmen.verify.stepwise import Outcome, Papers

BROKEN: Lack = (
    "Its receipts are not those of the signed log, so nothing else of it is shown. The overview says what is wrong.",
    "其回执与已签署的日志不符，故不显示其他内容；问题见总览。",
)
LACKS: dict[str, Lack] = {
    "/catalogue": (
        "An audit bundle names datasets and versions in each receipt, but holds no specification. Ask the node for its"
        " catalogue.",
        "审计包仅在各回执中列出数据集及版本，不含数据集规格；请向节点查询目录。",
    ),
    "/contracts": (
        "An audit bundle holds no list of contracts. Their offers and decisions are receipts of the stages contract and"
        " approval; the overview has what each used.",
        "审计包不含合约列表；合约的要约与决定见相应阶段的回执，各合约用量见总览。",
    ),
    "/findings": (
        "An audit bundle holds no list of security events. Inspections are receipts of their own stage; yanmen verify"
        " follows each to its end.",
        "审计包不含安全事件列表；检查事项见相应阶段的回执，yanmen verify 逐项核对其销号。",
    ),
    "/witnesses": (
        "Who cosigned is in the bundle's file cosigned, and counts under keys you pinned: yanmen verify --witness-key.",
        "见证联署见审计包中的 cosigned 文件，须以自行锁定的公钥核验：yanmen verify --witness-key。",
    ),
}
VKEY_BYTES_MAX = 1024


def is_bundle(folder: Path) -> bool:
    """Say whether `folder` is an audit bundle rather than a node's."""
    return (folder / bundle.STATEMENT).is_file()


class AuditedBooks(Books):
    """An audit bundle as a console may read it; nothing is ever written into it."""

    __slots__ = ("_bundle", "_members", "_register_bytes", "_report", "_tables")

    def __init__(self, path: Path, clock: Clock, log: Path, space_key: bytes | None = None) -> None:
        """Verify the bundle in `path`; who logs in at this console is written into `log`."""
        self.folder, self.clock = log, clock
        self._bundle = path
        self.pinned = space_key is not None
        self.space_key = self._key() if space_key is None else space_key
        examined = examine(path, space_key)
        self._report: Report = examined.report
        if examined.trust is None:
            told = "; ".join(each.en for each in examined.report.findings)
            raise Fault(FaultCode.CONFIG, f"this bundle cannot be read: {told}（审计包无法读取）")
        self._register_bytes = self._file(bundle.REGISTER, bundle.STATEMENT_BYTES_MAX)
        self.config = _config(examined.trust, self.space_key)
        register = examined.trust.members
        known = {party.id: party for party in register.parties}
        self._members = Members(known, register.serial, register.expires_ms)
        self._tables = self._bound(examined.trust)

    @override
    def report(self) -> Report:
        """Return what the verification found."""
        return self._report

    @override
    def lacks(self, entry: str) -> Lack | None:
        """Return why there is nothing to show under an entry of the navigation."""
        if self._tables is None and entry != "/":
            return BROKEN
        return LACKS.get(entry)

    @contextmanager
    @override
    def look(self) -> Iterator[Look]:
        """Give the one view there is."""
        if self._tables is None:
            raise Fault(FaultCode.CONFIG, "its receipts are not those of the signed log（回执与已签署的日志不符）")
        with self._tables.view() as db:
            yield db

    @override
    def members(self) -> Members:
        """Return who was who when the bundle was made."""
        return self._members

    @override
    def witnesses(self) -> tuple[VerifierKey, ...]:
        """Return none: a bundle names no witness that counts."""
        return ()

    @override
    def verify(self, index: int) -> tuple[Outcome, ...] | None:
        """Check the receipt of leaf `index` with public keys alone, from its files."""
        if not 0 <= index < self._report.size:
            return None
        _, sdjwt, proved = bundle.names(index)
        papers = Papers(self._register_bytes, self.config.space, self.space_key, self.config.id)
        said = self._file(sdjwt, receipt.BYTES_MAX).decode("ascii", "replace")
        proved_by = self._file(proved, proof.BYTES_MAX).decode("utf-8", "replace")
        return stepwise.check(papers, said, proved_by, ())

    def _bound(self, trust: Trust) -> Bundled | None:
        """Return the tables, None where receipts are not those of the leaves that the signed head is over."""
        try:
            entries = tuple(self._entries(trust.head.size))
            root = merkle.root(len(entries), merkle.full_subtrees(merkle.leaf_hash(each.leaf) for each in entries))
            return Bundled(_about(trust), entries) if root == trust.head.root else None
        except (Fault, Malformed, KeyError):
            return None  # what is wrong with it is among the findings

    def _entries(self, size: int) -> Iterator[Entry]:
        for index in range(size):
            leaf, sdjwt, proved = bundle.names(index)
            text = self._file(sdjwt, receipt.BYTES_MAX).decode("ascii", "replace")
            said = receipt.decode(text).leaf
            if said.jws != self._file(leaf, receipt.LEAF_BYTES):
                raise Malformed("bundle: a receipt of another leaf")
            yield Entry(said.head.stage, said.jws, text, proved)

    def _file(self, name: str, most: int) -> bytes:
        try:
            return directory.read(self._bundle, name, most)
        except (directory.Missing, directory.Unreadable) as error:
            raise Fault(FaultCode.CONFIG, f"the bundle's file {name} cannot be read（审计包文件无法读取）") from error

    def _key(self) -> bytes:
        return note.decode_key(self._file(bundle.SPACE_KEY, VKEY_BYTES_MAX).decode("utf-8", "replace").strip()).public


def _about(trust: Trust) -> Verified:
    return Verified(trust.statement, trust.checkpoint.decode(), trust.party.signing_key, trust.party.log_key)


def _config(trust: Trust, space_key: bytes) -> Config:
    """Return what the pages say of the node, as the register has it."""
    party = trust.party
    return Config(
        id=party.id,
        name=party.name,
        alias=party.alias,
        address=party.address,
        space=trust.statement.space,
        register=bundle.REGISTER,
        space_key=space_key,
        sandbox="",
        approve_general=False,
        approve_columns_max=0,
        subject_spaces=(),
    )
