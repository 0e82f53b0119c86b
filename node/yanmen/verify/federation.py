"""Check a federated total from files alone: what was published is the sum of what was committed to.

manifest.jws  ID.sdjwt  ID.tlog-proof (each dealer)  ID.set.jws  ID.sum.jws  ID.share (each aggregator)
"""

from dataclasses import dataclass
from pathlib import Path

from yanmen.crypto import documents, federated
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import manifest as manifest_format
from yanmen.formats import proof, receipt, share
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.model.federation import OpenedSum, Opening
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.verify.directory import Missing, Unreadable, read

MANIFEST = "manifest.jws"


@dataclass(frozen=True, slots=True)
class Total:
    """What was checked: the manifest's digest, the nodes in the sum and the noised totals, cell by cell."""

    manifest_sha256: str
    contributors: tuple[str, ...]
    totals: tuple[int, ...]


def verify_folder(folder: Path, register_token: bytes, space_key: bytes | None) -> Total:
    """Return the checked total in `folder`, or refuse it naming what does not hold.

    1. The space signed the register; the consumer signed the manifest; the register has every party as active.
    2. Every dealer of the certified set has a receipt, in its log, that commits to its vector.
    3. All aggregators certified that one set, and signed their sums over it.
    4. The sums add up to what the dealers' commitments add up to (vector Pedersen).
    """
    if space_key is None:
        raise _refused("--space-key is needed: a register that vouches for itself proves nothing")
    try:
        register = documents.open_register(register_token, space_key)
        signed = federated.read_manifest(read(folder, MANIFEST, manifest_format.BYTES_MAX), register)
        names = signed.manifest.aggregators
        certificates = tuple(read(folder, f"{name}.set.jws", manifest_format.BYTES_MAX) for name in names)
        sums = tuple(
            OpenedSum(
                read(folder, f"{name}.sum.jws", manifest_format.BYTES_MAX),
                read(folder, f"{name}.share", share.BYTES_MAX),
            )
            for name in names
        )
        agreed = federated.agreed_set(certificates, signed, register)
        for dealt in (*agreed.nodes, *agreed.noise):
            if federated.check_evidence(_evidence(folder, dealt.dealer), signed, register).dealt != dealt:
                raise Malformed(f"{dealt.dealer}: its receipt commits to something else than was certified")
        totals = federated.total(Opening(certificates, sums), signed, register)
    except (Malformed, BadSignature, BadProof, Missing, Unreadable) as error:
        raise _refused(f"{type(error).__name__}: {error}") from error
    return Total(signed.sha256, tuple(item.dealer for item in agreed.nodes), totals)


def _evidence(folder: Path, dealer: str) -> Evidence:
    sdjwt = read(folder, f"{dealer}.sdjwt", receipt.BYTES_MAX).decode("ascii", "replace")
    return Evidence(dealer, sdjwt, read(folder, f"{dealer}.tlog-proof", proof.BYTES_MAX).decode("utf-8", "replace"))


def _refused(why: str) -> Refused:
    return Refused(
        Reason.SIGNATURE_INVALID,
        Detail(
            subject=why,
            hint_en="This total is not proven; get the files again from the consumer, and the register from the space.",
            hint_zh="该联邦结果未通过核验；请向使用方重新索取文件，并向空间运营者索取名册。",
        ),
    )
