"""The command `tendigits train`. Each setting of a recipe is an option, made from the fields of `Recipe`.

tendigits train --help
"""

import gc
import inspect
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tendigits.errors import UserError
from tendigits.extras import require, unseen
from tendigits.options import Data, Runs

if TYPE_CHECKING:
    from tendigits.model.setting import Setting
    from tendigits.train.console import Console

SETTINGS, SWITCHES, AUGMENTATION = "Settings", "Settings that are on or off", "Augmentation"
DEVICES, OUTPUT = "Several devices or processes", "Output"


NOT_FOR_KERAS = ("matplotlib", "pandas", "sklearn")
"""What Keras imports where it is installed, for functions that no training calls: it would take longer than Keras."""


class TrainCommand(TyperCommand):
    """Adds the recipe's settings to the options when they are needed: they take 0.1 s to import."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The command's own options and the settings."""
        return [*setting_options(), *super().get_params(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Run the command with the given settings as the context's object."""
        given = {option.opts[0]: ctx.params.pop(option.name) for option in setting_options()}
        # "--batch-size" -> "batch_size"; "--augmentation.shift" -> "augmentation.shift"
        ctx.obj = {flag.lstrip("-").replace("-", "_"): value for flag, value in given.items() if value is not None}
        return super().invoke(ctx)


def train(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Option(help="Recipe to train, by name or file.", metavar="NAME|FILE.toml", show_default="classic"),
    ] = None,
    data: Data = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run's folder.", metavar="NAME", show_default="date and time")
    ] = None,
    runs: Runs = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Resume this interrupted run.", metavar="RUN", show_default=False)
    ] = None,
    devices: Annotated[
        int, typer.Option(help="Number of devices that share each batch.", min=1, metavar="N", rich_help_panel=DEVICES)
    ] = 1,
    coordinator: Annotated[
        str | None,
        typer.Option(
            help="Address of process 0, where several train together.", metavar="HOST:PORT", rich_help_panel=DEVICES
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Number of processes.", min=1, metavar="N", rich_help_panel=DEVICES)
    ] = None,
    process_id: Annotated[
        int | None, typer.Option(help="Number of this process, from 0.", min=0, metavar="N", rich_help_panel=DEVICES)
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the run's folder.", rich_help_panel=OUTPUT)
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line per epoch.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Train a recipe and keep the results in a run folder. Settings you don't give come from the recipe."""
    require("tendigits train", "train")
    chosen = None
    if resume is None:
        from tendigits.model.recipe_files import load_recipe

        # Before Keras is imported: errors come at once.
        chosen = load_recipe(recipe or "classic").with_settings(context.obj)
    else:
        # The digits may lie in another place on another machine; process 0 knows the place from the run.
        options = {"recipe": recipe, "data": None if process_id else data, "name": name} | context.obj
        if given := [f"--{key.replace('_', '-')}" for key, value in options.items() if value is not None]:
            raise UserError(f"--resume takes recipe and data from the run; leave out {', '.join(given)}")
    if coordinator is not None:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before JAX is imported: errors come as one line of ours
    from tendigits.data.load import load
    from tendigits.train.inputs import load_inputs

    with ThreadPoolExecutor(1) as background:
        # The digits are loaded while Keras is imported, and matplotlib is imported while the network is trained.
        loading = None
        if chosen is not None and coordinator is None:
            loading = background.submit(load_inputs, partial(load, data), chosen)
        _import_keras()
        background.submit(_import_matplotlib)
        from tendigits.engine.devices import data_parallel
        from tendigits.train import spmd
        from tendigits.train.pipeline import resume_run, run_recipe

        console = _console(quiet, json)
        distribution = data_parallel(devices) if devices > 1 and coordinator is None else None
        if coordinator is not None and processes is not None and process_id is not None:
            distribution = spmd.initialize(coordinator, processes, process_id, devices)
            if process_id > 0:
                spmd.train_along(distribution, data, console)
                return
        elif any(option is not None for option in (coordinator, processes, process_id)):
            raise UserError("expected --coordinator, --processes and --process-id together")
        if resume is not None:
            trained = resume_run(resume, console=console, distribution=distribution)
        else:
            trained = run_recipe(
                chosen, data, runs=runs, name=name, console=console, distribution=distribution, loading=loading
            )
    if quiet:
        typer.echo(trained.run.path)


def _import_keras() -> None:
    """Import Keras without what it needs not, and without looking for garbage, which imports leave none of."""
    gc.disable()
    with unseen(*NOT_FOR_KERAS):
        import keras  # noqa: F401
    gc.freeze()
    gc.enable()


def _import_matplotlib() -> None:
    """Import matplotlib and let it load its fonts, which takes a second."""
    from tendigits.report.curves import draw_curves

    draw_curves({}).savefig(BytesIO())


@cache
def setting_options() -> list[Any]:
    """An option for each field of a recipe, and `--augmentation.FIELD` for each field of its augmentation."""
    from tendigits.model.setting import settings

    def options(**_: Any) -> None:
        """Only its signature counts."""

    options.__signature__ = inspect.Signature([_parameter(each) for each in settings()])  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(options)
    return [option for option in typer.main.get_command(app).params if option.name != "help"]


def _parameter(setting: "Setting") -> inspect.Parameter:
    """A parameter that typer turns into an option; its value is None if it is not given."""
    flag, panel, help_text = f"--{setting.name.replace('_', '-')}", SETTINGS, setting.help
    kind: type = {"switch": bool, "integer": int, "number": float}.get(setting.kind, str)
    metavar, parser = {int: "N", float: "X"}.get(kind), None
    if setting.kind == "switch":
        flag += f"/--no-{flag.removeprefix('--')}"
        panel = SWITCHES  # the long names would leave no room for the other settings' help
    elif setting.kind == "choice":
        metavar, help_text = "NAME", f"{help_text} One of {', '.join(setting.choices)}."
    elif kind is str:
        metavar, parser = "A,B,...", _integers if setting.kind == "integers" else _texts
        if setting.choices:
            help_text += f" Any of {', '.join(setting.choices)}."
    if setting.name.startswith("augmentation."):
        panel = AUGMENTATION
    option = typer.Option(
        flag, help=help_text, metavar=metavar, parser=parser, rich_help_panel=panel, show_default=False
    )  # fmt: skip
    annotation = Annotated[kind | None, option]  # type: ignore[valid-type]
    name = setting.name.replace(".", "_")
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _integers(text: str) -> tuple[int, ...]:
    """'512,512' as numbers; an empty text as none of them."""
    try:
        return tuple(map(int, _texts(text)))
    except ValueError:
        raise typer.BadParameter(f"expected numbers with commas between, such as 512,512; received {text!r}") from None


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _console(quiet: bool, json: bool) -> "Console":
    from tendigits.train import console

    if quiet and json:
        raise UserError("expected --quiet or --json, received both; leave one out")
    if quiet:
        return console.Console()
    return console.JsonConsole() if json else console.TextConsole()
