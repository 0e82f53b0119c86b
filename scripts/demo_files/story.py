"""The questions of the demo: what is asked, by whom, under which contract, and what must come of it."""

import shutil
import time
from pathlib import Path

import pandas as pd
import yanmen
from demo_files.stage import Stage, command, done
from demo_files.town import AGGREGATORS, Town

PURPOSE = (
    "--scenario",
    "chronic-2026",
    "--purpose",
    "慢病负担统计 burden of chronic disease",
    "--legal-basis",
    "依申请",
)
BANDS = "CASE WHEN age < 40 THEN '18-39' WHEN age < 60 THEN '40-59' ELSE '60+' END"
RESIDENTS = (
    f"SELECT {BANDS} AS band, count(DISTINCT id) AS persons, avg(bmi) AS mean_bmi FROM nafld1"
    " GROUP BY band ORDER BY band"
)
CHOLESTEROL = (
    "SELECT test, count(DISTINCT id) AS persons, avg(value) AS mean FROM nafld2 WHERE test IN ('hdl', 'chol')"
    " GROUP BY test HAVING count(DISTINCT id) > 100"
)
DIAGNOSES = (
    "SELECT event, count(DISTINCT id) AS persons FROM nafld3 GROUP BY event"
    " HAVING count(DISTINCT id) > 500 ORDER BY persons DESC LIMIT 5"
)
COMORBID = (
    "SELECT count(DISTINCT a.id) AS persons FROM nafld3 a JOIN nafld3 b ON a.id = b.id"
    " WHERE a.event = 'htn' AND b.event = 'diabetes'"
)
EMPLOYERS = (
    "SELECT sector, count(DISTINCT firm) AS firms, sum(emp) AS employed FROM enterprises WHERE year = 1980"
    " GROUP BY sector ORDER BY sector"
)
COUNTIES = "SELECT code, name FROM divisions WHERE province = '山西省' ORDER BY code LIMIT 6"
CHRONIC = (
    "SELECT CASE WHEN p.age < 60 THEN '18-59' ELSE '60+' END AS band, count(*) AS n,"
    " avg(l.value) AS mean FROM nafld1 p JOIN nafld2 l ON p.id = l.id"
    " WHERE l.test = 'chol' AND p.id IN (SELECT d.id FROM nafld3 d WHERE d.event = 'htn') GROUP BY band ORDER BY band"
)
CHRONIC_MICRO_RHO = 100_000
ACROSS = "SELECT avg(l.value) AS mean FROM nafld1 p JOIN nafld2 l ON p.id = l.id WHERE l.test = 'hdl' AND p.age >= 60"


JOINABLE = ("--micro-rho", "200000", "--per-query-max", str(CHRONIC_MICRO_RHO))


