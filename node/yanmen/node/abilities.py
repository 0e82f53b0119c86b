"""A node says what it can do: its ability record, made of its configuration and signed by its receipt key."""

from collections.abc import Sequence
from dataclasses import fields
from importlib import metadata

from yanmen.crypto import documents
from yanmen.formats.receipt import SUITE
from yanmen.model.ability import Abilities
from yanmen.model.catalogue import Channel, DatasetClass, Grade
from yanmen.model.config import AtRest, NodeLimits
from yanmen.model.federation import Mode
from yanmen.node.holder import Holder

SOURCES = ("csv", "duckdb", "parquet", "postgresql")
ALGORITHMS = {
    "suite": (SUITE,),
    "signatures": ("Ed25519",),
    "certificates": ("ECDSA-P256-SHA256",),
    "transport": ("TLSv1.2", "TLSv1.3"),
    "log": ("RFC6962-SHA256",),
    "noise": ("discrete-gaussian-zcdp", "discrete-laplace"),
    "shares": ("additive-2^64", "shamir-2^61-1"),
    "not_offered": ("SM2", "TLCP"),
}


def of(holder: Holder, interfaces: Sequence[str]) -> Abilities:
    """Return what this node can do, answered by `interfaces`."""
    config = holder.config
    return Abilities(
        node=config.id,
        version=metadata.version("yanmen"),
        interfaces=tuple(sorted(interfaces)),
        algorithms={
            **ALGORITHMS,
            "at_rest": (config.at_rest.value, *(e.value for e in AtRest if e is not config.at_rest)),
        },
        modes={
            "channels": tuple(each.value for each in Channel),
            "classes": tuple(each.value for each in DatasetClass),
            "federation": tuple(each.value for each in Mode),
            "grades": tuple(each.value for each in Grade if each is not Grade.CORE),
            "release": (config.release.policy.value,),
            "sandbox": (config.sandbox,),
            "sources": SOURCES,
        },
        limits={each.name: getattr(config.limits, each.name) for each in fields(NodeLimits)},
        issued_s=holder.clock.now_ms() // 1000,
    )


def signed(holder: Holder, interfaces: Sequence[str]) -> bytes:
    """Return the record, signed."""
    return documents.sign_abilities(of(holder, interfaces), holder.receipt_signer)
