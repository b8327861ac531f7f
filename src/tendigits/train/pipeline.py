"""From data to report in a run folder: train a recipe, or resume a run.

trained = run_recipe(Recipe())                 # tendigits train
trained = resume_run("runs/first")             # tendigits train --resume runs/first
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import jax
import keras

from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.errors import Interrupted, RecipeError, RunError
from tendigits.files import need_space
from tendigits.machine import describe_commit, describe_environment
from tendigits.model.file import MAX_BYTES
from tendigits.model.network import count_parameters
from tendigits.model.recipe import Recipe
from tendigits.report import messages
from tendigits.report.evaluate import load_same_data
from tendigits.runs.run import FORMAT, Record, Run, create_run, open_run
from tendigits.train import spmd
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint
from tendigits.train.console import Console
from tendigits.train.ensemble import train_ensemble
from tendigits.train.inputs import Inputs, load_inputs
from tendigits.train.trainer import Trained, Training, interrupted, recorded, timed, train_network


def run_recipe(
    recipe: Recipe | None = None,
    data: str | Path | None = None,
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    console: Console | None = None,
    now: datetime | None = None,
    evaluate: bool = True,
    distribution: keras.distribution.DataParallel | None = None,
    loading: "Future[tuple[Dataset, Inputs]] | None" = None,
) -> Trained:
    """Train a recipe in a new run folder, from data to report.

    Args:
        recipe: all settings; None is the classic recipe.
        data: a .npz, or a folder of IDX files or of images; None is MNIST.
        runs: the folder that holds the runs.
        name: name of the run's folder; None is date and time.
        console: shows the progress; None shows only warnings.
        now: the time that is recorded as the run's creation; None is the current time.
        evaluate: whether to report on the test digits; without, the result is that of the held-out digits.
        distribution: the devices that share each batch; None is this process's first device.
        loading: `load_inputs` of the data and recipe, where it has begun already.

    Raises:
        TendigitsError: see tendigits.errors; what was reached is kept in the run folder.
    """
    recipe, console, now = recipe or Recipe(), console or Console(), now or datetime.now().astimezone()
    _refuse_too_large(recipe)
    durations: dict[str, float] = {}
    load_now = partial(load_inputs, partial(load, data), recipe)
    dataset, inputs = _inputs(load_now if loading is None else loading.result, console, durations)
    need_space(Path(runs), _bytes_needed(recipe))
    machine = describe_environment()
    run = create_run(Path(runs), recipe, name, now)
    with run.lock(), _resumable(run):
        record: Record = {
            "format": FORMAT,
            "status": "running",
            "created": now.isoformat(timespec="seconds"),
            "resumed": [],
            "seed": recipe.seed,
            "data": messages.data_record(dataset, data),
            "machine": machine,
            "git": describe_commit(Path.cwd()),
            "durations": durations,
            "parameters": count_parameters(recipe),
        }
        if not evaluate:
            record["evaluated"] = False
        if distribution is not None:
            record["devices"] = {"all": distribution.num_model_replicas, "processes": jax.process_count()}
        run.write_record(record)
        training = Training(run, recipe, dataset, inputs, record, console, distribution)
        return _train(training, None)


def resume_run(
    path: str | Path,
    *,
    console: Console | None = None,
    now: datetime | None = None,
    distribution: keras.distribution.DataParallel | None = None,
) -> Trained:
    """Resume an interrupted run from its last checkpoint; its weights become those of an uninterrupted run.

    Raises:
        RunError: the run is finished or in use, or its data has changed.
        TendigitsError: as `run_recipe`.
    """
    console, now = console or Console(), now or datetime.now().astimezone()
    run = open_run(path)
    with run.lock(), _resumable(run):
        record = run.record()
        if record["status"] == "finished":
            raise RunError(f"{run.path} is finished, there is nothing to resume; train again with another --name")
        recipe = run.recipe()
        load_now = partial(load_inputs, partial(load_same_data, run, record), recipe)
        dataset, inputs = _inputs(load_now, console, record["durations"])
        need_space(run.path, _bytes_needed(recipe))
        checkpoint = load_last_checkpoint(run.checkpoints, console.warn)
        if checkpoint is not None and checkpoint.recipe != recipe:
            raise RunError(f"{run.path}: recipe.json is not the recipe of its checkpoints")
        record |= {"status": "running", "resumed": [*record["resumed"], now.isoformat(timespec="seconds")]}
        run.write_record(record)
        training = Training(run, recipe, dataset, inputs, record, console, distribution)
        return _train(training, checkpoint)


def _inputs(
    load_now: Callable[[], tuple[Dataset, Inputs]], console: Console, durations: dict[str, float]
) -> tuple[Dataset, Inputs]:
    """Stage 1, and the work of stage 2."""
    with timed(durations, "data"):
        dataset, inputs = load_now()
    spmd.require_same("digits", dataset.digests)
    console.stage(1, "Data", *messages.data_lines(dataset))
    return dataset, inputs


def _train(training: Training, checkpoint: Checkpoint | None) -> Trained:
    with recorded(training):
        is_ensemble = training.recipe.ensemble_size > 1
        trained = train_ensemble(training) if is_ensemble else train_network(training, checkpoint)
    spmd.finish()
    return trained


def _refuse_too_large(recipe: Recipe) -> None:
    """Refuse a network whose model file would be over the size limit before it is trained, not after."""
    n, most = count_parameters(recipe), MAX_BYTES // 12  # the weights and Adam's two moments, 4 bytes each
    if n > most:
        raise RecipeError(f"recipe field 'hidden': expected at most {most:,} parameters in all, received {n:,}")


def _bytes_needed(recipe: Recipe) -> int:
    """Disk space that a run needs at most: three checkpoints and four model files at a time, and 20 MB of pictures.

    A checkpoint holds the weights twice and Adam's two moments, a model file the weights and the moments.
    """
    return count_parameters(recipe) * 4 * (3 * 4 + 4 * 3) + 20_000_000


@contextmanager
def _resumable(run: Run) -> Iterator[None]:
    """Let an interruption before or after the training say how to resume, too."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted) as error:
        raise error if "--resume" in str(error) else interrupted(error, run, {}) from None
