"""The walk-through's eight stages in a row, kept in a run folder: train a recipe, or resume a run.

trained = run_recipe(Recipe())                 # tendigits train
trained = resume_run("runs/first")             # tendigits train --resume runs/first
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.errors import Interrupted, RecipeError, RunError
from tendigits.files import need_space
from tendigits.model.environment import describe_commit, describe_machine
from tendigits.model.hdf5 import MAX_BYTES
from tendigits.model.network import count_parameters
from tendigits.model.recipe import Recipe
from tendigits.report import messages
from tendigits.report.evaluate import load_same_data
from tendigits.report.run import FORMAT, Record, Run, create_run, open_run
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint
from tendigits.train.console import Screen
from tendigits.train.ensemble import EnsembleWalk
from tendigits.train.hosts import Team
from tendigits.train.trainer import Trained, Walk, interrupted, prepare_input, timed


def run_recipe(
    recipe: Recipe | None = None,
    data: str | Path | None = None,
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    screen: Screen | None = None,
    now: datetime | None = None,
    judged: bool = True,
    team: Team | None = None,
) -> Trained:
    """Train a recipe from data to report, in a new run folder.

    Args:
        recipe: all knobs; classic where it is None.
        data: a .npz, a folder of IDX files or of images; None takes MNIST.
        runs: the folder that holds the runs.
        name: of the run's folder; the time where it is None.
        screen: what is told of each stage; None says only warnings.
        now: the time that the run was made.
        judged: False leaves the test digits alone: no report, and the result is of the held-out digits.
        team: the devices and hosts that train together; None is this process's first device.

    Raises:
        TendigitsError: see tendigits.errors; what was reached is kept in the run folder.
    """
    recipe, screen, now = recipe or Recipe(), screen or Screen(), now or datetime.now().astimezone()
    _refuse_too_large(recipe)
    durations: dict[str, float] = {}
    with timed(durations, "data"):
        dataset = load(data)
    _show_data(screen, dataset)
    with timed(durations, "prepare"):
        ready = prepare_input(dataset, recipe)
    need_space(Path(runs), _bytes_needed(recipe))
    machine = describe_machine()
    run = create_run(Path(runs), recipe, name, now)
    with run.lock(), _saying_how_to_resume(run):
        record: Record = {
            "format": FORMAT,
            "status": "running",
            "created": now.isoformat(timespec="seconds"),
            "resumed": [],
            "seed": recipe.seed,
            "parameters": count_parameters(recipe),
            "data": messages.data_record(dataset, data),
            "machine": machine,
            "git": describe_commit(Path.cwd()),
            "durations": durations,
        }
        if not judged:
            record["evaluated"] = False
        if team is not None:
            record["devices"] = {"all": team.distribution.num_model_replicas, "hosts": team.hosts}
        run.write_record(record)
        return _go(_kind_of_walk(recipe)(run, recipe, dataset, ready, record, screen, team), None)


def resume_run(
    path: str | Path,
    *,
    screen: Screen | None = None,
    now: datetime | None = None,
    team: Team | None = None,
) -> Trained:
    """Go on with a run that was interrupted, from its last checkpoint, to the same weights as if it never was.

    Raises:
        RunError: it is finished, in use, or its data is no longer what it was.
        TendigitsError: as `run_recipe`.
    """
    screen, now = screen or Screen(), now or datetime.now().astimezone()
    run = open_run(path)
    with run.lock(), _saying_how_to_resume(run):
        record = run.record()
        if record["status"] == "finished":
            raise RunError(f"{run.path} is finished, there is nothing to resume; train anew with another --name")
        recipe = run.recipe()
        with timed(record["durations"], "data"):
            dataset = load_same_data(run, record)
        _show_data(screen, dataset)
        with timed(record["durations"], "prepare"):
            ready = prepare_input(dataset, recipe)
        need_space(run.path, _bytes_needed(recipe))
        checkpoint = load_last_checkpoint(run.checkpoints, screen.warn)
        if checkpoint is not None and checkpoint.recipe != recipe:
            raise RunError(f"{run.path}: recipe.json is not the recipe that its checkpoints were made with")
        record |= {"status": "running", "resumed": [*record["resumed"], now.isoformat(timespec="seconds")]}
        run.write_record(record)
        return _go(_kind_of_walk(recipe)(run, recipe, dataset, ready, record, screen, team), checkpoint)


def _go(walk: Walk, checkpoint: Checkpoint | None) -> Trained:
    trained = walk.go(checkpoint)
    if walk.team is not None:
        walk.team.dismiss()
    return trained


def _kind_of_walk(recipe: Recipe) -> type[Walk]:
    return EnsembleWalk if recipe.ensemble_size > 1 else Walk


def _show_data(screen: Screen, dataset: Dataset) -> None:
    screen.stage(1, "Data", *messages.data_lines(dataset))


def _refuse_too_large(recipe: Recipe) -> None:
    """A network whose model file would be over the cap is told before it is trained, not after."""
    n, most = count_parameters(recipe), MAX_BYTES // 12  # the weights and Adam's two moments, 4 bytes each
    if n > most:
        raise RecipeError(f"recipe field 'hidden': expected at most {most:,} parameters in all, received {n:,}")


def _bytes_needed(recipe: Recipe) -> int:
    """Disk that a run takes at most: three checkpoints and four model files at a time, and 20 MB of pictures.

    A checkpoint holds the weights twice and Adam's two moments, a model file the weights and the moments.
    """
    return count_parameters(recipe) * 4 * (3 * 4 + 4 * 3) + 20_000_000


@contextmanager
def _saying_how_to_resume(run: Run) -> Iterator[None]:
    """For a Ctrl-C or SIGTERM that comes before or after the stages."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise interrupted(error, run, {}) from None
    except Interrupted as error:
        raise error if "--resume" in str(error) else interrupted(error, run, {}) from None
