#!/usr/bin/env python3
"""Checks an audit bundle. One file to carry and to read: Python 3.11 and the package `cryptography`, no more.

    python3 carry-auditor.py BUNDLE SPACE_VKEY     exit 0: it holds; 1: it does not; 2: not for this program; and why

 1. The space's key, got another way than the bundle, signed the register; it lists the node and its two keys.
 2. The log key signed the head; the leaf hashes give its root.
 3. Every leaf is 2,560 bytes, canonical, signed by the receipt key; the first alone is a genesis; no time goes back.
 4. Every receipt belongs to its leaf, with every disclosure referenced once; every proof leads to the head.
 5. Each contract's series is complete. Every intent is closed once, by a leaf that says the same.
 6. Every charge was asked for in a request that the consumer's registered key signed, used once.
 7. Every use keeps to the offer that key signed, as the receipt key accepted it: dates, scenario, datasets and
    columns, price, charge, and the sums so far.
 8. The totals that the node states are those of the receipts.
 9. Where the register says that a key ended, the log says so, signed by the keys concerned; nothing is signed by a
    key that had ended, or had not begun.

10. What a receipt does not say, a later leaf names as destroyed, of a use whose contract's term was over by then.

docs/FORMATS.md has the formats. Bills, units, noise, mirrors, witnesses and the log before are left to `yanmen verify`,
and so are contracts negotiated in rounds, amended, signed by more sides or proved deleted: those it does not judge.
"""

import base64
import hashlib
import json
import os
import re
import stat
import sys
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LEAF_BYTES, DIGESTS, RUNNING_S, DAY_S, CIVIL_S, MIB = 2560, 24, 600, 86_400, 28_800, 2**20
SAME = ["contract", "contract_digest", "consumer", "cnf", "scenario", "datasets", "policy", "request", "query", "plan"]
SAME += ["release", "budget", "price"]
ASKED = {"cnf", "scenario", "datasets", "request", "query", "release"}
LIMITS = {"rho": "yanmen:microRho", "rho_max": "yanmen:microRhoPerQuery", "delta": "yanmen:deltaE12"}
LIMITS |= {"queries": "count", "per_day": "yanmen:countPerDay", "retention": "yanmen:retentionDays"}
USES = {"explained", "intent", "outcome", "refused", "aborted", "acknowledged"}
SUMS = ("queries", "micro_rho", "delta_e12", "fen")
BEYOND = ("yanmen:round", "yanmen:amends", "yanmen:signers")
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


class NotValid(Exception):
    """The bundle does not hold."""


class NotJudged(Exception):
    """The bundle says what this program does not read."""


def demand(holds, what):
    if not holds:
        raise NotValid(what)


