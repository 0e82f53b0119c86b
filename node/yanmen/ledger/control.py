"""What the holder stopped: a job, a member, a dataset, the node; each order is a leaf, and holds in every process."""

from collections.abc import Collection

from yanmen.formats.question_slots import read_readings
from yanmen.formats.receipt import Slot
from yanmen.ledger import contracts, datasets
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log, Slots, read_slots
from yanmen.model.contract import ContractStatus
from yanmen.model.control import Running, Stops
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Reason, Refused


def kill(db: Connection, log: Log, job_id: str, said: Slots) -> int:
    """Order that the running job ends and return the leaf; one that does not run is refused."""
    row = db.execute(
        "SELECT owner, contract FROM intent WHERE job_id = ? AND ended IS NULL ORDER BY position", (job_id,)
    ).fetchone()
    if row is None:
        raise Refused(
            Reason.JOB_UNKNOWN,
            Detail(job_id, hint_en="It does not run: yanmen control status.", hint_zh="该任务未在运行。"),
        )
    owner, contract = row
    position = log.append(db, Stage.CONTROL, {**said, Slot.CONTRACT: contract}, About(contract, owner)).position
    db.execute("INSERT INTO killed (owner, job_id, position) VALUES (?, ?, ?)", (owner, job_id, position))
    return position


def suspend_member(db: Connection, log: Log, party: str, said: Slots) -> int:
    """Order that a member is not served and return the leaf."""
    if _suspended(db, party):
        raise _stands(party)
    position = log.append(db, Stage.CONTROL, said, About("", party)).position
    db.execute("INSERT INTO member_suspended (party, position) VALUES (?, ?)", (party, position))
    return position


def resume_member(db: Connection, log: Log, party: str, said: Slots) -> int:
    """Take the suspension of a member back and return the leaf."""
    if not _suspended(db, party):
        raise _stands(party)
    db.execute("DELETE FROM member_suspended WHERE party = ?", (party,))
    return log.append(db, Stage.CONTROL, said, About("", party)).position


def suspend_dataset(db: Connection, log: Log, name: str, said: Slots) -> int:
    """Order that nobody uses a dataset, under whatever contract, and return the leaf."""
    if name in _datasets(db):
        raise _stands(name)
    if datasets.newest(db, name) is None:
        raise Refused(Reason.DATASET_UNKNOWN, Detail(subject=name))
    position = log.append(db, Stage.CONTROL, said, About()).position
    db.execute("INSERT INTO dataset_suspended (name, position) VALUES (?, ?)", (name, position))
    return position


def resume_dataset(db: Connection, log: Log, name: str, said: Slots) -> int:
    """Take the suspension of a dataset back and return the leaf."""
    if name not in _datasets(db):
        raise _stands(name)
    db.execute("DELETE FROM dataset_suspended WHERE name = ?", (name,))
    return log.append(db, Stage.CONTROL, said, About()).position


def disconnect(db: Connection, log: Log, said: Slots) -> int:
    """Order that the node takes no calls and ends what runs, and return the leaf."""
    if _disconnected(db):
        raise _stands("node")
    position = log.append(db, Stage.CONTROL, said, About()).position
    db.execute("INSERT INTO disconnected (one, position) VALUES (1, ?)", (position,))
    return position


def connect(db: Connection, log: Log, said: Slots) -> int:
    """Order that the node takes calls again and return the leaf."""
    if not _disconnected(db):
        raise _stands("node")
    db.execute("DELETE FROM disconnected")
    return log.append(db, Stage.CONTROL, said, About()).position


def stops(db: Connection) -> Stops:
    """Return what must not go on now: killed jobs, those of stopped contracts and datasets, members, all."""
    jobs = db.execute(
        "SELECT intent.owner, intent.job_id FROM intent JOIN contract ON contract.id = intent.contract"
        " LEFT JOIN killed ON killed.owner = intent.owner AND killed.job_id = intent.job_id"
        " WHERE intent.ended IS NULL AND (contract.status <> 'active' OR killed.position IS NOT NULL)"
    ).fetchall()
    suspended = _datasets(db)
    if suspended:
        open_ = db.execute("SELECT owner, job_id, position FROM intent WHERE ended IS NULL").fetchall()
        jobs += [(owner, job_id) for owner, job_id, intent in open_ if _read_by(db, intent) & suspended]
    members = frozenset(party for (party,) in db.execute("SELECT party FROM member_suspended"))
    return Stops(tuple(dict.fromkeys(jobs)), members, _disconnected(db), suspended)


