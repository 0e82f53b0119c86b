"""Subject spaces: a lifetime budget fixed when the space is registered, and renewed by signed leaves only."""

from collections.abc import Callable

from yanmen.formats.receipt import Slot
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log, Slots
from yanmen.model.catalogue import Renewal, SpaceBudget, SubjectSpace
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

MICRO_RHO_MAX = 1_000_000_000
"""ρ of 1,000 in all: beyond it no figure means anything."""
DELTA_E12_MAX = 10**12 - 1
TEXT_MAX = 1_000
REPORT_DELTA_E12 = 1_000_000
"""δ = 1e-6 is given to the conversion of ρ to ε; what may be spent of δ comes on top."""

_STANDING = """
SELECT name, micro_rho_cap, micro_rho_spent, delta_e12_cap, delta_e12_spent,
    coalesce((SELECT next_ms FROM renewal WHERE space = name ORDER BY position DESC LIMIT 1), 0)
FROM subject_space
"""

Epsilon = Callable[[int, int], str]
"""What a micro-ρ means as ε at a δ in 1e-12, as text."""


def register(db: Connection, log: Log, space: SubjectSpace) -> int | None:
    """Fix the lifetime budget of `space` for good; return its leaf, None when it was fixed like this before."""
    row = db.execute(
        "SELECT micro_rho_cap - coalesce(sum(renewal.micro_rho), 0),"
        " delta_e12_cap - coalesce(sum(renewal.delta_e12), 0)"
        " FROM subject_space LEFT JOIN renewal ON space = name WHERE name = ? GROUP BY name",
        (space.name,),
    ).fetchone()
    if row == (space.lifetime_micro_rho, space.lifetime_delta_e12):
        return None
    if row is not None:
        note = f"the lifetime budget of subject space {space.name!r} was fixed when it was registered"
        raise Fault(FaultCode.CONFIG, note)
    said: Slots = {
        Slot.SUBJECT: {
            "lifetime_delta_e12": space.lifetime_delta_e12,
            "lifetime_micro_rho": space.lifetime_micro_rho,
            "space": space.name,
            "status": "registered",
        }
    }
    position = log.append(db, Stage.DATASET, said, About()).position
    db.execute(
        "INSERT INTO subject_space (name, micro_rho_cap, delta_e12_cap) VALUES (?, ?, ?)",
        (space.name, space.lifetime_micro_rho, space.lifetime_delta_e12),
    )
    return position


def carry(db: Connection, log: Log, space: SubjectSpace, old: Connection) -> None:
    """Fix in a successor's ledger the lifetime budget that `space` had in the `old` one, its renewals among it.

    The leaf that states the whole budget stands for those renewals: node.toml goes on saying what it began with.
    """
    position = register(db, log, space)
    renewed = old.execute(
        "SELECT sum(micro_rho), sum(delta_e12), max(next_ms) FROM renewal WHERE space = ?", (space.name,)
    ).fetchone()
    if renewed[0] is not None:
        db.execute(
            "INSERT INTO renewal (position, space, micro_rho, delta_e12, next_ms) VALUES (?, ?, ?, ?, ?)",
            (position, space.name, *renewed),
        )


def renew(db: Connection, log: Log, renewal: Renewal, epsilon: Epsilon) -> int:
    """Add to the lifetime budget of a space and return the leaf that says who decided it and why, or refuse."""
    now_ms = log.now_ms(db)
    before = standing(db, renewal.space)
    if before is None:
        raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, Detail(subject=renewal.space))
    _check(renewal, before, now_ms)
    micro_rho, delta_e12 = before.micro_rho + renewal.micro_rho, before.delta_e12 + renewal.delta_e12
    said: Slots = {
        Slot.SUBJECT: {
            "approver": renewal.approver,
            "epsilon_delta_e12": REPORT_DELTA_E12 + delta_e12,
            "epsilon_lifetime": epsilon(micro_rho, REPORT_DELTA_E12),
            "epsilon_spent": epsilon(before.micro_rho_spent, REPORT_DELTA_E12),
            "lifetime_delta_e12": delta_e12,
            "lifetime_micro_rho": micro_rho,
            "next_ms": renewal.next_ms,
            "reason": renewal.reason,
            "space": renewal.space,
            "spent_delta_e12": before.delta_e12_spent,
            "spent_micro_rho": before.micro_rho_spent,
            "status": "renewed",
        }
    }
    position = log.append(db, Stage.DATASET, said, About()).position
    db.execute(
        "INSERT INTO renewal (position, space, micro_rho, delta_e12, next_ms) VALUES (?, ?, ?, ?, ?)",
        (position, renewal.space, renewal.micro_rho, renewal.delta_e12, renewal.next_ms),
    )
    db.execute(
        "UPDATE subject_space SET micro_rho_cap = ?, delta_e12_cap = ? WHERE name = ?",
        (micro_rho, delta_e12, renewal.space),
    )
    return position


def standing(db: Connection, name: str) -> SpaceBudget | None:
    """Return how a space stands: for the holder's eyes, not for consumers'."""
    row = db.execute(f"{_STANDING} WHERE name = ?", (name,)).fetchone()
    return None if row is None else SpaceBudget(*row)


def listed(db: Connection) -> tuple[SpaceBudget, ...]:
    """Return how every space stands, by name."""
    return tuple(SpaceBudget(*row) for row in db.execute(f"{_STANDING} ORDER BY name"))


def left(db: Connection, name: str) -> SubjectSpace | None:
    """Return what is left of a subject space's lifetime budget: for the holder's eyes, not for consumers'."""
    found = standing(db, name)
    if found is None:
        return None
    return SubjectSpace(name, found.micro_rho - found.micro_rho_spent, found.delta_e12 - found.delta_e12_spent)


def next_renewal_ms(db: Connection, name: str) -> int:
    """Return when the space's budget may be renewed next, as its last renewal announced; 0 when none did."""
    found = standing(db, name)
    return 0 if found is None else found.next_renewal_ms


def _check(renewal: Renewal, before: SpaceBudget, now_ms: int) -> None:
    """Refuse a renewal that says nothing, gives nothing or too much, or comes before its announced time."""
    texts = (renewal.approver.strip(), renewal.reason.strip())
    if not all(texts) or max(map(len, (renewal.approver, renewal.reason))) > TEXT_MAX:
        raise _refused("approver and reason", "Name who decided it, and why.", "请写明批准人与理由。")
    if min(renewal.micro_rho, renewal.delta_e12) < 0 or renewal.micro_rho + renewal.delta_e12 == 0:
        raise _refused("micro_rho", "A renewal adds budget.", "续期须增加预算。")
    micro_rho, delta_e12 = before.micro_rho + renewal.micro_rho, before.delta_e12 + renewal.delta_e12
    if micro_rho > MICRO_RHO_MAX or delta_e12 > DELTA_E12_MAX:
        raise _refused("micro_rho", "The whole would protect nobody.", "总预算过大，已无保护意义。")
    if renewal.next_ms <= now_ms:
        raise _refused("next", "Announce a day in the future for the next renewal.", "请公布未来的下次续期日期。")
    if now_ms < before.next_renewal_ms:
        hint = "The last renewal announced a later day for the next one; until then nothing is added."
        raise _refused("next", hint, "上次续期已公布下次续期日期，此前不得追加。")


def _refused(subject: str, hint_en: str, hint_zh: str) -> Refused:
    return Refused(Reason.POLICY_FORBIDS, Detail(subject=subject, hint_en=hint_en, hint_zh=hint_zh))