def text_of(path, most, encoding="ascii"):
    """Return the text of a regular file of bounded size: no link, no pipe that keeps waiting, no endless device."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        demand(stat.S_ISREG(os.fstat(file.fileno()).st_mode), f"{path} is no regular file")
        data = file.read(most + 1)
    demand(len(data) <= most, f"{path} is too long")
    return data.decode(encoding)


# Bytes and signatures ---------------------------------------------------------------------------------


def unbase64(text, alphabet=b"-_"):
    """Decode base64url without padding (or base64, if said so) in its one canonical spelling."""
    url = alphabet == b"-_"
    data = base64.b64decode(text + "=" * (-len(text) % 4 if url else 0), altchars=alphabet, validate=True)
    again = base64.b64encode(data, altchars=alphabet).decode()
    demand((again.rstrip("=") if url else again) == text, "base64 that is not canonical")
    return data


def unjson(data):
    """Decode JSON in its one canonical spelling (RFC 8785)."""
    value = json.loads(data)
    again = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    demand(again.encode() == data, "JSON that is not canonical")
    return value


def prime_order(key):
    """Demand that a public key is canonical and in the main subgroup: then Ed25519 implementations agree on it."""
    y, sign = int.from_bytes(key, "little") & (1 << 255) - 1, key[31] >> 7
    demand(len(key) == 32 and y < P, "a key is not a canonical point")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    demand(x * x % P == square and (x or not sign), "a key is not a point")
    x, total, point, order = (x if x & 1 == sign else P - x) % P, (0, 1), None, L
    demand((x, y) != (0, 1), "a key is the identity")
    point = (x, y)
    while order:
        total, point, order = added(total, point) if order & 1 else total, added(point, point), order >> 1
    demand(total == (0, 1), "a key is not of prime order")


def added(one, other):
    (a, b), (c, d) = one, other
    k = D * a * b * c * d % P
    return (a * d + b * c) * pow(1 + k, -1, P) % P, (b * d + a * c) * pow(1 - k, -1, P) % P


def verify(key, message, signature):
    """Demand a signature that every Ed25519 implementation accepts; the key was checked by `prime_order`."""
    demand(len(signature) == 64 and signature[:32] != b"\x01" + bytes(31), "not a signature")
    demand(int.from_bytes(signature[32:], "little") < L, "not a canonical signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise NotValid("a signature does not verify") from None


def jws(token, key, *types):
    """Return the payload of a compact JWS of one of these types."""
    first, payload, signature = token.split(".")
    verify(key, f"{first}.{payload}".encode("ascii"), unbase64(signature))
    header = unjson(unbase64(first))
    demand(set(header) == {"alg", "kid", "typ"} and header["alg"] == "Ed25519", "another kind of JWS")
    jwk = '{"crv":"Ed25519","kty":"OKP","x":"%s"}' % base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).rstrip(b"=").decode()
    demand(header["typ"] in types and header["kid"] == thumbprint, "signed as something else, or by another key")
    return unjson(unbase64(payload))


# The tree ---------------------------------------------------------------------------------------------


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes):
    """Return the root over leaf hashes (RFC 6962, section 2.1)."""
    stack = []
    for index, current in enumerate(hashes):
        while index & 1:
            current, index = node_hash(stack.pop(), current), index >> 1
        stack.append(current)
    root = stack.pop()
    while stack:
        root = node_hash(stack.pop(), root)
    return root


def climb(index, size, current, path):
    """Return the root that an audit path leads to (RFC 9162, section 2.1.3.2)."""
    node, last = index, size - 1
    for sibling in path:
        demand(last > 0, "an audit path is too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    demand(last == 0, "an audit path is too short")
    return current


def head_of(note, origin, key):
    """Return size and root of a checkpoint that the log's key signed (C2SP signed-note, tlog-checkpoint)."""
    form = re.compile(rf"({re.escape(origin)}\n([1-9][0-9]*)\n([^\n]+)\n)\n((?:— [^\n ]+ [^\n ]+\n)+)")
    found = form.fullmatch(note)
    demand(found, "not a head of this log")
    key_id = hashlib.sha256(f"{origin}\n".encode() + b"\x01" + key).digest()[:4]
    lines = [line.split(" ") for line in found[4].splitlines()]
    ours = [unbase64(text, b"+/") for _, name, text in lines if name == origin]
    ours = [each[4:] for each in ours if each[:4] == key_id]
    demand(ours, "the log did not sign the head")
    for signature in ours:
        verify(key, found[1].encode(), signature)
    return int(found[2]), unbase64(found[3], b"+/")


def order(origin):
    """Return where a log stands among its node's: year and number."""
    year, _, number = origin.rpartition("/")[2].partition("-")
    return (int(year), int(number or 1)) if origin else (0, 0)


def key_at(party, use, origin, index):
    """Return the key that counts for a leaf, a head (by its last leaf) or, for a member, the register in force."""
    for each in party.get("former_keys", []):
        bound = each["index"] + (each["use"] == "receipt" and each["end"] == "rotated")
        if each["use"] == use and (*order(origin), index) < (*order(each["origin"]), bound):
            return unbase64(each["key"])
    return unbase64(party["log_key" if use == "log" else "signing_key"])


# Leaves and receipts ----------------------------------------------------------------------------------


