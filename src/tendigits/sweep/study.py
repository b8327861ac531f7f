"""A search for the settings that do best: Optuna proposes, a run of each is judged on held-out training digits.

best = search(Sweep(folder, recipe, space, data=None), trials=40)

All of it is in one folder: what is searched (sweep.json), Optuna's memory (study.db), a run for each trial (trials/),
and at the end a picture (search.png) and the best recipe (best.toml). Called again it goes on where it was.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.errors import DivergedError, RunError
from tendigits.files import make_folder, write_text
from tendigits.model.recipe import Recipe
from tendigits.report.run import Run
from tendigits.sweep.space import Space, changed
from tendigits.sweep.trial import Pruned, run_trial
from tendigits.train.console import Console

if TYPE_CHECKING:
    import optuna

VALIDATION_SPLIT = 0.1
"""Share of the training digits that decides where the recipe holds none out: the test digits must not."""

RUN = "run"
"""Where a trial remembers the number of its run; one that was interrupted is another trial with the same run."""

FIRST = 5
"""Trials that none is compared with: fewer say little about what is usual."""


@dataclass(frozen=True)
class Trial:
    """One training, as it is shown."""

    number: int
    state: str
    """`running`, `finished`, `pruned` or `failed`."""
    epoch: int
    """Epochs so far."""
    accuracy: float | None
    """On held-out digits, of the last epoch or, of a finished one, of the weights that are kept."""
    values: dict[str, Any]


Watch = Callable[[list[Trial]], None]
"""Is told of all trials after each epoch."""

Warn = Callable[[str], None]
"""Is told, in one line, what must not be missed."""


@dataclass(frozen=True)
class Sweep:
    """What is searched, and where."""

    folder: Path
    recipe: Recipe
    space: Space
    data: str | Path | None = None
    seed: int = 0


How = Callable[[Sweep, Recipe, "optuna.Study", int, Watch, Warn], None]
"""Makes so many trials."""


def search(sweep: Sweep, trials: int, watch: Watch = lambda _: None, how: "How | None" = None) -> Recipe:
    """Try until so many trials are finished or pruned, then write the best recipe; gives it.

    A trial that was interrupted, in whatever way, goes on from its last epoch.

    Args:
        watch: is told of all trials after each epoch.
        how: tries so many more; None tries one after the other in this process.

    Raises:
        RunError: the folder holds a search for something else, or another process searches in it.
        TendigitsError: as `run_recipe`; what was done is kept.
    """
    make_folder(sweep.folder)
    with Run(sweep.folder).lock():  # else a second search would take a running trial for one that was interrupted
        return _search(sweep, trials, watch, how or one_by_one)


def _search(sweep: Sweep, trials: int, watch: Watch, how: How) -> Recipe:
    from tendigits.sweep.plots import draw_search

    recipe = (
        sweep.recipe if sweep.recipe.validation_split else sweep.recipe.with_changes(validation_split=VALIDATION_SPLIT)
    )
    _note(sweep)
    study = open_study(sweep)
    _ask_again(study)
    if (missing := trials - sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.trials)) > 0:
        how(sweep, recipe, study, missing, watch, cache(Console().warn))  # each warning once, not for each trial
    best = recipe_of(sweep, recipe, study.best_trial.params, f"{recipe.name[:50]}-best")
    draw_search(study, sweep.folder / "search.png")
    write_text(sweep.folder / "best.toml", as_toml(best, study))
    return best


def storage_of(sweep: Sweep) -> "optuna.storages.BaseStorage":
    """Where Optuna's memory is."""
    import optuna

    return optuna.storages.RDBStorage(f"sqlite:///{sweep.folder / 'study.db'}")


def open_study(sweep: Sweep) -> "optuna.Study":
    """Optuna's memory of the search, made where there is none."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="sweep",
        storage=storage_of(sweep),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=1),
        load_if_exists=True,
    )
    # Another seed for each start: the same one would propose again what is known.
    study.sampler = optuna.samplers.TPESampler(seed=sweep.seed + len(study.trials))
    return study


def shown(study: "optuna.Study") -> list[Trial]:
    """All trials, as they are shown; one that goes on after an interruption is there once."""
    names = {"RUNNING": "running", "COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "WAITING": "waiting"}
    found = {}
    for trial in study.trials:
        if RUN in trial.user_attrs:
            number, reached = trial.user_attrs[RUN], trial.intermediate_values
            last = reached[max(reached)] if reached else None
            value = trial.value if trial.value is not None else last
            found[number] = Trial(number, names[trial.state.name], len(reached), value, trial.params)
    return list(found.values())


def name_of(recipe: Recipe, number: int) -> str:
    """The name of a trial's recipe."""
    return f"{recipe.name[:50]}-{number}"


