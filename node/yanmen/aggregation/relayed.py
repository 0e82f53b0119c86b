"""What departments and aggregators do alike with the parts of a join that the consumer carries between them."""

from yanmen.crypto import manifests
from yanmen.crypto.blame import blamed
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.ledger.join_book import LinkState
from yanmen.model.federation import Mode, SignedManifest
from yanmen.model.joining import Piece
from yanmen.model.party import Party, Register
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Reason, Refused


def for_join(token: bytes, peer: Party, register: Register, clock: Clock) -> SignedManifest:
    """Return the manifest in `token`: of a join, signed by `peer`, in force now."""
    try:
        with blamed(peer.id):
            signed = manifests.read(token, register)
        manifest = signed.manifest
        if manifest.consumer != peer.id or manifest.mode is not Mode.JOINED:
            raise Malformed(f"{peer.id}: a manifest of another consumer, or of no join")
        if not manifest.issued_s <= clock.now_ms() // 1000 < manifest.expires_s:
            raise Malformed(f"{peer.id}: a manifest that is not in force now")
    except (Malformed, BadSignature) as error:
        raise spoilt(error) from error
    return signed


def piece(link: LinkState, name: str, at: int) -> Piece:
    """Return a piece of the part `name`, which must be whole."""
    state = link.part(name)
    if not state.whole:
        raise Refused(
            Reason.DEPOSIT_MISSING,
            Detail(
                subject=name,
                hint_en="This part of the join is not there, or not whole; hand on first what it is made of.",
                hint_zh="该部分尚不存在或不完整；请先转交其所需的内容。",
            ),
        )
    return Piece(link.read(name, at), state.size)


def spoilt(error: Exception) -> Refused:
    """Return the refusal of what does not hold; `error` names the party at fault."""
    return Refused(
        Reason.MANIFEST_INVALID,
        Detail(
            subject=str(error),
            hint_en="What was handed on is not what was signed; nothing was released. Ask anew under a new manifest.",
            hint_zh="转交内容与签署内容不符，未发布任何结果；请以新清单重新提问（重新扣减）。",
        ),
    )
