"""Keras callbacks that make a training resumable: early stopping, checkpoints, and signals.

with StopOnSignal() as stop:
    model.fit(..., callbacks=[EarlyStopping(recipe, checkpoint), SaveCheckpoint(...), stop])
"""

import math
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any, Self

import keras
import numpy as np

from tendigits.errors import DivergedError, Interrupted
from tendigits.model.recipe import Recipe
from tendigits.train.checkpoint import Checkpoint, History, variables_of


class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras' own, except that it always remembers the best weights and can resume from a checkpoint."""

    def __init__(self, recipe: Recipe, checkpoint: Checkpoint | None) -> None:
        super().__init__(monitor=recipe.monitor, patience=recipe.patience, restore_best_weights=True)
        self.restore_at_end, self.checkpoint = recipe.restore_best, checkpoint

    def on_train_begin(self, logs: Any = None) -> None:
        """Start anew, or from the checkpoint's state."""
        super().on_train_begin(logs)
        if self.checkpoint is not None:
            self.wait, self.best = self.checkpoint.wait, self.checkpoint.best
            self.best_epoch, self.best_weights = self.checkpoint.best_epoch, self.checkpoint.best_weights

    def on_train_end(self, logs: Any = None) -> None:
        """Restore the best weights if the recipe says so."""
        if self.restore_at_end:
            super().on_train_end(logs)


class SaveCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Checks after each epoch that every number is finite, and saves a checkpoint while the next epoch is trained.

    Saving is half waiting for the disk. What fails there ends the training at its next step, or when it is waited for.
    """

    def __init__(
        self, stopping: EarlyStopping, recipe: Recipe, history: History, save: Callable[[Checkpoint], None]
    ) -> None:
        super().__init__()
        self.stopping, self.recipe, self.history, self.save = stopping, recipe, history, save
        self.saving: Future[None] | None = None
        self.executor = ThreadPoolExecutor(1)

    def wait(self) -> None:
        """Wait until the last checkpoint is saved. Raises what `save` raised."""
        if self.saving is not None:
            saving, self.saving = self.saving, None
            saving.result()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Raise what `save` has raised by now."""
        if self.saving is not None and self.saving.done():
            self.wait()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Check, and begin to save. Raises DivergedError, and what `save` raised of the epoch before."""
        check_finite(self.model, logs, epoch)
        self.wait()
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        reached = Checkpoint(
            recipe=self.recipe,
            epoch=epoch + 1,
            history={name: list(values) for name, values in self.history.items()},
            stopped=bool(self.model.stop_training),
            wait=self.stopping.wait,
            best=float(self.stopping.best),
            best_epoch=self.stopping.best_epoch,
            variables=[np.asarray(v) for v in variables_of(self.model)],
            optimizer=[np.asarray(v) for v in self.model.optimizer.variables],
            best_weights=self.stopping.best_weights,
        )
        self.saving = self.executor.submit(self.save, reached)


class StopOnSignal(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises Interrupted between two training steps after the first SIGINT or SIGTERM.

    Python would raise KeyboardInterrupt anywhere, even during a step that has donated its buffers, when the model has
    no variables. A second signal has its previous effect. An ignored signal, such as SIGINT in a shell's background
    job, stays ignored. Outside the main thread signals are left alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.received: int | None = None
        self.previous: dict[int, Any] = {}
        self.epoch = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self.previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = self.received or number
        signal.signal(number, self.previous[number])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch for the message."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Raise Interrupted if a signal was received."""
        if self.received is not None:
            raise Interrupted(f"by {signal.Signals(self.received).name} in epoch {self.epoch + 1}", self.received)


def check_finite(model: keras.Model, logs: dict[str, float], epoch: int) -> None:
    """Raise DivergedError if a metric or a weight is infinite or not a number."""
    advice = "try a smaller learning rate"
    for name, value in logs.items():
        if not math.isfinite(value):
            raise DivergedError(f"epoch {epoch + 1}: expected a finite {name}, received {value}; {advice}")
    for variable in model.weights:
        if not np.isfinite(np.asarray(variable)).all():
            raise DivergedError(f"epoch {epoch + 1}: {variable.path} has weights that are not finite; {advice}")
