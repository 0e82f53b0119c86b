"""The examples of docs/FORMATS.md and the vector files beside this one, made from pinned keys and salts.

Run by scripts/vectors: writes them, or with --check says what differs and exits 1.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from yanmen.crypto import documents, jose, keys, notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import (
    base64url,
    bill,
    bundle,
    checkpoint,
    connector_id,
    contract,
    enrolment,
    heartbeat,
    inspection,
    json_canonical,
    json_members,
    key_change,
    listing,
    merkle,
    note,
    notice,
    office,
    proof,
    receipt,
    receipt_draft,
    register,
    released,
)
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.note import VerifierKey
from yanmen.formats.released import Table
from yanmen.model.catalogue import ColumnType
from yanmen.model.contract import Grant
from yanmen.model.inspection import Act, Step
from yanmen.model.party import KeyEnd, KeyUse, PartyRole
from yanmen.model.revenue import Share
from yanmen.verify import verify_bundle, verify_consistency, verify_receipt

from tests.vectors import catalogue_entry, interface_messages, price_cases, usage_rules
from tests.vectors import specimen as made

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ROOT / "docs" / "FORMATS.md"
VECTORS = Path(__file__).resolve().parent
OUTCOME = 9
REFUSED = 12


def indented(value: Json) -> str:
    """Return JSON for reading; what is signed has no spaces."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def payload_of(token: bytes) -> Json:
    """Return the payload of a token as JSON."""
    return json_canonical.decode(base64url.decode(token.decode().split(".")[1]))


def shortened(text: str, keep: int = 64) -> str:
    """Return the two ends of a long text."""
    return text if len(text) <= 2 * keep else f"{text[:keep]}[…]{text[-keep:]}"


def application() -> enrolment.Application:
    """Return how the member asked to join."""
    return enrolment.Application(
        role=PartyRole.DEVELOPER,
        name="示例开发主体",
        alias="lab",
        subject="91140100MA0GUUUU1Y",
        region="1401",
        address="",
        csr="-----BEGIN CERTIFICATE REQUEST-----\n[…]\n-----END CERTIFICATE REQUEST-----\n",
        signing_key=made.MEMBER_KEY.public,
        log_key=b"",
        issued_s=made.START_S,
    )


def table() -> Table:
    """Return a released table."""
    return Table(
        labels=("city", "n"),
        types=(ColumnType.TEXT, ColumnType.INTEGER),
        rows=(("太原", 41), ("大同", -3)),
        widths=((None, 12.5), (None, 12.5)),
        suppressed=0,
        mechanism="discrete gaussian",
        notice="差分隐私估计值，不作为法定统计数据",
    )


def disclosures() -> str:
    """Return the disclosures of the example receipt, read."""
    lines = [base64url.decode(item).decode() for item in receipt.decode(LOG.sdjwts[OUTCOME]).disclosures]
    return "\n".join(shortened(line, 90) for line in lines)


def disclosure() -> str:
    """Return one disclosure, its encoding and its digest."""
    text = receipt.decode(LOG.sdjwts[OUTCOME]).disclosures[0]
    return f"{base64url.decode(text).decode()}\n{text}\n{receipt.digest(text)}"


def receipt_text() -> str:
    """Return the SD-JWT in one line, shortened."""
    leaf, *rest, _ = LOG.sdjwts[OUTCOME].split("~")
    return "~".join([shortened(leaf), *(shortened(item, 12) for item in rest), ""])


def procedure() -> str:
    """Return the numbered list in the docstring of `verify_bundle`."""
    lines = (verify_bundle.__doc__ or "").splitlines()
    first = next(number for number, line in enumerate(lines) if line.lstrip().startswith("1. "))
    return "\n".join(line[4:] if line.startswith("    ") else line for line in lines[first:]).strip()


def fence(kind: str, make: Callable[[], str]) -> Callable[[], str]:
    """Return what makes a fenced block of `make`."""
    return lambda: f"```{kind}\n{make()}\n```"


