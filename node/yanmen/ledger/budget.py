"""What may still be spent, and spending it: sums held against caps inside the write transaction.

A figure is debited before the data is touched and never comes back: not when a run fails, not when
the node dies, not when a dataset is published again.
"""

from dataclasses import dataclass, replace

from yanmen.formats.slots import Budget, Price
from yanmen.ledger.connection import Connection
from yanmen.model.catalogue import DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.contract import Balance
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.model.stages import Plan, Request

DAY_MS = 24 * 60 * 60 * 1000
MINUTE_MS = 60 * 1000
CIVIL_OFFSET_MS = 8 * 60 * 60 * 1000
"""Quotas count days of Chinese civil time, UTC+8, which has no summer time."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one question costs; a repeated one costs nothing and counts for no quota."""

    space: str
    micro_rho: int
    delta_e12: int
    price_fen: int
    free: bool = False


def is_free(db: Connection, plan: Plan) -> bool:
    """Say whether the next use is one of the contract's free ones."""
    terms = plan.admitted.contract.terms
    if terms.tariff is None:
        return False
    (uses,) = db.execute("SELECT queries_spent FROM contract WHERE id = ?", (terms.id,)).fetchone()
    return terms.tariff.frees(int(uses))


def charge_of(plan: Plan, *, free: bool) -> Charge:
    """Return what `plan` costs; a charge that gives budget back, or none for an answer about persons, is a fault."""
    charge = Charge(plan.subject_space, plan.micro_rho, plan.delta_e12, 0 if free else plan.price_fen, free)
    if min(charge.micro_rho, charge.delta_e12, charge.price_fen) < 0:
        raise Fault(FaultCode.INTERNAL, "a plan with a negative charge")
    if plan.release is DatasetClass.PERSONAL and charge.micro_rho == 0:
        raise Fault(FaultCode.INTERNAL, "a plan about persons without charge")
    if not charge.space and (charge.micro_rho or charge.delta_e12):
        raise Fault(FaultCode.INTERNAL, "a charge on no subject space")
    return charge


def nothing(plan: Plan) -> Charge:
    """Return the charge of a question answered before."""
    return Charge(plan.subject_space, 0, 0, 0)


def debit(db: Connection, request: Request, charge: Charge, now_ms: int) -> tuple[Budget, Price]:
    """Take `charge` from all it concerns, or raise `Refused` with nothing taken (the caller's transaction ends)."""
    _debit_request(db, request, charge)
    _count_query(db, request.contract_id, now_ms)
    _debit_contract(db, request.contract_id, charge)
    _debit_space(db, charge)
    return spent(db, request.contract_id, charge)


def spent(db: Connection, contract_id: str, charge: Charge) -> tuple[Budget, Price]:
    """Return `charge` beside what the contract has spent with it, as a leaf says it."""
    micro_rho, delta_e12, price_fen = db.execute(
        "SELECT micro_rho_spent, delta_e12_spent, price_fen_spent FROM contract WHERE id = ?", (contract_id,)
    ).fetchone()
    budget = Budget(charge.space, charge.micro_rho, charge.delta_e12, micro_rho, delta_e12)
    return budget, Price(charge.price_fen, price_fen)


def micro_rho_left(db: Connection, contract_id: str) -> int:
    """Return what the contract may still spend."""
    (left,) = db.execute("SELECT micro_rho_cap - micro_rho_spent FROM contract WHERE id = ?", (contract_id,)).fetchone()
    return int(left)


def balance(db: Connection, contract_id: str, now_ms: int) -> Balance | None:
    """Return what is left of a contract, None when there is no such contract."""
    row = db.execute(
        "SELECT micro_rho_cap - micro_rho_spent, delta_e12_cap - delta_e12_spent, queries_cap - queries_spent,"
        " queries_per_day_cap, price_fen_spent FROM contract WHERE id = ?",
        (contract_id,),
    ).fetchone()
    if row is None:
        return None
    micro_rho, delta_e12, queries, per_day, price_fen = row
    today = max(0, per_day - _asked_today(db, contract_id, now_ms))
    return Balance(
        micro_rho_left=micro_rho,
        delta_e12_left=delta_e12,
        queries_left=queries,
        queries_today_left=min(queries, today),
        spent_fen=price_fen,
    )


