"""The command `tendigits sweep`.

tendigits sweep --recipe mlp --space space.toml --trials 40
"""

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tendigits.cluster import prepare
from tendigits.errors import Interrupted
from tendigits.extras import require
from tendigits.options import Data, Runs
from tendigits.train.command import complete_recipe

if TYPE_CHECKING:
    import optuna


def sweep(
    space: Annotated[
        Path, typer.Option(help="The settings to search, as TOML.", metavar="FILE.toml", show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Option(
            help="Recipe to start from: a name or a .toml file.",
            metavar="NAME|FILE.toml",
            autocompletion=complete_recipe,
        ),
    ] = "classic",
    trials: Annotated[int, typer.Option(help="Number of trials.", min=1, metavar="N")] = 40,
    name: Annotated[str, typer.Option(help="Name of the search's folder.", metavar="NAME")] = "sweep",
    runs: Runs = Path("runs"),
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Random seed of the proposals.", min=0, metavar="N")] = 0,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Run the trials on a Ray cluster: local (the default address), auto or HOST:PORT.", metavar="[ADDRESS]"
        ),
    ] = None,
) -> None:
    """Search for the settings with the best validation accuracy. Run the same command again to continue."""
    require("tendigits sweep", "train", "scale")
    from tendigits.model.recipe_files import load_recipe
    from tendigits.runs.run import check_name
    from tendigits.sweep.space import read_space

    check_name(name)
    base = load_recipe(recipe)
    settings = read_space(space, base)
    if ray is not None:
        prepare(ray)  # before Keras is imported, so that a wrong address is reported at once
    from tendigits.sweep.ray import run_on_ray
    from tendigits.sweep.study import Sweep, run_here, search

    folder = runs / name
    run_trials = run_here if ray is None else partial(run_on_ray, ray)
    try:
        best = search(Sweep(folder, base, settings, data, seed), trials, partial(_print_ended, set()), run_trials)
    except (KeyboardInterrupt, Interrupted) as error:
        number = getattr(error, "signal_number", signal.SIGINT)
        reason = f"by {signal.Signals(number).name}; run the same command again to continue"
        raise Interrupted(reason, number) from None
    typer.echo(folder / "search.png")
    typer.echo(f"best recipe: {folder / 'best.toml'}; train it: tendigits train --recipe {folder / 'best.toml'}")
    for field, (value, _) in best.differences(base).items():
        if field not in ("name", "validation_split"):
            typer.echo(f"  {field} = {_text(value)}")


def _print_ended(printed: set[int], study: "optuna.Study") -> None:
    """A line for each trial that has ended since the last call."""
    for trial in study.trials:
        if trial.state.name in ("COMPLETE", "PRUNED") and trial.number not in printed:
            printed.add(trial.number)
            outcome = "stopped" if trial.state.name == "PRUNED" or trial.value is None else f"{trial.value:.2%}"
            values = ", ".join(f"{name} {_text(value)}" for name, value in trial.params.items())
            epochs = len(trial.intermediate_values)
            after = f"after {epochs} epoch{'s' * (epochs != 1)}"
            typer.echo(f"trial {trial.user_attrs['run']}: {outcome} {after}  {values}")


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
