"""Uses counted against the ceilings that a contract's controls set, and its times, inside the write transaction.

A period slides: in no stretch of its length are there more uses than were signed, wherever it begins.
"""

from yanmen.formats import control_rules
from yanmen.ledger.connection import Connection
from yanmen.model.contract import Terms
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.usage_control import Facts


def count(db: Connection, terms: Terms, now_ms: int) -> None:
    """Count one more use of the contract at `now_ms`, or refuse it as one too many, or at the wrong time."""
    controls = terms.rules.controls
    if not controls:
        return
    broken = control_rules.broken(controls, Facts(now_ms=now_ms, begun_ms=terms.not_before_ms))
    if broken:
        raise Refused(
            Reason.POLICY_FORBIDS,
            Detail(
                f"control:{broken[0]}",
                hint_en="Ask within the time that the contract allows.",
                hint_zh="请在合约允许的时间内查询。",
                clauses=tuple(f"control:{name}" for name in broken),
            ),
        )
    limits = control_rules.ceilings(controls).uses
    for limit in limits:
        since_ms = now_ms - limit.period_ms if limit.period_ms else -1
        (made,) = db.execute(
            "SELECT count(*) FROM contract_use WHERE contract = ? AND at_ms > ?", (terms.id, since_ms)
        ).fetchone()
        if made >= limit.most:
            raise Refused(
                Reason.QUOTA_SPENT,
                Detail(
                    "control:frequency" if limit.period_ms else "control:count",
                    hint_en=f"The contract allows {limit.most} uses"
                    + (f" in {limit.period_ms // 1000} s; wait." if limit.period_ms else "; offer a new one."),
                    hint_zh=f"合约允许 {limit.most} 次使用"
                    + (f"（每 {limit.period_ms // 1000} 秒），请稍候。" if limit.period_ms else "，请另行订立合约。"),
                ),
            )
    if limits:
        db.execute(
            "INSERT INTO contract_use (contract, at_ms, nth)"
            " SELECT ?, ?, count(*) FROM contract_use WHERE contract = ?",
            (terms.id, now_ms, terms.id),
        )