def running(db: Connection) -> tuple[Running, ...]:
    """Return the uses that touch data now, oldest first."""
    rows = db.execute(
        "SELECT intent.position, owner, job_id, contract, at_ms FROM intent"
        " JOIN leaf ON leaf.position = intent.position WHERE ended IS NULL ORDER BY intent.position"
    )
    return tuple(Running(*row) for row in rows)


def require_going(db: Connection, party: str) -> None:
    """Refuse a member that is suspended, and everybody while the node is disconnected."""
    if _disconnected(db):
        raise Refused(Reason.DISCONNECTED)
    if _suspended(db, party):
        raise Refused(Reason.MEMBER_SUSPENDED)


def require_usable(db: Connection, names: Collection[str]) -> None:
    """Refuse when one of the datasets `names` is suspended."""
    for name in sorted(_datasets(db).intersection(names)):
        raise Refused(Reason.DATASET_SUSPENDED, Detail(subject=name))


def ended_by(db: Connection, intent: int, owner: str, job_id: str, contract: str) -> Refused | None:
    """Return why the holder's order ends the job of the leaf `intent`, None when nothing does."""
    if db.execute("SELECT 1 FROM killed WHERE owner = ? AND job_id = ?", (owner, job_id)).fetchone() is not None:
        return Refused(Reason.TERMINATED, Detail(subject=job_id))
    try:
        require_going(db, owner)
        if _datasets(db):
            require_usable(db, _read_by(db, intent))
    except Refused as stopped:
        return stopped
    row = db.execute("SELECT status FROM contract WHERE id = ?", (contract,)).fetchone()
    status = ContractStatus(row[0])
    if status is not ContractStatus.ACTIVE:
        return Refused(contracts.reason_of(status), Detail(subject=contract))
    return None


def policy(db: Connection) -> str:
    """Return the digest of the guard rails recorded last."""
    row = db.execute("SELECT digest FROM policy_in_force").fetchone()
    return "" if row is None else str(row[0])


def put_policy(db: Connection, log: Log, digest: str, said: Slots) -> int | None:
    """Record other guard rails than those recorded last and return the leaf."""
    if policy(db) == digest:
        return None
    position = log.append(db, Stage.CONTROL, said, About()).position
    db.execute(
        "INSERT INTO policy_in_force (one, digest, position) VALUES (1, ?, ?)"
        " ON CONFLICT (one) DO UPDATE SET digest = excluded.digest, position = excluded.position",
        (digest, position),
    )
    return position


def carry(old: Connection, db: Connection, log: Log) -> None:
    """Say again in the log that follows what stands in the one before."""
    for party, position in old.execute("SELECT party, position FROM member_suspended ORDER BY party").fetchall():
        suspend_member(db, log, party, read_slots(old, position))
    suspended = old.execute("SELECT name, position FROM dataset_suspended ORDER BY name").fetchall()
    for name, position in suspended:
        suspend_dataset(db, log, name, read_slots(old, position))
    for (position,) in old.execute("SELECT position FROM disconnected").fetchall():
        disconnect(db, log, read_slots(old, position))


def _suspended(db: Connection, party: str) -> bool:
    return db.execute("SELECT 1 FROM member_suspended WHERE party = ?", (party,)).fetchone() is not None


def _datasets(db: Connection) -> frozenset[str]:
    return frozenset(name for (name,) in db.execute("SELECT name FROM dataset_suspended"))


def _read_by(db: Connection, intent: int) -> frozenset[str]:
    """Return the datasets that the use of this intent reads, as its leaf says."""
    return frozenset(reading.name for reading in read_readings(read_slots(db, intent).get(Slot.DATASETS, [])))


def _disconnected(db: Connection) -> bool:
    return db.execute("SELECT 1 FROM disconnected").fetchone() is not None


def _stands(target: str) -> Refused:
    hint = Detail(target, hint_en="It is so already: yanmen control status.", hint_zh="已处于该状态。")
    return Refused(Reason.REQUEST_MALFORMED, hint)