LOG = made.specimen()
EXAMPLES: dict[str, Callable[[], str]] = {
    "jws": fence("", lambda: jose.sign_jws({}, {"fen": 3}, made.MEMBER_KEY, "member", "example").decode()),
    "key-change": fence("json", lambda: indented(key_change.encode(changed()))),
    "register": fence("json", lambda: indented(register.encode(made.register()))),
    "application": fence("json", lambda: indented(enrolment.application_payload(application()))),
    "offer": fence("json", lambda: indented(contract.encode(made.TERMS))),
    "prices": fence("json", lambda: indented(price_clauses())),
    "usage-control": fence("json", lambda: indented(usage_rules.example())),
    "acceptance": fence("json", lambda: indented(contract.encode_acceptance(made.acceptance(made.TERMS)))),
    "request": fence("json", lambda: indented(payload_of(made.specimen().request().jws.encode()))),
    "session": fence("json", lambda: indented(payload_of(made.specimen().session(5_000).jws.encode()))),
    "listing": fence("json", lambda: indented(listing.payload(catalogue_entry.listed()))),
    "table": fence("", lambda: released.encode(table()).decode()),
    "statement": fence("json", lambda: indented(statement())),
    "heartbeat": fence("json", lambda: indented(heartbeat.encode(usage_rules.beat()))),
    "notice": fence("json", lambda: indented(notice.encode(usage_rules.told()))),
    "office": fence("json", lambda: indented(office.encode(usage_rules.reviewed()))),
    "inspection": fence("json", lambda: indented(inspection.encode(opened()))),
    "receipt": fence("", receipt_text),
    "receipt-payload": fence("json", lambda: indented(payload_of(LOG.leaves[OUTCOME]))),
    "disclosures": fence("", disclosures),
    "disclosure": fence("", disclosure),
    "checkpoint": fence("", lambda: note.encode(LOG.checkpoint()).decode().rstrip("\n")),
    "vkey": fence("", lambda: note.encode_key(VerifierKey(made.ORIGIN, made.LOG_KEY.public))),
    "proof": fence("", lambda: LOG.proof(OUTCOME).rstrip("\n")),
    "bundle": fence("json", lambda: indented(json_canonical.decode(bundle.encode(LOG.statement())))),
    "leaves": fence(
        "",
        lambda: (
            bundle.encode_lines(
                bundle.LeafLine(stage, merkle.leaf_hash(leaf))
                for stage, leaf in zip(LOG.stages, LOG.leaves, strict=True)
            )
            .decode()
            .rstrip("\n")
        ),
    ),
    "procedure": procedure,
    "tc609-negotiate": fence("json", lambda: indented(interface_messages.negotiated())),
    "https-error": fence("json", lambda: indented(interface_messages.error())),
}


def statement() -> Json:
    """Return the payload of the example's statement of account."""
    day_s = made.START_S // 86_400 * 86_400 - 8 * 3_600
    return bill.encode(
        bill.Bill(
            node=made.NODE,
            origin=made.ORIGIN,
            size=19,
            root=merkle.root(19, LOG.reader()),
            period=bill.Period(day_s, day_s + 86_400),
            contract="",
            issued_s=day_s + 90_000,
            lines=(
                bill.Line(
                    made.CONTRACT, 8, 16, queries=2, answers=2, repeated=1, rows=6, cells=12, row_buckets=20,
                    cpu_units=2, micro_rho=5_000, delta_e12=5, fen=241,
                    shares=(Share("省医保局", 96), Share("省卫健委", 145)),
                ),
                bill.Line(made.OTHER, 13, 14, 1, micro_rho=1_000, delta_e12=7, fen=80),
            ),
        )
    )


def opened() -> Step:
    """Return the first step of a finding about the example log."""
    inspector = connector_id.build("5", "11140000MB0GTTTT0X", "1401", "N1P2Q3R4")
    place, until = (made.ORIGIN, OUTCOME), made.START_S + 7 * 86_400
    words = "该回执未披露查询，请补充"
    return Step(made.CONTRACT, Act.OPENED, inspector, made.NODE, "", made.START_S, words, *place, until)