def check_failures(db: Connection, consumer: str, space: str, limits: NodeLimits) -> None:
    """Refuse when run-time failures, or questions that may yet become failures, reach the lifetime cap."""
    failed = failures(db, consumer, space)
    if failed >= limits.failures:
        hint = Detail(
            subject=space,
            hint_en="Ask the holder: questions about this subject space are over for this consumer.",
            hint_zh="请联系提供方：该使用方对此主体空间的查询已终止。",
        )
        raise Refused(Reason.FAILURE_CAP_REACHED, hint)
    (running,) = db.execute(
        "SELECT count(*) FROM intent WHERE ended IS NULL AND consumer = ? AND space = ? AND release <> ?",
        (consumer, space, DatasetClass.OPEN.value),
    ).fetchone()
    if failed + running >= limits.failures:
        hint = Detail(
            subject=space,
            hint_en="Ask again once the questions now running have ended.",
            hint_zh="请待正在运行的查询结束后再试。",
        )
        raise Refused(Reason.RATE_LIMITED, hint)


def failures(db: Connection, consumer: str, space: str) -> int:
    """Return how often the consumer's questions about `space` failed while running, over all time."""
    row = db.execute("SELECT failures FROM run_failure WHERE consumer = ? AND space = ?", (consumer, space)).fetchone()
    return 0 if row is None else int(row[0])


def count_failure(db: Connection, consumer: str, space: str) -> int:
    """Count one more run-time failure and return how many there are now."""
    db.execute(
        "INSERT INTO run_failure (consumer, space, failures) VALUES (?, ?, 1)"
        " ON CONFLICT (consumer, space) DO UPDATE SET failures = run_failure.failures + 1",
        (consumer, space),
    )
    return failures(db, consumer, space)


def failures_left(detail: Detail, left: int, limits: NodeLimits) -> Detail:
    """Return `detail` saying how many more questions of this member may fail: its own number, whatever failed."""
    en = f"Ask for less at once; what failed is not told. {left} of {limits.failures} run-time failures are left"
    zh = f"请缩小查询范围；失败原因不予告知。运行失败次数尚余 {left} 次（上限 {limits.failures} 次）"
    return replace(detail, hint_en=f"{en}; the last suspends the contract.", hint_zh=f"{zh}，用尽后合约暂停。")


def count_use(db: Connection, consumer: str, kind: str, per_minute: int, now_ms: int) -> None:
    """Count one use of `kind` in this minute, or refuse when the consumer had `per_minute` already."""
    minute = now_ms // MINUTE_MS
    db.execute("DELETE FROM rate WHERE minute < ?", (minute,))
    db.execute(
        "INSERT INTO rate (consumer, kind, minute, uses) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (consumer, kind, minute) DO UPDATE SET uses = rate.uses + 1",
        (consumer, kind, minute),
    )
    (uses,) = db.execute(
        "SELECT uses FROM rate WHERE consumer = ? AND kind = ? AND minute = ?", (consumer, kind, minute)
    ).fetchone()
    if uses > per_minute:
        hint = Detail(
            subject=kind,
            hint_en=f"This node takes {per_minute} a minute from one member: wait for the next minute.",
            hint_zh=f"本节点每分钟受理每个成员 {per_minute} 次，请等待下一分钟。",
        )
        raise Refused(Reason.RATE_LIMITED, hint)


def _debit_request(db: Connection, request: Request, charge: Charge) -> None:
    """Hold the charge, and for a session all charges under it, against what the consumer agreed to spend."""
    before_rho, before_fen = 0, 0
    if request.session_jti:
        row = db.execute(
            "SELECT micro_rho, price_fen FROM session_spend WHERE consumer = ? AND session = ?",
            (request.consumer, request.session_jti),
        ).fetchone()
        before_rho, before_fen = (0, 0) if row is None else row
    micro_rho, price_fen = before_rho + charge.micro_rho, before_fen + charge.price_fen
    if micro_rho > request.max_micro_rho:
        raise Refused(Reason.SPEND_LIMIT, _limit("max_micro_rho", charge.micro_rho, before_rho, request.max_micro_rho))
    if price_fen > request.max_price_fen:
        raise Refused(Reason.SPEND_LIMIT, _limit("max_price_fen", charge.price_fen, before_fen, request.max_price_fen))
    if request.session_jti:
        db.execute(
            "INSERT INTO session_spend (consumer, session, micro_rho, price_fen) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (consumer, session) DO UPDATE SET"
            " micro_rho = excluded.micro_rho, price_fen = excluded.price_fen",
            (request.consumer, request.session_jti, micro_rho, price_fen),
        )


