"""What leaves say in sums, for a report of evidence: counts by stage, and of questions by contract and end."""

from collections import Counter

from yanmen.ledger.connection import Connection
from yanmen.model.evidence import ContractUses
from yanmen.model.receipt import Stage


def stages(db: Connection, since: int, until: int) -> dict[Stage, int]:
    """Return how many leaves of each stage there are from position `since` on, below `until`."""
    rows = db.execute(
        "SELECT stage, count(*) FROM leaf WHERE position >= ? AND position < ? GROUP BY stage ORDER BY stage",
        (since, until),
    )
    return {Stage(stage): int(count) for stage, count in rows.fetchall()}


def uses(db: Connection, since: int, most: int) -> tuple[ContractUses, ...]:
    """Return questions by contract: those that began, or ended, from `since` on; beyond `most` contracts together."""
    asked: Counter[str] = Counter()
    ended: dict[Stage, Counter[str]] = {Stage.OUTCOME: Counter(), Stage.ABORTED: Counter()}
    begun = db.execute("SELECT contract, count(*) FROM intent WHERE position >= ? GROUP BY contract", (since,))
    asked.update({str(contract): int(count) for contract, count in begun.fetchall()})
    rows = db.execute(
        "SELECT i.contract, l.stage, count(*) FROM intent AS i JOIN leaf AS l ON l.position = i.ended"
        " WHERE i.ended >= ? GROUP BY i.contract, l.stage",
        (since,),
    )
    for contract, stage, count in rows.fetchall():
        ended[Stage(stage)][str(contract)] += int(count)
    names = sorted({*asked, *ended[Stage.OUTCOME], *ended[Stage.ABORTED]}, key=lambda name: (-asked[name], name))
    found = {name: (asked[name], ended[Stage.OUTCOME][name], ended[Stage.ABORTED][name]) for name in names[:most]}
    if len(names) > most:
        rest = [(asked[name], ended[Stage.OUTCOME][name], ended[Stage.ABORTED][name]) for name in names[most:]]
        sums = [sum(each) for each in zip(*rest, strict=True)]
        found[""] = (sums[0], sums[1], sums[2])
    return tuple(ContractUses(name, *counts) for name, counts in sorted(found.items()))
