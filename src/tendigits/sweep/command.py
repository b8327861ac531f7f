"""The command `tendigits sweep`.

tendigits sweep --recipe mlp --space space.toml --trials 40
"""

import signal
import sys
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
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from tendigits.sweep.study import How, Trial

ROWS = 20
"""Of the live table: the best ones, and the one that is running."""


def sweep(
    space: Annotated[
        Path, typer.Option(help="The knobs to search in, as TOML.", metavar="FILE.toml", show_default=False)
    ],
    recipe: Annotated[str, typer.Option(help="A recipe's name or a .toml file to start from.")] = "classic",
    trials: Annotated[int, typer.Option(help="How many to try.", min=1)] = 40,
    name: Annotated[str, typer.Option(help="The search's folder in the folder of runs.")] = "sweep",
    runs: Runs = Path("runs"),
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Of what is proposed.", min=0)] = 0,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Search on a Ray cluster: local (also where nothing follows), auto or HOST:PORT.", metavar="[ADDRESS]"
        ),
    ] = None,
) -> None:
    """Search the settings that do best on held-out training digits; the same command goes on after an interruption."""
    require("tendigits sweep", "train", "scale")
    from tendigits.model.recipe import load_recipe
    from tendigits.sweep.space import read_space

    chosen = load_recipe(recipe)
    searched = read_space(space, chosen)
    from tendigits.sweep.study import Sweep, search

    what = Sweep(runs / name, chosen, searched, data, seed)
    try:
        with _watching() as watch:
            best = search(what, trials, watch, _how(ray))
    except (KeyboardInterrupt, Interrupted) as error:
        number = error.signal_number if isinstance(error, Interrupted) else signal.SIGINT
        name_of = signal.Signals(number).name
        raise Interrupted(f"by {name_of}; the same command goes on where it was", number) from None
    typer.echo(f"{what.folder / 'search.png'}")
    typer.echo(
        f"the best recipe: {what.folder / 'best.toml'}; train it: tendigits train --recipe {what.folder / 'best.toml'}"
    )
    for knob, (_, value) in chosen.differences(best).items():
        if knob not in ("name", "validation_split"):
            typer.echo(f"  {knob} = {_text(value)}")


def _how(ray: str | None) -> "How | None":
    if ray is None:
        return None
    prepare(ray)
    from tendigits.sweep.ray import try_on_ray

    return partial(try_on_ray, ray)


@contextmanager
def _watching() -> "Iterator[Callable[[list[Trial]], None]]":
    """A live table on a terminal, elsewhere a line for each trial that ends."""
    if sys.stdout.isatty():
        from rich.live import Live

        with Live(auto_refresh=False) as live:
            yield lambda trials: live.update(_table(trials), refresh=True)
        return
    told: set[int] = set()

    def tell(trials: "list[Trial]") -> None:
        for trial in trials:
            if trial.state not in ("running", "waiting") and trial.number not in told:
                told.add(trial.number)
                values = ", ".join(f"{name} {_text(value)}" for name, value in trial.values.items())
                typer.echo(f"trial {trial.number}: {trial.state} {' '.join(_figures(trial))}  {values}")

    yield tell


def _table(trials: "list[Trial]") -> "Table":
    from rich.table import Table

    ended = sorted((t for t in trials if t.accuracy is not None), key=lambda t: t.accuracy or 0, reverse=True)[:ROWS]
    running = [trial for trial in trials if trial.state == "running" and trial not in ended]
    knobs = list(dict.fromkeys(name for trial in trials for name in trial.values))
    table = Table("trial", "state", "epochs", "accuracy", *knobs, box=None, header_style="bold")
    styles = {"running": "bold", "pruned": "dim"}
    for trial in [*running, *ended]:
        values = [_text(trial.values[name]) if name in trial.values else "" for name in knobs]
        table.add_row(str(trial.number), trial.state, *_figures(trial), *values, style=styles.get(trial.state, ""))
    table.caption = f"{sum(trial.state in ('finished', 'pruned') for trial in trials)} tried"
    return table


def _figures(trial: "Trial") -> tuple[str, str]:
    return str(trial.epoch), "" if trial.accuracy is None else f"{trial.accuracy:.2%}"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
