"""Saves known checkpoints, for the tests of crashes, and is killed while it saves."""

import itertools
import os
import signal
import time
from dataclasses import fields
from pathlib import Path

import numpy as np

from tendigits.model.recipe import Recipe
from tendigits.train.checkpoint import Checkpoint, save_checkpoint


def known_checkpoint(epoch: int, side: int = 400) -> Checkpoint:
    """Three arrays, of 2 MB together if no other side is asked for; each depends on the epoch."""
    rng = np.random.default_rng(epoch)
    arrays = [rng.random((side, side), np.float32) for _ in range(3)]
    return Checkpoint(
        Recipe(), epoch, {"loss": [float(epoch)]}, False, 0, 1 / epoch, epoch - 1, arrays[:1], arrays[1:2], arrays[2:]
    )


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    """Equal to the last bit, also -0.0 and NaN."""
    for field in fields(Checkpoint):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("variables", "optimizer", "best_weights"):
            mine, theirs = ([(a.dtype, a.shape, a.tobytes()) for a in group] for group in (mine, theirs))
        assert repr(mine) == repr(theirs), field.name


def killed(folder: Path, first: int, saves: int, delay: float) -> int:
    """Fork a child that saves number `first` and on, and kill it so many seconds after so many saves.

    Returns the number of completed saves. JAX cannot be forked once it has started: it must not have here.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for number in itertools.count(first):
                save_checkpoint(known_checkpoint(number), folder)
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
