"""Checks an audit bundle with sd-jwt, jwcrypto and tlog-scales. Usage: audit.py BUNDLE SPACE_VKEY."""

import base64
import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from jwcrypto import jwk, jws
from sd_jwt.verifier import SDJWTVerifier
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint, InclusionProof


class NotValid(Exception):
    """The bundle does not hold."""


def demand(holds, what):
    if not holds:
        raise NotValid(what)


def opened(token, key, typ):
    found = jws.JWS()
    found.allowed_algs = ["Ed25519", "EdDSA"]
    found.deserialize(token, key, alg="Ed25519")
    demand(found.jose_header["typ"] == typ, f"not a {typ}")
    return json.loads(found.payload)


P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


@cache
def prime_order(key):
    """Return a key that is a canonical point of the main subgroup: on no other do Ed25519 implementations agree."""
    y, sign = int.from_bytes(key, "little") & (1 << 255) - 1, key[31] >> 7
    demand(len(key) == 32 and y < P, "a key is not a canonical point")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    demand(x * x % P == square and (x or not sign), "a key is not a canonical point")
    total, point, order = (0, 1, 1), (x if x & 1 == sign else P - x, y, 1), L
    while order:
        total, point, order = added(total, point) if order & 1 else total, added(point, point), order >> 1
    demand(y != 1 and total[0] == 0 and total[1] == total[2], "a key is not of prime order")
    return key


def added(one, other):
    """Add two points (RFC 8032, section 5.1.4, in projective coordinates)."""
    (x, y, z), (u, v, w) = one, other
    a, c, d = z * w % P, x * u % P, y * v % P
    b, e = a * a % P, D * c * d % P
    f, g = b - e, b + e
    return a * f * ((x + y) * (u + v) - c - d) % P, a * g * (d + c) % P, f * g % P


def order(origin):
    """Return where a log stands among its node's: year and number."""
    year, _, number = origin.rpartition("/")[2].partition("-")
    return int(year), int(number or 1)


def key_at(party, use, origin, index):
    """Return the key that counts for a leaf, or for a head by its last leaf (docs/FORMATS.md, keys that ended)."""
    for each in party.get("former_keys", []):
        bound = each["index"] + (use == "receipt" and each["end"] == "rotated")
        if each["use"] == use and (*order(origin), index) < (*order(each["origin"]), bound):
            return prime_order(base64.urlsafe_b64decode(each["key"] + "="))
    return prime_order(base64.urlsafe_b64decode(party["log_key" if use == "log" else "signing_key"] + "="))


def okp(key):
    text = base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    return jwk.JWK(kty="OKP", crv="Ed25519", x=text)


def head(note, node, origin):
    found = Checkpoint.from_text(note)
    found.verify(Vkey(origin, None, 1, key_at(node, "log", origin, found.size - 1)))
    demand(found.origin == origin and found.serialize() == note, "a head of another log, or not as it is written")
    return found


def audit(bundle, space_vkey):
    space = prime_order(base64.b64decode(space_vkey.read_text().strip().split("+", 2)[2])[1:])
    register = opened((bundle / "register.jws").read_text(), okp(space), "yanmen-register+jws")
    stated = json.loads((bundle / "bundle.json").read_text())
    (node,) = [each for each in register["parties"] if each["id"] == stated["node"] and each["role"] == "node"]
    origin = stated["origin"]
    tree = head((bundle / "checkpoint").read_text(), node, origin)
    demand(len(list((bundle / "leaves").iterdir())) == tree.size, "not as many leaves as the head covers")
    for index in range(tree.size):
        leaf = (bundle / f"leaves/{index:08}.jws").read_text()
        receipt = (bundle / f"receipts/{index:08}.sdjwt").read_text()
        demand(receipt.startswith(f"{leaf}~"), "the receipt of another leaf")
        signer = okp(key_at(node, "receipt", origin, index))
        said = opened(leaf, signer, "yanmen-receipt+sd-jwt")
        demand(said["iss"] == node["id"], "a leaf of another node")
        SDJWTVerifier(receipt, lambda *_, signer=signer: signer)
        digests = [
            base64.urlsafe_b64encode(hashlib.sha256(each.encode()).digest()).rstrip(b"=").decode()
            for each in receipt.split("~")[1:-1]
        ]
        demand(len(set(digests)) == len(digests) and set(digests) <= set(said["_sd"]), "a stray disclosure")
        proof = (bundle / f"receipts/{index:08}.tlog-proof").read_text()
        top, _, note = proof.partition("\n\n")
        version, line, *path = top.split("\n")
        demand((version, line) == ("c2sp.org/tlog-proof@v1", f"index {index}"), "the proof of another leaf")
        proven = head(note, node, origin)
        demand((proven.size, proven.root_hash) == (tree.size, tree.root_hash), "a proof under another head")
        hashes = [base64.b64decode(each, validate=True) for each in path]
        demand([base64.b64encode(each).decode() for each in hashes] == path, "a hash that is not canonical")
        InclusionProof(index, tree.size, hashes).check(hashlib.sha256(b"\0" + leaf.encode()).digest(), tree.root_hash)
    return f"VALID: {tree.size} leaves of {origin}"


if __name__ == "__main__":
    try:
        print(audit(Path(sys.argv[1]), Path(sys.argv[2])))
    except Exception as error:  # whatever a foreign package raises means that it does not hold
        sys.exit(f"NOT VALID: {type(error).__name__}: {error}")
