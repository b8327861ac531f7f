"""Train a recipe in a new run folder, or resume a run.

trained = run_recipe(Recipe())                 # tendigits train
trained = resume_run("runs/first")             # tendigits train --resume runs/first
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from tendigits.data.dataset import Dataset
from tendigits.errors import RecipeError, RunError
from tendigits.files import need_space
from tendigits.machine import describe_commit, describe_environment
from tendigits.model.file import MAX_MODEL_BYTES
from tendigits.model.network import count_parameters
from tendigits.model.recipe import Recipe
from tendigits.pool.pool import WorkerPool
from tendigits.report import messages
from tendigits.report.evaluate import load_same_data
from tendigits.runs.run import FORMAT, Record, create_run, find_run
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint
from tendigits.train.console import Console
from tendigits.train.ensemble import train_ensemble
from tendigits.train.inputs import Inputs, load_inputs, prepare_inputs
from tendigits.train.trainer import Trained, Training, recorded, timed, train_network

FLOAT_BYTES = 4
MAX_PARAMETERS = MAX_MODEL_BYTES // (3 * FLOAT_BYTES)  # a model file holds the weights and Adam's two moments


def run_recipe(
    recipe: Recipe | None = None,
    data: str | Path | None = None,
    *,
    also: str | Path | None = None,
    runs: str | Path = "runs",
    name: str | None = None,
    console: Console | None = None,
    now: datetime | None = None,
    evaluate: bool = True,
) -> Trained:
    """Train a recipe in a new run folder, from data to report.

    Args:
        recipe: all settings; None is the classic recipe.
        data: a .npz, or a folder of IDX files or of images; None is MNIST.
        also: a person's own digits, in the same layouts. Half of each digit is learned, repeated until these are a
            fifth of all training digits; the network is tested on the other half, too.
        runs: the folder that holds the runs.
        name: name of the run's folder; None is date and time.
        console: shows the progress; None shows only warnings.
        now: the time that is recorded as the run's creation; None is the current time.
        evaluate: whether to report on the test digits; if not, the result is that of the held-out digits.

    Raises:
        TendigitsError: see tendigits.errors; the run folder keeps what was reached.
    """
    recipe = recipe or Recipe()
    load = partial(load_inputs, recipe, data, also)
    return start_run(recipe, load, Path(runs), name, console or Console(), now, evaluate=evaluate)


def start_run(
    recipe: Recipe,
    load: Callable[[], tuple[Dataset, Inputs]],
    runs: Path,
    name: str | None,
    console: Console,
    now: datetime | None = None,
    *,
    evaluate: bool = True,
    drawing: WorkerPool | None = None,
) -> Trained:
    """`run_recipe` with a function that loads the digits, and a process that draws; None draws here."""
    now = now or datetime.now().astimezone()
    if (n := count_parameters(recipe)) > MAX_PARAMETERS:
        raise RecipeError(f"recipe field 'hidden': expected at most {MAX_PARAMETERS:,} parameters, received {n:,}")
    durations: dict[str, float] = {}
    with timed(durations, "data"):
        dataset, inputs = load()
    _show_data(dataset, console)
    need_space(runs, _bytes_needed(recipe))
    record: Record = {
        "format": FORMAT,
        "status": "running",
        "created": now.isoformat(timespec="seconds"),
        "resumed": [],
        "seed": recipe.seed,
        "data": messages.data_record(dataset),
        "machine": describe_environment(),
        "git": describe_commit(Path.cwd()),
        "durations": durations,
        "parameters": n,
    }
    if not evaluate:
        record["evaluated"] = False
    run = create_run(runs, recipe, name, now)
    training = Training(run, recipe, dataset, inputs, record, console, drawing)
    with run.lock(), recorded(training):
        return _train(training, None)


def resume_run(
    path: str | Path,
    *,
    console: Console | None = None,
    now: datetime | None = None,
    drawing: WorkerPool | None = None,
) -> Trained:
    """Resume an interrupted run from its last checkpoint. Its weights become those of an uninterrupted run.

    Raises:
        RunError: the run is finished or in use, or its data has changed.
        TendigitsError: as `run_recipe`.
    """
    console, now, run = console or Console(), now or datetime.now().astimezone(), find_run(path)
    with run.lock():
        record, recipe = run.record(), run.recipe()
        if record["status"] == "finished":
            raise RunError(f"{run.path} is finished, there is nothing to resume; train again with another --name")
        with timed(record["durations"], "data"):
            dataset = load_same_data(run, record)
            inputs = prepare_inputs(dataset, recipe)
        _show_data(dataset, console)
        need_space(run.path, _bytes_needed(recipe))
        checkpoint = load_last_checkpoint(run.checkpoints, console.warn)
        if checkpoint is not None and checkpoint.recipe != recipe:
            raise RunError(f"{run.path}: recipe.json is not the recipe of its checkpoints")
        record["status"] = "running"
        record["resumed"].append(now.isoformat(timespec="seconds"))
        training = Training(run, recipe, dataset, inputs, record, console, drawing)
        with recorded(training):
            return _train(training, checkpoint)


def _show_data(dataset: Dataset, console: Console) -> None:
    console.stage(1, "Data", *messages.data_lines(dataset))
    if missing := messages.missing_line(dataset):
        console.warn(missing)


def _train(training: Training, checkpoint: Checkpoint | None) -> Trained:
    if training.recipe.ensemble_size > 1:
        return train_ensemble(training)
    return train_network(training, checkpoint)


def _bytes_needed(recipe: Recipe) -> int:
    """Disk space that a run needs at most: three checkpoints, four model files, and 20 MB of pictures."""
    # A checkpoint holds the weights twice and Adam's two moments, a model file the weights and the moments.
    return count_parameters(recipe) * FLOAT_BYTES * (3 * 4 + 4 * 3) + 20_000_000