def changed() -> key_change.KeyChange:
    """Return the exchange of the receipt key."""
    old, new = made.RECEIPT_KEY.public, made.signer("receipt two").public
    place = (made.ORIGIN, 20, made.START_S + 1_200)
    return key_change.KeyChange(made.NODE, KeyUse.RECEIPT, KeyEnd.ROTATED, old, new, *place, "年度更换")


def price_clauses() -> Json:
    """Return the two clauses of a contract about prices."""
    agreed = replace(made.TERMS, tariff=price_cases.TARIFF, grants=(*made.TERMS.grants, Grant("claims", ("drug",))))
    written = contract.encode(replace(agreed, split=price_cases.BY_ROWS))
    (permission,) = json_members.items(written, "permission")
    members = json_members.exact(permission, frozenset({"action", "constraint", "target"}))
    names = {"yanmen:tariff", "yanmen:split"}
    clauses = json_members.items(members, "constraint")
    return [clause for clause in clauses if isinstance(clause, dict) and clause["leftOperand"] in names]


def document(text: str) -> str:
    """Return `text` with every example between its markers made anew."""
    for name, make in EXAMPLES.items():
        begin, end = f"<!-- begin {name} -->\n", f"\n<!-- end {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        parts = pattern.split(text)
        if len(parts) != 2:
            raise SystemExit(f"docs/FORMATS.md: example {name!r} does not stand there once")
        text = parts[0] + begin + make() + end + parts[1]
    return text


# Vectors ---------------------------------------------------------------------------------------------


def receipts() -> Json:
    """Return receipts with proofs, good and bad; bad ones are named by what is wrong with them."""
    sdjwt, proof_text = LOG.sdjwts[REFUSED], LOG.proof(REFUSED)
    leaf, first, *_ = sdjwt.split("~")
    head = receipt.decode(sdjwt).leaf.head
    payload = receipt_draft.draft(head, {}, [], [bytes([number]) * 32 for number in range(24)]).payload
    kid = keys.thumbprint(made.RECEIPT_KEY.public)
    covert = {**payload, "pad": "x" + str(payload["pad"])[1:]}
    forged = base64url.encode(json_canonical.encode([base64url.encode(bytes(16)), "price", {"fen": 0}]))
    parsed = proof.decode(proof_text)
    path = parsed.path
    other = notes.sign_checkpoint(
        Checkpoint(checkpoint.origin(made.CONSUMER, 2026), 19, merkle.root(19, LOG.reader())), made.LOG_KEY
    )
    unsigned = notes.sign_note(parsed.checkpoint.text, made.ORIGIN, made.MEMBER_KEY)
    cases = {
        "good_whole": (sdjwt, proof_text),
        "good_nothing_disclosed": (f"{leaf}~", proof_text),
        "good_older_checkpoint": (sdjwt, LOG.proof(REFUSED, 14)),
        "bad_leaf_signature": (_flip(sdjwt, sdjwt.index("~") - 20), proof_text),
        "bad_leaf_key": (
            receipt.join(jose.sign_jws({}, payload, made.MEMBER_KEY, kid, receipt.TYP), ()),
            proof_text,
        ),
        "bad_leaf_type": (
            receipt.join(jose.sign_jws({}, payload, made.RECEIPT_KEY, kid, "yanmen-request+jwtxxx"), ()),
            proof_text,
        ),
        "bad_leaf_padding": (
            receipt.join(jose.sign_jws({}, covert, made.RECEIPT_KEY, kid, receipt.TYP), ()),
            proof_text,
        ),
        "bad_leaf_not_logged": (
            receipt.join(jose.sign_jws({}, payload, made.RECEIPT_KEY, kid, receipt.TYP), ()),
            proof_text,
        ),
        "bad_disclosure_altered": (_flip(sdjwt, len(leaf) + 30), proof_text),
        "bad_disclosure_not_referenced": (f"{sdjwt}{forged}~", proof_text),
        "bad_disclosure_twice": (f"{sdjwt}{first}~", proof_text),
        "bad_receipt_no_tilde": (sdjwt[:-1], proof_text),
        "bad_proof_index": (sdjwt, proof_text.replace(f"index {REFUSED}", f"index {REFUSED + 1}")),
        "bad_proof_index_leading_zero": (sdjwt, proof_text.replace("index ", "index 0")),
        "bad_proof_extra": (sdjwt, proof_text.replace("\nindex", "\nextra QQ==\nindex")),
        "bad_proof_path": (sdjwt, proof.encode(replace(parsed, path=(bytes(32), *path[1:])))),
        "bad_proof_too_short": (sdjwt, proof.encode(replace(parsed, path=path[:-1]))),
        "bad_proof_too_long": (sdjwt, proof.encode(replace(parsed, path=(*path, path[-1])))),
        "bad_checkpoint_signature": (sdjwt, proof.encode(replace(parsed, checkpoint=unsigned))),
        "bad_checkpoint_size": (sdjwt, proof_text.replace("\n20\n", "\n19\n")),
        "bad_checkpoint_of_another_node": (sdjwt, proof.encode(replace(parsed, checkpoint=other))),
    }
    return {
        "cases": [
            {"expect": _verdict(partial(verify_receipt, *pair, made.RECEIPT_KEY.public, made.LOG_KEY.public)),
             "name": name, "proof": pair[1], "sdjwt": pair[0]}
            for name, pair in cases.items()
        ],
        "log_key": base64url.encode(made.LOG_KEY.public),
        "receipt_key": base64url.encode(made.RECEIPT_KEY.public),
    }  # fmt: skip