def folder_of(sweep: Sweep, number: int) -> Path:
    """The run folder of a trial."""
    return sweep.folder / "trials" / f"{number:03}"


def recipe_of(sweep: Sweep, recipe: Recipe, chosen: dict[str, Any], name: str) -> Recipe:
    """The recipe with the values that were chosen."""
    return changed(recipe, sweep.space.changes(chosen), name)


def as_toml(recipe: Recipe, study: "optuna.Study") -> str:
    """A recipe as a file that `tendigits train --recipe` takes: what differs from classic, and how it was found."""
    tried = [trial for trial in study.trials if trial.state.name in ("COMPLETE", "PRUNED")]
    share = f"{recipe.validation_split:.0%} of the training digits, held out"
    lines = [
        f"# The best of {len(tried)} trials: {study.best_value:.2%} on {share}.",
        f"# Chosen by that figure, so it flatters; trial {study.best_trial.user_attrs[RUN]}.",
    ]
    ours, classic = recipe.model_dump(mode="json"), Recipe().model_dump(mode="json")
    lines += [
        f"{key} = {json.dumps(value)}" for key, value in ours.items() if key != "augmentation" and value != classic[key]
    ]
    within = {key: value for key, value in ours["augmentation"].items() if value != classic["augmentation"][key]}
    if within:
        lines += ["", "[augmentation]", *[f"{key} = {json.dumps(value)}" for key, value in within.items()]]
    return "\n".join(lines) + "\n"


def _note(sweep: Sweep) -> None:
    """Write down what is searched, or see that it is the same as before."""
    path = sweep.folder / "sweep.json"
    content = {
        "format": 1,
        "recipe": sweep.recipe.model_dump(mode="json"),
        "space": {name: repr(knob) for name, knob in sweep.space.knobs.items()},
        "data": None if sweep.data is None else str(Path(sweep.data).resolve()),
    }
    if not path.exists():
        write_text(path, json.dumps(content, indent=2) + "\n")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; search in another folder with --name") from None
    different = [key for key, value in content.items() if before.get(key) != value]
    if different:
        raise RunError(
            f"{sweep.folder} holds a search with another {' and another '.join(different)}; "
            "search anew with another --name"
        )


def _ask_again(study: "optuna.Study") -> None:
    """Let trials that were interrupted be tried again with the same values, in their own run folders."""
    import optuna

    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs=trial.user_attrs)


def number_of(study: "optuna.Study", trial: "optuna.Trial") -> int:
    """Of the run that tries what is proposed: a new one, or that which was interrupted."""
    if RUN not in trial.user_attrs:
        trial.set_user_attr(RUN, len(shown(study)))
    number: int = trial.user_attrs[RUN]
    return number


def one_by_one(sweep: Sweep, recipe: Recipe, study: "optuna.Study", trials: int, watch: Watch, warn: Warn) -> None:
    """Try so many in this process; one that is interrupted stays `running` in Optuna's memory, and is asked again."""
    for _ in range(trials):
        _try(sweep, recipe, study, watch, warn)


def _try(sweep: Sweep, recipe: Recipe, study: "optuna.Study", watch: Watch, warn: Warn) -> None:
    import optuna

    trial = study.ask()
    number = number_of(study, trial)
    proposed = changed(recipe, sweep.space.choose(trial), name_of(recipe, number))

    def goes_on(epoch: int, accuracy: float) -> bool:
        trial.report(accuracy, epoch)
        watch(shown(study))
        return not trial.should_prune()

    watch(shown(study))
    try:
        accuracy = run_trial(
            proposed,
            sweep.data,
            folder_of(sweep, number),
            goes_on,
            warn=warn,
        )  # fmt: skip
    except (Pruned, DivergedError):
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, accuracy)
    watch(shown(study))
