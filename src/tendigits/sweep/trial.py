"""One trial of a search: a run that is evaluated on validation digits only, and stops early when it is pruned.

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

NO_SIGNAL = 0  # interrupts a trial that is pruned

# (Epoch from 0, validation accuracy from 0 to 1) -> whether to stop the trial.
ShouldPrune = Callable[[int, float], bool]


class Pruned(Exception):
    """The trial was stopped early; its run folder keeps what it reached."""


class _PruningConsole(Console):
    """Shows only warnings, and interrupts the training when `should_prune` returns True."""

    def __init__(self, should_prune: ShouldPrune) -> None:
        self.should_prune = should_prune

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        def check(epoch: int, logs: dict[str, Any]) -> None:
            if self.should_prune(epoch, float(logs["val_accuracy"])):
                raise Interrupted("pruned", NO_SIGNAL)

        yield keras.callbacks.LambdaCallback(on_epoch_end=check)


def run_trial(recipe: Recipe, data: str | Path | None, folder: Path, should_prune: ShouldPrune) -> float:
    """Train in `folder`, or resume the run that was interrupted there. The test digits are not used.

    Returns the validation accuracy, 0 to 1, of the weights that are kept.

    Args:
        recipe: must have a validation split.
        should_prune: called after each epoch; when a run is resumed, first for the epochs before the interruption.

    Raises:
        Pruned: `should_prune` returned True.
        TendigitsError: as `run_recipe`.
    """
    console = _PruningConsole(should_prune)
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
    except Interrupted as error:
        if error.signal_number == NO_SIGNAL:
            raise Pruned from None
        raise
    return float(run.record()["result"]["val_accuracy"])
