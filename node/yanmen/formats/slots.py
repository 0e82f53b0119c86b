"""Values of the slots an auditor computes with; the other slots hold what their stage has to say.

Both sides use these: the ledger writes `value.json()`, the verifier reads `Type.read(json)`.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import NamedTuple

from yanmen.formats import json_members
from yanmen.formats.json_canonical import INTEGER_MAX, Json
from yanmen.formats.malformed import Malformed
from yanmen.model.stages import Binding
from yanmen.model.tariff import Metered

READ_MAX = 64
"""Datasets of one question: what a contract may grant."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HASH = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""Base64url of 32 bytes, spare bits zero."""
_REASON = re.compile(r"[A-Z_]{0,64}", re.ASCII)
_SERIES = frozenset({"n", "prev"})
_BUDGET = frozenset({"delta_e12", "micro_rho", "space", "spent_delta_e12", "spent_micro_rho"})
_PRICE = frozenset({"fen", "spent_fen"})
_METER = frozenset({"cells", "cpu_units", "free", "rows"})
_ROWS = frozenset({"buckets", "dataset"})
_REQUEST = frozenset({"binding", "jws"})
_OUTPUT = frozenset({"columns", "mechanism", "repeats", "rows", "sha256", "suppressed"})
_DECISION = frozenset({"reason", "verdict"})


class Series(NamedTuple):
    """This leaf's place among its contract's leaves: `n` counts from 1, `prev` is the hash of leaf `n - 1`.

    `prev` is the base64url RFC 6962 leaf hash, empty for the first leaf.
    """

    n: int
    prev: str

    def json(self) -> Json:
        """Return the slot's value."""
        return {"n": self.n, "prev": self.prev}

    @classmethod
    def read(cls, value: Json) -> "Series":
        """Return the series that the slot's `value` holds."""
        if isinstance(value, dict) and len(value) == len(_SERIES):
            n, prev = value.get("n"), value.get("prev")
            if type(n) is int and 1 < n <= INTEGER_MAX and isinstance(prev, str) and _HASH.fullmatch(prev):
                return cls(n, prev)
        return cls._in_detail(value)

    @classmethod
    def _in_detail(cls, value: Json) -> "Series":
        members = json_members.exact(value, _SERIES)
        n, prev = json_members.integer(members, "n", 1), json_members.text(members, "prev")
        if n == 1 and prev:
            raise Malformed("series: the first leaf has no previous one")
        if n > 1 and _HASH.fullmatch(prev) is None:
            raise Malformed("series: the previous leaf is not named by its hash")
        return cls(n, prev)


@dataclass(frozen=True, slots=True)
class Budget:
    """What this use cost in privacy, and what the contract has spent with it.

    `space` is the subject space, empty when no budget applies (then all figures are 0).
    """

    space: str
    micro_rho: int
    delta_e12: int
    spent_micro_rho: int
    spent_delta_e12: int

    def json(self) -> Json:
        """Return the slot's value."""
        return {
            "delta_e12": self.delta_e12,
            "micro_rho": self.micro_rho,
            "space": self.space,
            "spent_delta_e12": self.spent_delta_e12,
            "spent_micro_rho": self.spent_micro_rho,
        }

    @classmethod
    def read(cls, value: Json) -> "Budget":
        """Return the budget that the slot's `value` holds."""
        members = json_members.exact(value, _BUDGET)
        budget = cls(
            space=json_members.text(members, "space"),
            micro_rho=json_members.integer(members, "micro_rho"),
            delta_e12=json_members.integer(members, "delta_e12"),
            spent_micro_rho=json_members.integer(members, "spent_micro_rho"),
            spent_delta_e12=json_members.integer(members, "spent_delta_e12"),
        )
        if not budget.space and (budget.micro_rho or budget.delta_e12):
            raise Malformed("budget: spent on no subject space")
        return budget


