"""Run by test_full_disk.py: saves while the disk is full at various bytes, and prints the outcomes as JSON.

    python disk_filler.py models|checkpoints limit|disk FOLDER

`limit` limits the size of files, to the byte; `disk` fills the small file system that FOLDER is.
A process of its own, since the limit applies to a process, and HDF5 may crash it.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tendigits.errors import DiskError
from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint

Case = tuple[str, int, str, list[str], bool]


def limit_files(n_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))


def fill_disk(folder: Path, n_bytes: int) -> None:
    """Leave `n_bytes` free, rounded to a page."""
    space = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"\1" * (space.f_bavail * space.f_bsize - n_bytes))


@contextmanager
def full(module: object, kind: str, folder: Path, name: str, n_bytes: int) -> Iterator[None]:
    """Once the module writes the file of this name, there is space for `n_bytes`."""
    replacing = module.replacing

    def filled(path: Path, check: Callable[[Path], None]):
        if path.name == name:
            limit_files(n_bytes) if kind == "limit" else fill_disk(folder, n_bytes)
        return replacing(path, check)

    module.replacing = filled
    try:
        yield
    finally:
        module.replacing = replacing
        limit_files(resource.RLIM_INFINITY)
        (folder / "ballast").unlink(missing_ok=True)


def outcome(save: Callable[[], object]) -> str:
    try:
        save()
    except DiskError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "saved"


def whole(n: int) -> tuple[int, ...]:
    """Where a file of n bytes ends: at once, in the first headers, in the middle, before its last byte."""
    return (0, 1, 100, 800, 2048, 4096, 10_000, n // 2, n - 5000, n - 100, n - 1)


def checkpoints(kind: str, folder: Path) -> list[Case]:
    def made(epoch: int) -> checkpoint.Checkpoint:
        arrays = [np.full((100, 100), epoch, np.float32)]
        return checkpoint.Checkpoint(Recipe(), epoch, {}, False, 0, 0.0, 0, arrays, arrays, arrays)

    for epoch in (1, 2):
        size = checkpoint.save_checkpoint(made(epoch), folder).stat().st_size
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    cases = []
    for n_bytes in whole(size):
        with full(checkpoint, kind, folder, "epoch-0003.npz", n_bytes):
            said = outcome(lambda: checkpoint.save_checkpoint(made(3), folder))
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        warned: list[str] = []
        last = checkpoint.load_last_checkpoint(folder, warned.append)
        cases.append(("epoch-0003.npz", n_bytes, said, sorted(after), after == before and last.epoch == 2))
    cases.append(("epoch-0003.npz", -1, outcome(lambda: checkpoint.save_checkpoint(made(3), folder)), [], True))
    return cases


def models(kind: str, folder: Path) -> list[Case]:
    import jax

    from tendigits.model import file
    from tendigits.model.network import build_network, compile_network

    jax.config.update("jax_compilation_cache_dir", os.environ["TMPDIR"])  # each save compiles the same once more
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    live = []
    for seed in (0, 1):
        recipe = Recipe(hidden=(8,), seed=seed)
        live.append(compile_network(build_network(recipe), recipe))
        live[-1].optimizer.build(live[-1].trainable_variables)
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 784), np.float32), np.eye(10, dtype=np.float32)[rng.integers(10, size=32)]

    def holds(name: str, model) -> bool:
        loaded = file.load_model(folder / name)
        return all(map(np.array_equal, loaded.get_weights(), model.get_weights()))

    file.save_model(live[0], folder, x, y)
    cases = []
    for name in ("model.keras", "model.h5"):
        size = (folder / name).stat().st_size
        # Where .h5 fails, .keras has been saved; a few places will do.
        for n_bytes in whole(size) if name == "model.keras" else whole(size)[::3]:
            before = (folder / name).read_bytes()
            with full(file, kind, folder, name, n_bytes):
                said = outcome(lambda: file.save_model(live[1], folder, x, y))
            kept = (folder / name).read_bytes() == before and holds(name, live[0])
            kept &= holds("model.keras", live[1]) if name == "model.h5" else holds("model.h5", live[0])
            cases.append((name, n_bytes, said, sorted(path.name for path in folder.iterdir()), kept))
    said = outcome(lambda: file.save_model(live[1], folder, x, y))
    cases.append(("model.h5", -1, said, [], holds("model.keras", live[1]) and holds("model.h5", live[1])))
    return cases


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    cases = {"models": models, "checkpoints": checkpoints}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
    sys.stdout.write(json.dumps(cases))
