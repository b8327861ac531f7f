"""The command `tendigits train`. It has an option for each field of `Recipe`.

tendigits train --help
"""

import gc
import inspect
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import UserError
from tendigits.extras import require, unseen
from tendigits.options import Data, PlainCommand, Runs, run_option

if TYPE_CHECKING:
    from tendigits.model.setting import Setting

OUTPUT = "Output"
OPTIONAL_FOR_KERAS = ("matplotlib", "pandas", "sklearn")  # slow to import, and training does not use them


class TrainCommand(PlainCommand):
    """Adds the recipe's settings to the options when they are needed, since importing them is slow."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The command's own options and the settings."""
        return [*setting_options(), *super().get_params(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Run the command with the given settings as the context's object."""
        given = {option.opts[0]: ctx.params.pop(option.name) for option in setting_options()}
        # "--batch-size" -> "batch_size"; "--augmentation.shift" -> "augmentation.shift"
        ctx.obj = {flag.lstrip("-").replace("-", "_"): value for flag, value in given.items() if value is not None}
        return super().invoke(ctx)


def complete_recipe(incomplete: str) -> list[str]:
    """The names of recipes, and recipe files in this folder."""
    from tendigits.model.recipe_files import RECIPES

    return [name for name in [*RECIPES, *map(str, Path().glob("*.toml"))] if name.startswith(incomplete)]


def train(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe to train, by name or file.",
            metavar="NAME|FILE.toml",
            show_default="classic",
            autocompletion=complete_recipe,
        ),
    ] = None,
    data: Data = None,
    also: Annotated[
        Path | None,
        typer.Option(
            help="Your own digits, to learn with MNIST: half of them are learned, the others tested.",
            metavar="PATH",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run's folder.", metavar="NAME", show_default="date and time")
    ] = None,
    runs: Runs = Path("runs"),
    resume: Annotated[Path | None, run_option("Resume this interrupted run.")] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the run's folder.", rich_help_panel=OUTPUT)
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line per epoch.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Train a recipe and keep the results in a run folder. Settings you don't give come from the recipe."""
    require("tendigits train", "train")
    from tendigits.runs.run import check_free, find_run

    chosen = None
    if resume is None:
        from tendigits.model.recipe_files import load_recipe

        # Before Keras is imported, so that errors are shown at once.
        chosen = load_recipe(recipe or "classic").with_settings(context.obj)
    else:
        options = {"recipe": recipe, "data": data, "also": also, "name": name} | context.obj
        if given := [f"--{key.replace('_', '-')}" for key, value in options.items() if value is not None]:
            raise UserError(f"--resume takes recipe and data from the run; leave out {', '.join(given)}")
        resume = find_run(resume, runs).path
    if quiet and json:
        raise UserError("expected --quiet or --json, received both; leave one out")
    if name is not None:
        check_free(runs, name)
    from tendigits.pool.pool import WorkerPool
    from tendigits.train.inputs import load_inputs

    # The digits are loaded while Keras is imported; another process imports matplotlib meanwhile, and draws the report
    # while the model is saved.
    with ThreadPoolExecutor(1) as thread, WorkerPool(1, _import_matplotlib) as drawing:
        drawing.warm_up()
        loading = None if chosen is None else thread.submit(load_inputs, chosen, data, also)
        gc.disable()  # imports leave no garbage, and looking for it takes a tenth of their time
        with unseen(*OPTIONAL_FOR_KERAS):
            import keras  # noqa: F401
        gc.freeze()
        gc.enable()
        from tendigits.train.console import Console, JsonConsole, TextConsole
        from tendigits.train.pipeline import resume_run, start_run

        console = Console() if quiet else JsonConsole() if json else TextConsole()
        if chosen is not None and loading is not None:
            trained = start_run(chosen, loading.result, runs, name, console, drawing=drawing)
        elif resume is not None:
            trained = resume_run(resume, console=console, drawing=drawing)
    if quiet:
        typer.echo(trained.run.path)


def _import_matplotlib() -> None:
    """Prepare the process that draws: import matplotlib and load its fonts, which takes a second."""
    from tendigits.model.recipe import Recipe
    from tendigits.report.charts import history_charts
    from tendigits.report.curves import draw_curves

    history = {key: [0.5] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
    history_charts(history, Recipe())
    draw_curves(history).savefig(BytesIO())


@cache
def setting_options() -> list[Any]:
    """An option for each field of a recipe, and `--augmentation.FIELD` for each field of its augmentation."""
    from tendigits.model.setting import settings

    def options(**_: Any) -> None:
        """Only the signature matters."""

    options.__signature__ = inspect.Signature([_parameter(each) for each in settings()])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(options)
    return [option for option in typer.main.get_command(app).params if option.name != "help"]


def _parameter(setting: "Setting") -> inspect.Parameter:
    """A parameter that typer turns into an option. Its value is None if it is not given."""
    flag, panel, text = f"--{setting.name.replace('_', '-')}", "Settings", setting.help
    kind: type = {"switch": bool, "integer": int, "number": float}.get(setting.kind, str)
    metavar, parser = {int: "N", float: "X", bool: ""}.get(kind), None
    if setting.kind == "switch":
        flag += f"/--no-{flag.removeprefix('--')}"
        panel = "Settings that are on or off"  # their long names would leave no room for the other settings' help
    elif setting.kind == "choice":
        metavar, text = "NAME", f"{text} One of {', '.join(setting.choices)}."
    elif kind is str:
        metavar, parser = "A,B,...", _integers if setting.kind == "integers" else _texts
        if setting.choices:
            text += f" Any of {', '.join(setting.choices)}."
    if setting.name.startswith("augmentation."):
        panel = "Augmentation"
    option = typer.Option(flag, help=text, metavar=metavar, parser=parser, rich_help_panel=panel, show_default=False)
    annotation = Annotated[kind | None, option]  # type: ignore[valid-type]
    name = setting.name.replace(".", "_")
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _integers(text: str) -> tuple[int, ...]:
    """'512,512' as numbers; '' as an empty tuple."""
    try:
        return tuple(map(int, _texts(text)))
    except ValueError:
        raise typer.BadParameter(f"expected numbers with commas between, such as 512,512; received {text!r}") from None


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
