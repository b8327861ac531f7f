"""Hyperparameter search: Optuna proposes settings, and a run of each is evaluated on validation digits.

best = search(Sweep(folder, recipe, space), trials=40)

The folder holds the searched settings (sweep.json), Optuna's journal (study.journal), a run for each trial (trials/)
and, at the end, a plot (search.png) and the best recipe (best.toml). Call `search` again to continue.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from optuna.distributions import CategoricalDistribution, distribution_to_json
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from tendigits.errors import DivergedError, Failure, Interrupted, RunError, reason_of
from tendigits.files import LOCK, lock_folder, make_folder, write_or_compare, write_text
from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import to_toml
from tendigits.report.curves import COLOURS, GUIDE_STYLE, save_figure
from tendigits.runs.run import check_inside, open_run
from tendigits.sweep.space import Space, with_values
from tendigits.train.console import Console
from tendigits.train.pipeline import resume_run, run_recipe

FORMAT = 2
SETTINGS = "sweep.json"
JOURNAL = "study.journal"
ADVICE = "choose another --name"

VALIDATION_SPLIT = 0.1  # used if the recipe has no validation split, since test digits must not decide
MIN_TRIALS_FOR_IMPORTANCE = 4  # fewer finished trials are not informative
STARTUP_TRIALS = 5  # the first trials are never pruned: the median of fewer is not informative
RUN = "run"  # user attribute of a trial: the number of its run; a trial that retries another has the same run

NO_SIGNAL = 0  # signal number of the `Interrupted` that ends a pruned trial

EVALUATED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Sweep:
    """What is searched, and where."""

    folder: Path
    recipe: Recipe
    space: Space
    data: str | Path | None = None
    seed: int = 0

    def proposed(self, values: dict[str, Any], suffix: object) -> Recipe:
        """The recipe with these values, and the suffix added to its name."""
        return with_values(self.recipe, values, f"{self.recipe.name[:50]}-{suffix}")


# (Epoch from 0, validation accuracy from 0 to 1) -> whether to stop the trial.
ShouldPrune = Callable[[int, float], bool]
Watch = Callable[[optuna.Study], None]  # called whenever a trial may have ended


def run_here(sweep: Sweep, study: optuna.Study, trials: int, watch: Watch) -> None:
    """Run trials in this process, one after another."""
    for _ in range(trials):
        run_next(sweep, study)
        watch(study)


def search(
    sweep: Sweep,
    trials: int,
    watch: Watch = lambda _: None,
    run_trials: Callable[[Sweep, optuna.Study, int, Watch], None] = run_here,
) -> Recipe:
    """Run trials until `trials` of them are finished or pruned, then write and return the best recipe.

    Interrupted trials continue from their last epoch.

    Raises:
        RunError: the folder holds another search, or another process is searching in it.
        Failure: no trial was finished.
        TendigitsError: as `run_recipe`; finished trials are kept.
    """
    if not sweep.recipe.validation_split:
        sweep = replace(sweep, recipe=sweep.recipe.with_changes(validation_split=VALIDATION_SPLIT))
    settings = {
        "format": FORMAT,
        "recipe": sweep.recipe.model_dump(mode="json"),
        "space": {name: json.loads(distribution_to_json(each)) for name, each in sweep.space.items()},
        "data": None if sweep.data is None else str(Path(sweep.data).resolve()),
    }
    make_folder(sweep.folder)
    with lock_folder(sweep.folder, ADVICE):  # a second search would retry this one's running trials
        if not (sweep.folder / SETTINGS).exists() and any(path.name != LOCK for path in sweep.folder.iterdir()):
            raise RunError(f"{sweep.folder} holds other files; {ADVICE}")
        write_or_compare(sweep.folder / SETTINGS, settings, "holds a search with", ADVICE)
        check_inside(sweep.folder, "trials")
        check_inside(sweep.folder, JOURNAL)
        _repair_journal(sweep.folder / JOURNAL)
        study = open_study(sweep)
        retry(study, study.get_trials(states=(TrialState.RUNNING,)))
        if (missing := trials - len(study.get_trials(states=EVALUATED))) > 0:
            run_trials(sweep, study, missing, watch)
        if not study.get_trials(states=(TrialState.COMPLETE,)):
            raise Failure("no trial was finished, all were pruned or diverged; search in a smaller space")
        best = sweep.proposed(study.best_params, "best")
        plot_search(study, sweep.folder / "search.png")
        n, split = len(study.get_trials(states=EVALUATED)), sweep.recipe.validation_split
        note = f"# The best of {n} trials: {study.best_value:.2%} on {split:.0%} of the training digits.\n"
        note += "# It was chosen by that figure, so expect less on other digits. "
        note += f"Trial {study.best_trial.user_attrs[RUN]}.\n"
        write_text(sweep.folder / "best.toml", note + to_toml(best))
    return best


def open_study(sweep: Sweep, process: int = 0) -> optuna.Study:
    """The search's study, created if it does not exist. Raises RunError if its journal is damaged.

    Several processes may have it open; each has another number `process`, so that they propose different settings.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = str(sweep.folder / JOURNAL)
    backend = JournalFileBackend(path, JournalFileOpenLock(path))
    try:
        study = optuna.create_study(
            study_name="sweep",
            storage=optuna.storages.JournalStorage(backend),
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=1),
            load_if_exists=True,
        )
    except Exception as error:  # Optuna does not validate its journal: KeyError, AssertionError, ...
        raise RunError(f"{path} is damaged ({type(error).__name__}: {reason_of(error)}); {ADVICE}") from error
    # With the seed of an earlier call it would propose the same settings again.
    (seed,) = np.random.SeedSequence((sweep.seed, process, len(study.trials))).generate_state(1).tolist()
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    return study


