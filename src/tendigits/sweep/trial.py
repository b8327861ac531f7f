"""One trial of a search: a run evaluated on validation digits only, which stops early when it is pruned.

accuracy = run_trial(recipe, data, folder, should_prune=lambda epoch, accuracy: False)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from tendigits.errors import Interrupted
from tendigits.model.recipe import Recipe
from tendigits.runs.run import open_run
from tendigits.train.console import Console
from tendigits.train.pipeline import resume_run, run_recipe

ShouldPrune = Callable[[int, float], bool]
"""(epoch from 0, validation accuracy from 0 to 1) -> whether to stop the trial."""

Warn = Callable[[str], None]
"""Receives one-line warnings."""


class Pruned(Exception):
    """The trial was stopped early; its run folder keeps what it reached."""


class _PruningConsole(Console):
    """A silent console that asks after each epoch whether to prune."""

    def __init__(self, should_prune: ShouldPrune, warn: Warn) -> None:
        self.should_prune, self.forward, self.pruned = should_prune, warn, False

    def warn(self, text: str) -> None:
        self.forward(text)

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        yield keras.callbacks.LambdaCallback(on_epoch_end=self._epoch_ended)

    def _epoch_ended(self, epoch: int, logs: dict[str, Any]) -> None:
        if self.should_prune(epoch, float(logs["val_accuracy"])):
            self.pruned = True
            raise Interrupted("pruned", 0)


def run_trial(recipe: Recipe, data: str | Path | None, folder: Path, should_prune: ShouldPrune, *, warn: Warn) -> float:
    """Train in `folder`, or resume the run that was interrupted there. The test digits are not used.

    Args:
        recipe: with a validation split.
        should_prune: called after each epoch; on resuming, first for the epochs before the interruption.

    Returns:
        The validation accuracy of the weights that are kept, 0 to 1.

    Raises:
        Pruned: `should_prune` returned True.
        TendigitsError: as `run_recipe`.
    """
    console = _PruningConsole(should_prune, warn)
    try:
        if (folder / "run.json").exists():
            run = open_run(folder)
            for epoch, accuracy in enumerate(run.history().get("val_accuracy", ())):
                if should_prune(epoch, accuracy):
                    raise Pruned
            if run.record()["status"] != "finished":
                run = resume_run(folder, console=console).run
        else:
            run = run_recipe(recipe, data, runs=folder.parent, name=folder.name, console=console, evaluate=False).run
    except Interrupted:
        if console.pruned:
            raise Pruned from None
        raise
    return float(run.record()["result"]["val_accuracy"])
