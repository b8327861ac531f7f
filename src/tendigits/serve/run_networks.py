"""Networks of runs that clients read with, next to the active one; a few are kept in memory.

network = await networks.of_run(open_run(path))
network.reader, network.layers

A run's network is converted in another process, so that the server does not import Keras, nor opens a damaged file.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi.concurrency import run_in_threadpool

from tendigits.digits.layers import Layers
from tendigits.digits.network import from_onnx
from tendigits.errors import ModelFileError
from tendigits.export.run_network import run_network
from tendigits.pool.pool import JobError, WorkerPool
from tendigits.read.reader import Reader
from tendigits.runs.run import Run
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.reading.work import ReaderSource

MAX_NETWORKS = 4
"""Networks in memory, the last ones used: the page shows two, and each may have tens of megabytes."""

OPEN_TIMEOUT = 120.0
"""Seconds for opening a run's network; Keras alone takes a few, and longer on a busy computer."""

OPEN_MEMORY = 8 << 30
"""Bytes for opening it, mapped ones included: JAX maps several gigabytes for any network."""


@dataclass(frozen=True, eq=False)
class ReadingNetwork(ActiveReader):
    """A network that reads, and shows its layers."""

    layers: Layers | None = None
    """None where they cannot be shown."""


class ReadingNetworks:
    """The networks in memory, opened one at a time."""

    def __init__(self) -> None:
        self._opened: OrderedDict[str, ReadingNetwork] = OrderedDict()
        self._opening = asyncio.Lock()

    async def of_run(self, run: Run) -> ReadingNetwork:
        """The network of a finished run, opened again when its model has changed.

        Raises:
            TendigitsError: the run has no model, or one that is damaged or can't be converted.
        """
        file = run.path / "model.keras"
        state = file.stat() if file.is_file() else None
        key = f"{file}:{state and (state.st_mtime_ns, state.st_size)}"
        return await self.opened(key, lambda: open_run_network(run.path))

    async def opened(self, key: str, opener: Callable[[], ReadingNetwork]) -> ReadingNetwork:
        """The network with this key, if necessary opened in a thread. Raises what `opener` does."""
        if key not in self._opened:
            async with self._opening:
                if key not in self._opened:
                    self._opened[key] = await run_in_threadpool(opener)
        self._opened.move_to_end(key)
        if len(self._opened) > MAX_NETWORKS:
            self._opened.popitem(last=False)
        return self._opened[key]


def open_run_network(path: Path) -> ReadingNetwork:
    """Open the network of a finished run. Raises TendigitsError."""
    with WorkerPool(1, timeout=OPEN_TIMEOUT, memory=OPEN_MEMORY) as pool:
        try:
            data = pool.submit(run_network, path).result()
        except JobError:
            raise ModelFileError(
                f"the network of {path.name} could not be opened in {OPEN_TIMEOUT:.0f} seconds "
                f"and {OPEN_MEMORY >> 30} GB"
            ) from None
    source = ReaderSource(hashlib.sha256(data).hexdigest(), data=data)
    reader = Reader(from_onnx(data, path.name, threads=1), threads=1)
    return ReadingNetwork(reader, source, layers=Layers(data, path.name))