class Story:
    """Carries the contracts from step to step."""

    def __init__(self, town: Town, stage: Stage) -> None:
        """Tell it about `town`."""
        self.town = town
        self.stage = stage
        self.contracts: dict[str, str] = {}
        self.offering_s = 0.0
        self.identity = town.path("datalab")

    # Contracts ------------------------------------------------------------------------------------

    def offer(self, name: str, at: str, grant: str, price: int, *more: str) -> dict[str, object]:
        """Offer terms and remember the contract's id."""
        words = ("contract", "request", "--as", self.identity, "--at", at, "--grant", grant, "--price", str(price))
        began = time.monotonic()
        answer = done(*words, *PURPOSE, *more)
        self.offering_s = max(self.offering_s, time.monotonic() - began)
        self.contracts[name] = str(answer["id"])
        return answer

    def by_rule(self, name: str, at: str, grant: str, price: int, *more: str) -> tuple[bool, str]:
        """Offer terms that the owner's rule approves."""
        answer = self.offer(name, at, grant, price, *more)
        return answer["status"] == "active", f"{answer['id']}: {answer['status']} ({answer['decided_by']})"

    def by_person(self) -> tuple[bool, str]:
        """Offer terms on important data, which wait for two officers' signatures and three reasons."""
        waiting = self.offer("labs", "health", "nafld2:id,test,value", 1000, *JOINABLE)
        health, contract = self.town.path("health"), self.contracts["labs"]
        code, bare = command("contract", "approve", health, contract, "--by", "张某（首席数据官）")
        (queued,) = done("approval", "list", health)["waiting"]
        reasons = ("--necessity", "无其他来源", "--legality", "依职责", "--security", "仅输出差分隐私结果")
        about = ("--at", "health", "--contract", contract, "--offer-sha256", queued["offer_sha256"], *reasons)
        answer: dict[str, object] = {}
        for officer, act in (("steward", "review"), ("chief", "decide")):
            signed = self.town.path(f"{act}.jws")
            done("approval", act, "--as", self.town.path(officer), *about, signed)
            answer = done("approval", "record", health, signed)
        ok = waiting["status"] == "pending" and code == 1 and answer["status"] == "active"
        text = f"offered: {waiting['status']}\nby a name alone: refused, {bare.get('reason')}"
        return ok, f"{text}\nreviewed, then decided, each signed: {answer['id']}: {answer['status']}"

    # Questions ------------------------------------------------------------------------------------

    def answered(self, at: str, contract: str, sql: str) -> tuple[bool, str]:
        """Explain, ask, and hold the answer to what was quoted."""
        with yanmen.connect(at, identity=self.identity) as node:
            quote = node.explain(sql, contract=self.contracts[contract])
            answer = node.query(sql, contract=self.contracts[contract])
        same = quote.price == answer.price and quote.micro_rho == answer.micro_rho
        widths = {label: width for label, width in quote.width.items() if width is not None}
        same &= all(set(answer.width[label]) <= {width} for label, width in widths.items())
        quoted = ", ".join(f"{label} ± {width:.4g}" for label, width in widths.items()) or "exact"
        text = f"{sql}\nexplain: {quoted}; {quote.price} yuan; {quote.micro_rho} micro-rho"
        return same and bool(answer.rows()), f"{text}\n{answer}"

    def joined(self) -> tuple[bool, str]:
        """Ask one question of three departments' tables, and hold it to the quote and to the sources."""
        parts = (("civil", "residents"), ("health", "labs"), ("insurance", "diagnoses"))
        nodes = [word for at, name in parts for word in ("--node", f"{at}={self.contracts[name]}")]
        nodes += [word for _, alias, _ in AGGREGATORS for word in ("--aggregator", alias)]
        words = ("--as", self.identity, *nodes, "--micro-rho", str(CHRONIC_MICRO_RHO))
        quote = done("join", *words, "--explain", CHRONIC)
        saved = self.town.path("joined")
        answer = done("join", *words, "--save", saved, CHRONIC)
        checked = done("verify-federation", saved, "--register", self.town.register, *self.key)
        truth, ok = self.plain(), answer["price_fen"] == quote["price_fen"] and len(answer["departments"]) == len(parts)
        lines = [CHRONIC, f"quoted 报价 {quote['price_fen']} fen; 回执与总和核验 verified: {checked['mode']}"]
        for row, width in zip(answer["rows"], answer["width"], strict=True):
            (rows, mean), told = truth[row["band"]], float(row["mean"])
            shown = f"{row['n']} rows, mean {told:.2f} ± {width[2]:.2f}"
            lines.append(f"{row['band']}: {shown} (plainly 明文 {rows}, {mean:.2f})")
            ok &= width[1] == quote["width"]["n"] and abs(told - mean) < 4 * width[2]
        return ok and len(lines) == len(truth) + 2, "\n".join(lines)

    def plain(self) -> dict[str, tuple[int, float]]:
        """Return what the question would give over all tables in one place: nobody but the demo can see it."""
        persons = pd.read_parquet(self.town.path("sources", "nafld1.parquet"))
        values = pd.read_parquet(self.town.path("sources", "nafld2.parquet"))
        events = pd.read_csv(self.town.path("sources", "nafld3.csv"))
        values = values[(values.test == "chol") & values.id.isin(events[events.event == "htn"].id)]
        rows = values.merge(persons[["id", "age"]], on="id")
        rows = rows.assign(band=["18-59" if age < 60 else "60+" for age in rows.age])
        return {str(band): (len(part), float(part.value.mean())) for band, part in rows.groupby("band")}

    @property
    def key(self) -> tuple[str, str]:
        """The space's public key, as the verifiers take it."""
        return "--space-key", str(self.town.space / "space.vkey")

    def repeated(self) -> tuple[bool, str]:
        """Ask again: the same answer, free, so that noise cannot be averaged away."""
        with yanmen.connect("civil", identity=self.identity) as node:
            first = node.query(RESIDENTS, contract=self.contracts["residents"])
            second = node.query(RESIDENTS, contract=self.contracts["residents"])
        ok = first.rows() == second.rows() and second.repeated and second.price == 0 and second.micro_rho == 0
        return ok, f"same figures, {second.price} yuan, receipt no. {second.receipt.index} of its own"

    def refused(self, at: str, contract: str, sql: str, reason: str) -> tuple[bool, str]:
        """Ask what must be refused for `reason`."""
        try:
            with yanmen.connect(at, identity=self.identity) as node:
                answer = node.query(sql, contract=self.contracts[contract])
        except yanmen.Refused as refusal:
            receipt = "none" if refusal.receipt is None else f"no. {refusal.receipt.index}"
            instead = "".join(f"\ncan be answered 可改问: {question}" for question in refusal.instead)
            text = f"{sql}\nrefused: {refusal}{instead}\nreceipt {receipt}"
            return refusal.reason.value == reason and refusal.receipt is not None, text
        return False, f"{sql}\nanswered!\n{answer}"

    def expired(self) -> tuple[bool, str]:
        """Make a contract of two seconds, or longer where offering one takes long, and ask after its end."""
        seconds = max(2.0, 4 * self.offering_s)
        terms = ("--days", str(seconds / 86400), "--micro-rho", "10000")
        self.offer("short", "civil", "nafld1:age,id", 500, *terms)
        time.sleep(seconds + 0.5)
        return self.refused("civil", "short", "SELECT count(DISTINCT id) AS n FROM nafld1", "CONTRACT_EXPIRED")

    def spent(self) -> tuple[bool, str]:
        """Spend a contract's whole budget with one question, then ask another."""
        self.offer("small", "civil", "nafld1:age,id,male", 500, "--micro-rho", "10000")
        ok, first = self.answered("civil", "small", "SELECT count(DISTINCT id) AS men FROM nafld1 WHERE male = 1")
        no, second = self.refused(
            "civil", "small", "SELECT count(DISTINCT id) AS women FROM nafld1 WHERE male = 0", "BUDGET_SPENT"
        )
        return ok and no, f"{first}\n{second}"

    def revoked(self) -> tuple[bool, str]:
        """Revoke a contract at the node and ask at once."""
        self.offer("brief", "civil", "nafld1:age,id", 500, "--micro-rho", "10000")
        done("contract", "revoke", self.town.path("civil"), self.contracts["brief"], "--by", "张某")
        return self.refused("civil", "brief", "SELECT count(DISTINCT id) AS n FROM nafld1", "CONTRACT_REVOKED")

    # Attack, cancel -------------------------------------------------------------------------------

    def differencing(self) -> tuple[bool, str]:
        """Ask with and without one known person and look at the difference; the attacker knows age, sex and weight."""
        frame = pd.read_parquet(self.town.path("sources", "nafld1.parquet"))
        frame = frame[frame.bmi.notna()].assign(bmi=lambda rows: rows.bmi.round(1))
        alone = frame[~frame.duplicated(["age", "male", "bmi"], keep=False)]
        known = alone[alone.status == 1].iloc[-1]
        age, male, bmi, person = int(known.age), int(known.male), f"{known.bmi:.1f}", int(known.id)
        base = "SELECT count(DISTINCT id) AS n FROM nafld1 WHERE status = 1"
        without = f"{base} AND NOT (age = {age} AND male = {male} AND COALESCE(bmi, 10.0) = {bmi})"
        with yanmen.connect("civil", identity=self.identity) as node:
            answers = [node.query(sql, contract=self.contracts["residents"]) for sql in (base, without)]
        values = [int(str(answer.rows()[0]["n"])) for answer in answers]
        width = sum(answer.width["n"][0] or 0.0 for answer in answers)
        sex = "male" if male else "female"
        lines = (
            base,
            without,
            f"Only id {person} is {age} years old, {sex} and of BMI {bmi}, and died: the true difference is 1.",
            f"released difference {values[0]} - {values[1]} = {values[0] - values[1]} ± {width:.0f}: "
            f"the noise is {width:.0f} times the person's whole contribution",
        )
        return width > 10, "\n".join(lines)

    def cancelled(self) -> tuple[bool, str]:
        """Stop a running question; what it was charged stays charged. On a busy machine the first may end before."""
        for days in range(4):
            ok, text = self.stopped(f"SELECT event, sum(days) AS s FROM nafld3 WHERE days > {days} GROUP BY event")
            if ok:
                break
        return ok, text

    def stopped(self, sql: str) -> tuple[bool, str]:
        """Submit `sql`, wait until its budget is debited, and cancel it."""
        contract = self.contracts["diagnoses"]
        with yanmen.connect("insurance", identity=self.identity) as node:
            before = node.balance(contract).micro_rho_left
            job = node.submit(sql, contract=contract)
            until = time.monotonic() + 60
            while node.balance(contract).micro_rho_left == before and time.monotonic() < until:
                time.sleep(0.05)
            began = time.monotonic()
            job.cancel()
            try:
                job.fetch(timeout=30)
            except yanmen.Refused as refusal:
                seconds = time.monotonic() - began
                index = None if refusal.receipt is None else refusal.receipt.index
                ok = refusal.reason.value == "CANCELLED" and index is not None and seconds < 2
                return ok, f"{sql}\nstopped after {seconds:.2f} s: {refusal.reason.value}, receipt no. {index}"
        return False, "it answered"

    # The auditor ----------------------------------------------------------------------------------

    def audited(self) -> tuple[bool, str]:
        """Export every log and verify it with nothing but the files and the space's public key."""
        lines, ok = [], True
        for alias in ("civil", "health", "insurance"):
            bundle = self.town.path("audit", alias)
            Path(bundle).parent.mkdir(exist_ok=True)
            done("receipts", "export", self.town.path(alias), bundle)
            code, report = self.verify(bundle)
            stages = ", ".join(f"{count} {stage}" for stage, count in report["stages"].items())
            lines.append(f"{alias}: {report['verified']} of {report['size']} receipts hold ({stages})")
            ok &= code == 0 and report["ok"] and report["verified"] == report["size"]
        return ok, "\n".join(lines)

    def verify(self, bundle: str) -> tuple[int, dict[str, object]]:
        """Run the auditor's verifier."""
        return command("verify", bundle, *self.key)

    def altered(self) -> tuple[bool, str]:
        """Change one character of one receipt."""
        bundle = self.copy("altered")
        path = sorted((bundle / "receipts").glob("*.sdjwt"))[-1]
        text = path.read_text()
        place = text.index(".") + 40
        path.write_text(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
        return self.caught(bundle, path.stem)

    def deleted(self) -> tuple[bool, str]:
        """Make one refusal disappear."""
        bundle = self.copy("deleted")
        index = refusal_index(bundle)
        for path in bundle.glob(f"*/{index:08d}.*"):
            path.unlink()
        return self.caught(bundle, f"{index:08d}")

    def copy(self, name: str) -> Path:
        """Copy the civil node's bundle."""
        target = Path(self.town.path("audit", name))
        shutil.copytree(self.town.path("audit", "civil"), target)
        return target

    def caught(self, bundle: Path, stem: str) -> tuple[bool, str]:
        """Verify a bundle that must not hold and must say where."""
        code, report = self.verify(str(bundle))
        findings = report["findings"]
        assert isinstance(findings, list)
        about = [finding for finding in findings if finding["index"] == int(stem)]
        shown = "\n".join(f"{finding['en']} · {finding['zh']}" for finding in (about or findings)[:3])
        return code == 1 and not report["ok"] and bool(about), shown


def refusal_index(bundle: Path) -> int:
    """Return the index of the last refusal in the bundle, as leaves.txt lists it."""
    stages = [line.split()[0] for line in (bundle / "leaves.txt").read_text().splitlines()]
    return max(index for index, stage in enumerate(stages) if stage == "refused")
