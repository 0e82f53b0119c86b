"""Runs in SPU's own environment: 129 tables of 10,000 cells summed under SEMI2K, in-process links, and what that cost.

Reads {"nodes", "cells", "parties"} from standard input; prints {"cpu_s", "wall_s", "right", "version"}.
"""

import json
import resource
import sys
import time
from importlib.metadata import version

import jax
import numpy as np
import spu
import spu.utils.simulation as simulation


def main() -> None:
    """Share, sum and reveal once; compiling is part of it, importing is not."""
    jax.config.update("jax_enable_x64", val=True)  # or figures of more than 32 bits are cut
    order = json.load(sys.stdin)
    draw = np.random.default_rng(1)
    tables = draw.integers(-(2**39), 2**39, (order["nodes"], order["cells"]), dtype=np.int64)
    simulator = simulation.Simulator.simple(order["parties"], spu.ProtocolKind.SEMI2K, spu.FieldType.FM64)

    def summed(values: object) -> object:
        return values.sum(axis=0)  # type: ignore[attr-defined]

    began, cpu = time.perf_counter(), _cpu()
    found = simulation.sim_jax(simulator, summed)(tables)
    told = {"cpu_s": _cpu() - cpu, "wall_s": time.perf_counter() - began, "version": version("spu")}
    print(json.dumps(told | {"right": bool((np.asarray(found) == tables.sum(axis=0)).all())}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