def receipt_of(text, leaf, key, node):
    """Return the clear members of a leaf and what its receipt discloses."""
    first, *disclosures, end = text.split("~")
    demand(end == "" and first == leaf and len(leaf) == LEAF_BYTES, "a receipt is not that of its leaf")
    said = jws(leaf, key, "yanmen-receipt+sd-jwt")
    members = {"_sd", "_sd_alg", "iat", "intent", "iss", "jti", "pad", "stage", "suite"}
    demand(set(said) == members and said["suite"] == "yanmen-1-Ed25519-SHA256", "a leaf of another form")
    demand(said["_sd_alg"] == "sha-256" and not said["pad"].strip("."), "a leaf of another form")
    demand(len(said["_sd"]) == DIGESTS and said["_sd"] == sorted(set(said["_sd"])), "not 24 digests in order")
    demand(said["iss"] == node and said["iat"] % 60 == 0, "a leaf of another node, or not of a whole minute")
    slots, seen = {}, set()
    for text in disclosures:
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        demand(digest in said["_sd"] and digest not in seen, "a disclosure is not the leaf's, or is given twice")
        salt, name, value = unjson(unbase64(text))
        demand(len(unbase64(salt)) == 16 and name not in slots, "a slot is disclosed twice")
        seen.add(digest)
        slots[name] = value
    return said, slots


