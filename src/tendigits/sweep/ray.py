"""The trials of a search on a Ray cluster, as many at a time as it has cores.

best = search(sweep, trials=40, how=partial(try_on_ray, "10.0.0.1:6379"))

Ray Tune runs them, Optuna proposes what, and the study is the one that a search on one machine has: either goes on with
what the other has begun. The folder of the search must be one that every node sees.
"""

import logging
import os
import platform
import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tendigits.cluster import connected, set_variables

set_variables()

import optuna
from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search.optuna import OptunaSearch

from tendigits.errors import DivergedError, Failure, HostError, TendigitsError
from tendigits.model.recipe import Recipe
from tendigits.sweep.study import (
    RUN,
    Sweep,
    Warn,
    Watch,
    folder_of,
    name_of,
    number_of,
    recipe_of,
    shown,
    storage_of,
)
from tendigits.sweep.trial import Pruned, run_trial

ENVIRONMENT = {
    "NPROC": "1",  # a trial on each core is faster than all cores for one
    "OMP_NUM_THREADS": "1",
    "KERAS_BACKEND": "jax",
}
"""Of the processes that train."""

RETRIES = 2
"""Of a trial whose process is lost; it goes on from its last epoch."""

OURS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # what is shown,
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # what is kept
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # and Ctrl-C are ours
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a trial whose first epoch diverged has none
}
"""Of this process."""


def try_on_ray(
    address: str, sweep: Sweep, recipe: Recipe, study: optuna.Study, trials: int, watch: Watch, warn: Warn
) -> None:
    """Try so many on the cluster at an address, or on one that is started here for "local".

    Raises:
        HostError: there is no such cluster, or a node does not see the search's folder.
        TendigitsError: what a trial raises.
        Failure: a trial failed for another reason, more than once.
    """
    data = sweep.data if sweep.data is None else Path(sweep.data).absolute()
    sweep = replace(sweep, folder=sweep.folder.absolute(), data=data)
    stopper, searcher = _Stopper(warn), _searcher(sweep, study)
    os.environ |= OURS
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a lost process is a line of ours, or none
    with connected(address, environment=ENVIRONMENT), tempfile.TemporaryDirectory() as scratch:
        results = tune.Tuner(
            tune.with_resources(partial(_train, sweep=sweep, recipe=recipe), {"cpu": 1}),
            tune_config=tune.TuneConfig(
                num_samples=trials,
                search_alg=searcher,
                scheduler=_Pruning(searcher),
            ),
            run_config=tune.RunConfig(
                storage_path=scratch,
                verbose=0,
                stop=stopper,
                callbacks=[_Shown(study, watch)],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
            ),
        ).fit()
    if stopper.failed:
        raise stopper.failed
    for error in results.errors:
        raise Failure(f"a trial failed: {' '.join(str(error).split())[:400]}; the same command goes on where it was")


def _searcher(sweep: Sweep, study: optuna.Study) -> "_Searcher":
    def propose(trial: optuna.Trial) -> dict[str, int]:
        number = number_of(study, trial)
        sweep.space.choose(trial)
        return {RUN: number}

    searcher = _Searcher(
        propose,
        metric="accuracy",
        mode="max",
        sampler=optuna.samplers.TPESampler(seed=sweep.seed + len(study.trials), constant_liar=True),
        storage=storage_of(sweep),
        study_name=study.study_name,
    )
    searcher._ot_study.pruner = study.pruner
    return searcher


class _Searcher(OptunaSearch):  # type: ignore[misc]
    """As Ray's, but that a trial which was ended early is so in the study, too."""

    def is_to_end(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tell Optuna of an epoch; whether its pruner, which knows all trials of the study, would end the trial."""
        trial = self._ot_trials[trial_id]
        with warnings.catch_warnings():  # one that goes on after its process was lost says its first epochs again
            warnings.simplefilter("ignore")
            trial.report(result["accuracy"], result["epoch"])
        is_to_end: bool = trial.should_prune()
        return is_to_end

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Told already: the scheduler is asked first."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        finished = result is not None and result.get("finished")
        super().on_trial_complete(trial_id, result if finished else None, error)

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()  # all that it knows is in the study


class _Here:
    """Of this process: Tune writes a copy of all that it is given, which nobody reads."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Pruning(_Here, FIFOScheduler):  # type: ignore[misc]
    """Ends early what Optuna's pruner would, as a search on one machine does."""

    def __init__(self, searcher: _Searcher) -> None:
        super().__init__()
        self.searcher = searcher

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        ends = not result["finished"] and not result["failed"] and self.searcher.is_to_end(trial.trial_id, result)
        decision: str = self.STOP if ends else self.CONTINUE
        return decision


class _Stopper(_Here, tune.Stopper):  # type: ignore[misc]
    """Ends all where a trial raised what every other one would."""

    def __init__(self, warn: Warn) -> None:
        self.warn = warn
        self.failed: TendigitsError | None = None

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        for warning in result.get("warnings", ()):
            self.warn(warning)
        self.failed = self.failed or result.get("failed")
        return False

    def stop_all(self) -> bool:
        return self.failed is not None


class _Shown(_Here, tune.Callback):  # type: ignore[misc]
    """Tells of all trials after each epoch."""

    def __init__(self, study: optuna.Study, watch: Watch) -> None:
        self.study, self.watch = study, watch

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **_: Any) -> None:
        self.watch(shown(self.study))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        self.watch(shown(self.study))


def _train(config: dict[str, Any], *, sweep: Sweep, recipe: Recipe) -> None:
    """On a node: one trial."""
    number = config.pop(RUN)
    told: list[str] = []
    result: dict[str, Any] = {"accuracy": 0.0, "epoch": 0, "finished": False, "failed": None, "warnings": told}

    def goes_on(epoch: int, accuracy: float) -> bool:
        result.update(accuracy=accuracy, epoch=epoch)
        try:
            tune.report(result)
        except SystemExit:  # Tune ends it
            return False
        return True

    try:
        if not (sweep.folder / "sweep.json").exists():
            raise HostError(
                f"expected {sweep.folder} on {platform.node()}, found none; choose --runs that every node of the "
                "cluster sees"
            )
        proposed = recipe_of(sweep, recipe, config, name_of(recipe, number))
        result["accuracy"] = run_trial(
            proposed, sweep.data, folder_of(sweep, number), goes_on, warn=told.append,
        )  # fmt: skip
    except (Pruned, DivergedError):
        return
    except TendigitsError as error:
        tune.report(result | {"failed": error})
        return
    tune.report(result | {"finished": True})
