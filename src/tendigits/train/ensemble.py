"""Several networks of one recipe, trained one after the other, whose answers are averaged.

Each member is a run of its own within the run, `members/1` and so on, with its own seed; all hold out the same digits.
(Breiman, "Bagging predictors", 1996; that other seeds are enough: Lakshminarayanan et al., 2017.)
"""

from datetime import datetime
from typing import Any

import keras
import numpy as np

from tendigits.errors import HostError, Interrupted
from tendigits.model.file import load_model
from tendigits.model.network import PIXELS, compile_network
from tendigits.model.recipe import Recipe
from tendigits.report.run import Run, create_run, open_run
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint
from tendigits.train.trainer import Trained, Walk, timed


class EnsembleWalk(Walk):
    """Stages 2 to 8 of a recipe with members: all stages of each, then their average is saved and judged."""

    def _stages(self, checkpoint: Checkpoint | None) -> Trained:
        recipe, durations = self.recipe, self.record["durations"]
        with timed(durations, "fit"):
            runs = [self._member(number) for number in range(1, recipe.ensemble_size + 1)]
        model = average_of([load_model(run.path / "model.keras") for run in runs], recipe)
        self.screen.stage(3, "Network", f"the average of {len(runs)} networks, {model.count_params():,} parameters")
        history = keras.callbacks.History()
        history.history = mean_history([run.history() for run in runs])
        history.epoch = list(range(len(history.history["loss"])))
        self.run.write_history(history.history)
        return self._conclude(model, history)

    def _member(self, number: int) -> Run:
        """The finished run of one member: found, resumed or made."""
        recipe = member_of(self.recipe, number)
        path = self.run.path / "members" / str(number)
        if not path.exists():
            made = datetime.fromisoformat(self.record["created"])
            create_run(path.parent, recipe, path.name, made)
            record = {**self.record, "status": "running", "seed": recipe.seed, "durations": {}}
            Run(path).write_record(record)
        run = open_run(path)
        if (record := run.record())["status"] == "finished":
            return run
        self.screen.line(f"member {number} of {self.recipe.ensemble_size}")
        with run.lock():
            last = load_last_checkpoint(run.checkpoints, self.screen.warn)
            try:
                Walk(run, recipe, self.dataset, self.ready, record, self.screen, self.team).go(last)
            except Interrupted as error:
                raise Interrupted(f"in member {number} of {self.recipe.ensemble_size}", error.signal_number) from None
            except HostError:
                raise HostError(f"lost another host in member {number} of {self.recipe.ensemble_size}") from None
        return run


def member_of(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member, with a seed that depends on the ensemble's and its number."""
    seed = int(np.random.SeedSequence((recipe.seed, number)).generate_state(1)[0])
    return recipe.with_changes(ensemble_size=1, seed=seed, name=f"{recipe.name[:60]}-{number}")


def average_of(members: list[keras.Model], recipe: Recipe) -> keras.Model:
    """One network whose ten probabilities are the mean of the members': float32 (n, 784) -> (n, 10)."""
    x = keras.Input((PIXELS,))
    model = keras.Model(x, keras.layers.Average()([member(x) for member in members]), name="ensemble")
    compile_network(model, recipe)
    model.optimizer.build(model.trainable_variables)  # so that it can be saved before it has taken a step
    return model


def mean_history(histories: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    """The members' mean of each metric in each epoch that all of them have."""
    epochs = min(len(history["loss"]) for history in histories)
    arrays: dict[str, Any] = {
        name: np.mean([history[name][:epochs] for history in histories], axis=0) for name in histories[0]
    }
    return {name: array.tolist() for name, array in arrays.items()}
