"""What parties of a join across nodes hold each other to: receipts, lists blinded again, rows that met, the total."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from yanmen.crypto import documents, federated
from yanmen.crypto.blame import blamed
from yanmen.crypto.federated import Evidence
from yanmen.crypto.manifests import active
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import joining
from yanmen.formats.blinded import Matched
from yanmen.formats.joining import Joining
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import NOISES, Dealt, Mode, SignedManifest
from yanmen.model.joining import Handed
from yanmen.model.party import Register

SIGMAS = 20
"""What no noise reaches: the discrete Gaussian is further out with a probability below 2^-280."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a department is bound to by a receipt that verified."""

    node: str
    leaf: bytes
    joining: Joining


def check(evidence: Evidence, signed: SignedManifest, register: Register) -> Share:
    """Return what a department's receipt binds it to in the join of this manifest."""
    if signed.manifest.mode is not Mode.JOINED or signed.manifest.asks(evidence.dealer) is None:
        raise Malformed(f"{evidence.dealer}: no department of this join")
    with blamed(evidence.dealer):
        said = federated.receipted(evidence, signed, register)
        word = joining.read(said.mechanism)
    if (word.manifest_sha256, word.sigma_squared) != (signed.sha256, signed.manifest.sigma_squared):
        raise Malformed(f"{evidence.dealer}: blinded for another manifest")
    return Share(said.dealer, said.leaf, word)


def dealt(share: Share) -> Dealt:
    """Return the department as a set certificate names it: its commitment is the digest of all it is bound to."""
    return Dealt(share.node, share.leaf, hashlib.sha256(share.joining.text().encode("ascii")).digest())


def way(of: str, signed: SignedManifest) -> tuple[str, ...]:
    """Return who blinds the list of `of` again, in this order: those after it, round the list of departments.

    So no two lists are ever under the same secrets before all of them are.
    """
    names = [invited.node for invited in signed.manifest.nodes]
    at = names.index(of)
    return (*names[at + 1 :], *names[:at])


def giver(handed: Handed, signed: SignedManifest) -> str:
    """Return who signed last what is handed on: the last who blinded a list, or whose part it is."""
    if handed.name == "places" or not handed.words or signed.manifest.asks(handed.of) is None:
        return handed.of
    stops = way(handed.of, signed)
    return stops[min(len(handed.words), len(stops)) - 1]


def arrived(share: Share, words: Sequence[bytes], signed: SignedManifest, register: Register) -> str:
    """Return the digest of the list of a department as those who signed `words` left it, each having taken the last."""
    last = share.joining.list_sha256.hex()
    stops = way(share.node, signed)
    if len(words) > len(stops):
        raise Malformed(f"{share.node}: its list was blinded too often")
    for by, token in zip(stops, words, strict=False):
        with blamed(by):
            word = documents.open_blinded(token, active(register, by).signing_key)
        if (word.by, word.manifest_sha256, word.of) != (by, signed.sha256, share.node):
            raise BadSignature(f"{by}: its word is on another list")
        if word.taken != last:
            raise Malformed(f"{by}: took another list of {share.node} than was sent")
        last = word.given
    return last


def agreed(words: Sequence[bytes], signed: SignedManifest, register: Register) -> tuple[Matched, ...]:
    """Return the words of all aggregators on which rows met, in the manifest's order, once they say the same."""
    names = signed.manifest.aggregators
    if len(words) != len(names):
        raise Malformed(f"matched: not one word of each of {', '.join(names)}")
    found = tuple(matched(name, token, signed, register) for name, token in zip(names, words, strict=True))
    said = Counter(one.matched for one in found)
    if len(said) != 1:
        most = max(said.values())
        alone = [one.by for one in found if most == 1 or said[one.matched] < most]
        raise Malformed(f"{', '.join(alone)}: found other rows to meet")
    return found


def matched(name: str, token: bytes, signed: SignedManifest, register: Register) -> Matched:
    """Return the word of the aggregator `name` on which rows met."""
    with blamed(name):
        word = documents.open_matched(token, active(register, name).signing_key)
    if (word.by, word.manifest_sha256) != (name, signed.sha256):
        raise BadSignature(f"{name}: its word is on another join")
    return word


def check_total(values: Sequence[int], ranges: Sequence[tuple[int, int]], sigma_squared: Sequence[int]) -> None:
    """Require of an opened total that it can be one: a canary row that was dropped or altered makes it a random number.

    `values` go cell by cell, within a cell aggregate by aggregate.
    """
    reach = [NOISES * SIGMAS * (isqrt(variance) + 1) for variance in sigma_squared]
    if len(ranges) != len(sigma_squared) or len(values) % len(ranges):
        raise Malformed("sum: not a table of this join")
    for at, value in enumerate(values):
        (lower, upper), far = ranges[at % len(ranges)], reach[at % len(ranges)]
        if not lower - far <= value <= upper + far:
            raise Malformed("sum: out of its range, so that rows were dropped or altered on the way")


def digest(content: bytes) -> str:
    """Return the hex SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def remembered(node: str, said: bytes, signed: SignedManifest) -> Share:
    """Return what `node` was found bound to before, from the hash of its leaf and its line in `said`."""
    share = Share(node, said[:32], joining.read(said[32:].decode("ascii", "replace")))
    if share.joining.manifest_sha256 != signed.sha256:
        raise Malformed(f"{node}: bound to another manifest")
    return share
