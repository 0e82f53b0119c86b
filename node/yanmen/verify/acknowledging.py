"""Holds every acknowledgement to the receipt it is of: signed by the key named there, over the text that was given."""

from collections.abc import Iterator
from typing import NamedTuple

from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import former_keys
from yanmen.formats.acknowledgement import Acknowledged
from yanmen.formats.malformed import Malformed
from yanmen.model.party import KeyUse
from yanmen.model.receipt import Stage
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.requests import EARLY_S, MINUTE_S
from yanmen.verify.uses import Use

ABOUT_ANSWERS = frozenset({Stage.OUTCOME, Stage.ACKNOWLEDGED})
"""Stages of answers, and of their acknowledgements."""


class _Given(NamedTuple):
    consumer: str | None
    contract: str
    key: bytes
    sha256: bytes
    iat_s: int


class Acknowledgements:
    """The answers given so far, and those acknowledged."""

    __slots__ = ("_acknowledged", "_given", "_keys", "_origin", "_signed", "_unknown")

    def __init__(self, origin: str, keys: KeyBook) -> None:
        """Look at the log `origin`; take members' keys from `keys`."""
        self._origin, self._keys = origin, keys
        self._given: dict[str, _Given] = {}
        self._acknowledged: set[str] = set()
        self._unknown: set[str] = set()
        self._signed: list[tuple[Use, Acknowledged, _Given]] = []

    def check(self, use: Use) -> tuple[Finding, ...]:
        """Return what is wrong with the acknowledgement `use`, if it is one."""
        if use.head.stage is Stage.OUTCOME:
            if use.cnf is None:
                self._unknown.add(use.head.jti)
            else:
                self._given[use.head.jti] = _Given(
                    use.consumer, use.contract, use.cnf, use.given_sha256, use.head.iat_s
                )
        if use.head.stage is not Stage.ACKNOWLEDGED or use.subject is None:
            return ()
        try:
            said = Acknowledged.read(use.subject)
        except Malformed as error:
            return (finding(Code.SLOT_MALFORMED, use.index, use.head.stage, f"subject: {error}"),)
        if said.jti in self._unknown:
            return ()  # what was given is no longer disclosed
        given = self._given.get(said.jti)
        if given is None:
            return (_found(use, "of no answer before it"),)
        self._signed.append((use, said, given))
        if said.jti in self._acknowledged:
            return (_found(use, "twice"),)
        self._acknowledged.add(said.jti)
        return ()

    def verified(self) -> Iterator[Finding]:
        """Yield what is wrong with the tokens of the acknowledgements seen since this was last asked."""
        for use, said, given in self._signed:
            for why in self._untrue(use, said, given):
                yield _found(use, why)
        self._signed.clear()

    def _untrue(self, use: Use, said: Acknowledged, given: _Given) -> tuple[str, ...]:
        try:
            token = documents.open_acknowledgement(said.token.encode("ascii", "replace"), given.key)
        except (Malformed, BadSignature) as error:
            return (str(error),)
        wrong = {
            "no key of the consumer": not self._is_consumers(given),
            "another log": token.origin != self._origin,
            "another receipt": token.jti != said.jti,
            "another text than was given": token.sd_hash != given.sha256,
            "another contract": use.contract != given.contract,
            "another consumer": use.consumer != given.consumer,
            "another time": not given.iat_s - EARLY_S < token.issued_s < use.head.iat_s + MINUTE_S + EARLY_S,
        }
        return tuple(name for name, differs in wrong.items() if differs) if any(wrong.values()) else ()

    def _is_consumers(self, given: _Given) -> bool:
        """Say whether the key an answer names is, or was, its consumer's: the answer's own word is the node's."""
        party = None if given.consumer is None else self._keys.members.find(given.consumer)
        return party is not None and given.key in former_keys.every(party, KeyUse.MEMBER)


def _found(use: Use, why: str) -> Finding:
    return finding(Code.ACKNOWLEDGEMENT, use.index, use.head.stage, why)
