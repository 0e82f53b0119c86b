"""C2SP tlog-policy: which logs, which witnesses, and how many of them must have cosigned a head for it to count."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from yanmen.formats import decimals, note
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey

BYTES_MAX = 64 * 1024
ENTRIES_MAX = 256
"""Logs, witnesses and groups each; the specification asks for 32."""
NONE = "none"

_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_WHITESPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Watcher:
    """A witness under its name in the policy; `url` is where it is asked, or empty."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of `members`, which are witnesses or groups named before."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; `quorum` names a witness or group, or is `none`."""

    logs: tuple[tuple[VerifierKey, str], ...]
    witnesses: tuple[Watcher, ...]
    groups: tuple[Group, ...]
    quorum: str

    def satisfied(self, cosigned: AbstractSet[VerifierKey]) -> bool:
        """Say whether a head cosigned by the witnesses with the keys `cosigned` has its quorum."""
        if self.quorum == NONE:
            return True
        public = {key.public for key in cosigned}
        standing = {watcher.name: watcher.key.public in public for watcher in self.witnesses}
        for group in self.groups:
            standing[group.name] = sum(standing[member] for member in group.members) >= group.threshold
        return standing[self.quorum]


def encode(policy: Policy) -> str:
    """Return the text of `policy`; `decode` of it is `policy` again."""
    lines = [_line("log", note.encode_key(key), url) for key, url in policy.logs]
    lines += [_line("witness", one.name, note.encode_key(one.key), one.url) for one in policy.witnesses]
    lines += [_line("group", one.name, decimals.encode(one.threshold), *one.members) for one in policy.groups]
    lines.append(_line("quorum", policy.quorum))
    text = "".join(lines)
    if decode(text.encode()) != policy:
        raise Malformed("policy: a name that no line can hold")
    return text


def decode(data: bytes) -> Policy:
    """Return the policy that `data` is; key types other than those this program verifies are refused."""
    if len(data) > BYTES_MAX or _ALLOWED.fullmatch(data) is None:
        raise Malformed("policy: too long, or a control character")
    reading = _Reading()
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop():
        raise Malformed("policy: the last line does not end")
    for line in lines:
        words = [word for word in _WHITESPACE.split(line) if word]
        if words and not words[0].startswith("#"):
            reading.take(words)
    return reading.whole()


class _Reading:
    """What the lines so far define."""

    def __init__(self) -> None:
        self._logs: list[tuple[VerifierKey, str]] = []
        self._witnesses: list[Watcher] = []
        self._groups: list[Group] = []
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._quorum = ""

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._log(note.decode_key(vkey), "".join(url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(Watcher(name, note.decode_key(vkey, note.COSIGNATURE), "".join(url)))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name] if not self._quorum:
                if name != NONE:
                    self._known(name)
                self._quorum = name
            case _:
                raise Malformed("policy: a line that means nothing, or a second quorum")

    def whole(self) -> Policy:
        if not self._quorum:
            raise Malformed("policy: no quorum")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, key: VerifierKey, url: str) -> None:
        if any(key.public == known.public for known, _ in self._logs):
            raise Malformed("policy: a log twice")
        self._logs.append((key, url))
        _check_count(self._logs)

    def _witness(self, found: Watcher) -> None:
        self._define(found.name)
        if any(found.key.public == known.key.public for known in self._witnesses):
            raise Malformed("policy: a witness twice")
        self._witnesses.append(found)
        _check_count(self._witnesses)

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise Malformed("policy: a name in two groups, or twice in one")
            self._members.add(member)
        self._define(name)
        least = {"all": len(members), "any": 1}.get(threshold)
        if least is None:
            least = decimals.decode(threshold)
        if not 1 <= least <= len(members):
            raise Malformed("policy: a threshold that is none or above its members")
        self._groups.append(Group(name, least, tuple(members)))
        _check_count(self._groups)

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise Malformed("policy: a name defined twice")
        self._names.add(name)

    def _known(self, name: str) -> None:
        if name not in self._names:
            raise Malformed("policy: a name that no line before defines")


def _check_count(entries: list[tuple[VerifierKey, str]] | list[Watcher] | list[Group]) -> None:
    if len(entries) > ENTRIES_MAX:
        raise Malformed("policy: too many lines of a kind")


def _line(*words: str) -> str:
    return " ".join(word for word in words if word) + "\n"
