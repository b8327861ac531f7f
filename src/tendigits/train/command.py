"""The command `tendigits train`.

tendigits train --help
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.options import Data, Runs

if TYPE_CHECKING:
    from tendigits.model.recipe import Recipe
    from tendigits.train.console import Screen
    from tendigits.train.hosts import Team

KNOBS, DEVICES, OUTPUT = "Recipe: each knob a field of it", "Several devices or hosts", "Output"


def train(
    recipe: Annotated[
        str | None,
        typer.Option(help="A known one, or a .toml file of knobs.", metavar="NAME|FILE.toml", show_default="classic"),
    ] = None,
    data: Data = None,
    name: Annotated[
        str | None, typer.Option(help="Of the run's folder.", show_default="the time", metavar="NAME")
    ] = None,
    runs: Runs = Path("runs"),
    resume: Annotated[Path | None, typer.Option(help="Go on with this interrupted run.", metavar="RUN")] = None,
    hidden: Annotated[
        str | None,
        typer.Option(help="Units of the hidden layers, such as 512,512.", metavar="N,N,...", rich_help_panel=KNOBS),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            help="Of the hidden layers: relu, gelu, silu, elu, tanh or sigmoid.", metavar="NAME", rich_help_panel=KNOBS
        ),
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="0 to below 1.", metavar="SHARE", rich_help_panel=KNOBS)] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adam, adamw, nadam, rmsprop or sgd.", metavar="NAME", rich_help_panel=KNOBS)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the optimizer.", metavar="RATE", rich_help_panel=KNOBS)
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Keras' name of a categorical loss.", metavar="NAME", rich_help_panel=KNOBS)
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Keras' names, such as accuracy,mean_squared_error.", metavar="NAME,...", rich_help_panel=KNOBS
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Digits a step.", metavar="N", rich_help_panel=KNOBS)] = None,
    epochs: Annotated[int | None, typer.Option(help="At most so many.", metavar="N", rich_help_panel=KNOBS)] = None,
    monitor: Annotated[
        str | None,
        typer.Option(
            help="val_loss or val_accuracy: what early stopping looks at.", metavar="NAME", rich_help_panel=KNOBS
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without improvement before it stops.", metavar="N", rich_help_panel=KNOBS)
    ] = None,
    restore_best: Annotated[
        bool | None,
        typer.Option(
            "--restore-best/--keep-last", help="Keep the best epoch's weights, or the last's.", rich_help_panel=KNOBS
        ),
    ] = None,
    validation_split: Annotated[
        float | None,
        typer.Option(
            help="Share of the training digits to validate on, in place of the test set.",
            metavar="SHARE",
            rich_help_panel=KNOBS,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.", metavar="N", rich_help_panel=KNOBS)] = None,
    devices: Annotated[
        int, typer.Option(help="Parts of each batch, a device for each.", min=1, metavar="N", rich_help_panel=DEVICES)
    ] = 1,
    hosts: Annotated[
        str | None,
        typer.Option(
            help="All that train together; the same command is called on each.",
            metavar="FIRST:PORT,SECOND,...",
            rich_help_panel=DEVICES,
        ),
    ] = None,
    host: Annotated[
        int | None,
        typer.Option(
            help="Which of them this one is, from 0.",
            min=0,
            metavar="N",
            show_default="by its address",
            rich_help_panel=DEVICES,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the run's folder.", rich_help_panel=OUTPUT)
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line for each epoch.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Train a recipe and keep all of it in a run folder. Knobs not given are the recipe's."""
    require("tendigits train", "train")
    knobs = {
        "hidden": _listed(hidden, "hidden", int),
        "activation": activation,
        "dropout": dropout,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "loss": loss,
        "metrics": _listed(metrics, "metrics", str),
        "batch_size": batch_size,
        "epochs": epochs,
        "monitor": monitor,
        "patience": patience,
        "restore_best": restore_best,
        "validation_split": validation_split,
        "seed": seed,
    }
    changes = {key: value for key, value in knobs.items() if value is not None}
    if resume is not None:
        # With hosts the data may lie elsewhere on each; the first has it from the run.
        _refuse_with_resume({"recipe": recipe, "data": None if hosts else data, "name": name} | changes)
        chosen = None
    else:
        chosen = _chosen_recipe(recipe or "classic", changes)  # before Keras is loaded: a wrong knob is told at once
    if hosts is not None:  # before JAX is loaded: what goes wrong is said by us, in one line
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from tendigits.train.follow import follow
    from tendigits.train.pipeline import resume_run, run_recipe

    team, screen = _team(devices, hosts, host), _screen(quiet, json)
    if team is not None and team.host:
        follow(team, data, screen=screen)
        return
    if resume is not None:
        trained = resume_run(resume, screen=screen, team=team)
    else:
        trained = run_recipe(chosen, data, runs=runs, name=name, screen=screen, team=team)
    if quiet:
        typer.echo(trained.run.path)


def _team(devices: int, hosts: str | None, host: int | None) -> "Team | None":
    """What trains, where it is more than one device."""
    from tendigits.engine.devices import data_parallel
    from tendigits.train.hosts import Team, join

    if hosts is not None:
        return join([name.strip() for name in hosts.split(",")], host, devices)
    if host is not None:
        raise UserError("--host says which of the --hosts this is; give these, too")
    return Team(data_parallel(devices)) if devices > 1 else None


def _screen(quiet: bool, json: bool) -> "Screen":
    from tendigits.train import console

    if quiet and json:
        raise UserError("expected --quiet or --json, received both; leave one out")
    if quiet:
        return console.Screen()
    return console.JsonScreen() if json else console.TextScreen()


def _chosen_recipe(name_or_file: str, changes: dict[str, Any]) -> "Recipe":
    from tendigits.model.recipe import load_recipe

    return load_recipe(name_or_file).with_changes(**changes)


def _refuse_with_resume(options: dict[str, Any]) -> None:
    given = [f"--{key.replace('_', '-')}" for key, value in options.items() if value is not None]
    if given:
        raise UserError(f"--resume takes recipe and data from the run; leave out {', '.join(given)}")


def _listed(text: str | None, field: str, kind: type) -> list[Any] | None:
    """'512,512' as a list; the empty text as the empty list."""
    if text is None:
        return None
    try:
        return [kind(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UserError(f"--{field}: expected values with commas between, such as 512,512; received {text!r}") from None
