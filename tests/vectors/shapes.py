"""Pieces of the specimen that depend on nothing in it."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.crypto import documents, notes, receipts
from yanmen.crypto.keys import FileSigner
from yanmen.formats import base64url, bundle, checkpoint, connector_id, merkle, note, proof, receipt, tiles
from yanmen.formats.bundle import ContractTotal, Entry, Keys, SpaceTotal, Statement
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.contract import Acceptance, Reasons
from yanmen.formats.note import VerifierKey
from yanmen.formats.proof import Proof
from yanmen.formats.question_slots import Publication, Reading, ReleaseRule, Sensitivity, scenario_json
from yanmen.formats.receipt import Head, Slot
from yanmen.formats.request import Operation, RequestClaims, SessionClaims
from yanmen.formats.slots import Budget, Decision, Output, Price, Series, SignedRequest, Verdict
from yanmen.model.catalogue import Channel, DatasetClass
from yanmen.model.contract import ContractStatus, Grant, Scenario, Terms
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding


class Pinned:
    """Bytes that look random and are the same every time."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def token(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(f"{self._seed} {self._count}".encode()).digest(size)


def mechanism(micro_rho: int, l2_squared: int = 1) -> str:
    """Return what an answer says of its noise: the least for one aggregate at this charge."""
    sigma = math.sqrt(l2_squared * 500_000 / micro_rho)
    while Fraction(sigma) ** 2 < Fraction(l2_squared * 500_000, micro_rho):
        sigma = math.nextafter(sigma, math.inf)
    return f"discrete-gaussian opendp-0.16.0: a0 sigma={sigma!r} micro_rho={micro_rho}"


def output(micro_rho: int, rows: int = 3) -> Output:
    """Return the shape of an answer."""
    digest = hashlib.sha256(f"{micro_rho} {rows}".encode()).hexdigest()
    return Output(columns=2, rows=rows, sha256=digest, suppressed=0, mechanism=mechanism(micro_rho))


def sha256(text: str) -> str:
    """Return the hex digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def confirmation(public: bytes) -> Json:
    """Return the confirmation claim of a key."""
    return {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(public)}}
