"""Destroys disclosures, answers and quoted questions once their contract's term is over, and says so in a leaf."""

from yanmen.formats import receipt
from yanmen.formats.erasure import DAY_S, DESTROYED, STAGES, Erasure
from yanmen.formats.receipt import Slot
from yanmen.ledger import answers, contracts, log
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail

LEAVES_MAX = 1_000
"""Leaves in one erasure: one transaction, and one leaf that names them."""

_CANDIDATES = f"""
SELECT position FROM leaf
WHERE at_ms < ? AND stage IN ({", ".join(f"'{stage.value}'" for stage in sorted(STAGES, key=str))})
AND position NOT IN (SELECT position FROM erased)
AND position NOT IN (SELECT position FROM intent WHERE ended IS NULL)
ORDER BY position
"""  # noqa: S608 - stages of ours


def due(db: Connection, before_ms: int, now_ms: int) -> tuple[int, ...]:
    """Return the leaves before `before_ms` whose contract's term is over, oldest first, in portions."""
    terms_s: dict[str, int] = {}
    found: list[int] = []
    for (position,) in db.execute(_CANDIDATES, (before_ms,)).fetchall():
        name = log.read_slots(db, position).get(Slot.CONTRACT)
        if not isinstance(name, str):
            continue
        if name not in terms_s:
            terms_s[name] = contracts.require(db, name).terms.retention_days * DAY_S
        # The leaf tells its time in whole minutes; an auditor counts the term from there.
        (at_ms,) = db.execute("SELECT at_ms FROM leaf WHERE position = ?", (position,)).fetchone()
        if receipt.whole_minute(at_ms) + terms_s[name] <= receipt.whole_minute(now_ms):
            found.append(position)
        if len(found) == LEAVES_MAX:
            break
    return tuple(found)


def erase(db: Connection, log_: Log, before_ms: int, actor: str) -> int | None:
    """Destroy what is due and return the leaf that says so; None when nothing is."""
    positions = due(db, before_ms, log_.now_ms(db))
    if not positions:
        return None
    for position in positions:
        _destroy(db, position)
    said: log.Slots = {Slot.ACTOR: actor, Slot.SUBJECT: Erasure.of(positions).json()}
    leaf = log_.append(db, Stage.ERASURE, said, About()).position
    db.executemany("INSERT INTO erased (position, erasure) VALUES (?, ?)", [(one, leaf) for one in positions])
    return leaf


def _destroy(db: Connection, position: int) -> None:
    """Keep of the leaf's disclosures what its account is made of, and nothing of its answer and question."""
    (jws, shown, withheld) = db.execute(
        "SELECT jws, shown, withheld FROM leaf JOIN disclosure USING (position) WHERE position = ?", (position,)
    ).fetchone()
    disclosed = receipt.decode(f"{jws}~{shown}{withheld}")
    pairs = zip(disclosed.slots, disclosed.disclosures, strict=True)
    kept = "".join(f"{text}~" for slot, text in pairs if slot not in DESTROYED)
    db.execute("UPDATE disclosure SET shown = ?, withheld = '' WHERE position = ?", (kept, position))
    db.execute("DELETE FROM question WHERE answer = ?", (position,))
    db.execute("UPDATE answer SET released = x'' WHERE position = ?", (position,))
    db.execute(
        "UPDATE job SET detail = ? WHERE position = ? AND state = 'declined'",
        (answers.encode_detail(Detail()), position),
    )