def _count_query(db: Connection, contract_id: str, now_ms: int) -> None:
    asked, cap, per_day = db.execute(
        "SELECT queries_spent, queries_cap, queries_per_day_cap FROM contract WHERE id = ?", (contract_id,)
    ).fetchone()
    if asked >= cap:
        hint = Detail(
            subject="queries",
            hint_en="Offer a new contract with more queries.",
            hint_zh="请就更多查询次数另行订立合约。",
        )
        raise Refused(Reason.QUOTA_SPENT, hint)
    if _asked_today(db, contract_id, now_ms) >= per_day:
        hint = Detail(
            subject="queries_per_day",
            hint_en="Ask again tomorrow (days are counted in UTC+8).",
            hint_zh="请明日再试（按北京时间计日）。",
        )
        raise Refused(Reason.QUOTA_SPENT, hint)
    db.execute(
        "INSERT INTO contract_day (contract, day, queries) VALUES (?, ?, 1)"
        " ON CONFLICT (contract, day) DO UPDATE SET queries = contract_day.queries + 1",
        (contract_id, _day(now_ms)),
    )


def _debit_contract(db: Connection, contract_id: str, charge: Charge) -> None:
    rho_left, delta_left = db.execute(
        "SELECT micro_rho_cap - micro_rho_spent, delta_e12_cap - delta_e12_spent FROM contract WHERE id = ?",
        (contract_id,),
    ).fetchone()
    if charge.micro_rho > rho_left or charge.delta_e12 > delta_left:
        hint = Detail(
            subject="contract",
            hint_en=f"{rho_left} micro-rho are left of this contract; this question costs {charge.micro_rho}. Ask at a "
            "smaller charge, or offer a new contract.",
            hint_zh=f"本合约剩余 {rho_left} 微ρ，本次查询需 {charge.micro_rho} 微ρ；请降低扣减量或另订合约。",
        )
        if charge.delta_e12 > delta_left:
            hint = Detail(
                subject="contract",
                hint_en=f"{delta_left}e-12 of δ are left of this contract; keys of an open domain cost"
                f" {charge.delta_e12}e-12. Group by a key with a public domain, or ask for a contract with δ.",
                hint_zh=f"本合约剩余 δ 为 {delta_left}e-12，开放取值域需 {charge.delta_e12}e-12；"
                "请按公开取值域分组，或申请含 δ 的合约。",
            )
        raise Refused(Reason.BUDGET_SPENT, hint)
    db.execute(
        "UPDATE contract SET micro_rho_spent = micro_rho_spent + ?, delta_e12_spent = delta_e12_spent + ?,"
        " queries_spent = queries_spent + 1, price_fen_spent = price_fen_spent + ? WHERE id = ?",
        (charge.micro_rho, charge.delta_e12, charge.price_fen, contract_id),
    )


def _debit_space(db: Connection, charge: Charge) -> None:
    if not charge.micro_rho and not charge.delta_e12:
        return
    row = db.execute(
        "SELECT micro_rho_cap - micro_rho_spent, delta_e12_cap - delta_e12_spent FROM subject_space WHERE name = ?",
        (charge.space,),
    ).fetchone()
    if row is None:
        hint = Detail(
            subject=charge.space,
            hint_en="Its holder has to configure it with a lifetime budget.",
            hint_zh="须由提供方为其配置终身预算。",
        )
        raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, hint)
    rho_left, delta_left = row
    if charge.micro_rho > rho_left or charge.delta_e12 > delta_left:
        # How much others have used of it is not the asker's to know (DESIGN §2).
        hint = Detail(
            subject=charge.space,
            hint_en="The lifetime privacy budget of this subject space does not cover this question; ask at a smaller "
            "charge, or after its next renewal (explain shows when).",
            hint_zh="该主体空间的终身隐私预算不足以覆盖本次查询：请降低扣减量，或待下次续期（见 explain）后再问。",
        )
        raise Refused(Reason.BUDGET_SPENT, hint)
    db.execute(
        "UPDATE subject_space SET micro_rho_spent = micro_rho_spent + ?, delta_e12_spent = delta_e12_spent + ?"
        " WHERE name = ?",
        (charge.micro_rho, charge.delta_e12, charge.space),
    )


def _asked_today(db: Connection, contract_id: str, now_ms: int) -> int:
    row = db.execute(
        "SELECT queries FROM contract_day WHERE contract = ? AND day = ?", (contract_id, _day(now_ms))
    ).fetchone()
    return 0 if row is None else int(row[0])


def _day(now_ms: int) -> int:
    return (now_ms + CIVIL_OFFSET_MS) // DAY_MS


def _limit(name: str, needed: int, before: int, agreed: int) -> Detail:
    en, zh = ("micro-rho", "微ρ") if name == "max_micro_rho" else ("fen", "分")
    spent_en = f", {before} {en} are spent under the session" if before else ""
    spent_zh = f"，本会话已用 {before} {zh}" if before else ""
    return Detail(
        subject=name,
        hint_en=f"This question costs {needed} {en}{spent_en}, and {agreed} {en} were agreed to: allow more.",
        hint_zh=f"本次查询需 {needed} {zh}{spent_zh}，所同意的上限为 {agreed} {zh}，请提高上限。",
    )
