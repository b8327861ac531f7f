"""One training of a search: a run of its own, judged on held-out training digits, ended early where it promises little.

accuracy = run_trial(recipe, data, folder, goes_on=lambda epoch, accuracy: True)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from tendigits.errors import Interrupted
from tendigits.model.recipe import Recipe
from tendigits.report.run import open_run
from tendigits.train.console import Console
from tendigits.train.pipeline import resume_run, run_recipe

GoesOn = Callable[[int, float], bool]
"""(epoch from 0, accuracy on held-out digits, 0 to 1): whether the training is to go on."""


class Pruned(Exception):
    """The training was ended early; its run folder has all that it reached."""


class _Watch(Console):
    """A console that shows nothing and listens to the epochs."""

    def __init__(self, goes_on: GoesOn, warn: Callable[[str], None]) -> None:
        self.goes_on, self.say, self.pruned = goes_on, warn, False

    def warn(self, text: str) -> None:
        self.say(text)

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        yield keras.callbacks.LambdaCallback(on_epoch_end=self._ended)

    def _ended(self, epoch: int, logs: dict[str, Any]) -> None:
        if not self.goes_on(epoch, float(logs["val_accuracy"])):
            self.pruned = True
            raise Interrupted("as it promises little", 0)


def run_trial(
    recipe: Recipe,
    data: str | Path | None,
    folder: Path,
    goes_on: GoesOn,
    *,
    warn: Callable[[str], None] | None = None,
) -> float:
    """Train in `folder`, or go on with the training that was interrupted there; the test digits are left alone.

    Args:
        recipe: with held-out digits.
        goes_on: asked after each epoch, also after those that were before an interruption.
        warn: is told what must not be missed; None writes it to standard error.

    Returns:
        The accuracy on the held-out digits of the weights that are kept, 0 to 1.

    Raises:
        Pruned: `goes_on` said no.
        TendigitsError: as `run_recipe`.
    """
    watch = _Watch(goes_on, warn or Console().warn)
    try:
        if (folder / "run.json").exists():
            for epoch, accuracy in enumerate(open_run(folder).history().get("val_accuracy", ())):
                if not goes_on(epoch, accuracy):
                    raise Pruned
            record = open_run(folder).record()
            if record["status"] != "finished":
                record = resume_run(folder, console=watch).run.record()
        else:
            record = run_recipe(
                recipe, data, runs=folder.parent, name=folder.name, console=watch,
                evaluate=False,
            ).run.record()  # fmt: skip
    except Interrupted:
        if watch.pruned:
            raise Pruned from None
        raise
    return float(record["result"]["val_accuracy"])
