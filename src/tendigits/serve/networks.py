"""The networks that read: the active one, which can be replaced while requests are answered, and those of runs.

active = ActiveModel(store)
network = active.current                        # read once for each request: network.reader and network.sha256 match
active.accept(store.network(3), now)            # loaded, verified, accepted, then swapped
network = await RunNetworks(Path("runs")).load("first", address)
"""

import asyncio
import hashlib
import logging
import threading
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from tendigits.digits.layers import Layers, with_layers
from tendigits.digits.network import from_onnx
from tendigits.errors import ModelFileError, RunError, UserError
from tendigits.extras import require
from tendigits.pool.pool import JobError, WorkerPool
from tendigits.read.reader import Reader, ReaderOptions
from tendigits.runs.run import Run, check_inside, model_digest, open_run
from tendigits.serve.reading import FairTurns
from tendigits.serve.work import ReaderSource, ReadingNetwork
from tendigits.teach.store import FineTunedNetwork, Store
from tendigits.teach.verify import bundled_sha256, last_usable, load_network

log = logging.getLogger("tendigits.serve")

MAX_RUN_NETWORKS = 4  # in memory, the last ones used: the page shows two, and each may have tens of megabytes
OPEN_TIMEOUT = 120.0  # seconds for opening a run's network; Keras alone takes a few, and longer on a busy computer
OPEN_MEMORY = 8 << 30  # bytes for opening it, mapped ones included: JAX maps several gigabytes for any network


class ActiveModel:
    """Holds the active network; it is swapped as a whole, so that a request never mixes two networks."""

    def __init__(self, store: Store, model: Path | None = None) -> None:
        """Load the store's active network, or the package's own; or `model`, a run or a file that is never replaced.

        Raises TendigitsError if the model cannot be used, or the store does not answer.
        """
        self.is_fixed = model is not None
        self._store = store
        self.current = from_reader(Reader(model, threads=1))
        self._changing = threading.Lock()
        self._accepted: list[tuple[int, str]] = []  # as `refresh` has seen them in the store, the last one first
        self._threshold: float | None = None  # as `refresh` has seen it in the store
        self.refresh()

    def refresh(self) -> None:
        """Use what another process has accepted, rolled back or set in the store.

        A damaged network is logged once, and the one that was accepted before it becomes active. Raises Failure if the
        store does not answer.
        """
        if self.is_fixed:
            return
        with self._changing:
            accepted = [(tuned.id, tuned.sha256) for tuned in self._store.accepted_networks()]
            threshold = self._store.threshold()
            if (accepted, threshold) != (self._accepted, self._threshold):
                self._threshold = threshold
                found = last_usable(self._store, self._load, partial(log.warning, "%s"))
                self.current = found or from_reader(Reader(threshold=threshold, threads=1))
                self._accepted = accepted

    def accept(self, tuned: FineTunedNetwork, now: datetime) -> None:
        """Make a fine-tuned network the active one, here and in the store.

        Raises TendigitsError, and the current one stays active, if it is damaged, misreads known digits, or the store
        does not answer.
        """
        self._refuse_if_fixed()
        with self._changing:
            loaded = self._load(tuned)
            self._store.accept(tuned.id, now)
            others = [each for each in self._accepted if each != (tuned.id, tuned.sha256)]
            self.current, self._accepted = loaded, [(tuned.id, tuned.sha256), *others]

    def roll_back(self, now: datetime) -> None:
        """Return to the network before. Raises TendigitsError if none was accepted, or the store does not answer."""
        self._refuse_if_fixed()
        self._store.roll_back(now)
        self.refresh()

    def _refuse_if_fixed(self) -> None:
        if self.is_fixed:
            raise UserError("the server was started with --model, which always reads; start it without --model")

    def _load(self, tuned: FineTunedNetwork) -> ReadingNetwork:
        loaded = load_network(self._store, tuned, threads=1)
        reader = Reader(loaded.network, self._threshold, threads=1)
        source = ReaderSource(tuned.sha256, ReaderOptions(threshold=self._threshold), loaded.data)
        return ReadingNetwork(reader, source, tuned.id)


