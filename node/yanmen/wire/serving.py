"""Serve the node in a folder until told to stop."""

import json
import resource
import sys
from pathlib import Path
from threading import Event

from yanmen.execution.process import Spawner
from yanmen.model.ports import Profile
from yanmen.node import succession
from yanmen.node.holder import Holder, open_holder
from yanmen.node.node import Node
from yanmen.wire.expiry import LOOK_S, Ends, Watch
from yanmen.wire.renewal import CertificateFiles, Place
from yanmen.wire.server import Server, Surroundings

READY = "serving.address"
"""Names the address while the node serves; scripts wait for it."""


def serve(directory: Path, spawner: Spawner, stop: Event, grace_s: int) -> str:
    """Serve until `stop` is set, then finish or abort what runs; return the address that was served.

    `spawner` was started before this module was imported: a zygote must not be forked from a process of grpc's threads.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys and unsealed snapshots pass through this process
    succession.finish(directory)
    succession.turn_year(directory)
    with open_holder(directory) as holder:
        holder.party()
        runner = holder.runner(spawner)
        profile = runner.profile  # reading it runs the escape probes, before the port opens
        node = Node(holder, runner)
        runner.tidy()  # this process is the one that serves: the ledger says so
        files = CertificateFiles(Place(holder.directory, holder.config.id, holder.clock, sys.stderr))
        server = Server(node, _surroundings(holder, files))
        ends = Ends(lambda: holder.register.current().expires_ms, lambda: files.now.chain_pem)
        watch = Watch(ends, holder.clock, sys.stderr)
        port = server.start()
        address = f"{holder.config.address.rpartition(':')[0]}:{port}"
        ready = directory / READY
        ready.write_text(address + "\n", encoding="ascii")
        _announce(holder, address, profile)
        try:
            watch.look()
            while not stop.wait(LOOK_S):
                watch.look()
        finally:
            ready.unlink(missing_ok=True)
            server.stop(grace_s * 1000)
            runner.close()
        return address


def _announce(holder: Holder, address: str, profile: Profile) -> None:
    """Write the first line of the log: where this node is, who it is, how it is jailed, what it offers."""
    line = {
        "serving": address,
        "connector": holder.config.id,
        "sandbox": profile.name,
        "profile": profile.digest,
        "datasets": len(holder.ledger.current_versions()),
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def _surroundings(holder: Holder, files: CertificateFiles) -> Surroundings:
    return Surroundings(
        address=holder.config.address,
        credentials=files.now,
        renewed=files.renewed,
        limits=holder.config.limits,
        clock=holder.clock,
        randomness=holder.randomness,
        log=sys.stderr,
    )
