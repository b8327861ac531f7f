"""Options that several commands share.

def train(data: Data = None, runs: Runs = Path("runs")) -> None: ...
"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        help="Your own digits: an .npz file, a folder of IDX files, or images in folders 0 to 9.", metavar="PATH"
    ),
]
Runs = Annotated[Path, typer.Option(help="Folder of the runs.", metavar="FOLDER")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
