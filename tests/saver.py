"""Saves known models or checkpoints, for the tests of crashes, and is killed while it saves."""

import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint

Save = Callable[[int], object]


def recipe(number: int) -> Recipe:
    """Even and odd numbers have models that differ in every weight."""
    return Recipe(hidden=(16,), seed=number % 2)


def known_checkpoint(epoch: int) -> checkpoint.Checkpoint:
    """About 2 MB, which depend on the epoch in every array."""
    rng = np.random.default_rng(epoch)
    arrays = [rng.random((400, 400), np.float32) for _ in range(3)]
    return checkpoint.Checkpoint(
        Recipe(), epoch, {"loss": [float(epoch)]}, False, 0, 1 / epoch, epoch - 1, arrays[:1], arrays[1:2], arrays[2:]
    )


def model_saver(folder: Path) -> Save:
    """A function that saves the model of a number."""
    import jax

    from tendigits.model.file import save_model
    from tendigits.model.network import build_network, compile_network

    # Each save compiles the same programs.
    jax.config.update("jax_compilation_cache_dir", str(folder.parent / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    models: list[Any] = [compile_network(build_network(recipe(number)), recipe(number)) for number in (0, 1)]
    for model in models:
        model.optimizer.build(model.trainable_variables)
    x = np.random.default_rng(0).random((32, 784), np.float32)
    return lambda number: save_model(models[number % 2], folder, x)


def checkpoint_saver(folder: Path) -> Save:
    """A function that saves the checkpoint of a number."""
    return lambda number: checkpoint.save_checkpoint(known_checkpoint(number), folder)


SAVERS = {"models": model_saver, "checkpoints": checkpoint_saver}


def killed(kind: str, folder: Path, first: int, saves: int, delay: float) -> int:
    """Fork a child that saves number `first` and on, and kill it so many seconds after so many saves.

    Returns the number of completed saves. JAX cannot be forked once it has started: it must not have here.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            save = SAVERS[kind](folder)
            for number in itertools.count(first):
                save(number)
                os.write(writer, b".")
        finally:
            os._exit(1)
    os.close(writer)
    done = sum(len(os.read(reader, 1)) for _ in range(saves))
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    while more := os.read(reader, 100):
        done += len(more)
    os.close(reader)
    return done
