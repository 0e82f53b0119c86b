"""Tries to break out of the jail before the node serves; one way out, or one layer missing, and it does not.

Each of `ENDING` would end a confined worker, and each of `LIMITED` is ended from outside, so each of them gets a
worker of its own; the others share one.
"""

import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from yanmen.execution import account, bubblewrap, profiles, reply
from yanmen.execution.launcher import THREADS, Launcher, address_space, request
from yanmen.execution.orders import Order
from yanmen.execution.process import Spawner
from yanmen.model.config import NodeLimits
from yanmen.model.ports import Limits, Profile, Randomness
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

QUIET = (
    "read-file",
    "read-environment",
    "list-root",
    "write-file",
    "signal-node",
    "map-executable",
    "become-dumpable",
    "exceed-memory",
)
ENDING = ("tcp-socket", "udp-socket", "vsock-socket", "fork", "exec", "io-uring", "ptrace")
LIMITED = {"exceed-time": JobCode.TIME, "exceed-output": JobCode.OUTPUT}
"""What this process ends, and how it calls that; without that limit the probe would have its reply taken."""
TIME_PROBE_WALL_MS = 250
"""The probe computes four times as long."""
PROBES_AT_ONCE = 4
PROBE_WALL_MS = 20_000
PROBE_CPU_SECONDS = 10
PROBE_REPLY_BYTES = 4096

NO_LANDLOCK = "landlock-none"
"""Only the profile `jail` can have this layer's absence: there a file view of its own stands in."""
LACKING = {
    71: "the kernel has no Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK, `landlock` in /sys/kernel/security/lsm); "
    'with bubblewrap the profile sandbox = "jail" does without',
    72: "the kernel or architecture has no seccomp filters with thread synchronisation (x86_64 or aarch64, Linux 5.7)",
    73: "a worker of the jail did not get namespaces of its own",
    74: "the worker kept root's account",
}
"""By the exit status with which a worker refuses to start (yanmen_sandbox.lockdown, yanmen_sandbox.apart)."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the worker says of its jail."""

    engine: str
    landlock: int
    seccomp: str
    namespaces: tuple[str, ...]


def check(launcher: Launcher, limits: NodeLimits, randomness: Randomness) -> Profile:
    """Return the profile in force, or raise Fault(SANDBOX) naming what worked or what the host lacks."""
    scratch = Path("/tmp") / f"yanmen-probe-{randomness.token(16).hex()}"  # noqa: S108 - must not come to exist
    bounds = _bounds(limits)
    try:
        found = _quiet(launcher, bounds, scratch)
        with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
            list(pool.map(lambda name: _ending(launcher, bounds, scratch, name), (*ENDING, *LIMITED)))
    finally:
        scratch.unlink(missing_ok=True)
    return _profile(launcher.spawner, found, limits, bounds)


def _bounds(limits: NodeLimits) -> Limits:
    return Limits(limits.memory_bytes, PROBE_CPU_SECONDS, PROBE_WALL_MS, PROBE_REPLY_BYTES, 0)


def _quiet(launcher: Launcher, bounds: Limits, scratch: Path) -> _Found:
    order = _order(QUIET, scratch)
    try:
        started = launcher.start(order, bounds, Event())
    except JobFailed as failed:
        raise Fault(FaultCode.SANDBOX, f"no worker starts: {launcher.spawner.trouble()}") from failed
    with started as worker:
        try:
            data, _ = worker.exchange(request(order, bounds))
        except JobFailed as failed:
            lacking = LACKING.get(worker.exit_status or 0, f"the probe worker ended with {failed.code.value}")
            raise Fault(FaultCode.SANDBOX, lacking) from failed
    return _read(data)


