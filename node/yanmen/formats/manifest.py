"""The documents of a federated question: manifest, set certificate, partial sum, as payloads of compact JWSs."""

import hashlib
import re

from yanmen.formats import base64url, connector_id, json_canonical, json_members
from yanmen.formats.config import ALIAS
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.formats.request import check_jti
from yanmen.formats.share import CELLS_MAX
from yanmen.model.federation import NOISES, Dealt, Grid, Invited, Manifest, Mode, PartialSum, SetCertificate
from yanmen.model.joining import SIDES_MAX

MANIFEST_TYP = "yanmen-manifest+jwt"
SET_TYP = "yanmen-set+jwt"
PARTIAL_TYP = "yanmen-partial+jwt"
NODES_MAX = 5_000
BYTES_MAX = 2 * 1024 * 1024
AGGREGATORS_MAX = max(mode.aggregators for mode in Mode)
AGGREGATES_MAX = 1_000
SIGMA_SQUARED_MAX = 2**52
"""So that noise stays far below 2^63 with every aggregator's added."""
SECONDS_MAX = 2**40
JOINED_S_MAX = 3600
"""Secrets and lists of a join are kept as long as its manifest lasts."""
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HASH = 32
_MANIFEST = frozenset(
    {
        "jti",
        "iss",
        "iat",
        "exp",
        "grids",
        "mode",
        "query_sha256",
        "shape_sha256",
        "cells",
        "micro_rho",
        "sigma_squared",
        "multiplicity",
        "partition",
        "contributors_least",
        "nodes",
        "aggregators",
    }
)


