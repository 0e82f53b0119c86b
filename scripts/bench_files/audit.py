"""What an audit costs beside its signatures: `yanmen verify` and the auditor in Go against Ed25519 alone, per core."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nacl.signing import VerifyKey
from yanmen.crypto import documents
from yanmen.formats import acknowledgement, base64url, note, receipt
from yanmen.formats.acknowledgement import Acknowledged, Acknowledgement
from yanmen.formats.note import VerifierKey
from yanmen.formats.receipt import Slot
from yanmen.formats.slots import Decision, Verdict
from yanmen.model.receipt import Stage
from yanmen.verify import verify_bundle

from tests.vectors import specimen
from tests.vectors.specimen import Log, Pinned

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = 20
LEAVES, REPEAT = 6_000, 3
PYTHON_BAR, GO_BAR = 0.45, 0.6


def lived(leaves: int) -> Log:
    """Return a log of about so many leaves: questions under several contracts, their answers, one refusal in ten."""
    log = Log(Pinned("bench"))
    names = [specimen.sha256(f"contract {number}")[:32] for number in range(CONTRACTS)]
    roomy = replace(
        specimen.TERMS,
        micro_rho=10**9,
        queries=10**6,
        queries_per_day=10**6,
        not_after_ms=10**13,
        price_per_query_fen=120,
    )
    log.terms = {name: replace(roomy, id=name) for name in names}
    specimen.LIFETIME_MICRO_RHO = 10**12
    log.begin()
    for name in names:
        log.agree(name)
    number = 0
    while len(log.leaves) < leaves:
        asked(log, names[number % CONTRACTS], number)
        number += 1
    return log


def asked(log: Log, contract: str, number: int) -> None:
    """Append one question of its own and its refusal, or its answer and the acknowledgement that the SDK sends."""
    log.time_s -= 60 * (number % 3 > 0)
    sql = f"SELECT city, count(*) AS n FROM persons WHERE age_band <> '{number}' GROUP BY city ORDER BY n DESC"
    emitted = f'SELECT "city", count(*) FROM "s0"."data" WHERE "age_band" <> \'{number}\' GROUP BY "city"'
    request = log.request(contract, query_sha256=specimen.sha256(sql))
    slots = {
        **log.question(request, contract),
        Slot.QUERY: {"sha256": specimen.sha256(sql), "sql": sql},
        Slot.PLAN: {
            "canonical_sha256": specimen.sha256(f"q{number}"),
            "sha256": specimen.sha256(emitted),
            "sql": emitted,
        },
    }
    if number % 10 == 9:
        refusal = {Slot.DECISION: Decision(Verdict.REFUSED, "ROWS_WOULD_LEAVE").json(), Slot.CONTRACT: contract}
        log.append(Stage.REFUSED, {**refusal, Slot.QUERY: slots[Slot.QUERY], Slot.REQUEST: slots[Slot.REQUEST]})
        return
    slots |= {**log.charge(2_500, 0, 120, contract), Slot.DECISION: Decision(Verdict.ALLOWED).json()}
    reference = log.append(Stage.INTENT, slots)
    used = {"code": "", "cpu_ms_upto": 200, "peak_bytes_upto": 2**26, "reply_bytes_upto": 1024}
    shown = replace(specimen.output(2_500), sha256=specimen.sha256(str(number)))
    ended = {Slot.OUTPUT: shown.json(), Slot.SANDBOX: {"profile": specimen.sha256("profile")}, Slot.USAGE: used}
    log.append(Stage.OUTCOME, {**slots, **ended}, reference)
    acknowledged(log, contract)


def acknowledged(log: Log, contract: str) -> None:
    """Append the consumer's acknowledgement of the answer that was just given."""
    given = receipt.decode(log.sdjwts[-1])
    text = acknowledgement.as_given(given)
    said = Acknowledgement(log.origin, log.time_s, given.leaf.head.jti, acknowledgement.sd_hash(text))
    token = documents.sign_acknowledgement(said, specimen.MEMBER_KEY).decode("ascii")
    subject = Acknowledged(said.jti, token).json()
    log.append(Stage.ACKNOWLEDGED, {Slot.CONTRACT: contract, Slot.CONSUMER: specimen.CONSUMER, Slot.SUBJECT: subject})


