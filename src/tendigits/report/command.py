"""The commands `tendigits evaluate`, `data` and `runs`.

tendigits evaluate --help
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tendigits.errors import printable
from tendigits.extras import require
from tendigits.options import Data, Overwrite, Runs, complete_run
from tendigits.outputs import Target, check_targets


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run's name or folder.", metavar="RUN", autocompletion=complete_run)],
    data: Data = None,
    runs: Runs = Path("runs"),
) -> None:
    """Evaluate a run's saved model again and rewrite its report, or write a report on other digits."""
    from tendigits.runs.run import find_run

    require("tendigits evaluate", "train")
    found = find_run(run, runs)  # before Keras is imported, so that an error comes at once
    from tendigits.report.evaluate import evaluate_run
    from tendigits.report.metrics import accuracy_text, corrected_text, own_digits_text

    report, folder = evaluate_run(found.path, data)
    typer.echo(f"accuracy {accuracy_text(report)}")
    for sentence in filter(None, (corrected_text(report), own_digits_text(report))):
        typer.echo(sentence)
    typer.echo(folder / "report.html")


def data(data: Data = None) -> None:
    """Show which digits `train` would use: MNIST, or those of --data."""
    from tendigits.data.load import load
    from tendigits.report.messages import data_lines

    for line in data_lines(load(data)):
        typer.echo(line)


def runs(
    names: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Names or folders of runs: one to show, several to compare.",
            metavar="RUN",
            autocompletion=complete_run,
        ),
    ] = None,
    runs: Runs = Path("runs"),
    picture: Annotated[
        Path | None,
        typer.Option(help="File for the compared curves.", show_default="RUNS/compared.png", metavar="FILE.png"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """List all runs, show one, or compare several. Of two: is the difference luck?"""
    if names is not None and len(names) > 1:
        require("comparing runs", "train")
    from rich.console import Console

    from tendigits.report import compare
    from tendigits.runs.run import find_run

    # In a pipe lines are not wrapped. Names of folders are not parsed as markup.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 1000)
    found = [find_run(name, runs) for name in names or ()]
    if len(found) > 1:
        is_named, picture = picture is not None, picture or runs / "compared.png"
        inputs = [file for run in found for file in run.path.iterdir()]
        check_targets([Target("--picture", picture, (".png",))], inputs, overwrite or not is_named)
        console.print(compare.comparison_table(found))
        if not compare.different_settings(found):
            typer.echo("the recipes are the same")
        if note := compare.different_tests(found):
            typer.echo(note)
        elif len(found) == 2:
            console.print(compare.is_it_luck(*found))
        compare.draw_runs(found, picture)
        typer.echo(f"curves: {picture}")
    elif found:
        console.print(compare.run_table(found[0]))
    else:
        table = compare.list_table(
            runs, console.width, lambda error: typer.echo(f"tendigits: {printable(str(error))}", err=True)
        )
        if table.row_count:
            console.print(table)
        else:
            typer.echo(f"no runs in {runs}; make one with: tendigits train")
