"""A member's next key: made and signed here, entered by the space, taken up as soon as the register lists it.

signing.key.next   the key to be
exchange.json      what the space operator signs it for
"""

from pathlib import Path

from yanmen import enrolment
from yanmen.crypto import documents, keys
from yanmen.formats import key_change
from yanmen.formats.key_change import Exchange, KeyChange
from yanmen.formats.malformed import Malformed
from yanmen.model.party import KeyEnd, KeyUse, Party
from yanmen.model.ports import Clock, Randomness
from yanmen.model.refusal import Detail, Reason, Refused

EXCHANGE = "exchange.json"
_KEY = enrolment.SIGNING_KEY
_NEXT = f"{_KEY}.next"


def begin(folder: Path, member: str, reason: str, clock: Clock, randomness: Randomness) -> Path:
    """Write what the space operator enters the member's next key for; again, it is for the same key."""
    present, fresh = folder / _KEY, folder / _NEXT
    new = keys.load(fresh) if fresh.exists() else keys.generate(fresh, randomness, beside=present)
    old = keys.load(present)
    change = KeyChange(
        party=member,
        use=KeyUse.MEMBER,
        end=KeyEnd.ROTATED,
        old=old.public,
        new=new.public,
        origin="",
        index=0,
        issued_s=clock.now_ms() // 1000,
        reason=reason,
    )
    try:
        signed = documents.sign_key_change(change, new, old)
    except Malformed as error:
        detail = Detail(str(error), hint_en="Say why the key ends.", hint_zh="请写明更换密钥的理由。")
        raise Refused(Reason.REQUEST_MALFORMED, detail) from error
    path = folder / EXCHANGE
    path.write_bytes(key_change.encode_exchange(Exchange(signed)))
    return path


def finish(folder: Path, party: Party | None, clock: Clock) -> None:
    """Sign with the next key from now on if the register lists it; until then with the present one."""
    fresh = folder / _NEXT
    if party is None or not fresh.exists():
        return
    new = keys.load(fresh)
    if new.public == party.signing_key:
        enrolment.apply_anew(folder, new, b"", clock)
        keys.put_in_place(fresh, folder / _KEY)
