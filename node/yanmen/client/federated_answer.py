"""A verified answer of many nodes, and what anybody needs to check it again."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from typing_extensions import override

from yanmen.client.answer import Answer
from yanmen.client.errors import Refused
from yanmen.client.receipts import CheckedReceipt
from yanmen.client.released import Released
from yanmen.crypto.federated import Evidence
from yanmen.formats.released import Table
from yanmen.model.federation import NOTHING, Opening, SignedManifest
from yanmen.model.refusal import Fault


@dataclass(frozen=True, slots=True, repr=False)
class FederatedAnswer(Released):
    """A verified answer of many nodes; `refused` says which of those asked are not in it, and why.

    `faults` says which aggregators were missing or published something else than their sum (robust mode goes on
    without). `evidence` and `opening` are what anybody needs to check the total again (`yanmen verify-federation`).
    """

    table: Table
    manifest: SignedManifest
    contributors: tuple[str, ...]
    refused: Mapping[str, Refused | Fault]
    answers: Mapping[str, Answer]
    evidence: tuple[Evidence, ...]
    opening: Opening
    receipt: CheckedReceipt
    faults: Mapping[str, str] = field(default_factory=dict)
    shape: str = ""

    @property
    def price_fen(self) -> int:
        """What all nodes charged together, in fen."""
        return sum(answer.price_fen for answer in self.answers.values())

    def save(self, folder: Path) -> None:
        """Write what the total is checked with: the manifest, receipts, certificates and sums.

        Raises `FileExistsError` when `folder` holds something: two questions in one folder could not be told apart.
        """
        make_empty(folder)
        (folder / "manifest.jws").write_bytes(self.manifest.token)
        (folder / "shape.json").write_text(self.shape, encoding="utf-8")
        for item in self.evidence:
            (folder / f"{item.dealer}.sdjwt").write_text(item.sdjwt, encoding="ascii")
            (folder / f"{item.dealer}.tlog-proof").write_text(item.proof, encoding="utf-8")
        names = self.manifest.manifest.aggregators
        for name, certificate, opened in zip(names, self.opening.certificates, self.opening.sums, strict=True):
            if certificate:
                (folder / f"{name}.set.jws").write_bytes(certificate)
            if opened != NOTHING:
                (folder / f"{name}.sum.jws").write_bytes(opened.partial)
                (folder / f"{name}.share").write_bytes(opened.share)

    @override
    def foot(self) -> list[str]:
        """Return the notice, who is in the total and at what price, who is not, and which aggregators failed."""
        asked = len(self.manifest.manifest.nodes)
        return [
            self.notice,
            f"{len(self.contributors)} of {asked} nodes 参与节点, total verified 总和已核验",
            f"price 价格 {Decimal(self.price_fen).scaleb(-2)} yuan at all nodes 全部节点合计",
            f"receipt 使用回执 no. {self.receipt.index} of the node that made the table 制表节点",
            *(f"  without 未参与 {name}: {error}" for name, error in self.refused.items()),
            *(f"  aggregator 聚合方 {name}: {fault}" for name, fault in self.faults.items()),
        ]


def make_empty(folder: Path) -> None:
    """Make `folder`, or find it there and empty; raise `OSError` when it cannot be, or `FileExistsError`."""
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is not None:
        raise FileExistsError(errno.EEXIST, "not empty; name a new folder 文件夹非空，请另指定", str(folder))
