"""The networks of runs that a client reads with beside the active one; a few are kept in memory.

network = await networks.of_run(open_run(path))
network.reader, network.layers

A run's network is converted in a process of its own, so that neither Keras nor a damaged model file is the server's.
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
from tendigits.errors import Failure, ModelFileError, TendigitsError
from tendigits.export.run_network import run_network
from tendigits.pool.pool import JobError, WorkerPool
from tendigits.read.reader import Reader
from tendigits.runs.run import Run
from tendigits.serve.reading.work import ReaderSource

MOST = 4
"""Networks that are kept, the last ones asked for: two are shown at once, and each may have tens of megabytes."""

OPENING = 120.0
"""Seconds in which a run's network must be opened; Keras alone takes a few, and a busy computer longer."""

MEMORY = 8 << 30
"""Bytes that it may take meanwhile, mapped ones included: JAX maps several gigabytes, whatever the network."""


@dataclass(frozen=True, eq=False)
class ReadingNetwork:
    """A network that reads, and shows its layers."""

    reader: Reader
    layers: Layers | None
    """None where the packages that show them are not installed."""
    source: ReaderSource
    """What makes the same reader in another process."""


class ReadingNetworks:
    """Opens networks one at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, ReadingNetwork | TendigitsError] = OrderedDict()
        self._opening = asyncio.Lock()

    async def of_run(self, run: Run) -> ReadingNetwork:
        """The network of a finished run; opened anew when its model has changed, also one that could not be opened.

        Raises:
            TendigitsError: the run has no model, or one that is damaged or can't be converted.
        """
        digest, file = run.record().get("models", {}).get("model.keras"), run.path / "model.keras"
        state = file.stat() if file.is_file() else None
        key = f"{run.path}:{digest}:{state and (state.st_mtime_ns, state.st_size)}"
        return await self.opened(key, lambda: _open_run(run.path))

    async def opened(self, key: str, opener: Callable[[], ReadingNetwork]) -> ReadingNetwork:
        """The network that is kept under a key, or else opened in a thread. Raises what `opener` does."""
        if key not in self._kept:
            async with self._opening:
                if key not in self._kept:
                    self._kept[key] = await run_in_threadpool(_attempt, opener)
        found = self._kept[key]
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        if isinstance(found, TendigitsError):
            raise found.with_traceback(None)
        return found


def _attempt(opener: Callable[[], ReadingNetwork]) -> ReadingNetwork | TendigitsError:
    """The network, or why it can't be opened: that is kept, too, for the next stroke of a pen asks again."""
    try:
        return opener()
    except Failure:  # the store does not answer now, but may soon
        raise
    except TendigitsError as error:
        return error


def _open_run(path: Path) -> ReadingNetwork:
    with WorkerPool(1, timeout=OPENING, memory=MEMORY) as pool:
        try:
            data = pool.submit(run_network, path).result()
        except JobError:
            raise ModelFileError(
                f"the network of {path.name} could not be opened in {OPENING:.0f} seconds and {MEMORY >> 30} GB"
            ) from None
    reader = Reader(from_onnx(data, path.name, threads=1), threads=1)
    return ReadingNetwork(reader, Layers(data, path.name), ReaderSource(hashlib.sha256(data).hexdigest(), data=data))
