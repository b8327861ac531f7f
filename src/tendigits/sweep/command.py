"""The command `tendigits sweep`.

tendigits sweep --recipe mlp --space space.toml --trials 40
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tendigits.cluster import prepare
from tendigits.errors import Interrupted
from tendigits.extras import require
from tendigits.options import Data, Runs

if TYPE_CHECKING:
    from rich.table import Table

    from tendigits.sweep.study import TrialSummary

MAX_ROWS = 20
"""Finished trials in the live table, best first."""


def sweep(
    space: Annotated[
        Path, typer.Option(help="The settings to search, as TOML.", metavar="FILE.toml", show_default=False)
    ],
    recipe: Annotated[
        str, typer.Option(help="Recipe to start from: a name or a .toml file.", metavar="NAME|FILE.toml")
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
    from tendigits.sweep.space import read_space

    base = load_recipe(recipe)
    settings = read_space(space, base)
    if ray is not None:
        prepare(ray)  # before Keras is imported, so that a wrong address is reported at once
    from tendigits.sweep.ray import run_on_ray
    from tendigits.sweep.study import Sweep, search

    folder = runs / name
    run_trials = None if ray is None else partial(run_on_ray, ray)
    try:
        with _progress() as watch:
            best = search(Sweep(folder, base, settings, data, seed), trials, watch, run_trials)
    except (KeyboardInterrupt, Interrupted) as error:
        number = error.signal_number if isinstance(error, Interrupted) else signal.SIGINT
        reason = f"by {signal.Signals(number).name}; run the same command again to continue"
        raise Interrupted(reason, number) from None
    typer.echo(folder / "search.png")
    typer.echo(f"best recipe: {folder / 'best.toml'}; train it: tendigits train --recipe {folder / 'best.toml'}")
    for field, (value, _) in best.differences(base).items():
        if field not in ("name", "validation_split"):
            typer.echo(f"  {field} = {_text(value)}")


@contextmanager
def _progress() -> "Iterator[Callable[[list[TrialSummary]], None]]":
    """A live table on a terminal, otherwise a line for each trial that ends."""
    if sys.stdout.isatty():
        from rich.live import Live

        with Live(auto_refresh=False) as live:
            yield lambda trials: live.update(_table(trials), refresh=True)
        return
    printed: set[int] = set()

    def print_ended(trials: "list[TrialSummary]") -> None:
        for trial in trials:
            if trial.state in ("finished", "pruned") and trial.number not in printed:
                printed.add(trial.number)
                values = ", ".join(f"{name} {_text(value)}" for name, value in trial.values.items())
                typer.echo(f"trial {trial.number}: {trial.state} {' '.join(_figures(trial))}  {values}")

    yield print_ended


def _table(trials: "list[TrialSummary]") -> "Table":
    """The live table: running trials first, then the best."""
    from rich.table import Table

    running = [trial for trial in trials if trial.state == "running"]
    ended = [trial for trial in trials if trial.state != "running" and trial.accuracy is not None]
    ended = sorted(ended, key=lambda trial: trial.accuracy or 0, reverse=True)[:MAX_ROWS]
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    table = Table("trial", "state", "epochs", "accuracy", *names, box=None, header_style="bold")
    styles = {"running": "bold", "pruned": "dim"}
    for trial in [*running, *ended]:
        values = [_text(trial.values[name]) if name in trial.values else "" for name in names]
        table.add_row(str(trial.number), trial.state, *_figures(trial), *values, style=styles.get(trial.state, ""))
    table.caption = f"{sum(trial.state in ('finished', 'pruned') for trial in trials)} trials done"
    return table


def _figures(trial: "TrialSummary") -> tuple[str, str]:
    return str(trial.epochs), "" if trial.accuracy is None else f"{trial.accuracy:.2%}"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