def _ending(launcher: Launcher, bounds: Limits, scratch: Path, name: str) -> None:
    if name == "exceed-time":
        bounds = replace(bounds, wall_ms=TIME_PROBE_WALL_MS)
    try:
        data, _ = launcher.run(_order((name,), scratch), bounds, Event())
    except JobFailed as failed:
        if failed.code is LIMITED.get(name, JobCode.VIOLATION):
            return
        raise Fault(FaultCode.SANDBOX, f"probe {name} ended with {failed.code.value}") from failed
    if name in LIMITED:
        raise Fault(FaultCode.SANDBOX, f"the jail does not hold on this host: {name}")
    _read(data)


def _order(names: tuple[str, ...], scratch: Path) -> Order:
    apart = list(bubblewrap.NAMESPACES)
    arguments = {"names": list(names), "scratch": str(scratch), "node": os.getpid(), "apart": apart}
    return Order("probe", arguments)


def _read(data: bytes) -> _Found:
    try:
        members = reply.decode(data)
    except JobFailed as failed:
        raise Fault(FaultCode.SANDBOX, f"the probe worker ended with {failed.code.value}") from failed
    match members:
        case {
            "engine": str(engine),
            "escaped": list(escaped),
            "landlock": int(landlock),
            "namespaces": list(namespaces),
            "seccomp": str(seccomp),
            "user": int(user),
        }:
            if escaped:
                worked = ", ".join(str(name) for name in escaped)
                raise Fault(FaultCode.SANDBOX, f"the jail does not hold on this host: {worked}")
            if user == 0:
                raise Fault(FaultCode.SANDBOX, "the worker is still root")
            return _Found(engine, landlock, seccomp, tuple(str(name) for name in namespaces))
        case _:
            raise Fault(FaultCode.SANDBOX, "the probe worker's reply makes no sense")


def _profile(spawner: Spawner, found: _Found, limits: NodeLimits, bounds: Limits) -> Profile:
    if limits.spill_bytes and not found.landlock:
        raise Fault(FaultCode.SANDBOX, "a worker may spill only behind Landlock; without it set spill_bytes = 0")
    jobs = account.of_jobs()
    layers = (
        f"landlock-abi-{found.landlock}" if found.landlock else NO_LANDLOCK,
        f"seccomp:{found.seccomp}",
        f"user:{'node' if jobs is None else jobs.name}",
        f"address:{address_space(bounds)}",
        f"memory:{limits.memory_bytes}",
        f"cpu:{limits.cpu_seconds}",
        f"reply:{limits.reply_bytes}",
        f"threads:{THREADS}",
        *((f"spill:{limits.spill_bytes}",) if limits.spill_bytes else ()),
        *spawner.layers,
        *_namespaces(spawner, found),
    )
    engine, name = f"duckdb-{found.engine}", spawner.profile
    return Profile(name=name, layers=layers, digest=digest(name, layers, engine), engine=engine)


def _namespaces(spawner: Spawner, found: _Found) -> tuple[str, ...]:
    """Hold a jail's or container's worker to namespaces apart from the node's, every one of them."""
    if spawner.profile == profiles.LANDLOCK:
        return ()
    if spawner.profile == profiles.DOCKER and found.namespaces[0] == "":
        return ("kernel:not-the-host's",)  # Linux has had namespaces of mounts for as long as it has had any
    own = {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in bubblewrap.NAMESPACES}
    for (name, node), worker in zip(own.items(), found.namespaces, strict=True):
        if re.fullmatch(rf"{name}:\[[0-9]+\]", worker) is None or worker == node:
            raise Fault(FaultCode.SANDBOX, f"the worker is in the node's own {name} namespace")
    return (f"namespaces:{'+'.join(own)}",)


def lost(profile: Profile) -> str | None:
    """Say what this host lacks though the profile holds without it, None when it lacks nothing."""
    if NO_LANDLOCK not in profile.layers:
        return None
    return "Landlock; while a snapshot is attached, a worker can open the read-only files that the jail shows: Python's"


def digest(name: str, layers: tuple[str, ...], engine: str) -> str:
    """Return the hex SHA-256 of a profile's canonical JSON, as anyone can recompute it."""
    members = {"engine": engine, "layers": list(layers), "name": name}
    return hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode("ascii")).hexdigest()
