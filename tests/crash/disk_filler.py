"""Run by test_full_disk.py: saves while files cannot grow beyond various bytes, and prints the outcomes as JSON.

    python disk_filler.py models|checkpoints FOLDER

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
import saver

from tendigits.errors import DiskError
from tendigits.train import checkpoint

Case = tuple[str, int, str, list[str], bool]


def limit_files(n_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))


@contextmanager
def full(module: object, name: str, n_bytes: int) -> Iterator[None]:
    """Once the module writes the file of this name, there is space for `n_bytes`."""
    replacing = module.replacing

    def filled(path: Path, check: Callable[[Path], None]):
        if path.name == name:
            limit_files(n_bytes)
        return replacing(path, check)

    module.replacing = filled
    try:
        yield
    finally:
        module.replacing = replacing
        limit_files(resource.RLIM_INFINITY)


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


def checkpoints(folder: Path) -> list[Case]:
    for epoch in (1, 2):
        size = checkpoint.save_checkpoint(saver.known_checkpoint(epoch), folder).stat().st_size
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    cases = []
    third = saver.known_checkpoint(3)
    for n_bytes in whole(size):
        with full(checkpoint, "epoch-0003.npz", n_bytes):
            said = outcome(lambda: checkpoint.save_checkpoint(third, folder))
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        warned: list[str] = []
        last = checkpoint.load_last_checkpoint(folder, warned.append)
        cases.append(("epoch-0003.npz", n_bytes, said, sorted(after), after == before and last.epoch == 2))
    cases.append(("epoch-0003.npz", -1, outcome(lambda: checkpoint.save_checkpoint(third, folder)), [], True))
    return cases


def models(folder: Path) -> list[Case]:
    from tendigits.model import file

    saver.keep_compiled_programs(Path(os.environ["TMPDIR"]))
    live, x = saver.known_models()

    def holds(name: str, model) -> bool:
        loaded = file.load_model(folder / name)
        return all(map(np.array_equal, loaded.get_weights(), model.get_weights()))

    file.save_model(live[0], folder, x)
    cases = []
    for name in ("model.keras", "model.h5"):
        size = (folder / name).stat().st_size
        # Where .h5 fails, .keras has been saved; a few places will do.
        for n_bytes in whole(size) if name == "model.keras" else whole(size)[::3]:
            before = (folder / name).read_bytes()
            with full(file, name, n_bytes):
                said = outcome(lambda: file.save_model(live[1], folder, x))
            kept = (folder / name).read_bytes() == before and holds(name, live[0])
            kept &= holds("model.keras", live[1]) if name == "model.h5" else holds("model.h5", live[0])
            cases.append((name, n_bytes, said, sorted(path.name for path in folder.iterdir()), kept))
    said = outcome(lambda: file.save_model(live[1], folder, x))
    cases.append(("model.h5", -1, said, [], holds("model.keras", live[1]) and holds("model.h5", live[1])))
    return cases


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    cases = {"models": models, "checkpoints": checkpoints}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(cases))
