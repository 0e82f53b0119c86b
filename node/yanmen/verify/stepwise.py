"""One receipt, checked step by step with public keys alone, so that a reader sees which step holds and which does not.

`verify_receipt` answers the same with one word; here a step that fails does not hide the others, but what
needs its outcome is not checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import TypeVar

from yanmen.crypto import cosigning, documents, notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, merkle, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import key_at
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.receipt import Disclosed
from yanmen.model.party import KeyUse, Party

T = TypeVar("T")


@unique
class Verdict(Enum):
    """How a step came out; `SKIPPED` needs the outcome of one that failed, or there is nothing to check."""

    HOLDS = "holds"
    FAILS = "fails"
    SKIPPED = "skipped"


@unique
class Step(Enum):
    """What is checked, in this order."""

    REGISTER = "register"
    LEAF = "leaf"
    HEAD = "head"
    INCLUSION = "inclusion"
    WITNESS = "witness"


TEXTS: dict[Step, tuple[str, str]] = {
    Step.REGISTER: (
        "The space's key signed the register, and it lists this node with its keys",
        "空间公钥签署了名册，名册列有该节点及其公钥",
    ),
    Step.LEAF: (
        "The node's receipt key signed the leaf, and all that is disclosed belongs to it",
        "节点的回执密钥签署了该叶，所披露内容均属于该叶",
    ),
    Step.HEAD: ("The node's log key signed the head", "节点的日志密钥签署了检查点"),
    Step.INCLUSION: ("The leaf is in the log under this head", "该叶在此检查点所覆盖的日志之中"),
    Step.WITNESS: ("A witness cosigned a head that this leaf is under", "见证者联署了覆盖该叶的检查点"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step came out; `subject` says whose or which, `error` how it failed."""

    step: Step
    verdict: Verdict
    subject: str = ""
    error: str = ""
    at_s: int = 0

    @property
    def en(self) -> str:
        """What was checked, in English."""
        return TEXTS[self.step][0]

    @property
    def zh(self) -> str:
        """What was checked, in Chinese."""
        return TEXTS[self.step][1]


@dataclass(frozen=True, slots=True)
class Papers:
    """Whose receipt it is to be: the signed register, the space it must be of and its key, the node."""

    register: bytes
    space: str
    space_key: bytes
    node: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The newest head that `witness` cosigned, with the leaf's proof under it; "" = it cosigned none over this leaf."""

    witness: VerifierKey
    proof: str = ""


def check(papers: Papers, sdjwt: str, proof_text: str, seen: Sequence[Witnessed]) -> tuple[Outcome, ...]:
    """Return how each step came out, one of `Step.WITNESS` for each of `seen`."""
    outcomes: list[Outcome] = []
    party = _tried(outcomes, Step.REGISTER, papers.space, lambda: _node(papers))
    opened = _read(proof_text)
    disclosed = _leaf(outcomes, party, opened, sdjwt)
    head = _head(outcomes, party, opened, Step.HEAD)
    if disclosed is None or head is None or isinstance(opened, Exception):
        outcomes.append(Outcome(Step.INCLUSION, Verdict.SKIPPED))
    else:
        _tried(outcomes, Step.INCLUSION, _place(opened, head), lambda: _included(disclosed, opened, head))
    outcomes.extend(_witnessed(party, disclosed, each) for each in seen)
    return tuple(outcomes)


def holds(outcomes: Sequence[Outcome]) -> bool:
    """Say whether everything that must hold does; a witness that saw nothing yet is no failure."""
    needed = [each.verdict for each in outcomes if each.step is not Step.WITNESS]
    return all(each is Verdict.HOLDS for each in needed) and not any(each.verdict is Verdict.FAILS for each in outcomes)


def _tried(outcomes: list[Outcome], step: Step, subject: str, attempt: Callable[[], T]) -> T | None:
    """Note how `attempt` came out and return what it gave."""
    try:
        given = attempt()
    except (Malformed, BadSignature, merkle.BadProof) as error:
        outcomes.append(Outcome(step, Verdict.FAILS, subject, str(error)))
        return None
    outcomes.append(Outcome(step, Verdict.HOLDS, subject))
    return given


def _node(papers: Papers) -> Party:
    register = documents.open_register(papers.register, papers.space_key)
    if register.space != papers.space:
        raise BadSignature("the register is that of another space")
    party = register.find(papers.node)
    if party is None:
        raise BadSignature("the register lists no such node")
    return party


def _read(proof_text: str) -> tuple[Proof, Checkpoint] | Exception:
    """Return the proof with the head it is under, nothing of it verified yet."""
    try:
        inclusion = proof.decode(proof_text)
        return inclusion, checkpoint.decode(inclusion.checkpoint.text)
    except Malformed as error:
        return error


def _leaf(
    outcomes: list[Outcome], party: Party | None, opened: tuple[Proof, Checkpoint] | Exception, sdjwt: str
) -> Disclosed | None:
    if party is None or isinstance(opened, Exception):
        outcomes.append(Outcome(Step.LEAF, Verdict.SKIPPED))
        return None
    inclusion, head = opened

    def signed() -> Disclosed:
        found = receipts.verify_disclosed(sdjwt, key_at(party, KeyUse.RECEIPT, head.origin, inclusion.index))
        if found.leaf.head.iss != party.id:
            raise BadSignature("a leaf of another node")
        return found

    return _tried(outcomes, Step.LEAF, party.id, signed)


def _head(
    outcomes: list[Outcome], party: Party | None, opened: tuple[Proof, Checkpoint] | Exception, step: Step
) -> Checkpoint | None:
    if isinstance(opened, Exception):
        outcomes.append(Outcome(step, Verdict.FAILS, "", str(opened)))
        return None
    if party is None:
        outcomes.append(Outcome(step, Verdict.SKIPPED))
        return None
    inclusion, head = opened
    return _tried(outcomes, step, head.origin, lambda: _signed_head(party, inclusion, head))


def _signed_head(party: Party, inclusion: Proof, head: Checkpoint) -> Checkpoint:
    if checkpoint.origin_node(head.origin) != party.id:
        raise BadSignature("a head of another node's log")
    key = key_at(party, KeyUse.LOG, head.origin, head.size - 1)
    return notes.verify_checkpoint(inclusion.checkpoint, head.origin, key)


def _place(opened: tuple[Proof, Checkpoint], head: Checkpoint) -> str:
    return f"{opened[0].index} / {head.size}"


def _included(disclosed: Disclosed, opened: tuple[Proof, Checkpoint], head: Checkpoint) -> None:
    leaf = merkle.leaf_hash(disclosed.leaf.jws)
    merkle.verify_inclusion(leaf, opened[0].index, head.size, opened[0].path, head.root)


def _witnessed(party: Party | None, disclosed: Disclosed | None, seen: Witnessed) -> Outcome:
    name = seen.witness.name
    if not seen.proof or party is None or disclosed is None:
        return Outcome(Step.WITNESS, Verdict.SKIPPED, name)
    try:
        inclusion = proof.decode(seen.proof)
        head = _signed_head(party, inclusion, checkpoint.decode(inclusion.checkpoint.text))
        at_s = cosigning.verify(inclusion.checkpoint, seen.witness)
        _included(disclosed, (inclusion, head), head)
    except (Malformed, BadSignature, merkle.BadProof) as error:
        return Outcome(Step.WITNESS, Verdict.FAILS, name, str(error))
    return Outcome(Step.WITNESS, Verdict.HOLDS, name, at_s=at_s)