def run_next(sweep: Sweep, study: optuna.Study, **attributes: Any) -> None:
    """Run the next trial, with these user attributes. If it is interrupted, the study lists it as running."""
    trial = study.ask(sweep.space)
    number = trial.user_attrs.get(RUN, trial.number)
    for name, value in ({RUN: number} | attributes).items():
        trial.set_user_attr(name, value)

    def should_prune(epoch: int, accuracy: float) -> bool:
        trial.report(accuracy, epoch)
        return trial.should_prune()

    folder = sweep.folder / "trials" / f"{number:03}"
    try:
        accuracy = run_trial(sweep.proposed(trial.params, number), sweep.data, folder, should_prune)
    except (optuna.TrialPruned, DivergedError):
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, accuracy)


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
        optuna.TrialPruned: `should_prune` returned True.
        TendigitsError: as `run_recipe`.
    """
    console = _PruningConsole(should_prune)
    try:
        if (folder / "run.json").exists():
            run = open_run(folder)
            for epoch, accuracy in enumerate(run.history().get("val_accuracy", ())):
                if should_prune(epoch, accuracy):
                    raise optuna.TrialPruned
            if run.record()["status"] != "finished":
                run = resume_run(folder, console=console).run
        else:
            run = run_recipe(recipe, data, runs=folder.parent, name=folder.name, console=console, evaluate=False).run
    except Interrupted as error:
        if error.signal_number == NO_SIGNAL:
            raise optuna.TrialPruned from None
        raise
    return float(run.record()["result"]["val_accuracy"])


def retry(study: optuna.Study, trials: Iterable[optuna.trial.FrozenTrial]) -> None:
    """Mark trials whose process has ended as failed, and queue the same values again, with the same run."""
    for trial in trials:
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs={RUN: trial.user_attrs.get(RUN, trial.number)})


def _repair_journal(path: Path) -> None:
    """Remove what a killed process or a full disk left: a lock, or an incomplete line that Optuna could not read."""
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def plot_search(study: optuna.Study, path: Path) -> None:
    """Plot the validation accuracy of each finished trial over each setting, the most important setting first."""
    trials = study.get_trials(states=(TrialState.COMPLETE,))
    importance, distributions = importances(study), trials[0].distributions
    names = sorted(distributions, key=lambda name: (-importance.get(name, 0), name))
    number = study.best_trial.user_attrs.get(RUN, study.best_trial.number)
    figure = Figure(figsize=(max(7, 2.5 * len(names)), 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        is_category = isinstance(distributions[name], CategoricalDistribution)
        *values, best = [
            str(trial.params[name]) if is_category else trial.params[name] for trial in (*trials, study.best_trial)
        ]
        axes.scatter(values, [trial.value for trial in trials], color=COLOURS[0])
        line = axes.axvline(best, label=f"Best, trial {number}", **GUIDE_STYLE)
        axes.margins(x=0.15)  # choices would lie on the frame
        if getattr(distributions[name], "log", False):
            axes.set_xscale("log")
        axes.set_xlabel(name)
        axes.set_title(f"importance {importance[name]:.0%}" if name in importance else "", fontsize="medium")
    figure.axes[0].set_ylabel("validation accuracy")
    figure.legend(handles=[line], loc="outside lower right", frameon=False)
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    save_figure(figure, path.with_suffix(""))


def importances(study: optuna.Study) -> dict[str, float]:
    """Setting -> fraction of the variance that it explains (fANOVA; Hutter, Hoos, Leyton-Brown, 2014).

    Empty if there are too few finished trials, or if they do not differ.
    """
    if len(study.get_trials(states=(TrialState.COMPLETE,))) < MIN_TRIALS_FOR_IMPORTANCE:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    with warnings.catch_warnings(action="ignore"):
        try:
            return optuna.importance.get_param_importances(study, evaluator=evaluator)
        except RuntimeError:  # all trials have the same accuracy or the same values
            return {}
