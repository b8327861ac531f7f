"""Options that several commands share, and what a shell proposes for them.

def train(data: Data = None, runs: Runs = Path("runs")) -> None: ...
"""

from pathlib import Path
from typing import Annotated

import typer


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of runs in the folder --runs."""
    names = (path.parent.name for path in Path(ctx.params.get("runs") or "runs").glob("*/run.json"))
    return sorted(name for name in names if name.startswith(incomplete))


def complete_run_folder(incomplete: str) -> list[str]:
    """The folders of runs in runs/."""
    folders = (str(path.parent) for path in Path("runs").glob("*/run.json"))
    return sorted(folder for folder in folders if folder.startswith(incomplete))


Data = Annotated[
    Path | None,
    typer.Option(
        help="Your own digits: an .npz file, a folder of IDX files, or images in folders 0 to 9.", metavar="PATH"
    ),
]
Runs = Annotated[Path, typer.Option(help="Folder of the runs.", metavar="FOLDER")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