def consistency() -> Json:
    """Return pairs of checkpoints with proofs, good and bad."""

    def head(size: int) -> bytes:
        return note.encode(LOG.checkpoint(size))

    fork = made.specimen("fork")
    path = merkle.consistency(7, 19, LOG.reader())
    cases = {
        "good_grown": (head(7), head(19), path),
        "good_unchanged": (head(19), head(19), ()),
        "good_power_of_two": (head(8), head(19), merkle.consistency(8, 19, LOG.reader())),
        "bad_went_back": (head(19), head(7), path),
        "bad_forked": (head(7), note.encode(fork.checkpoint()), merkle.consistency(7, 19, fork.reader())),
        "bad_path_short": (head(7), head(19), path[:-1]),
        "bad_path_altered": (head(7), head(19), (bytes(32), *path[1:])),
    }
    return {
        "cases": [
            {
                "expect": _verdict(partial(verify_consistency, *case, made.LOG_KEY.public)),
                "hashes": [base64url.encode(item) for item in case[2]],
                "name": name,
                "new": case[1].decode(),
                "old": case[0].decode(),
            }
            for name, case in cases.items()
        ],
        "log_key": base64url.encode(made.LOG_KEY.public),
    }


def _flip(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def _verdict(check: Callable[[], object]) -> str:
    try:
        check()
    except (Malformed, BadProof, BadSignature) as error:
        return {"Malformed": "malformed", "BadProof": "bad proof", "BadSignature": "bad signature"}[
            type(error).__name__
        ]
    return "valid"


FILES: dict[Path, Callable[[], str]] = {
    VECTORS / "receipts.json": lambda: indented(receipts()) + "\n",
    VECTORS / "prices.json": lambda: indented(price_cases.cases()) + "\n",
    VECTORS / "consistency.json": lambda: indented(consistency()) + "\n",
    FORMATS: lambda: document(FORMATS.read_text(encoding="utf-8")),
}


def main(arguments: list[str]) -> int:
    """Write or check every file and return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/vectors [--check]", file=sys.stderr)
        return 2
    stale: list[Path] = []
    for path, make in FILES.items():
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not arguments:
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'differs, run scripts/vectors' if arguments else 'written'}")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
