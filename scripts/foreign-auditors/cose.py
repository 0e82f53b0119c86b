"""Judges COSE Receipts with scitt-cose and cbor2, in the environment that `setup` makes, and with nothing of ours.

Reads a JSON list of cases from standard input (`ask`, `receipt`, `key`, and what the receipt is of, in base64) and
prints a JSON list of [holds, size, index or old size, origin or error].
"""

import base64
import json
import sys

import cbor2
from scitt_cose.cose_sign1 import HDR_ALG, HDR_CRIT, verify_sign1
from scitt_cose.merkle import verify_consistency
from scitt_cose.receipt import verify_receipt


def included(case):
    leaf, receipt = (base64.b64decode(case[name]) for name in ("leaf", "receipt"))
    result = verify_receipt(receipt, leaf_entry_hex=leaf.hex(), log_public_key_pem=case["key"])
    return [result.ok, result.tree_size, result.leaf_index, result.issuer]


def grown(case):
    data, old, new = (base64.b64decode(case[name]) for name in ("receipt", "old", "new"))
    understood = frozenset({HDR_ALG, HDR_CRIT, 4, 15, 395})
    verify_sign1(data, public_key_pem=case["key"], detached_payload=new, understood_labels=understood)
    (proof,) = cbor2.loads(data).value[1][396][-2]
    first, second, path = cbor2.loads(proof)
    holds = verify_consistency(old.hex(), new.hex(), first, second, [each.hex() for each in path])
    return [holds, second, first, ""]


def canonical(case):
    data = base64.b64decode(case["receipt"])
    return [cbor2.dumps(cbor2.loads(data), canonical=True) == data, 0, 0, ""]


def main():
    judges = {"included": included, "grown": grown, "canonical": canonical}
    verdicts = []
    for case in json.load(sys.stdin):
        try:
            verdicts.append(judges[case["ask"]](case))
        except Exception as error:  # whatever a tool raises is a no
            verdicts.append([False, 0, 0, str(error)])
    json.dump(verdicts, sys.stdout)


if __name__ == "__main__":
    main()
