"""Cedar, held so that every doubt is a no: an error, an undecided request or an unknown name denies.

A department's guard rails are `*.cedar` files that can only forbid. They are checked against the
schema when the node starts, and evaluated together with the clauses of one contract at a time, so
that no contract's clauses can touch another's.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from threading import Lock

import cedarpy

from yanmen import regular_file
from yanmen.admission import clauses
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract
from yanmen.model.refusal import Fault, FaultCode

GUARD_PREFIX = "policy:"
UNDECIDED = GUARD_PREFIX + "undecided"
"""Named when Cedar denies without a clause: nothing permits, or it could not decide."""
GUARD_BYTES_MAX = 256 * 1024
COMPILED_MAX = 2_048
"""Contracts kept compiled: more than a node has in force; one takes some milliseconds to compile again."""
_NEUTRAL = f'@id("{GUARD_PREFIX}permit")\npermit (principal, action, resource);\n'


@dataclass(frozen=True, slots=True)
class Question:
    """One authorisation question: entities as Cedar JSON, the context as plain values."""

    principal: str
    action: str
    resource: tuple[str, str]
    context: Mapping[str, Json]
    entities: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The clauses that forbid it; none when it is allowed."""

    clauses: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether nothing forbids it."""
        return not self.clauses


@dataclass(frozen=True, slots=True)
class Guards:
    """The department's guard rails: their text, their ids and the hex SHA-256 of schema and files."""

    text: str
    ids: frozenset[str]
    digest: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    policies: cedarpy.PolicySet
    digest: str


class Policies:
    """The guard rails in force, which others may take the place of while questions are asked."""

    __slots__ = ("_rails",)

    def __init__(self, guards: Guards) -> None:
        """Hold `guards`."""
        self._rails = Rails(guards)

    @property
    def in_force(self) -> "Rails":
        """The guard rails as they are now: one question is held to one set of them."""
        return self._rails

    def adopt(self, guards: Guards) -> None:
        """Put `guards` in force: whoever asks from now on is held to all of them, and to none of those before."""
        self._rails = Rails(guards)

    def decide(self, contract: Contract, question: Question) -> Verdict:
        """Evaluate `question` under `contract` and the guard rails in force."""
        return self._rails.decide(contract, question)

    def decide_guards(self, question: Question) -> Verdict:
        """Evaluate `question` under the guard rails alone, as if a contract permitted everything."""
        return self._rails.decide_guards(question)

    def digest(self, contract: Contract) -> str:
        """Return the hex SHA-256 over schema, guard rails and the compiled `contract`."""
        return self._rails.digest(contract)


class Rails:
    """One set of guard rails together with the contracts compiled lately."""

    __slots__ = ("_compiled", "_guards", "_lock", "_schema")

    def __init__(self, guards: Guards) -> None:
        """Hold `guards`."""
        self._guards = guards
        self._schema = cedarpy.Schema.from_str(schema_text())
        self._compiled: dict[str, _Compiled] = {}
        self._lock = Lock()

    @property
    def guards(self) -> Guards:
        """The guard rails."""
        return self._guards

    def decide(self, contract: Contract, question: Question) -> Verdict:
        """Evaluate `question` under `contract` and the guard rails."""
        return self._decide(self._of(contract).policies, question)

    def decide_guards(self, question: Question) -> Verdict:
        """Evaluate `question` under the guard rails alone, as if a contract permitted everything."""
        return self._decide(_parse(_NEUTRAL + self._guards.text), question)

    def digest(self, contract: Contract) -> str:
        """Return the hex SHA-256 over schema, guard rails and the compiled `contract`."""
        return self._of(contract).digest

    def _decide(self, policies: cedarpy.PolicySet, question: Question) -> Verdict:
        request = {
            "principal": {"type": "Party", "id": question.principal},
            "action": {"type": "Action", "id": question.action},
            "resource": {"type": question.resource[0], "id": question.resource[1]},
            "context": dict(question.context),
        }
        try:
            entities = [dict(entity) for entity in question.entities]
            result = cedarpy.is_authorized(request, policies, entities, self._schema)
        except (ValueError, TypeError) as error:
            raise Fault(FaultCode.INTERNAL, "Cedar could not read the question") from error
        if result.decision is cedarpy.Decision.Allow and not result.diagnostics.errors:
            return Verdict(())
        if result.decision is not cedarpy.Decision.Deny or result.diagnostics.errors:
            return Verdict((UNDECIDED,))
        named = {self._name(name) for name in result.diagnostics.id_annotations_by_reason.values()}
        return Verdict(tuple(sorted(named)) or (UNDECIDED,))

    def _name(self, policy_id: str) -> str:
        return GUARD_PREFIX + policy_id if policy_id in self._guards.ids else policy_id

    def _of(self, contract: Contract) -> _Compiled:
        with self._lock:
            found = self._compiled.get(contract.digest)
        if found is not None:
            return found
        text = clauses.compile_terms(contract.terms)
        _validate(text, FaultCode.INTERNAL, "a compiled contract")
        digest = hashlib.sha256(self._guards.digest.encode() + b"\n" + text.encode("utf-8")).hexdigest()
        compiled = _Compiled(_parse(self._guards.text + text), digest)
        with self._lock:
            while len(self._compiled) >= COMPILED_MAX:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[contract.digest] = compiled
        return compiled


