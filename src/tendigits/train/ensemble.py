"""Train several networks of one recipe, one after the other, and average their predictions.

Each member is a separate run inside of the run, `members/1` and so on, with a different seed. All members hold out the
same digits. (Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles",
2017.)
"""

from dataclasses import replace
from datetime import datetime

import keras
import numpy as np

from tendigits.errors import Interrupted
from tendigits.model.file import load_model
from tendigits.model.network import PIXELS, compile_network
from tendigits.model.recipe import Recipe
from tendigits.runs.run import Run, check_inside, create_run, open_run
from tendigits.train.checkpoint import load_last_checkpoint
from tendigits.train.trainer import Trained, Training, finish, recorded, timed, train_network


def train_ensemble(training: Training) -> Trained:
    """Train each member that is not finished yet, then save and evaluate their average; its history is their mean."""
    recipe = training.recipe
    with timed(training.record["durations"], "fit"):
        runs = [_train_member(training, number) for number in range(1, recipe.ensemble_size + 1)]
    model = average_networks([load_model(run.path) for run in runs], recipe)
    training.console.stage(3, "Network", f"the average of {len(runs)} networks, {model.count_params():,} parameters")
    histories = [run.history() for run in runs]
    epochs = min(len(each["loss"]) for each in histories)
    history = keras.callbacks.History()
    history.history = {key: np.mean([one[key][:epochs] for one in histories], axis=0).tolist() for key in histories[0]}
    history.epoch = list(range(epochs))
    training.run.write_history(history.history)
    return finish(training, model, history)


def _train_member(training: Training, number: int) -> Run:
    """The finished run of one member: an existing one, resumed if necessary, or a new one."""
    recipe, console = member_recipe(training.recipe, number), training.console
    path = training.run.path / "members" / str(number)
    check_inside(training.run.path, f"members/{number}")
    if not path.exists():
        created = datetime.fromisoformat(training.record["created"])
        new = create_run(path.parent, recipe, path.name, created)
        new.write_record({**training.record, "status": "running", "seed": recipe.seed, "durations": {}})
    run = open_run(path)
    if (record := run.record())["status"] == "finished":
        return run
    name = f"member {number} of {training.recipe.ensemble_size}"
    console.line(name)
    member = replace(training, run=run, recipe=recipe, record=record)
    with run.lock():
        checkpoint = load_last_checkpoint(run.checkpoints, console.warn)
        try:
            with recorded(member):
                train_network(member, checkpoint)
        except Interrupted as error:
            raise Interrupted(f"in {name}", error.signal_number) from None
    return run


def member_recipe(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member. Its seed depends on the ensemble's seed and on the member's number."""
    seed = int(np.random.SeedSequence((recipe.seed, number)).generate_state(1)[0])
    return recipe.with_changes(ensemble_size=1, seed=seed, name=f"{recipe.name[:60]}-{number}")


def average_networks(members: list[keras.Model], recipe: Recipe) -> keras.Model:
    """A network whose probabilities are the mean of its members' probabilities: float32 (n, 784) -> (n, 10)."""
    x = keras.Input((PIXELS,))
    model = keras.Model(x, keras.layers.Average()([member(x) for member in members]), name="ensemble")
    compile_network(model, recipe)
    model.optimizer.build(model.trainable_variables)  # without its variables it could not be saved
    return model
