"""What a durable receipt of one caller is made of, each part alone and by turns with the loop of `receipts`.

The rows are those of a refusal, made before; built is all of a receipt but its rows: leaf, tree, head and proof.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from yanmen.crypto import notes, receipts
from yanmen.formats import merkle, proof, receipt
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.receipt import Head, Slot
from yanmen.ledger import leaves
from yanmen.ledger.store import Store
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan

from tests.unit.ledger.scene import LOG_KEY, NODE, RECEIPT_KEY, Scene, store_of

TURNS, EACH = 10, 200
WARM = 600
"""Receipts before the first that counts: until the journal is as long as it gets."""


def measured(loop: Callable[[], object], record: Callable[[], object], plan: Plan, scene: Scene) -> None:
    """Print the parts of what `record` does, beside `loop`, whose key and file are its own."""
    with tempfile.TemporaryDirectory(prefix="parts-", dir=scene.path.parent) as folder:
        beside = Scene(Path(folder) / "ledger.sqlite")
        with beside.open() as ledger:
            rows, built = Rows(store_of(ledger), ledger.size()), Built(plan, ledger.origin)

            def both() -> None:
                built.one()
                rows.one()

            parts: dict[str, Callable[[], object]] = {
                "the loop": loop,
                "its two signatures": built.signatures,
                "built, with them, and not kept": built.one,
                "its rows, made before, kept durably": rows.one,
                "the last two, one after the other": both,
                "a receipt": record,
            }
            for _ in range(WARM):
                record()
                rows.one()
            found: dict[str, list[float]] = {name: [] for name in parts}
            for _ in range(TURNS):
                for name, work in parts.items():
                    began = time.perf_counter()
                    for _each in range(EACH):
                        work()
                    found[name].append((time.perf_counter() - began) / EACH)
    print("| part of a receipt | µs | the loop against it |\n|---|---:|---:|")
    for name, times in found.items():
        ratio = statistics.median(theirs / ours for theirs, ours in zip(found["the loop"], times, strict=True))
        print(f"| {name} | {statistics.median(times) * 1e6:.0f} | {ratio:.2f} |")


class Rows:
    """The statements of a refusal that write, with values of its lengths."""

    def __init__(self, store: Store, size: int) -> None:
        """Go on in `store` after `size` leaves."""
        self._store, self._size = store, size

    def one(self) -> None:
        """Commit the rows of one leaf."""
        at, self._size = self._size, self._size + 1
        with self._store.write() as db:
            db.execute(
                "INSERT INTO leaf (position, jti, stage, party, at_ms, jws) VALUES (?, ?, ?, ?, ?, ?)",
                (at, f"{at:032x}", "refused", NODE, 1, "." * receipt.LEAF_BYTES),
            )
            db.execute("INSERT INTO disclosure (position, shown, withheld) VALUES (?, ?, ?)", (at, "." * 2200, ""))
            db.execute(
                "INSERT INTO series (contract, length, last) VALUES ('parts', 1, ?)"
                " ON CONFLICT (contract) DO UPDATE SET length = series.length + 1, last = excluded.last",
                (f"{at:043x}",),
            )
            db.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (at + 1, "." * 300))


class Built:
    """The making of refusals and of a tree over them, in memory."""

    def __init__(self, plan: Plan, origin: str) -> None:
        """Refuse what `plan` asked, again and again, in the log `origin`."""
        self._admitted, self._origin = plan.admitted, origin
        self._refusal = Refused(Reason.ROWS_WOULD_LEAVE)
        self._hashes: dict[tuple[int, int], bytes] = {}
        self._size = 0
        self._randomness = Scene(Path()).keeper().randomness

    def signatures(self) -> None:
        """Sign what is as long as a leaf, and what is as long as a head."""
        RECEIPT_KEY.sign(bytes(receipt.LEAF_BYTES - 87))
        LOG_KEY.sign(bytes(150))

    def one(self) -> None:
        """Build one receipt under a head of its own."""
        at, self._size = self._size, self._size + 1
        slots = {
            **leaves.refused(self._admitted.submission, self._admitted.request, self._refusal),
            Slot.SERIES: {"n": at + 1, "prev": ""},
        }
        head = Head(NODE, 0, f"{at:032x}", Stage.REFUSED, "A" * 43)
        issued = receipts.issue(head, slots, RECEIPT_KEY, self._randomness)
        for level, index, grown in merkle.append(at, merkle.leaf_hash(issued.leaf), self._read):
            self._hashes[level, index] = grown
        top = Checkpoint(self._origin, at + 1, merkle.root(at + 1, self._read))
        signed = notes.signed_checkpoint(top, LOG_KEY)
        proof.encode_under(at, merkle.inclusion(at, at + 1, self._read), signed)

    def _read(self, level: int, index: int) -> bytes:
        return self._hashes[level, index]