def schema_text() -> str:
    """Return the Cedar schema that every policy is checked against."""
    return resources.files("yanmen.admission").joinpath("yanmen.cedarschema").read_text(encoding="utf-8")


def shipped() -> Path:
    """Return the directory of the guard rails that come with this program: in the wheel, or in the checkout."""
    package = Path(str(resources.files("yanmen")))
    for directory in (package / "policies", package.parents[1] / "policies"):
        if directory.is_dir():
            return directory
    raise Fault(FaultCode.CONFIG, "this installation has no guard rails; name a directory in node.toml")


def load_guards(directory: Path) -> Guards:
    """Return the guard rails in `directory`, or a fault naming the file and policy that is not one."""
    hashed = hashlib.sha256(schema_text().encode("utf-8"))
    texts: list[str] = []
    ids: set[str] = set()
    for path in _files(directory):
        text = _guard_text(path)
        hashed.update(f"{len(text)} {path.name}\n{text}".encode())
        texts.append(text)
        ids |= _guard_ids(path, text, ids)
    return Guards("".join(texts), frozenset(ids), hashed.hexdigest())


def _files(directory: Path) -> list[Path]:
    """Return the guard files; a directory without one is a mistake, not a wish for none."""
    found = sorted(directory.glob("*.cedar"))
    if not found:
        raise Fault(FaultCode.CONFIG, f"{directory}: no guard rails (*.cedar) there")
    return found


def _guard_text(path: Path) -> str:
    try:
        return regular_file.read(path, GUARD_BYTES_MAX).decode("utf-8") + "\n"
    except regular_file.TooLong as error:
        raise Fault(FaultCode.CONFIG, f"{path}: longer than 256 KiB") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(FaultCode.CONFIG, f"{path}: unreadable") from error


def _guard_ids(path: Path, text: str, taken: set[str]) -> set[str]:
    """Return the ids of the policies in `text`, each of which must forbid and have an @id of its own."""
    _validate(text, FaultCode.CONFIG, str(path))
    parsed = json.loads(cedarpy.policies_to_json_str(text))
    if parsed["templates"]:
        raise Fault(FaultCode.CONFIG, f"{path}: a guard rail has no slots")
    ids: set[str] = set()
    for policy in parsed["staticPolicies"].values():
        name = policy.get("annotations", {}).get("id")
        if policy["effect"] != "forbid":
            raise Fault(FaultCode.CONFIG, f"{path}: policy {name!r} permits; a guard rail may only forbid")
        if not name or name.startswith((clauses.PREFIX, GUARD_PREFIX)) or name in ids | taken:
            raise Fault(FaultCode.CONFIG, f"{path}: a policy has no @id of its own: {name!r}")
        ids.add(name)
    return ids


def _validate(text: str, code: FaultCode, what: str) -> None:
    result = cedarpy.validate_policies(text, schema_text())
    if not result.validation_passed:
        raise Fault(code, f"{what}: " + "; ".join(error.error for error in result.errors))


def _parse(text: str) -> cedarpy.PolicySet:
    try:
        return cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        raise Fault(FaultCode.INTERNAL, "policies that were checked before do not parse") from error
