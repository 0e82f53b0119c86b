"""What sharing, committing, adding and checking cost all parties together, by the functions that they call."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from bench_files.federation_lines import Laps, Line
from bench_files.tpch import cache, environment
from yanmen.crypto import dealing, federated, pedersen, sharing
from yanmen.crypto.dealing import Dealt
from yanmen.crypto.federated import Evidence
from yanmen.crypto.system import SystemRandomness
from yanmen.disclosure import noise
from yanmen.formats import share
from yanmen.model.federation import Opening, SignedManifest

from tests.unit.aggregation.parties import Parties, evidence, outcome

PACKAGE = "spu==0.9.5"
VARIANCE = 48
RANDOM = SystemRandomness()


def measured(parties: Parties, cells: int) -> list[Line]:
    """Have every node deal a table of so many cells, add and check; then let SPU sum as many."""
    laps, nodes = Laps(), len(parties.nodes)
    pedersen.commit(range(cells), 1)  # the generators are hashed once in the life of a process
    noise.vector(VARIANCE, 1)
    began = time.process_time()
    signed = parties.manifest(cells)
    dealt, shown = _dealt(parties, signed, laps)
    opening = _opening(parties, signed, dealt, shown)
    whole = time.process_time() - began
    _aggregate(parties, signed, dealt, laps)
    with laps.lap("verify"):
        federated.total(opening, signed, parties.register)
    with laps.lap("receipts"):
        for one in shown.values():
            federated.check_evidence(one, signed, parties.register)
    return _lines(laps, nodes, cells, whole, dealt)


def _lines(laps: Laps, nodes: int, cells: int, whole: float, dealt: dict[str, Dealt]) -> list[Line]:
    adding = laps.of("share and seal", "open and check", "add")
    bare = adding + laps.of("noise")
    bound = bare + laps.of("commit", "verify")
    upload = sum(len(envelope) for one in dealt.values() for envelope in one.envelopes) / nodes / cells
    size = f"{nodes} × {cells:,} cells, CPU of all parties"
    parts = ", ".join(f"{name} {laps.of(name):.2f}" for name in ("share and seal", "open and check", "add", "noise"))
    checked = f"{laps.of('verify'):.2f} s; the receipts of all nodes {laps.of('receipts'):.2f} s more"
    return [
        Line(f"{size}, without commitments", f"{bare:.2f} s: {parts}", "≤ 1 s", met=bare <= 1),
        Line(f"{size}, with public commitments", f"{bound:.1f} s", "≤ 30 s", met=bound <= 30),
        Line(f"{size}, with receipts, ledgers and books too", f"{whole:.1f} s", "none", met=True),
        Line("upload per cell, k = 3", f"{upload:.2f} B", "≤ 8.5 B", met=upload <= 8.5),
        Line(f"public verification of {cells:,} cells", checked, "≤ 0.5 s", met=laps.of("verify") <= 0.5),
        _beside_spu(nodes, cells, adding),
    ]


def _dealt(parties: Parties, signed: SignedManifest, laps: Laps) -> tuple[dict[str, Dealt], dict[str, Evidence]]:
    """Deal as each node does, the commitment counted by itself."""
    draw, cells = Random(1), signed.manifest.cells
    dealt: dict[str, Dealt] = {}
    shown: dict[str, Evidence] = {}
    for node in parties.nodes:
        values = [draw.randrange(-(2**39), 2**39) for _ in range(cells)]
        with _committing(laps), laps.lap("share and seal"):
            dealt[node.id] = dealing.deal(values, signed, node.id, RANDOM)
        shown[node.id] = evidence(node, outcome(node, dealt[node.id].dealing.text()))
    laps.seconds["share and seal"] -= laps.of("commit")
    return dealt, shown


@contextmanager
def _committing(laps: Laps) -> Iterator[None]:
    """Count what commitments cost inside."""
    commit = pedersen.commit

    def timed(values: Sequence[int], blinding: int) -> bytes:
        with laps.lap("commit"):
            return commit(values, blinding)

    pedersen.commit = timed
    try:
        yield
    finally:
        pedersen.commit = commit


def _opening(parties: Parties, signed: SignedManifest, dealt: dict[str, Dealt], shown: dict[str, Evidence]) -> Opening:
    """Deposit, certify and open with the aggregators themselves."""
    for name, one in dealt.items():
        parties.deposit(signed, shown[name], one.envelopes)
    parties.noise(signed)
    return parties.open(signed, parties.certificates(signed, sorted(dealt)))


def _aggregate(parties: Parties, signed: SignedManifest, dealt: dict[str, Dealt], laps: Laps) -> None:
    """Do once more, and count, what the aggregators did with shares: open and check each, open again and add, noise."""
    manifest = signed.manifest
    sums = []
    for at, me in enumerate(manifest.aggregators):
        opener = parties.at(me).opener
        with laps.lap("open and check"):
            for name, one in dealt.items():
                dealing.open_share(one.envelopes[at], opener, manifest, one.dealing, name, me)
        with laps.lap("add"):
            places = {name: dealing.place(signed.sha256, name, me) for name in dealt}
            contents = (opener.open(one.envelopes[at], places[name]) for name, one in dealt.items())
            sums.append(dealing.summed(contents, manifest, me))
        with laps.lap("noise"):
            noise.vector(VARIANCE, manifest.cells)
    with laps.lap("add"):
        sharing.reveal(sharing.total(map(share.decode, sums), manifest.cells))


def _beside_spu(nodes: int, cells: int, adding: float) -> Line:
    what = "the same sum, no noise, against SPU SEMI2K"
    try:
        python = environment(cache(), "spu", (PACKAGE,))  # 1 GB; no dependency
    except (OSError, subprocess.CalledProcessError):
        return Line(what, f"{PACKAGE} cannot be installed here", "≤ 1.0", met=False)
    order = json.dumps({"nodes": nodes, "cells": cells, "parties": 3})
    script = str(Path(__file__).with_name("spu_sum.py"))
    done = subprocess.run([python, "-I", script], input=order, text=True, capture_output=True, check=True)
    peer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    ratio = adding / peer["cpu_s"]
    told = f"{adding:.2f} s / {peer['cpu_s']:.2f} s of CPU = {ratio:.2f} ({PACKAGE})"
    return Line(what, told if peer["right"] else "SPU's sum is wrong", "≤ 1.0", met=ratio <= 1 and peer["right"])