def from_reader(reader: Reader) -> ReadingNetwork:
    """Wrap a reader of the package's network or of a user's, whose id in responses is the digest of its name."""
    name = reader.network.name
    sha256 = bundled_sha256() if reader.model is None else hashlib.sha256(name.encode()).hexdigest()
    return ReadingNetwork(reader, ReaderSource(sha256, reader.options))


def find_run(runs: Path, name: str) -> Run:
    """A run by the name of its folder; a client cannot give a path. Raises HTTPException, 404."""
    if not runs.is_dir() or name not in (path.name for path in runs.iterdir()):
        raise HTTPException(404, f"there is no run {name!r:.60}; /v1/runs lists all")
    try:
        check_inside(runs, name)
        return open_run(runs / name)
    except RunError:
        raise HTTPException(404, f"{name} is not a run") from None


class RunNetworks:
    """The networks of a folder's runs, opened one at a time; the last ones used stay in memory."""

    def __init__(self, runs: Path) -> None:
        self._runs, self._opening = runs, FairTurns(1)
        self._open: dict[object, ReadingNetwork] = {}  # the last one used comes last

    async def load(self, name: str, address: str) -> ReadingNetwork:
        """The network of a finished run, for a client of this address; it is opened again when its model has changed.

        Raises HTTPException, 404 or 503, or TendigitsError if its model is missing, damaged or can't be converted.
        """
        path, _ = key = await run_in_threadpool(self._find, name)
        if key not in self._open:
            async with self._opening.turn(address, OPEN_TIMEOUT):
                if key not in self._open:
                    self._open[key] = await _open_run_network(path)
        network = self._open[key] = self._open.pop(key)
        for oldest in list(self._open)[:-MAX_RUN_NETWORKS]:
            del self._open[oldest]
        return network

    def _find(self, name: str) -> tuple[Path, object]:
        path = find_run(self._runs, name).path
        file = path / "model.keras"
        state = file.stat() if file.is_file() else None
        return path, state and (state.st_mtime_ns, state.st_size)


async def _open_run_network(path: Path) -> ReadingNetwork:
    """Convert it in another process, so that the server does not import Keras, nor opens a damaged file.

    If the caller is cancelled, the process is killed.
    """
    with WorkerPool(1, timeout=OPEN_TIMEOUT, memory=OPEN_MEMORY) as pool:
        try:
            data = await asyncio.wrap_future(pool.submit(convert_run_network, path))
        except JobError:
            raise ModelFileError(
                f"the network of {path.name} could not be opened in {OPEN_TIMEOUT:.0f} seconds "
                f"and {OPEN_MEMORY >> 30} GB"
            ) from None
    opened = await run_in_threadpool(from_onnx, data, path.name, threads=1)
    network = replace(opened, open_layers=partial(Layers, data, path.name))
    return ReadingNetwork(Reader(network, threads=1), ReaderSource(hashlib.sha256(data).hexdigest(), data=data))


def convert_run_network(path: Path) -> bytes:
    """A finished run's network as an ONNX file with its calibration and the outputs of its layers; loads Keras.

    Raises UserError if the run is unfinished or damaged, a layer cannot be converted, or packages are missing.
    """
    require(f"the network of {path.name}", "train")
    digest = model_digest(open_run(path))

    from tendigits.model.file import load_calibration, load_model
    from tendigits.model.onnx import to_onnx

    file = path / "model.keras"
    model, calibration = load_model(file, digest), load_calibration(file)
    about = {"source": path.name}
    if calibration is not None:
        about |= {"temperature": str(calibration.temperature), "threshold": str(calibration.threshold)}
    return with_layers(to_onnx(model, about, "probabilities"))
