"""Options that several commands share, and what a shell proposes for them.

def train(data: Data = None, runs: Runs = Path("runs")) -> None: ...
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from tendigits.errors import Interrupted


class _PlainTypes:
    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; the help calls no switch a `<bool>` and no argument a `<list[Path]>`."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in params:
            each.metavar = "" if getattr(each, "is_flag", False) else each.metavar
            if each.param_type_name == "argument":
                each.display_type = lambda ctx: None
        return params


class PlainCommand(_PlainTypes, TyperCommand):
    """A command whose help has switches and arguments without a type."""


class PlainGroup(_PlainTypes, TyperGroup):
    """The same for the command that has commands."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. A second Ctrl-C while its pools are closed does not hide how to resume the work."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            first = error.__context__
            while first is not None and not isinstance(first, Interrupted):
                first = first.__context__
            raise (first or error) from None


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of runs in the folder --runs, or their paths if a path has been begun."""
    folders = [path.parent for path in Path(ctx.params.get("runs") or "runs").glob("*/run.json")]
    names = map(str, folders) if "/" in incomplete else (folder.name for folder in folders)
    return sorted(name for name in names if name.startswith(incomplete))


def run_option(text: str, metavar: str = "RUN", default: str | bool = False) -> Any:
    """An option that names a run; `default` is what the help says of its default."""
    return typer.Option(help=text, metavar=metavar, show_default=default, autocompletion=complete_run)


Data = Annotated[
    Path | None,
    typer.Option(
        help="Your own digits: an .npz file, a folder of IDX files, or images in folders 0 to 9.", metavar="PATH"
    ),
]
Runs = Annotated[Path, typer.Option(help="Folder of the runs.", metavar="FOLDER")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
