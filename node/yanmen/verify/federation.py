"""Check a federated total from files alone: what was published is the sum of what was committed to.

manifest.jws  shape.json  ID.sdjwt  ID.tlog-proof (each dealer)  ID.set.jws  ID.sum.jws  ID.share (each aggregator)

In robust mode those of an aggregator that gave nothing may be missing.
"""

from dataclasses import dataclass
from pathlib import Path

from yanmen.crypto import documents, federated, joined, manifests
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import manifest as manifest_format
from yanmen.formats import point, proof, receipt, shape
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.model.federation import Dealt, Mode, OpenedSum, Opening, Recovered, SignedManifest
from yanmen.model.party import Register
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.verify import federated_table
from yanmen.verify.directory import Missing, Unreadable, read
from yanmen.verify.federated_table import Row

MANIFEST = "manifest.jws"
SHAPE = "shape.json"


@dataclass(frozen=True, slots=True)
class Total:
    """What was checked: the manifest's digest and mode, the nodes in the sum, the total and what it shows.

    `table` has the totals by their groups, empty when the folder has no shape.
    """

    manifest_sha256: str
    contributors: tuple[str, ...]
    mode: Mode
    recovered: Recovered
    table: tuple[Row, ...] = ()

    @property
    def totals(self) -> tuple[int, ...]:
        """The noised totals, cell by cell."""
        return self.recovered.values


def verify_folder(folder: Path, register_token: bytes, space_key: bytes | None) -> Total:
    """Return the checked total in `folder`, or refuse it naming what does not hold.

    1. The space signed the register; the consumer signed the manifest; the register has every party as active.
    2. Every dealer of the certified set has a receipt, in its log, that commits to its vector.
    3. All aggregators (in robust mode four of five) certified that one set, and signed their sums over it.
    4. The sums add up (in robust mode: interpolate) to what the dealers' commitments add up to (vector Pedersen);
       of a join across nodes, to a table within its public ranges, which dropped or altered rows would leave.
    """
    if space_key is None:
        raise _refused("--space-key is needed: a register that vouches for itself proves nothing")
    try:
        register = documents.open_register(register_token, space_key)
        signed = manifests.read(read(folder, MANIFEST, manifest_format.BYTES_MAX), register)
        names = signed.manifest.aggregators
        may_lack = signed.manifest.mode is Mode.ROBUST
        certificates = tuple(_read(folder, f"{name}.set.jws", may_lack=may_lack) for name in names)
        sums = tuple(
            OpenedSum(
                _read(folder, f"{name}.sum.jws", may_lack=may_lack), _read(folder, f"{name}.share", may_lack=may_lack)
            )
            for name in names
        )
        agreed = federated.agreed_set(certificates, signed, register)
        for dealt in (*agreed.nodes, *agreed.noise):
            if _bound(_evidence(folder, dealt.dealer), signed, register) != dealt:
                raise Malformed(f"{dealt.dealer}: its receipt commits to something else than was certified")
        recovered = federated.recovered(Opening(certificates, sums), signed, register)
        table: tuple[Row, ...] = ()
        if (folder / SHAPE).exists():
            said = read(folder, SHAPE, federated_table.BYTES_MAX)
            table = federated_table.rows(said, signed.manifest, recovered.values, len(agreed.noise))
        if signed.manifest.mode is Mode.JOINED:
            # Without its shape, whose digest was just held to the manifest, nothing speaks for the figures of a join.
            ranges = shape.ranges(read(folder, SHAPE, federated_table.BYTES_MAX).decode("utf-8", "replace"))
            joined.check_total(recovered.values, ranges, signed.manifest.sigma_squared)
    except (Malformed, BadSignature, BadProof, Missing, Unreadable) as error:
        raise _refused(f"{type(error).__name__}: {error}") from error
    return Total(signed.sha256, tuple(item.dealer for item in agreed.nodes), signed.manifest.mode, recovered, table)


def _bound(evidence: Evidence, signed: SignedManifest, register: Register) -> Dealt:
    """Return what a dealer's receipt binds it to: a department of a join has no figures to commit to."""
    if signed.manifest.mode is Mode.JOINED and signed.manifest.asks(evidence.dealer) is not None:
        return joined.dealt(joined.check(evidence, signed, register))
    return federated.check_evidence(evidence, signed, register).dealt


def _read(folder: Path, name: str, *, may_lack: bool) -> bytes:
    """Return what an aggregator published, nothing where its file may lack and does."""
    if may_lack and not (folder / name).exists():
        return b""
    return read(folder, name, max(manifest_format.BYTES_MAX, point.BYTES_MAX))


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