def encode(manifest: Manifest) -> dict[str, Json]:
    """Return the payload of `manifest`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "jti": manifest.jti,
        "iss": manifest.consumer,
        "iat": manifest.issued_s,
        "exp": manifest.expires_s,
        "mode": manifest.mode.value,
        "grids": [[grid.aggregates, grid.groups] for grid in manifest.grids],
        "query_sha256": manifest.query_sha256,
        "shape_sha256": manifest.shape_sha256,
        "cells": manifest.cells,
        "micro_rho": manifest.micro_rho,
        "sigma_squared": list(manifest.sigma_squared),
        "multiplicity": manifest.multiplicity,
        "partition": manifest.partition,
        "contributors_least": manifest.contributors_least,
        "nodes": [{"id": invited.node, "contract": invited.contract_id} for invited in manifest.nodes],
        "aggregators": list(manifest.aggregators),
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Manifest:
    """Return the manifest in `payload`: nodes and aggregators in order of their ids, each there once."""
    members = json_members.exact(payload, _MANIFEST)
    manifest = Manifest(
        jti=check_jti(json_members.text(members, "jti")),
        consumer=connector_id.check(json_members.text(members, "iss")),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
        expires_s=json_members.integer(members, "exp", 0, SECONDS_MAX),
        query_sha256=_digest(members, "query_sha256"),
        shape_sha256=_digest(members, "shape_sha256"),
        cells=json_members.integer(members, "cells", 1, CELLS_MAX),
        micro_rho=json_members.integer(members, "micro_rho", 1),
        sigma_squared=_variances(members),
        multiplicity=json_members.integer(members, "multiplicity", 1, NODES_MAX),
        partition=json_members.text(members, "partition", 63),
        contributors_least=json_members.integer(members, "contributors_least", 1, NODES_MAX),
        nodes=tuple(_invited(item) for item in json_members.items(members, "nodes", NODES_MAX)),
        aggregators=json_members.texts(members, "aggregators", AGGREGATORS_MAX),
        mode=_mode(members),
        grids=tuple(_grid(item) for item in json_members.items(members, "grids", AGGREGATES_MAX)),
    )
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    """Hold the members of a manifest against each other."""
    nodes = [invited.node for invited in manifest.nodes]
    if manifest.expires_s <= manifest.issued_s:
        raise Malformed("manifest: ends before it begins")
    _ordered(nodes, "manifest: nodes")
    _ordered([connector_id.check(name) for name in manifest.aggregators], "manifest: aggregators")
    needed = manifest.mode.aggregators
    if len(manifest.aggregators) != needed or set(nodes) & set(manifest.aggregators):
        raise Malformed(f"manifest: {needed} aggregators that are no nodes of it are needed")
    if not manifest.contributors_least <= len(nodes):
        raise Malformed("manifest: more contributors than nodes")
    if manifest.mode is Mode.JOINED:
        _check_joined(manifest)
    elif manifest.multiplicity != (1 if manifest.partition else len(nodes)):
        raise Malformed("manifest: a unit may be in every node, or in one within a declared partition")
    if manifest.partition and ALIAS.fullmatch(manifest.partition) is None:
        raise Malformed("manifest: not the name of a partition")
    if manifest.cells % len(manifest.sigma_squared) and not manifest.grids:
        raise Malformed("manifest: cells are not a table of the aggregates")
    _check_grids(manifest)


def _check_joined(manifest: Manifest) -> None:
    """Every department of a join is needed; how often a unit is there is in its sensitivities."""
    if not 2 <= len(manifest.nodes) == manifest.contributors_least <= SIDES_MAX:
        raise Malformed("manifest: two or three departments join, and all of them are needed")
    if manifest.expires_s - manifest.issued_s > JOINED_S_MAX:
        raise Malformed(
            "manifest: a join lasts an hour at most; sign one that ends sooner (连接查询最长一小时，请缩短有效期)"
        )
    if manifest.multiplicity != 1 or manifest.partition or manifest.grids:
        raise Malformed("manifest: a join has one grid, no partition, and is told of units by its sensitivities")


def _check_grids(manifest: Manifest) -> None:
    """Hold the grids against the numbers they make up; a single one is not written."""
    cells = sum(grid.aggregates * grid.groups for grid in manifest.layout)
    aggregates = sum(grid.aggregates for grid in manifest.layout)
    if len(manifest.grids) == 1 or (cells, aggregates) != (manifest.cells, len(manifest.sigma_squared)):
        raise Malformed("manifest: grids are not the table of the aggregates")


def encode_set(certificate: SetCertificate) -> dict[str, Json]:
    """Return the payload of a set certificate; one that would be refused is refused here."""
    payload: dict[str, Json] = {
        "iss": certificate.aggregator,
        "iat": certificate.issued_s,
        "manifest": certificate.manifest_sha256,
        "nodes": _dealt(certificate.nodes),
        "noise": _dealt(certificate.noise),
    }
    decode_set(payload)
    return payload


def decode_set(payload: Json) -> SetCertificate:
    """Return the set certificate in `payload`."""
    members = json_members.exact(payload, frozenset({"iss", "iat", "manifest", "nodes", "noise"}))
    certificate = SetCertificate(
        aggregator=connector_id.check(json_members.text(members, "iss")),
        manifest_sha256=_digest(members, "manifest"),
        nodes=tuple(_dealer(item) for item in json_members.items(members, "nodes", NODES_MAX)),
        noise=tuple(_dealer(item) for item in json_members.items(members, "noise", NOISES)),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
    )
    _ordered([item.dealer for item in certificate.nodes], "set: nodes")
    _ordered([item.dealer for item in certificate.noise], "set: noise")
    if not certificate.nodes or len(certificate.noise) != NOISES:
        raise Malformed(f"set: nodes, and the noise of {NOISES} aggregators, are needed")
    return certificate


def set_digest(certificate: SetCertificate) -> str:
    """Return the hex SHA-256 of what is certified, the same whoever certifies it and when."""
    said: Json = {
        "manifest": certificate.manifest_sha256,
        "nodes": _dealt(certificate.nodes),
        "noise": _dealt(certificate.noise),
    }
    return hashlib.sha256(json_canonical.encode(said)).hexdigest()


def encode_partial(partial: PartialSum) -> dict[str, Json]:
    """Return the payload of a partial sum; one that would be refused is refused here."""
    payload: dict[str, Json] = {
        "iss": partial.aggregator,
        "iat": partial.issued_s,
        "manifest": partial.manifest_sha256,
        "set": partial.set_sha256,
        "share": partial.share_sha256,
    }
    decode_partial(payload)
    return payload


def decode_partial(payload: Json) -> PartialSum:
    """Return the partial sum in `payload`."""
    members = json_members.exact(payload, frozenset({"iss", "iat", "manifest", "set", "share"}))
    return PartialSum(
        aggregator=connector_id.check(json_members.text(members, "iss")),
        manifest_sha256=_digest(members, "manifest"),
        set_sha256=_digest(members, "set"),
        share_sha256=_digest(members, "share"),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
    )


def _ordered(ids: list[str], what: str) -> None:
    if ids != sorted(set(ids)):
        raise Malformed(f"{what} are not in order of unique ids")


def _grid(value: Json) -> Grid:
    match value:
        case [int(aggregates), int(groups)] if (
            type(aggregates) is int
            and type(groups) is int
            and 1 <= aggregates <= AGGREGATES_MAX
            and 1 <= groups <= CELLS_MAX
        ):
            return Grid(aggregates, groups)
        case _:
            raise Malformed("manifest: not a grid")


def _mode(members: Object) -> Mode:
    try:
        return Mode(json_members.text(members, "mode"))
    except ValueError as error:
        raise Malformed("manifest: no such mode") from error


def _digest(members: Object, name: str) -> str:
    value = json_members.text(members, name)
    if _SHA256.fullmatch(value) is None:
        raise Malformed(f"member {name!r} is not hex SHA-256")
    return value


def _variances(members: Object) -> tuple[int, ...]:
    found: list[int] = []
    for value in json_members.items(members, "sigma_squared", AGGREGATES_MAX):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= SIGMA_SQUARED_MAX:
            raise Malformed("member 'sigma_squared' holds something that is no variance of at least 1")
        found.append(value)
    if not found:
        raise Malformed("member 'sigma_squared' is empty")
    return tuple(found)


def _invited(value: Json) -> Invited:
    members = json_members.exact(value, frozenset({"id", "contract"}))
    node = connector_id.check(json_members.text(members, "id"))
    return Invited(node, check_jti(json_members.text(members, "contract")))


def _dealt(dealers: tuple[Dealt, ...]) -> Json:
    return [
        {"id": item.dealer, "leaf": base64url.encode(item.leaf), "commitment": base64url.encode(item.commitment)}
        for item in dealers
    ]


def _dealer(value: Json) -> Dealt:
    members = json_members.exact(value, frozenset({"id", "leaf", "commitment"}))
    return Dealt(
        connector_id.check(json_members.text(members, "id")),
        base64url.decode_sized(json_members.text(members, "leaf"), _HASH),
        base64url.decode_sized(json_members.text(members, "commitment"), _HASH),
    )
