"""The limits of the machine: the best sgemm rate by JAX and by NumPy, and the bandwidth of a copy on all cores.

Prints one line of JSON: GFLOP/s by library and size, GB/s (read and written both counted) by the bytes in motion.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

SIZES = (2048, 3072, 4096)
WORKING_SETS = {"cache, 10 MB": 10 << 20, "memory, 1 GB": 1 << 30}


def best(call: Callable[[], object], tries: int = 5) -> float:
    """The least seconds of some tries, after one to warm up."""
    call()
    seconds = []
    for _ in range(tries):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


gflops: dict[str, dict[str, float]] = {"jax": {}, "numpy": {}}
product = jax.jit(jnp.matmul)
for size in SIZES:
    a = np.random.default_rng(0).standard_normal((size, size), dtype="float32")
    out = np.empty_like(a)
    gflops["numpy"][str(size)] = 2 * size**3 / best(lambda: np.matmul(a, a, out=out)) / 1e9  # noqa: B023
    b = jnp.asarray(a)
    gflops["jax"][str(size)] = 2 * size**3 / best(lambda: product(b, b).block_until_ready()) / 1e9  # noqa: B023

cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
copy_gbs = {}
with ThreadPoolExecutor(cores) as threads:
    for name, working_set in WORKING_SETS.items():
        length = working_set // 2 // cores  # half is read, half is written
        sources = [np.ones(length, "uint8") for _ in range(cores)]
        targets = [np.zeros(length, "uint8") for _ in range(cores)]
        again = max(1, (1 << 30) // working_set)

        def copy(pair: tuple[np.ndarray, np.ndarray], again: int = again) -> None:
            """Copy one thread's share."""
            for _ in range(again):
                np.copyto(pair[1], pair[0])

        pairs = list(zip(sources, targets, strict=True))
        seconds = best(lambda: list(threads.map(copy, pairs)))  # noqa: B023
        copy_gbs[name] = 2 * length * cores * again / seconds / 1e9

print(json.dumps({"gflops": gflops, "copy_gbs": copy_gbs, "cores": cores}), flush=True)