class Log:
    """The leaves so far, and what they make of contracts, series and sums."""

    def __init__(self, party, origin, parties):
        self.party, self.node, self.origin, self.parties = party, party["id"], origin, parties
        self.serial, self.exchanged, self.answers = 0, set(), set()
        self.time, self.ids, self.series, self.open = 0, set(), {}, {}
        self.contracts, self.spaces, self.days, self.requests, self.units = {}, {}, {}, {}, {}
        self.continues, self.begun, self.ceilings = False, {}, {}

    def add(self, index, digest, said, slots, erased_at):
        """Take in the next leaf; a later one may say that of this one much was erased, and when."""
        stage, erased = said["stage"], erased_at is not None and not set(slots) >= ASKED
        demand((stage == "genesis") == (index == 0), "a genesis out of place")
        demand(said["iat"] >= self.time and said["jti"] not in self.ids, "older than the leaf before, or its id again")
        self.time = said["iat"]
        self.ids.add(said["jti"])
        contract, place = slots.get("contract", ""), slots["series"]
        if erased_at is not None:
            due = stage in USES and said["iat"] + self.contracts[contract]["terms"]["retention"] * DAY_S <= erased_at
            demand(due, "erased before its contract's term was over")
        before = self.series.get(contract, {"n": 0, "hash": ""})
        demand(place == {"n": before["n"] + 1, "prev": before["hash"]}, "a leaf of its series is missing")
        self.series[contract] = {"n": place["n"], "hash": digest}
        if stage == "dataset" and slots["subject"].get("status") == "published":
            self.units.update({each["name"]: each["unit"] for each in slots["datasets"]})
            self.ceilings.update({each["name"]: slots["subject"]["price_ceiling_fen"] for each in slots["datasets"]})
        if stage == "genesis" and "continues" in slots["subject"]:
            self.begin(slots["subject"]["continues"])
        if stage == "member" and "register" in slots["subject"]:
            demand(slots["subject"]["register"] >= self.serial, "a register that went back")
            self.serial = slots["subject"]["register"]
        if stage == "key" and {"by_new", "by_old"} & set(slots["subject"]):
            self.exchange(index, slots["subject"])
        if stage in ("contract", "approval"):
            self.agree(contract, slots, stage, index)
        elif stage == "intent":
            self.debit(contract, said, slots, erased)
            self.open[digest] = (said["iat"], slots, erased)
        elif stage in ("outcome", "aborted"):
            self.close(said, slots, stage, erased)

    def begin(self, told):
        """Begin with the sums of the log before, which is verified by itself."""
        self.continues, self.begun = (
            True,
            {name: dict(zip(SUMS, sums, strict=True)) for name, *sums in told["contracts"]},
        )
        self.spaces = {name: {"micro_rho": rho, "delta_e12": delta} for name, rho, delta in told["spaces"]}

    def signed(self, token, party, use, now, typ):
        """Return what `token` says, signed with the key that counts now; one said again, also with one from before."""
        former = [unbase64(each["key"]) for each in party.get("former_keys", []) if each["use"] == use]
        for key in former if self.continues else []:
            try:
                return jws(token, key, typ)
            except NotValid:
                continue
        return jws(token, now, typ)

    def exchange(self, index, subject):
        """Hold the exchange of a key to both keys' signatures, to its place and to the register."""
        claimed = unjson(unbase64(subject["by_new"].split(".")[1]))
        change = jws(subject["by_new"], unbase64(claimed["new"]), "yanmen-key+jws")
        rotated = change["end"] == "rotated"
        demand(rotated or subject["by_old"] == "", "a revoked key that speaks")
        if rotated:
            demand(jws(subject["by_old"], unbase64(change["old"]), "yanmen-key+jws") == change, "another exchange")
        place = (change["party"], change["origin"], change["index"])
        demand(place == (self.node, self.origin, index), "the exchange of a key at another place")
        listed = {name: change[name] for name in ("end", "index", "origin", "use")} | {"key": change["old"]}
        demand(listed in self.party.get("former_keys", []), "an exchange that the register does not list")
        after = key_at(self.party, change["use"], self.origin, index + 1)
        demand(after == unbase64(change["new"]), "an exchange for another key than the register lists")
        self.exchanged.add(index)

    def member(self, name):
        """Return the key of a member that counts now."""
        return key_at(self.parties[name], "member", "", self.serial)

    def agree(self, contract, slots, stage, index):
        """Take in a step of a contract, from the signed documents themselves."""
        subject, now = slots["subject"], self.contracts.get(contract)
        ends = subject["status"] == "revoked" and now and now["status"] != "revoked"
        further = subject["document"] and subject["status"] != "pending" and not ends
        if stage == "contract" and (further or beyond(subject)):
            raise NotJudged("a contract with rounds, amendments, more sides, or a proof of deletion: use yanmen verify")
        if subject["status"] == "pending":
            offer = subject["document"]
            demand(now is None and slots["contract_digest"] == sha256(offer), "an offer twice, or another digest")
            consumer = self.parties[slots["consumer"]]
            terms = self.signed(offer, consumer, "member", self.member(slots["consumer"]), "yanmen-offer+jws")
            demand(terms["@id"].replace("-", "") == f"urn:uuid:{contract}", "an offer of another contract")
            demand((terms["assignee"], terms["assigner"]) == (slots["consumer"], self.node), "an offer between others")
            spent = self.begun.get(contract, dict.fromkeys(SUMS, 0))
            self.contracts[contract] = {"status": "pending", "terms": terms_of(terms), "digest": sha256(offer), **spent}
            return
        demand(now and slots["contract_digest"] == now["digest"], "a contract nobody offered")
        if stage == "approval":
            signer = key_at(self.party, "receipt", self.origin, index)
            decision = self.signed(subject["document"], self.party, "receipt", signer, "yanmen-acceptance+jws")
            demand((now["status"], now["digest"]) == ("pending", decision["offer_sha256"]), "another offer's decision")
            demand(decision["decision"] == subject["status"], "a decision recorded otherwise")
        else:
            stopped = {"pending": ["revoked"], "active": ["revoked", "suspended"], "suspended": ["active", "revoked"]}
            demand(subject["status"] in stopped.get(now["status"], []), "a contract that comes back")
        now["status"] = subject["status"]

    def debit(self, contract, said, slots, erased):
        """Hold a charge to the consumer's request and to the terms both signed."""
        now, budget, fen = self.contracts.get(contract), slots["budget"], slots["price"]["fen"]
        demand(now and now["status"] == "active", "a use under a contract that is not in force")
        terms, rho = now["terms"], budget["micro_rho"]
        demand(slots["contract_digest"] == now["digest"], "a use of another offer")
        if not erased:
            self.request(contract, said, slots, rho, fen)
            demand(slots["scenario"]["id"] == terms["scenario"], "another scenario")
        demand(terms["from"] < (said["iat"] + 60) * 1000 and said["iat"] * 1000 < terms["to"], "outside its time")
        names = terms["columns"] if erased else [each["name"] for each in slots["datasets"]]
        ceilings = [self.ceilings[name] for name in names if name in self.ceilings]
        due = price_of(terms, slots["meter"], rho, now["queries"])
        prices = {min(due, each) for each in (ceilings if erased else [min(ceilings)])}
        demand(fen in prices, "another price than signed")
        demand(rho <= terms["rho_max"], "a charge above the highest")
        for each in [] if erased else slots["datasets"]:
            granted = [*terms["columns"].get(each["name"], []), self.units.get(each["name"], "").lower()]
            demand(each["name"] in terms["columns"], "a dataset that is not granted")
            demand({column.lower() for column in each["columns"]} <= set(granted), "a column that is not granted")
        day = (contract, (said["iat"] + CIVIL_S) // DAY_S)
        self.days[day] = self.days.get(day, 0) + 1
        for name, more in (("micro_rho", rho), ("delta_e12", budget["delta_e12"]), ("fen", fen), ("queries", 1)):
            now[name] += more
        demand(now["micro_rho"] <= terms["rho"] and now["delta_e12"] <= terms["delta"], "the budget is overspent")
        demand(now["queries"] <= terms["queries"] and self.days[day] <= terms["per_day"], "more questions than agreed")
        space = self.spaces.setdefault(budget["space"], {"micro_rho": 0, "delta_e12": 0})
        space["micro_rho"] += rho
        space["delta_e12"] += budget["delta_e12"]
        self.spent(now, slots)

    def spent(self, now, slots):
        """Hold the running totals of a leaf to the sums so far."""
        stated = [slots["budget"]["spent_micro_rho"], slots["budget"]["spent_delta_e12"], slots["price"]["spent_fen"]]
        demand(stated == [now["micro_rho"], now["delta_e12"], now["fen"]], "a running total that is not the sum")

    def request(self, contract, said, slots, rho, fen):
        """Hold a charge to what the consumer signed: this node, contract and question, within its maxima."""
        key = self.member(slots["consumer"])
        demand(unbase64(slots["cnf"]["jwk"]["x"]) == key, "a key the register does not list")
        session = slots["request"]["binding"] == "session"
        claims = jws(slots["request"]["jws"], key, "yanmen-session+jwt" if session else "yanmen-request+jwt")
        named = (claims["aud"], claims["iss"], claims["contract"])
        demand(named == (self.node, slots["consumer"], contract), "a request for something else")
        demand(claims["iat"] - 660 < said["iat"] <= claims["exp"] + 3600, "a request signed for another time")
        if not session:
            demand((claims["op"], claims["query_sha256"]) == ("submit", slots["query"]["sha256"]), "another question")
            demand(claims["jti"] not in self.requests, "a request used twice")
        used = self.requests.setdefault(claims["jti"], [0, 0])
        used[0], used[1] = used[0] + rho, used[1] + fen
        demand(used[0] <= claims["max_micro_rho"] and used[1] <= claims["max_price_fen"], "more than was allowed")
        exact = claims["micro_rho"] or self.contracts[contract]["terms"]["rho_usual"]
        demand(claims["scenario"] == self.contracts[contract]["terms"]["scenario"], "a request for another scenario")
        demand(rho == (exact if slots["release"]["class"] == "personal" else 0), "another charge than was asked for")

    def close(self, said, slots, stage, erased):
        """Close an intent with a leaf that says the same, or repeat an answer for nothing."""
        verdict = slots["decision"]["verdict"]
        if said["intent"] in self.open:
            _, intended, gone = self.open.pop(said["intent"])
            told = [name for name in SAME if not ((erased or gone) and name in {*ASKED, "policy", "plan"})]
            differ = [name for name in told if slots.get(name) != intended.get(name)]
            demand(not differ, f"an outcome that says otherwise than its intent: {differ}")
            demand(verdict == ("aborted" if stage == "aborted" else "allowed"), "a verdict that does not fit")
            if stage == "outcome":
                demand(self.contracts[slots["contract"]]["status"] == "active", "an answer after its contract ended")
                self.answers.add((said["jti"], slots["output"]["sha256"]))
            return
        demand(stage == "outcome" and verdict == "repeated", "an outcome without an intent")
        demand((slots["output"]["repeats"], slots["output"]["sha256"]) in self.answers, "an answer never given before")
        demand(not slots["budget"]["micro_rho"] and not slots["price"]["fen"], "a charge for an answer given before")
        self.spent(self.contracts[slots["contract"]], slots)


def beyond(subject):
    """Say whether a contract is one of those that are left to `yanmen verify`."""
    text = unbase64(subject["document"].split(".")[1]).decode() if subject["document"] else ""
    return subject["status"] in ("offered", "agreed") or any(f'"{name}"' in text for name in BEYOND)


def price_of(terms, meter, rho, uses):
    """Return what a use costs by the prices both signed and the units its leaf tells, whatever the ceilings are."""
    tariff = terms["tariff"]
    if tariff is None:
        return terms["fen"]
    milli = terms["fen"] * 1000 + meter["cells"] * tariff["milliFenPerCell"]
    milli += sum(each["buckets"] for each in meter["rows"]) * tariff["milliFenPerRowBucket"]
    milli += meter["cpu_units"] * tariff["milliFenPerCpuUnit"] - (-rho // 1000) * tariff["milliFenPerMilliRho"]
    return 0 if uses < tariff["free"]["uses"] else min(milli // 1000, tariff["mostFen"])


def terms_of(offer):
    """Return what is checked of an offer, an ODRL document of one closed profile."""
    (permission,) = offer["permission"]
    said = {(each["leftOperand"], each["operator"]): each["rightOperand"] for each in permission["constraint"]}

    def number(name, operator="lteq"):
        return int(said[name, operator]["@value"])

    def moment(operator):
        return int(datetime.fromisoformat(said["dateTime", operator]["@value"]).timestamp() * 1000)

    granted = {each["source"]: each["refinement"][0]["rightOperand"] for each in permission["target"]}
    return {
        "columns": {name: [column.lower() for column in columns] for name, columns in granted.items()},
        "scenario": said["purpose", "eq"]["@id"],
        "from": moment("gteq"),
        "to": moment("lt"),
        "fen": number("yanmen:priceFenPerQuery", "eq"),
        "tariff": said.get(("yanmen:tariff", "eq")),
        "rho_usual": number("yanmen:microRhoPerQuery", "eq"),
        **{name: number(limit) for name, limit in LIMITS.items()},
    }


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


# The whole bundle -------------------------------------------------------------------------------------


def audit(bundle, space_vkey):
    """Take all steps, and return what can be said then."""
    typed = unbase64(text_of(space_vkey, 4096).strip().split("+", 2)[2], b"+/")
    demand(len(typed) == 33 and typed[:1] == b"\x01", "not an Ed25519 key")
    prime_order(typed[1:])
    register = jws(text_of(bundle / "register.jws", 2 * MIB), typed[1:], "yanmen-register+jws")
    stated = unjson(text_of(bundle / "bundle.json", 16 * MIB, "utf-8").encode())
    parties = {each["id"]: each for each in register["parties"]}
    node, origin = parties[stated["node"]], stated["origin"]
    demand(node["role"] == "node" and origin.startswith(f"{node['id']}.yanmen/usage-log/"), "no log of this node")
    for each in register["parties"]:
        for key in (each["signing_key"], *(one["key"] for one in each.get("former_keys", []))):
            prime_order(unbase64(key))
    prime_order(unbase64(node["log_key"]))
    log_key = key_at(node, "log", origin, stated["size"] - 1)
    size, root = head_of(text_of(bundle / "checkpoint", MIB, "utf-8"), origin, log_key)
    names = sorted(each.name for each in (bundle / "leaves").iterdir())
    complete = stated["size"] == size == len(names) and names == [f"{index:08}.jws" for index in range(size)]
    demand(complete, "leaves are missing, or too many")
    leaves = [text_of(bundle / "leaves" / name, LEAF_BYTES) for name in names]
    hashes = [leaf_hash(leaf.encode()) for leaf in leaves]
    demand(root_of(hashes) == root, "the leaves do not give the head's root: history was rewritten")
    log, erased = Log(node, origin, parties), erasures(bundle, leaves)
    for index, leaf in enumerate(leaves):
        try:
            key = key_at(node, "receipt", origin, index)
            said, slots = receipt_of(text_of(bundle / f"receipts/{index:08}.sdjwt", MIB), leaf, key, node["id"])
            top, _, note = text_of(bundle / f"receipts/{index:08}.tlog-proof", MIB, "utf-8").partition("\n\n")
            version, line, *path = top.split("\n")
            demand((version, line) == ("c2sp.org/tlog-proof@v1", f"index {index}"), "the proof of another leaf")
            demand(head_of(note, origin, log_key) == (size, root), "a proof under another head")
            demand(climb(index, size, hashes[index], [unbase64(each, b"+/") for each in path]) == root, "another root")
            log.add(index, base64.urlsafe_b64encode(hashes[index])[:43].decode(), said, slots, erased.get(index))
        except NotValid as error:
            raise NotValid(f"leaf {index}: {error}") from error
        except KeyError as error:
            raise NotValid(f"leaf {index} does not say {error}, and no leaf says that it was erased") from error
    dropped = [at for at, *_ in log.open.values() if log.time - at > RUNNING_S]
    demand(not dropped, "an intent has no outcome: it was dropped")
    ended = {each["index"] for each in node.get("former_keys", []) if each["origin"] == origin and each["index"] < size}
    demand(ended == log.exchanged, "the register lists the exchange of a key that the log does not record")
    totals(stated, log)
    return f"VALID: {size} leaves of {origin}; not proven: that the data were true, or that nothing was used elsewhere"


def erasures(bundle, leaves):
    """Return when later leaves say that leaves were erased; each is verified, and held to the terms, in its turn."""
    found = {}
    for index, leaf in enumerate(leaves):
        if (said := unjson(unbase64(leaf.split(".")[1])))["stage"] == "erasure":
            for text in text_of(bundle / f"receipts/{index:08}.sdjwt", MIB).split("~")[1:-1]:
                _, name, value = unjson(unbase64(text))
                for first, last in value["leaves"] if name == "subject" else []:
                    demand(0 <= first <= last < index, "an erasure of what comes after it")
                    found.update(dict.fromkeys(range(first, last + 1), said["iat"]))
    return found


def totals(stated, log):
    """Hold the node's totals to those of the receipts."""
    counted = {name: [log.series[name]["n"], *(each[one] for one in SUMS)] for name, each in log.contracts.items()}
    said = {each["contract"]: [each["leaves"], *(each[one] for one in SUMS)] for each in stated["contracts"]}
    demand(said == counted, "the totals of contracts are not those of the receipts")
    spaces = {each["space"]: [each["micro_rho"], each["delta_e12"]] for each in stated["spaces"]}
    spent = {name: [each["micro_rho"], each["delta_e12"]] for name, each in log.spaces.items() if any(each.values())}
    demand({name: each for name, each in spaces.items() if any(each)} == spent, "the totals of spaces differ")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        print(audit(Path(sys.argv[1]), Path(sys.argv[2])))
    except NotJudged as problem:
        print(f"NOT JUDGED: {problem}", file=sys.stderr)
        sys.exit(2)
    except NotValid as problem:
        sys.exit(f"NOT VALID: {problem}")
    except Exception as problem:  # a file that is missing, or anything but what is expected where it is expected
        sys.exit(f"NOT VALID: {type(problem).__name__}: {problem}")