@dataclass(frozen=True, slots=True)
class Price:
    """What this use cost in fen (分), and what the contract has spent with it."""

    fen: int
    spent_fen: int

    def json(self) -> Json:
        """Return the slot's value."""
        return {"fen": self.fen, "spent_fen": self.spent_fen}

    @classmethod
    def read(cls, value: Json) -> "Price":
        """Return the price that the slot's `value` holds."""
        members = json_members.exact(value, _PRICE)
        return cls(json_members.integer(members, "fen"), json_members.integer(members, "spent_fen"))


@dataclass(frozen=True, slots=True)
class Meter:
    """The units this use was measured by, and whether it was `free` as one of the contract's first."""

    used: Metered
    free: bool

    def json(self) -> Json:
        """Return the slot's value."""
        rows: list[Json] = [{"buckets": buckets, "dataset": dataset} for dataset, buckets in self.used.rows]
        return {"cells": self.used.cells, "cpu_units": self.used.cpu_units, "free": self.free, "rows": rows}

    @classmethod
    def read(cls, value: Json) -> "Meter":
        """Return the units that the slot's `value` holds."""
        members = json_members.exact(value, _METER)
        rows: list[tuple[str, int]] = []
        for item in json_members.items(members, "rows", READ_MAX):
            read = json_members.exact(item, _ROWS)
            rows.append((json_members.text(read, "dataset"), json_members.integer(read, "buckets", 1)))
        names = [name for name, _ in rows]
        if names != sorted(set(names)):
            raise Malformed("meter: datasets are not in order, or one is there twice")
        used = Metered(json_members.integer(members, "cells"), json_members.integer(members, "cpu_units"), tuple(rows))
        return cls(used, free=json_members.flag(members, "free"))


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The consumer's own signature: its request JWS, or the session grant it was made under."""

    binding: Binding
    jws: str

    def json(self) -> Json:
        """Return the slot's value."""
        return {"binding": self.binding.value, "jws": self.jws}

    @classmethod
    def read(cls, value: Json) -> "SignedRequest":
        """Return the request that the slot's `value` holds."""
        members = json_members.exact(value, _REQUEST)
        try:
            binding = Binding(json_members.text(members, "binding"))
        except ValueError as error:
            raise Malformed("request: unknown binding") from error
        return cls(binding, json_members.text(members, "jws", 64 * 1024))


@dataclass(frozen=True, slots=True)
class Output:
    """The shape and digest of a released table; `repeats` is the `jti` of the outcome that showed it first."""

    columns: int
    rows: int
    sha256: str
    suppressed: int
    mechanism: str
    repeats: str = ""

    def json(self) -> Json:
        """Return the slot's value."""
        return {
            "columns": self.columns,
            "mechanism": self.mechanism,
            "repeats": self.repeats,
            "rows": self.rows,
            "sha256": self.sha256,
            "suppressed": self.suppressed,
        }

    @classmethod
    def read(cls, value: Json) -> "Output":
        """Return the output that the slot's `value` holds."""
        members = json_members.exact(value, _OUTPUT)
        output = cls(
            columns=json_members.integer(members, "columns"),
            rows=json_members.integer(members, "rows"),
            sha256=json_members.text(members, "sha256"),
            suppressed=json_members.integer(members, "suppressed"),
            mechanism=json_members.text(members, "mechanism"),
            repeats=json_members.text(members, "repeats"),
        )
        if _SHA256.fullmatch(output.sha256) is None:
            raise Malformed("output: not a hex SHA-256")
        return output


@unique
class Verdict(Enum):
    """What the node decided."""

    ALLOWED = "allowed"
    REPEATED = "repeated"
    REFUSED = "refused"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and, when it is a refusal or an abort, the stable reason code."""

    verdict: Verdict
    reason: str = ""

    def json(self) -> Json:
        """Return the slot's value."""
        return {"reason": self.reason, "verdict": self.verdict.value}

    @classmethod
    def read(cls, value: Json) -> "Decision":
        """Return the decision that the slot's `value` holds."""
        members = json_members.exact(value, _DECISION)
        reason = json_members.text(members, "reason")
        if _REASON.fullmatch(reason) is None:
            raise Malformed("decision: reason is not a code")
        try:
            return cls(Verdict(json_members.text(members, "verdict")), reason)
        except ValueError as error:
            raise Malformed("decision: unknown verdict") from error