def signatures(log: Log) -> list[tuple[VerifyKey, bytes, bytes]]:
    """Return every signature that the audit of `log` verifies: of leaves, requests and acknowledgements.

    Not those of the few offers and decisions.
    """
    node, member = VerifyKey(specimen.RECEIPT_KEY.public), VerifyKey(specimen.MEMBER_KEY.public)
    found = [(node, *taken(leaf)) for leaf in log.leaves]
    for stage, sdjwt in zip(log.stages, log.sdjwts, strict=True):
        if stage in {Stage.INTENT, Stage.ACKNOWLEDGED}:
            name = b"jws" if stage is Stage.INTENT else b"kb_jwt"
            told = (base64url.decode(part) for part in sdjwt.split("~")[1:-1])
            (token,) = (part for each in told for part in each.split(b'"%b":"' % name)[1:])
            found.append((member, *taken(token.split(b'"')[0])))
    return found


def taken(token: bytes) -> tuple[bytes, bytes]:
    """Return what a compact JWS signs, and its signature."""
    signed, _, signature = token.rpartition(b".")
    return signed, base64url.decode(signature.decode("ascii"))


def cpu_s(ours: Callable[[], object], theirs: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Return the least CPU times of `repeat` runs of each by turns: a busy machine disturbs those least."""
    times = [(_spent(ours), _spent(theirs)) for _ in range(repeat)]
    return min(mine for mine, _ in times), min(other for _, other in times)


def _spent(action: Callable[[], object]) -> float:
    before = _cpu()
    action()
    return _cpu() - before


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> int:
    """Measure, print both ratios, and return 1 when one is below its bar."""
    log = lived(LEAVES)
    count = len(log.leaves)
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as name:
        folder = Path(name)
        ours, theirs = python(log, folder, REPEAT)
        print(f"{count:,} leaves, {len(signatures(log)):,} signatures in each; CPU time of one core, least of {REPEAT}")
        said("yanmen verify", "PyNaCl alone", count, ours, theirs, PYTHON_BAR)
        held = theirs / ours >= PYTHON_BAR
        ours, theirs = go(log, folder, REPEAT)
        said("auditor in Go", "Go's ed25519 alone", count, ours, theirs, GO_BAR)
    return 0 if held and theirs / ours >= GO_BAR else 1


def said(name: str, peer: str, count: int, ours: float, theirs: float, bar: float) -> None:
    """Print one line."""
    print(f"{name}: {count / ours:,.0f} leaves/s; {peer}: {count / theirs:,.0f}; {theirs / ours:.2f} x (bar {bar})")


def python(log: Log, folder: Path, repeat: int) -> tuple[float, float]:
    """Return the CPU seconds of a full audit, and of the same signatures alone."""
    exported, signed = log.export(folder / "bundle"), signatures(log)

    def audit() -> None:
        report = verify_bundle(exported, specimen.SPACE_KEY.public)
        if not report.ok:
            raise SystemExit(f"the bench's own log does not hold: {report.findings[0].en}")

    def alone() -> None:
        for key, message, signature in signed:
            key.verify(message, signature)

    return cpu_s(audit, alone, repeat)


def go(log: Log, folder: Path, repeat: int) -> tuple[float, float]:
    """Return the CPU seconds of the auditor in Go over a mirror, and of its leaves' signatures alone."""
    auditor, tiles = folder / "auditor", log.mirror(folder / "tiles")
    subprocess.run([ROOT / "scripts" / "go-auditor" / "build", auditor], check=True)
    space, register = folder / "space.vkey", folder / "register.jws"
    space.write_text(note.encode_key(VerifierKey(specimen.SPACE, specimen.SPACE_KEY.public)) + "\n")
    register.write_bytes(documents.sign_register(specimen.register(), specimen.SPACE_KEY))
    command = [auditor, "-space", space, "-register", register, "-tiles", tiles]

    def run(*more: str) -> Callable[[], object]:
        core = {**os.environ, "GOMAXPROCS": "1"}
        return lambda: subprocess.run([*command, *more], check=True, capture_output=True, env=core)

    return cpu_s(run(), run("-signatures-alone"), repeat)


if __name__ == "__main__":
    sys.exit(main())
