"""Checks an audit bundle with sd-jwt, jwcrypto and tlog-scales. Usage: audit.py BUNDLE SPACE_VKEY."""

import base64
import hashlib
import json
import sys
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


def okp(text):
    return jwk.JWK(kty="OKP", crv="Ed25519", x=text)


def head(note, vkey, origin):
    found = Checkpoint.from_text(note)
    found.verify(vkey)
    demand(found.origin == origin and found.serialize() == note, "a head of another log, or not as it is written")
    return found


def audit(bundle, space_vkey):
    space = base64.b64decode(space_vkey.read_text().strip().split("+", 2)[2])[1:]
    register = opened(
        (bundle / "register.jws").read_text(),
        okp(base64.urlsafe_b64encode(space).rstrip(b"=").decode()),
        "yanmen-register+jws",
    )
    stated = json.loads((bundle / "bundle.json").read_text())
    (node,) = [each for each in register["parties"] if each["id"] == stated["node"] and each["role"] == "node"]
    signer, origin = okp(node["signing_key"]), stated["origin"]
    vkey = Vkey(origin, None, 1, base64.urlsafe_b64decode(node["log_key"] + "="))
    tree = head((bundle / "checkpoint").read_text(), vkey, origin)
    demand(len(list((bundle / "leaves").iterdir())) == tree.size, "not as many leaves as the head covers")
    for index in range(tree.size):
        leaf = (bundle / f"leaves/{index:08}.jws").read_text()
        receipt = (bundle / f"receipts/{index:08}.sdjwt").read_text()
        demand(receipt.startswith(f"{leaf}~"), "the receipt of another leaf")
        said = opened(leaf, signer, "yanmen-receipt+sd-jwt")
        demand(said["iss"] == node["id"], "a leaf of another node")
        SDJWTVerifier(receipt, lambda *_: signer)
        digests = [
            base64.urlsafe_b64encode(hashlib.sha256(each.encode()).digest()).rstrip(b"=").decode()
            for each in receipt.split("~")[1:-1]
        ]
        demand(len(set(digests)) == len(digests) and set(digests) <= set(said["_sd"]), "a stray disclosure")
        proof = (bundle / f"receipts/{index:08}.tlog-proof").read_text()
        top, _, note = proof.partition("\n\n")
        version, line, *path = top.split("\n")
        demand((version, line) == ("c2sp.org/tlog-proof@v1", f"index {index}"), "the proof of another leaf")
        proven = head(note, vkey, origin)
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
