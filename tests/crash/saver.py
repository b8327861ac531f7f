"""Run by test_kill_saving.py: forks a child that saves again and again, and kills it at a chosen moment.

    python saver.py models FOLDER < requests > answers

A request is a line of JSON: {"first": ..., "saves": 5, "mark": "b", "nth": 1, "delay": 0.2} starts a child that saves
five times, waits until it has written the mark b for the second time or has ended, sleeps 0.2 s, and kills it. The
answer has the child's exit status and all its marks, one letter each.

Keras is imported once, before the forks, and computes nothing until then: JAX cannot be forked once it has started.
"""

import functools
import itertools
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint

SAVED = "z"
"""The mark of a whole save that has returned."""
MODEL_MARKS = {"model.keras": "abc", "model.h5": "def"}
"""Writing, checking, replacing."""
CHECKPOINT_MARKS = "abc"

Mark = Callable[[str], None]


def recipe(which: int) -> Recipe:
    """The recipe of model 0 or 1, which differ in every weight."""
    return Recipe(hidden=(16,), seed=which)


def known_models() -> tuple[list[Any], np.ndarray]:
    """Both models, and digits to check them with."""
    from tendigits.model.network import build_network, compile_network

    models = [compile_network(build_network(recipe(which)), recipe(which)) for which in (0, 1)]
    for model in models:
        model.optimizer.build(model.trainable_variables)
    return models, np.random.default_rng(0).random((32, 784), np.float32)


def keep_compiled_programs(folder: Path) -> None:
    """Each save compiles the same few programs: once is enough."""
    import jax

    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def known_checkpoint(epoch: int) -> checkpoint.Checkpoint:
    """About 2 MB, which depend on the epoch in every array."""
    rng = np.random.default_rng(epoch)
    arrays = [rng.random((400, 400), np.float32) for _ in range(3)]
    return checkpoint.Checkpoint(
        Recipe(), epoch, {"loss": [float(epoch)]}, False, 0, 1 / epoch, epoch - 1, arrays[:1], arrays[1:2], arrays[2:]
    )


def marking(module: object, letters: Callable[[Path], str], mark: Mark) -> None:
    """Make the module's `replacing` report its three phases."""
    replacing = module.replacing

    @contextmanager
    def marked(path: Path, check: Callable[[Path], None]) -> Iterator[Path]:
        writing, checking, replaced = letters(path)

        def marked_check(temporary: Path) -> None:
            mark(checking)
            check(temporary)
            mark(replaced)

        mark(writing)
        with replacing(path, check=marked_check) as temporary:
            yield temporary

    module.replacing = marked


def save_models(folder: Path, mark: Mark, first: int) -> Iterator[None]:
    """Save the two known models in turn."""
    from tendigits.model import file

    marking(file, lambda path: MODEL_MARKS[path.name], mark)
    models, x = known_models()
    for which in itertools.cycle((first, 1 - first)):
        file.save_model(models[which], folder, x)
        yield


def save_checkpoints(folder: Path, mark: Mark, first: int) -> Iterator[None]:
    """Save the known checkpoints from epoch `first` on."""
    marking(checkpoint, lambda _: CHECKPOINT_MARKS, mark)
    for epoch in itertools.count(first):
        checkpoint.save_checkpoint(known_checkpoint(epoch), folder)
        yield


def child(save: Callable[..., Iterator[None]], writer: int, first: int, saves: int) -> None:
    """Never returns."""
    try:
        mark = lambda letter: os.write(writer, letter.encode())  # noqa: E731
        for _ in itertools.islice(save(mark=mark, first=first), saves):
            mark(SAVED)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def answer(save: Callable[..., Iterator[None]], request: dict) -> dict:
    """Fork, wait, kill."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        child(save, writer, request["first"], request["saves"])
    os.close(writer)
    marks = ""
    while marks.count(request["mark"]) <= request["nth"] and (letter := os.read(reader, 1)):
        marks += letter.decode()
    time.sleep(request["delay"])
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    while letters := os.read(reader, 4096):
        marks += letters.decode()
    os.close(reader)
    return {"marks": marks, "status": os.waitstatus_to_exitcode(status)}


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    save = functools.partial({"models": save_models, "checkpoints": save_checkpoints}[kind], folder)
    if kind == "models":
        from tendigits.model import file  # noqa: F401

        keep_compiled_programs(folder.parent / "compiled")
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(save, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
